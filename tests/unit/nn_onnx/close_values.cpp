// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn_onnx/close_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace qscope::test {

using engine::nn::Value;

Closeness closenessOf(DType type) {
    switch (type) {
    case DType::F64: return {1e-12, 1e-13};
    case DType::F32: return {1e-5, 1e-6};
    case DType::F16: return {0x1p-10, 0x1p-11};
    case DType::BF16: return {0x1p-7, 0x1p-8};
    default: return {};
    }
}

std::vector<double> numbersOf(const Value& value) {
    std::vector<double> numbers(static_cast<std::size_t>(engine::elementCount(value.shape())));
    engine::TensorView bytes = value.host;
    if (bytes.dtype == DType::Bool) bytes.dtype = DType::U8;
    if (!engine::decode(bytes, 0, numbers)) std::ranges::fill(numbers, std::nan(""));
    return numbers;
}

std::optional<std::string> difference(const Value& found, const Value& expected, Closeness closeness) {
    if (found.dtype() != expected.dtype() || !found.texts != !expected.texts)
        return fmt::format("type {} instead of {}", info(found.dtype()).name, info(expected.dtype()).name);
    if (found.shape() != expected.shape())
        return fmt::format("shape {} instead of {}", found.shape(), expected.shape());
    if (found.texts) return *found.texts == *expected.texts ? std::nullopt : std::optional<std::string>("other texts");
    // Integers of 64 bits are more than doubles hold.
    if (closeness.relative == 0 && closeness.ofLargest == 0 && info(found.dtype()).kind == DTypeKind::Integer)
        return std::ranges::equal(found.host.bytes, expected.host.bytes) ? std::nullopt
                                                                         : std::optional<std::string>("other numbers");
    const auto a = numbersOf(found), b = numbersOf(expected);
    double largest = 0, worst = 0;
    for (const double x : b)
        if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
    std::size_t wrong = 0, first = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
        if (same || std::abs(a[i] - b[i]) <= closeness.relative * std::abs(b[i]) + closeness.ofLargest * largest)
            continue;
        if (wrong++ == 0) first = i;
        worst = std::max(worst, std::abs(a[i] - b[i]));
    }
    if (wrong == 0) return std::nullopt;
    return fmt::format("{} of {} elements, first [{}]: {} instead of {}, worst by {:.3g}", wrong, b.size(), first,
                       a[first], b[first], worst);
}

} // namespace qscope::test
