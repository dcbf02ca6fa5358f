// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/statistics.h"

#include "engine/analysis/line_norms.h"
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

/// The elements of largest magnitude seen so far, equal ones in the order of the matrix.
class Extremes {
public:
    explicit Extremes(int wanted) : m_wanted(static_cast<std::size_t>(wanted)) {}

    void see(std::int64_t row, std::int64_t column, double value) {
        if (!std::isfinite(value) || std::fabs(value) < m_least) return;
        m_found.push_back({row, column, value});
        if (m_found.size() >= 2 * m_wanted + 64) sorted();
    }
    const std::vector<ExtremeValue>& sorted() {
        std::ranges::sort(m_found, [](const ExtremeValue& a, const ExtremeValue& b) {
            const double first = std::fabs(a.value), second = std::fabs(b.value);
            return first != second ? first > second : std::pair(a.row, a.column) < std::pair(b.row, b.column);
        });
        if (m_found.size() >= m_wanted) {
            m_found.resize(m_wanted);
            m_least = m_found.empty() ? 0 : std::fabs(m_found.back().value);
        }
        return m_found;
    }

private:
    std::size_t m_wanted;
    double m_least = 0;
    std::vector<ExtremeValue> m_found;
};

/// Elements of largest magnitude lie on the rows (or the columns, where there are more of these) whose own largest
/// magnitudes are the largest, so that a few lines tell them all. For types that single precision holds.
Result<std::vector<ExtremeValue>> extremesFromLines(const TensorStatistics& s, const TensorView& tensor, int wanted) {
    const MatrixShape shape = asMatrix(tensor.shape);
    const bool byRow = shape.rows >= std::min<std::int64_t>(wanted, shape.columns);
    const std::vector<float>& magnitudes = byRow ? s.rowAbsMax : s.columnAbsMax;
    std::vector<std::int64_t> all(magnitudes.size());
    std::iota(all.begin(), all.end(), 0);
    std::vector<std::int64_t> lines(std::min(static_cast<std::size_t>(wanted), magnitudes.size()));
    std::ranges::partial_sort_copy(all, lines, [&](std::int64_t a, std::int64_t b) {
        const float first = magnitudes[static_cast<std::size_t>(a)], second = magnitudes[static_cast<std::size_t>(b)];
        return first != second ? first > second : a < b;
    });
    Extremes extremes(wanted);
    std::vector<float> values(static_cast<std::size_t>(byRow ? shape.columns : shape.rows));
    for (const std::int64_t line : lines) {
        if (byRow) QSCOPE_CHECK(decode(tensor, line * shape.columns, std::span(values)));
        for (std::int64_t at = 0; at < static_cast<std::int64_t>(values.size()); ++at) {
            float& value = values[static_cast<std::size_t>(at)];
            if (!byRow) QSCOPE_CHECK(decode(tensor, at * shape.columns + line, std::span(&value, 1)));
            extremes.see(byRow ? line : at, byRow ? at : line, static_cast<double>(value));
        }
    }
    return extremes.sorted();
}

/// A pass over all values, for types whose magnitudes per line are rounded.
Result<std::vector<ExtremeValue>> extremesFromValues(const TensorView& tensor, int wanted, const RunContext& context) {
    const detail::Tiling tiling(asMatrix(tensor.shape));
    std::vector<Extremes> found(static_cast<std::size_t>(tiling.items()), Extremes(wanted));
    QSCOPE_CHECK(detail::walk(tiling, {2, detail::kPassesInDouble}, context, [&](const detail::Run& run) -> Result<void> {
        std::vector<double> values(static_cast<std::size_t>(run.rows * run.columns));
        QSCOPE_CHECK(decode(tensor, run.row * tiling.shape.columns + run.column, std::span(values)));
        for (std::int64_t i = 0; i < run.rows * run.columns; ++i)
            found[static_cast<std::size_t>(run.item)].see(run.row + i / run.columns, run.column + i % run.columns,
                                                          values[static_cast<std::size_t>(i)]);
        return {};
    }));
    Extremes all(wanted);
    for (Extremes& part : found)
        for (const auto& [row, column, value] : part.sorted()) all.see(row, column, value);
    return all.sorted();
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
    if (context.progress.total == 0) context.progress.total = statistics->count;
    if (statistics->count == 0) return std::shared_ptr<const TensorStatistics>(statistics);
    if (holdsMoreThanSingle(tensor.dtype)) {
        QSCOPE_CHECK(detail::computeFromValues<double>(*statistics, tensor, options, context));
        QSCOPE_TRY(statistics->extremes, extremesFromValues(tensor, options.lines ? options.extremes : 0, context));
    } else {
        if (hasFewPatterns(tensor.dtype)) QSCOPE_CHECK(detail::computeFromPatterns(*statistics, tensor, options, context));
        else QSCOPE_CHECK(detail::computeFromValues<float>(*statistics, tensor, options, context));
        if (!options.lines) return std::shared_ptr<const TensorStatistics>(statistics);
        QSCOPE_TRY(statistics->extremes, extremesFromLines(*statistics, tensor, options.extremes));
    }
    return std::shared_ptr<const TensorStatistics>(statistics);
}

} // namespace qscope::engine
