// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/transposed.h"

namespace qscope::engine {

std::uint64_t Transposed::storedBits(const Shape&) const { return qscope::engine::storedBits(*base); }

std::string Transposed::describe() const { return qscope::engine::describe(*base) + ", transposed"; }

/// Goes through the base row by row and takes from each the columns that are asked for rows here.
Result<void> Transposed::dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const {
    if (out.empty()) return {};
    const std::int64_t rows = shape[0], columns = shape[1], end = first + static_cast<std::int64_t>(out.size());
    const std::int64_t top = first / columns, bottom = (end - 1) / columns + 1;
    std::vector<float> strip(static_cast<std::size_t>(bottom - top));
    for (std::int64_t column = 0; column < columns; ++column) {
        QSCOPE_CHECK(qscope::engine::dequantize(*base, column * rows + top, strip));
        for (std::int64_t row = top; row < bottom; ++row) {
            const std::int64_t element = row * columns + column;
            if (element >= first && element < end)
                out[static_cast<std::size_t>(element - first)] = strip[static_cast<std::size_t>(row - top)];
        }
    }
    return {};
}

std::vector<float> Transposed::levels(const Shape&, std::int64_t row, std::int64_t column) const {
    return gridLevels(*base, column, row);
}

std::shared_ptr<const QuantizedTensor> transposed(std::shared_ptr<const QuantizedTensor> result) {
    Shape shape{result->shape.at(1), result->shape.at(0)};
    Transposed form;
    form.base = std::move(result);
    return std::make_shared<const QuantizedTensor>(tensorOf(std::move(shape), std::move(form)));
}

} // namespace qscope::engine
