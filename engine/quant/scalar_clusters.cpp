// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/scalar_clusters.h"

#include "engine/quant/value_order.h"

#include <algorithm>
#include <limits>

namespace qscope::engine {

namespace {

/// Distinct values in ascending order, and what a run of them costs as one cluster.
class SortedValues {
public:
    /// On a stop, ends half filled.
    SortedValues(std::span<const float> values, std::span<const float> weights, std::span<const std::uint32_t> order,
                 const RunContext& context) {
        const auto stops = [&](std::size_t at) { return (at & 0xFFFF) == 0 && context.cancelled(); };
        std::vector<double> mass;
        points.reserve(order.size());
        mass.reserve(order.size());
        double total = 0, first = 0;
        for (std::size_t at = 0; at < order.size() && !stops(at); ++at) {
            const std::size_t i = order[at];
            const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[i]);
            if (!(weight > 0)) continue;
            total += weight;
            first += weight * static_cast<double>(values[i]);
            if (points.empty() || static_cast<double>(values[i]) != points.back()) {
                points.push_back(static_cast<double>(values[i]));
                mass.push_back(weight);
            } else {
                mass.back() += weight;
            }
        }
        // Distances from the middle: differences of sums of squares keep their digits.
        m_middle = total > 0 ? first / total : 0;
        m_sums.reserve(points.size() + 1);
        m_sums.push_back({});
        for (std::size_t i = 0; i < points.size() && !stops(i); ++i) {
            const double x = points[i] - m_middle;
            m_sums.push_back(
                {m_sums[i].mass + mass[i], m_sums[i].first + mass[i] * x, m_sums[i].second + mass[i] * x * x});
        }
    }

    /// Of points [begin, end).
    [[nodiscard]] double cost(std::size_t begin, std::size_t end) const {
        const double mass = m_sums[end].mass - m_sums[begin].mass, first = m_sums[end].first - m_sums[begin].first;
        return std::max(0.0, m_sums[end].second - m_sums[begin].second - first * first / mass);
    }
    [[nodiscard]] double mean(std::size_t begin, std::size_t end) const {
        return m_middle + (m_sums[end].first - m_sums[begin].first) / (m_sums[end].mass - m_sums[begin].mass);
    }

    std::vector<double> points;

private:
    struct Sums {
        double mass = 0, first = 0, second = 0;
    };
    double m_middle = 0;
    std::vector<Sums> m_sums;
};

/// One more cluster: for the first `end` points, the best begin of the last cluster. It does not fall when `end` grows,
/// so that halving the range halves the candidates.
struct Layer {
    const SortedValues& values;
    const std::vector<double>& before; ///< least cost of the first n points with one cluster less
    std::vector<double>& least;
    std::vector<std::size_t>& begins;
    const RunContext& context; ///< on a stop, ends half filled

    void fill(std::size_t firstEnd, std::size_t lastEnd, std::size_t lowest, std::size_t highest) {
        if (firstEnd > lastEnd || context.cancelled()) return;
        const std::size_t end = firstEnd + (lastEnd - firstEnd) / 2;
        double best = std::numeric_limits<double>::infinity();
        std::size_t at = lowest;
        for (std::size_t begin = lowest; begin <= std::min(highest, end - 1); ++begin) {
            if ((begin & 0xFFFF) == 0 && context.cancelled()) return;
            const double cost = before[begin] + values.cost(begin, end);
            if (cost < best) {
                best = cost;
                at = begin;
            }
        }
        least[end] = best;
        begins[end] = at;
        if (end > firstEnd) fill(firstEnd, end - 1, lowest, at);
        fill(end + 1, lastEnd, at, highest);
    }
};

} // namespace

Result<std::vector<double>> bestCentres(std::span<const float> values, std::span<const float> weights, int count,
                                        const RunContext& context) {
    QSCOPE_TRY(const auto order, ascendingOrder(values, context));
    const SortedValues sorted(values, weights, order, context);
    if (context.cancelled()) return cancelled();
    const std::size_t n = sorted.points.size(), clusters = static_cast<std::size_t>(std::max(1, count));
    if (n <= clusters) return sorted.points;
    std::vector<double> before(n + 1, 0), least(n + 1, std::numeric_limits<double>::infinity());
    for (std::size_t end = 1; end <= n; ++end) {
        if ((end & 0xFFFF) == 0 && context.cancelled()) return cancelled();
        before[end] = sorted.cost(0, end);
    }
    std::vector<std::vector<std::size_t>> begins(clusters, std::vector<std::size_t>(n + 1, 0));
    for (std::size_t k = 1; k < clusters; ++k) { // k + 1 clusters, none of them empty
        Layer{sorted, before, least, begins[k], context}.fill(k + 1, n, k, n - 1);
        if (context.cancelled()) return cancelled();
        std::swap(before, least);
    }
    std::vector<double> centres;
    for (std::size_t k = clusters, end = n; k-- > 0;) {
        const std::size_t begin = k == 0 ? 0 : begins[k][end];
        centres.push_back(sorted.mean(begin, end));
        end = begin;
    }
    std::ranges::reverse(centres);
    return centres;
}

std::size_t nearestCentre(std::span<const float> centres, float value) {
    const auto above = static_cast<std::size_t>(std::ranges::lower_bound(centres, value) - centres.begin());
    if (above == 0) return 0;
    if (above == centres.size()) return above - 1;
    return centres[above] - value < value - centres[above - 1] ? above : above - 1;
}

} // namespace qscope::engine
