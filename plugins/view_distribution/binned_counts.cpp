// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_distribution/binned_counts.h"

#include "engine/core/parallel.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <span>

namespace qscope {

namespace {

constexpr std::int64_t kChunk = 1 << 18; // elements: about 10 ms of decoding and counting
constexpr int kMostOuterBins = 256;      // per side

/// Finds bins in constant time: a fine uniform table over the edges points near the right one.
class BinFinder {
public:
    explicit BinFinder(const std::vector<double>& edges)
        : m_edges(edges)
        , m_scale(kCells / (edges.back() - edges.front())) {
        std::size_t bin = 0;
        for (int cell = 0; cell < kCells; ++cell) {
            const double start = edges.front() + cell / m_scale;
            while (bin + 2 < edges.size() && edges[bin + 1] <= start) ++bin;
            m_first.push_back(bin > 0 ? bin - 1 : 0); // one early: the cell's start is itself rounded
        }
    }
    [[nodiscard]] std::size_t operator()(double value) const {
        const double cell = std::clamp((value - m_edges.front()) * m_scale, 0.0, static_cast<double>(kCells - 1));
        std::size_t bin = m_first[static_cast<std::size_t>(cell)];
        while (bin + 2 < m_edges.size() && m_edges[bin + 1] <= value) ++bin;
        return bin;
    }

private:
    static constexpr int kCells = 4096;
    const std::vector<double>& m_edges;
    double m_scale;
    std::vector<std::size_t> m_first;
};

void count(std::span<const float> values, const BinFinder& binOf, std::vector<std::int64_t>& counts) {
    for (const float value : values)
        if (std::isfinite(value)) ++counts[binOf(static_cast<double>(value))];
}

} // namespace

std::vector<double> edgesOnLevels(const std::vector<float>& levels, const Range& values, int bins) {
    std::vector<double> edges;
    if (levels.size() < 2) {
        const Range range = padded(Scale::Linear, values, 0);
        for (int i = 0; i <= bins; ++i) edges.push_back(range.low + range.length() * i / bins);
        return edges;
    }
    const auto gaps = static_cast<int>(levels.size()) - 1;
    const int parts = std::max(1, (bins + gaps - 1) / gaps);
    for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
        const double from = static_cast<double>(levels[i]), to = static_cast<double>(levels[i + 1]);
        for (int part = 0; part < parts; ++part) edges.push_back(from + (to - from) * part / parts);
    }
    edges.push_back(static_cast<double>(levels.back()));
    const auto outer = [](double from, double to, double width) {
        std::vector<double> beyond;
        const double length = std::abs(to - from);
        const int number =
            static_cast<int>(std::clamp(std::ceil(length / width), 1.0, static_cast<double>(kMostOuterBins)));
        const double step = std::max(width, length / number) * (to < from ? -1 : 1);
        for (int i = 1; i <= number; ++i) beyond.push_back(from + step * i);
        return beyond;
    };
    if (values.low < edges.front()) {
        auto below = outer(edges.front(), values.low, edges[1] - edges[0]);
        std::reverse(below.begin(), below.end());
        edges.insert(edges.begin(), below.begin(), below.end());
    }
    if (values.high > edges.back()) {
        const auto above = outer(edges.back(), values.high, edges.back() - edges[edges.size() - 2]);
        edges.insert(edges.end(), above.begin(), above.end());
    }
    return edges;
}

std::vector<double> thresholdsOf(const std::vector<float>& levels) {
    std::vector<double> thresholds;
    for (std::size_t i = 0; i + 1 < levels.size(); ++i)
        thresholds.push_back((static_cast<double>(levels[i]) + static_cast<double>(levels[i + 1])) / 2);
    return thresholds;
}

Result<BinnedCounts> countBoth(const engine::TensorView& original, const engine::QuantizedTensor& quantized,
                               std::vector<double> edges, const RunContext& context) {
    const std::size_t bins = edges.size() - 1;
    const BinFinder binOf(edges);
    std::vector<std::int64_t> before(bins), after(bins);
    std::mutex mutex;
    const std::int64_t elements = engine::elementCount(original.shape);
    context.progress.total = elements;
    QSCOPE_CHECK(parallelChunks(elements, kChunk, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        std::vector<float> values(static_cast<std::size_t>(end - begin));
        std::vector<std::int64_t> mine(bins), theirs(bins);
        QSCOPE_CHECK(engine::decode(original, begin, std::span<float>(values)));
        count(values, binOf, mine);
        QSCOPE_CHECK(engine::dequantize(quantized, begin, values));
        count(values, binOf, theirs);
        const std::lock_guard lock(mutex);
        for (std::size_t i = 0; i < bins; ++i) before[i] += mine[i], after[i] += theirs[i];
        return {};
    }));
    return BinnedCounts{std::move(edges), {before.begin(), before.end()}, {after.begin(), after.end()}};
}

double normalQuantile(double p) {
    // Newton from the middle converges for the whole range when steps are kept below 1.
    double x = 0;
    for (int i = 0; i < 60; ++i) {
        const double error = 0.5 * std::erfc(-x / std::sqrt(2.0)) - p;
        const double density = std::exp(-x * x / 2) / std::sqrt(2 * 3.14159265358979323846);
        const double step = std::clamp(error / density, -1.0, 1.0);
        x -= step;
        if (std::abs(step) < 1e-13) break;
    }
    return x;
}

} // namespace qscope
