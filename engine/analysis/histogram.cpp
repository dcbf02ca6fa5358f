// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/histogram.h"

#include "engine/analysis/statistics_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope::engine::detail {

Binning::Binning(double low, double high, int bins) : m_edges(static_cast<std::size_t>(bins) + 1) {
    if (low == high) {
        low -= 0.5;
        high += 0.5;
    }
    const bool wide = !std::isfinite(high - low); // a range of the largest numbers exceeds double precision
    const double step = (high - low) / bins;
    for (std::size_t i = 0; i < m_edges.size(); ++i) {
        const double part = static_cast<double>(i) / bins;
        m_edges[i] = wide ? low * (1 - part) + high * part : static_cast<double>(i) * step + low;
    }
    m_edges.back() = high;
    const double perUnit = bins / (high - low);
    if (!wide && std::isfinite(perUnit)) m_perUnit = perUnit;
}

std::size_t Binning::binOf(double value) const {
    const auto above = std::upper_bound(m_edges.begin(), m_edges.end(), value);
    const auto index = std::distance(m_edges.begin(), above) - 1;
    return static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(index, 0, static_cast<std::ptrdiff_t>(bins()) - 1));
}

template<class T>
void Binning::addAll(std::span<const T> values, std::vector<std::int64_t>& counts) const {
    constexpr std::size_t kBlock = 512;
    std::array<std::int32_t, kBlock> guesses;
    while (!values.empty()) {
        const std::size_t count = std::min(kBlock, values.size());
        const bool unsure = m_perUnit == 0 || guessBins(values.data(), static_cast<std::int64_t>(count), m_edges.front(),
                                                        m_perUnit, guesses.data());
        if (unsure)
            for (std::size_t i = 0; i < count; ++i) ++counts[binOf(static_cast<double>(values[i]))];
        else
            for (std::size_t i = 0; i < count; ++i) ++counts[static_cast<std::size_t>(guesses[i])];
        values = values.subspan(count);
    }
}

void Binning::add(std::span<const float> values, std::vector<std::int64_t>& counts) const { addAll(values, counts); }
void Binning::add(std::span<const double> values, std::vector<std::int64_t>& counts) const { addAll(values, counts); }

} // namespace qscope::engine::detail
