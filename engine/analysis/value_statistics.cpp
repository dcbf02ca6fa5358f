// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/statistics_paths.h"

#include "engine/analysis/histogram.h"
#include "engine/analysis/line_norms.h"
#include "engine/analysis/statistics_kernels.h"
#include "engine/core/random.h"

#include <tbb/enumerable_thread_specific.h>

#include <mutex>
#include <numeric>

namespace qscope::engine::detail {

namespace {

double sumOf(const std::array<double, kLanes>& lanes) { return std::accumulate(lanes.begin(), lanes.end(), 0.0); }

/// What one item of the first pass found.
struct FirstPass {
    std::int64_t finite = 0;
    Special special;
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();
    double sum = 0, squares = 0, magnitude = 0;

    void add(const Moments& moments) {
        sum += sumOf(moments.sum);
        squares += sumOf(moments.squares);
        magnitude += sumOf(moments.magnitude);
        low = std::min(low, std::ranges::min(moments.low));
        high = std::max(high, std::ranges::max(moments.high));
    }
};

struct SecondPass {
    double second = 0, fourth = 0;
    std::int64_t outliers = 0;
};

/// The values of a run in `all`, with 0 in the place of what is not finite, and the finite ones alone in the result.
template<class T>
std::span<const T> finiteOnly(std::vector<T>& all, const Special& special, std::vector<T>& kept) {
    if (special.nan + special.inf == 0) return all;
    kept.clear();
    std::ranges::copy_if(all, std::back_inserter(kept), [](T value) { return std::isfinite(value); });
    clearSpecial(std::span(all));
    return kept;
}

/// Finite values at positions drawn once for all; enough for quantiles and for a value near the mean.
template<class T>
Result<std::vector<double>> sample(const TensorView& tensor, std::int64_t count) {
    constexpr std::int64_t kSample = 16384;
    std::vector<double> values;
    for (std::int64_t i = 0; i < std::min(count, kSample); ++i) {
        const std::int64_t position =
            count <= kSample ? i
                             : static_cast<std::int64_t>(uniform(0, 0, static_cast<std::uint64_t>(i)) * static_cast<double>(count));
        T value;
        QSCOPE_CHECK(decode(tensor, position, std::span(&value, 1)));
        if (std::isfinite(value)) values.push_back(static_cast<double>(value));
    }
    std::ranges::sort(values);
    return values;
}

} // namespace

template<class T>
Result<void> computeFromValues(TensorStatistics& s, const TensorView& tensor, const StatisticsOptions& options,
                               const RunContext& context) {
    const Tiling tiling(asMatrix(tensor.shape));
    constexpr std::int64_t passes = std::is_same_v<T, double> ? kPassesInDouble : 2;
    QSCOPE_TRY(const auto sampled, sample<T>(tensor, s.count));
    const double shift = sampled.empty() ? 0 : sampled[sampled.size() / 2];
    const auto decoded = [&](const Run& run, std::vector<T>& values) {
        values.resize(static_cast<std::size_t>(run.rows * run.columns));
        return decode(tensor, run.row * tiling.shape.columns + run.column, std::span(values));
    };

    tbb::enumerable_thread_specific<std::pair<std::vector<T>, std::vector<T>>> buffers; // decoded, finite only
    LineNorms norms(tiling, options.lines);
    std::vector<FirstPass> firsts(static_cast<std::size_t>(tiling.items()));
    QSCOPE_CHECK(walk(tiling, {0, passes}, context, [&](const Run& run) -> Result<void> {
        auto& [values, kept] = buffers.local();
        QSCOPE_CHECK(decoded(run, values));
        const Special special = countSpecial(values.data(), static_cast<std::int64_t>(values.size()));
        const std::span<const T> finite = finiteOnly(values, special, kept);
        FirstPass& first = firsts[static_cast<std::size_t>(run.item)];
        first.finite += static_cast<std::int64_t>(finite.size());
        first.special.nan += special.nan;
        first.special.inf += special.inf;
        first.special.zeros += special.zeros;
        Moments moments;
        addMoments(moments, finite.data(), static_cast<std::int64_t>(finite.size()), shift);
        first.add(moments);
        if constexpr (std::is_same_v<T, float>) {
            norms.add(run, values, false);
        } else {
            std::vector<float> single(values.begin(), values.end());
            norms.add(run, single, false);
        }
        return {};
    }));
    norms.finish(s);
    FirstPass total;
    for (const FirstPass& first : firsts) {
        total.finite += first.finite;
        s.nan += first.special.nan;
        s.inf += first.special.inf;
        s.zeros += first.special.zeros;
        total.low = std::min(total.low, first.low);
        total.high = std::max(total.high, first.high);
        total.sum += first.sum;
        total.squares += first.squares;
        total.magnitude += first.magnitude;
    }
    if (total.finite == 0) {
        return walk(tiling, {1, passes}, context, [](const Run&) -> Result<void> { return {}; });
    }
    s.min = total.low;
    s.max = total.high;
    const auto n = static_cast<double>(total.finite);
    const double mean = shift + total.sum / n;
    const double deviation = std::sqrt(std::max(0.0, (total.squares - total.sum * total.sum / n) / n));

    const Binning binning(s.min, s.max, options.bins);
    s.histogram = {binning.edges(), std::vector<std::int64_t>(binning.bins())};
    std::vector<SecondPass> seconds(static_cast<std::size_t>(tiling.items()));
    std::mutex mutex;
    QSCOPE_CHECK(walk(tiling, {1, passes}, context, [&](const Run& run) -> Result<void> {
        auto& [values, kept] = buffers.local();
        QSCOPE_CHECK(decoded(run, values));
        const Special special = s.nan + s.inf == 0 ? Special{} : countSpecial(values.data(), static_cast<std::int64_t>(values.size()));
        const std::span<const T> finite = finiteOnly(values, special, kept);
        CentralMoments moments;
        addCentralMoments(moments, finite.data(), static_cast<std::int64_t>(finite.size()), mean, kOutlierDeviations * deviation);
        SecondPass& second = seconds[static_cast<std::size_t>(run.item)];
        second.second += sumOf(moments.second);
        second.fourth += sumOf(moments.fourth);
        second.outliers += moments.outliers;
        std::vector<std::int64_t> counts(binning.bins());
        binning.add(finite, counts);
        const std::lock_guard lock(mutex);
        for (std::size_t i = 0; i < counts.size(); ++i) s.histogram.counts[i] += counts[i];
        return {};
    }));
    SecondPass sums;
    for (const SecondPass& second : seconds) {
        sums.second += second.second;
        sums.fourth += second.fourth;
        s.outliers += second.outliers;
    }
    setMoments(s, total.finite, mean, sums.second, sums.fourth, total.magnitude);
    s.quantiles = quantilesOf(static_cast<std::int64_t>(sampled.size()), options.quantiles,
                              [&](std::int64_t rank) { return sampled[static_cast<std::size_t>(rank)]; });
    return {};
}

template Result<void> computeFromValues<float>(TensorStatistics&, const TensorView&, const StatisticsOptions&, const RunContext&);
template Result<void> computeFromValues<double>(TensorStatistics&, const TensorView&, const StatisticsOptions&, const RunContext&);

} // namespace qscope::engine::detail
