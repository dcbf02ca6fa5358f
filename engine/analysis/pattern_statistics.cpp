// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/statistics_paths.h"

#include "engine/analysis/histogram.h"
#include "engine/analysis/line_norms.h"
#include "engine/analysis/statistics_kernels.h"
#include "engine/analysis/stored_lines.h"

#include <tbb/enumerable_thread_specific.h>

#include <cassert>
#include <cstring>
#include <mutex>

namespace qscope::engine::detail {

namespace {

/// Whether squares of the type's values, and sums of 64 of them, stay in the range of single precision.
bool squaresFit(DType type) { return type != DType::F8_E8M0; }

/// Counts per pattern, in tables of each thread's own.
class PatternCounts {
public:
    explicit PatternCounts(bool bytes) : m_tableSize(bytes ? 4 * 256 : 65536), m_total(bytes ? 256 : 65536) {}

    void add(std::span<const std::byte> stored) {
        std::uint32_t* const table = tableFor(stored.size());
        if (m_total.size() == 256) countBytes(stored.data(), static_cast<std::int64_t>(stored.size()), table);
        else countPairs(stored.data(), static_cast<std::int64_t>(stored.size() / 2), table);
    }

    /// The table of this thread, to which patterns of `bytes` bytes will be added.
    std::uint32_t* tableFor(std::size_t bytes) {
        Table& table = m_tables.local();
        if (table.counts.empty()) table.counts.resize(m_tableSize);
        if (table.bytes > std::size_t{1} << 31) empty(table); // before a 32-bit count can overflow
        table.bytes += bytes;
        return table.counts.data();
    }

    std::span<const std::int64_t> total() {
        for (Table& table : m_tables) empty(table);
        return m_total;
    }

private:
    struct Table {
        std::vector<std::uint32_t> counts;
        std::size_t bytes = 0;
    };

    void empty(Table& table) {
        const std::lock_guard lock(m_mutex);
        for (std::size_t part = 0; part < table.counts.size(); part += m_total.size())
            for (std::size_t i = 0; i < m_total.size(); ++i) m_total[i] += table.counts[part + i];
        std::ranges::fill(table.counts, 0u);
        table.bytes = 0;
    }

    std::size_t m_tableSize;
    std::mutex m_mutex;
    std::vector<std::int64_t> m_total;
    tbb::enumerable_thread_specific<Table> m_tables;
};

/// A value and how often it occurs.
struct Weighted {
    double value;
    std::int64_t count;
};

/// The value of every pattern, in the order of patterns.
Result<std::vector<double>> patternValues(DType type, std::size_t patterns) {
    const std::size_t width = patterns == 256 ? 1 : 2;
    std::vector<std::byte> bytes(patterns * width);
    for (std::size_t pattern = 0; pattern < patterns; ++pattern) std::memcpy(bytes.data() + pattern * width, &pattern, width);
    std::vector<double> values(patterns);
    QSCOPE_CHECK(decode(makeTensor(type, {static_cast<std::int64_t>(patterns)}, std::move(bytes)), 0, std::span(values)));
    return values;
}

/// Patterns are two ordered runs of values, as the top bit is the sign of all types but those without signs; the second run
/// descends where the sign stands apart from the magnitude.
void sortByValue(std::vector<Weighted>& finite, std::size_t firstRun) {
    const auto second = finite.begin() + static_cast<std::ptrdiff_t>(firstRun);
    if (finite.end() - second > 1 && finite.back().value < second->value) std::reverse(second, finite.end());
    std::ranges::inplace_merge(finite, second, {}, &Weighted::value);
    assert(std::ranges::is_sorted(finite, {}, &Weighted::value));
}

void finishFromPatterns(TensorStatistics& s, const StatisticsOptions& options, std::span<const double> values,
                        std::span<const std::int64_t> counts) {
    std::vector<Weighted> finite;
    std::int64_t total = 0;
    std::size_t firstRun = 0;
    for (std::size_t pattern = 0; pattern < counts.size(); ++pattern) {
        if (pattern == counts.size() / 2) firstRun = finite.size();
        if (counts[pattern] == 0) continue;
        const double value = values[pattern];
        if (std::isnan(value)) s.nan += counts[pattern];
        else if (std::isinf(value)) s.inf += counts[pattern];
        else {
            finite.push_back({value, counts[pattern]});
            total += counts[pattern];
            if (value == 0) s.zeros += counts[pattern];
        }
    }
    if (finite.empty()) return;
    sortByValue(finite, firstRun);
    s.min = finite.front().value;
    s.max = finite.back().value;
    double sum = 0, magnitude = 0, second = 0, fourth = 0;
    for (const auto& [value, count] : finite) {
        sum += value * static_cast<double>(count);
        magnitude += std::fabs(value) * static_cast<double>(count);
    }
    const double mean = sum / static_cast<double>(total);
    for (const auto& [value, count] : finite) {
        const double square = (value - mean) * (value - mean);
        second += square * static_cast<double>(count);
        fourth += square * square * static_cast<double>(count);
    }
    setMoments(s, total, mean, second, fourth, magnitude);
    const Binning binning(s.min, s.max, options.bins);
    s.histogram = {binning.edges(), std::vector<std::int64_t>(binning.bins())};
    std::vector<std::int64_t> upTo;
    std::size_t bin = 0;
    for (const auto& [value, count] : finite) {
        while (bin + 1 < binning.bins() && s.histogram.edges[bin + 1] <= value) ++bin;
        s.histogram.counts[bin] += count;
        if (std::fabs(value - mean) > kOutlierDeviations * s.std) s.outliers += count;
        upTo.push_back(count + (upTo.empty() ? 0 : upTo.back()));
    }
    s.quantiles = quantilesOf(total, options.quantiles, [&](std::int64_t rank) {
        return finite[static_cast<std::size_t>(std::ranges::upper_bound(upTo, rank) - upTo.begin())].value;
    });
}

} // namespace

Result<void> computeFromPatterns(TensorStatistics& s, const TensorView& tensor, const StatisticsOptions& options,
                                 const RunContext& context) {
    const std::int64_t width = info(tensor.dtype).blockBits / 8;
    const bool inPlace = hasStoredRows(tensor.dtype) || !options.lines;
    const Tiling tiling(asMatrix(tensor.shape), !inPlace);
    LineNorms norms(tiling, options.lines);
    PatternCounts counts(width == 1);
    tbb::enumerable_thread_specific<std::vector<float>> buffers; // clearing a new one each time takes longer than decoding
    QSCOPE_CHECK(walk(tiling, {}, context, [&](const Run& run) -> Result<void> {
        const std::int64_t first = run.row * tiling.shape.columns + run.column;
        const std::int64_t length = run.rows * run.columns;
        const auto stored = tensor.bytes.subspan(static_cast<std::size_t>(first * width), static_cast<std::size_t>(length * width));
        if (inPlace && options.lines) return norms.addStored(run, tensor, counts.tableFor(stored.size()));
        counts.add(stored);
        if (!options.lines) return {};
        std::vector<float>& values = buffers.local();
        values.resize(static_cast<std::size_t>(length));
        QSCOPE_CHECK(decode(tensor, first, std::span(values)));
        if (!allFinite(values.data(), length)) clearSpecial(std::span(values));
        norms.add(run, values, squaresFit(tensor.dtype));
        return {};
    }));
    norms.finish(s);
    QSCOPE_TRY(const auto values, patternValues(tensor.dtype, counts.total().size()));
    finishFromPatterns(s, options, values, counts.total());
    return {};
}

} // namespace qscope::engine::detail
