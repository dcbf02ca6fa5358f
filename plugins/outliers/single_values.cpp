// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/outliers/single_values.h"

#include "engine/quant/forms.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope::engine {

std::vector<std::int64_t> largestOf(std::span<const float> scores, std::int64_t count) {
    std::vector<std::int64_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    count = std::clamp<std::int64_t>(count, 0, static_cast<std::int64_t>(order.size()));
    std::nth_element(order.begin(), order.begin() + count, order.end(), [&](std::int64_t a, std::int64_t b) {
        const float left = scores[static_cast<std::size_t>(a)], right = scores[static_cast<std::size_t>(b)];
        return left != right ? left > right : a < b;
    });
    order.resize(static_cast<std::size_t>(count));
    std::ranges::sort(order);
    return order;
}

std::int64_t shareOf(std::int64_t elements, double percent) {
    return static_cast<std::int64_t>(std::floor(static_cast<double>(elements) * percent / 100 + 1e-9));
}

QuantizedTensor withSingleValues(QuantizedTensor base, std::span<const std::int64_t> elements,
                                 std::span<const float> values) {
    const MatrixShape matrix = asMatrix(base.shape);
    WithOutliers form;
    form.rowStart.assign(static_cast<std::size_t>(matrix.rows) + 1, 0);
    for (const std::int64_t element : elements) {
        ++form.rowStart[static_cast<std::size_t>(element / matrix.columns) + 1];
        form.columns.push_back(static_cast<std::int32_t>(element % matrix.columns));
        form.values.push_back(
            roundedTo(ScaleType::F16, std::clamp(values[static_cast<std::size_t>(element)], -65504.0F, 65504.0F)));
    }
    std::partial_sum(form.rowStart.begin(), form.rowStart.end(), form.rowStart.begin());
    Shape shape = base.shape;
    form.base = std::make_shared<const QuantizedTensor>(std::move(base));
    return tensorOf(std::move(shape), std::move(form));
}

QuantizedTensor outlineWithSingleValues(QuantizedTensor base, std::int64_t count) {
    WithOutliers form;
    form.outlineCount = count;
    Shape shape = base.shape;
    form.base = std::make_shared<const QuantizedTensor>(std::move(base));
    return tensorOf(std::move(shape), std::move(form));
}

} // namespace qscope::engine
