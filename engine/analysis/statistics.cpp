// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/statistics.h"

#include "engine/analysis/statistics_paths.h"

#include <numeric>

namespace qscope::engine {

namespace {

bool hasFewPatterns(DType type) {
    const DTypeInfo& row = info(type);
    return row.blockLength == 1 && (row.blockBits == 8 || row.blockBits == 16);
}

/// Types that single precision would round.
bool holdsMoreThanSingle(DType type) {
    const DTypeInfo& row = info(type);
    return type == DType::F64 || (row.kind == DTypeKind::Integer && row.blockBits > 16);
}

/// Elements of largest magnitude lie on the rows (or the columns, where there are more of these) whose own largest
/// magnitudes are the largest, so that a few lines tell them all.
Result<void> findExtremes(TensorStatistics& s, const TensorView& tensor, int wanted) {
    const MatrixShape shape = asMatrix(tensor.shape);
    const bool byRow = shape.rows >= std::min<std::int64_t>(wanted, shape.columns);
    const std::vector<float>& magnitudes = byRow ? s.rowAbsMax : s.columnAbsMax;
    std::vector<std::int64_t> lines(std::min<std::size_t>(static_cast<std::size_t>(wanted), magnitudes.size()));
    const auto larger = [&](std::int64_t a, std::int64_t b) {
        const float first = magnitudes[static_cast<std::size_t>(a)], second = magnitudes[static_cast<std::size_t>(b)];
        return first != second ? first > second : a < b;
    };
    std::vector<std::int64_t> all(magnitudes.size());
    std::iota(all.begin(), all.end(), 0);
    std::ranges::partial_sort_copy(all, lines, larger);
    std::vector<ExtremeValue> found;
    std::vector<double> values;
    for (const std::int64_t line : lines) {
        if (byRow) {
            values.resize(static_cast<std::size_t>(shape.columns));
            QSCOPE_CHECK(decode(tensor, line * shape.columns, std::span(values)));
        } else {
            values.resize(static_cast<std::size_t>(shape.rows));
            for (std::int64_t row = 0; row < shape.rows; ++row)
                QSCOPE_CHECK(decode(tensor, row * shape.columns + line, std::span(values).subspan(static_cast<std::size_t>(row), 1)));
        }
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto across = static_cast<std::int64_t>(i);
            if (std::isfinite(values[i]))
                found.push_back(byRow ? ExtremeValue{line, across, values[i]} : ExtremeValue{across, line, values[i]});
        }
        const auto above = [](const ExtremeValue& a, const ExtremeValue& b) {
            const double first = std::fabs(a.value), second = std::fabs(b.value);
            return first != second ? first > second : std::pair(a.row, a.column) < std::pair(b.row, b.column);
        };
        const std::size_t kept = std::min(found.size(), static_cast<std::size_t>(wanted));
        std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(), above);
        found.resize(kept);
    }
    s.extremes = std::move(found);
    return {};
}

} // namespace

Result<std::shared_ptr<const TensorStatistics>>
computeStatistics(const TensorView& tensor, const StatisticsOptions& options, const RunContext& context) {
    constexpr int kMost = 1 << 20;
    if (options.bins < 1 || options.bins > kMost) return fail(ErrorCode::OutOfRange, "{} bins, 1 to {} are possible", options.bins, kMost);
    if (options.extremes < 0 || options.extremes > kMost || options.quantiles < 0 || options.quantiles > kMost)
        return fail(ErrorCode::OutOfRange, "at most {} extremes and quantiles are possible", kMost);
    if (!canDecode(tensor.dtype))
        return fail(ErrorCode::Unsupported, "no statistics of values of type {}", info(tensor.dtype).name);
    auto statistics = std::make_shared<TensorStatistics>();
    statistics->count = elementCount(tensor.shape);
    if (statistics->count == 0) return std::shared_ptr<const TensorStatistics>(statistics);
    if (hasFewPatterns(tensor.dtype)) {
        QSCOPE_CHECK(detail::computeFromPatterns(*statistics, tensor, options, context));
    } else if (holdsMoreThanSingle(tensor.dtype)) {
        QSCOPE_CHECK(detail::computeFromValues<double>(*statistics, tensor, options, context));
    } else {
        QSCOPE_CHECK(detail::computeFromValues<float>(*statistics, tensor, options, context));
    }
    QSCOPE_CHECK(findExtremes(*statistics, tensor, options.extremes));
    return std::shared_ptr<const TensorStatistics>(statistics);
}

} // namespace qscope::engine
