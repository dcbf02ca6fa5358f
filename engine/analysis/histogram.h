// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/statistics.h"

#include <span>

namespace qscope::engine::detail {

/// Counts values of [low, high] into bins of equal width, by the rule of numpy.histogram: bin i holds
/// edges[i] <= x < edges[i + 1], the last bin its upper edge too, and equal ends are moved apart by one half each.
class Binning {
public:
    Binning(double low, double high, int bins);

    [[nodiscard]] std::size_t bins() const { return m_edges.size() - 1; }
    [[nodiscard]] const std::vector<double>& edges() const { return m_edges; }
    [[nodiscard]] std::size_t binOf(double value) const;
    void add(std::span<const float> values, std::vector<std::int64_t>& counts) const;
    void add(std::span<const double> values, std::vector<std::int64_t>& counts) const;

private:
    template<class T>
    void addAll(std::span<const T> values, std::vector<std::int64_t>& counts) const;

    std::vector<double> m_edges;
    double m_perUnit = 0; ///< bins per unit, or 0 where that has no useful value
};

} // namespace qscope::engine::detail
