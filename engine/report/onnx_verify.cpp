// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/onnx_verify.h"

#include "engine/tensor/coded_weight.h"

#include <algorithm>
#include <cstring>

namespace qscope::engine {

namespace {

constexpr std::int64_t kPiece = 1 << 20;

bool equal(float a, float b) { return a == b || (a != a && b != b); }

/// Calls compare(first, count) piece by piece until one differs.
template<class Compare>
Result<bool> eachPiece(std::int64_t count, const RunContext& context, const Compare& compare) {
    for (std::int64_t first = 0; first < count; first += kPiece) {
        if (context.cancelled()) return cancelled();
        QSCOPE_TRY(const bool same, compare(first, std::min(kPiece, count - first)));
        if (!same) return false;
    }
    return true;
}

/// The values of `groups` in their order are these numbers.
Result<bool> sameNumbers(const std::optional<GroupValues>& groups, std::span<const float> wanted) {
    if (!groups) return wanted.empty();
    if (elementCount(groups->values.shape) != std::ssize(wanted)) return false;
    std::vector<float> read(wanted.size());
    QSCOPE_CHECK(decode(groups->values, 0, std::span<float>(read)));
    return std::ranges::equal(read, wanted, equal);
}

struct Parts {
    std::span<const std::uint8_t> codes;
    bool isSigned;
    std::span<const float> scales;
    std::vector<float> zeros;
};

Parts partsOf(const QuantizedTensor& result) {
    if (const auto* levels = std::get_if<LevelCodes>(&result.codes)) return {levels->codes, false, levels->scales, {}};
    const auto& grid = std::get<GridCodes>(result.codes);
    return {grid.values.codes, grid.grid.symmetric, grid.values.scales, {grid.values.zeros.begin(), grid.values.zeros.end()}};
}

} // namespace

Result<bool> sameAsResult(const TensorView& read, const QuantizedTensor& result, const RunContext& context) {
    const CodedWeight* coded = read.source ? read.source->coded() : nullptr;
    if (!coded || read.shape != result.shape) return false;
    const Parts parts = partsOf(result);
    QSCOPE_TRY(const bool scales, sameNumbers(coded->scales, parts.scales));
    QSCOPE_TRY(const bool zeros, sameNumbers(coded->zeros, parts.zeros));
    if (!scales || !zeros) return false;
    std::vector<std::int32_t> codes(kPiece);
    std::vector<float> values(kPiece), wanted(kPiece);
    return eachPiece(elementCount(result.shape), context, [&](std::int64_t first, std::int64_t count) -> Result<bool> {
        const auto length = static_cast<std::size_t>(count);
        unpack(coded->codes, first, std::span(codes).first(length));
        for (std::size_t i = 0; i < length; ++i) {
            const std::uint8_t code = parts.codes[static_cast<std::size_t>(first) + i];
            if (codes[i] != (parts.isSigned ? static_cast<std::int8_t>(code) : static_cast<std::int32_t>(code))) return false;
        }
        QSCOPE_CHECK(decode(read, first, std::span(values).first(length)));
        QSCOPE_CHECK(dequantize(result, first, std::span(wanted).first(length)));
        return std::equal(values.begin(), values.begin() + count, wanted.begin(), equal);
    });
}

Result<bool> sameTensor(const TensorView& a, const TensorView& b, const RunContext& context) {
    if (a.dtype != b.dtype || a.shape != b.shape || a.bytes.size() != b.bytes.size()) return false;
    if (!a.source)
        return eachPiece(std::ssize(a.bytes), context, [&](std::int64_t first, std::int64_t count) -> Result<bool> {
            context.progress.done += count;
            return std::memcmp(a.bytes.data() + first, b.bytes.data() + first, static_cast<std::size_t>(count)) == 0;
        });
    std::vector<double> left(kPiece), right(kPiece);
    return eachPiece(elementCount(a.shape), context, [&](std::int64_t first, std::int64_t count) -> Result<bool> {
        const auto length = static_cast<std::size_t>(count);
        QSCOPE_CHECK(decode(a, first, std::span(left).first(length)));
        QSCOPE_CHECK(decode(b, first, std::span(right).first(length)));
        return std::equal(left.begin(), left.begin() + count, right.begin(),
                          [](double x, double y) { return x == y || (x != x && y != y); });
    });
}

} // namespace qscope::engine
