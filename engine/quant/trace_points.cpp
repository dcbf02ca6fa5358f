// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/trace_points.h"

#include "engine/quant/uniform_step.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope::engine {

namespace {

constexpr std::int64_t kMostGroups = 256;
constexpr std::int64_t kMostValues = 1 << 17;
constexpr int kParts = 17; // 1, 0.95, ... 0.2

/// What is kept of the groups that are looked at.
struct SampledGroup {
    std::int64_t index = 0;
    float low = 0, high = 0; ///< of all values, 0 included
    std::vector<float> values;
};

std::vector<SampledGroup> sampledGroups(std::span<const float> matrix, const Grouping& grouping) {
    const std::int64_t groups = std::min(grouping.count(), kMostGroups);
    const std::int64_t size = grouping.groupRows * grouping.groupColumns;
    const std::int64_t every = std::max<std::int64_t>(1, groups * size / kMostValues);
    std::vector<SampledGroup> sampled;
    for (std::int64_t i = 0; i < groups; ++i) {
        SampledGroup group;
        group.index = i * grouping.count() / groups;
        const std::int64_t top = group.index / grouping.groupsAcross() * grouping.groupRows,
                           left = group.index % grouping.groupsAcross() * grouping.groupColumns;
        std::int64_t seen = 0;
        for (std::int64_t row = top; row < std::min(grouping.rows, top + grouping.groupRows); ++row)
            for (std::int64_t column = left; column < std::min(grouping.columns, left + grouping.groupColumns);
                 ++column) {
                const float w = matrix[static_cast<std::size_t>(row * grouping.columns + column)];
                group.low = std::min(group.low, w);
                group.high = std::max(group.high, w);
                if (seen++ % every == 0) group.values.push_back(w);
            }
        sampled.push_back(std::move(group));
    }
    return sampled;
}

double errorOn(const SampledGroup& group, const UniformStep& step) {
    double error = 0;
    for (const float w : group.values) {
        const double off = static_cast<double>(w) - static_cast<double>(step.rounded(w));
        error += off * off;
    }
    return error;
}

/// The step that covers a part of the group's range.
UniformStep covering(const SampledGroup& group, float part, const UniformGrid& grid) {
    const float ends[] = {group.low * part, group.high * part};
    return fitStep(ends, {}, grid);
}

} // namespace

Trace courseOf(std::string title, std::string xLabel, std::string yLabel, std::span<const double> values) {
    Trace trace{std::move(title), std::move(xLabel), std::move(yLabel), {}, {}};
    const std::size_t run = (values.size() + kTracePoints - 1) / kTracePoints;
    if (run > 1) trace.yLabel += fmt::format(", mean of {} steps", run);
    for (std::size_t begin = 0; begin < values.size(); begin += run) {
        const auto part = values.subspan(begin, std::min(run, values.size() - begin));
        const auto count = static_cast<double>(part.size());
        trace.x.push_back(static_cast<double>(begin) + (count + 1) / 2);
        trace.y.push_back(std::accumulate(part.begin(), part.end(), 0.0) / count);
    }
    return trace;
}

std::vector<std::size_t> drawnRanks(std::size_t count) {
    std::vector<std::size_t> ranks;
    for (std::size_t i = 0; i < std::min(count, kTracePoints); ++i) {
        // Geometric steps where they are longer than one rank.
        const auto along = static_cast<double>(i) / static_cast<double>(kTracePoints - 1);
        const auto at = count <= kTracePoints
                            ? i
                            : static_cast<std::size_t>(std::lround(std::pow(static_cast<double>(count), along))) - 1;
        ranks.push_back(ranks.empty() ? at : std::max(at, ranks.back() + 1));
    }
    return ranks;
}

Trace rankedOf(std::string title, std::string xLabel, std::string yLabel, std::vector<double> values) {
    Trace trace{std::move(title), std::move(xLabel), std::move(yLabel), {}, {}};
    std::erase_if(values, [](double x) { return !std::isfinite(x); });
    std::ranges::sort(values, std::greater<>());
    for (const std::size_t rank : drawnRanks(values.size())) {
        trace.x.push_back(static_cast<double>(rank) + 1);
        trace.y.push_back(values[rank]);
    }
    return trace;
}

Trace choiceOf(std::string title, std::string xLabel, std::string yLabel, double x, double y) {
    return {std::move(title), std::move(xLabel), std::move(yLabel), {x}, {y}};
}

Trace heldByLargest(std::string title, std::string xLabel, std::string yLabel, std::span<const float> values) {
    constexpr std::size_t kMost = std::size_t{1} << 20, kPlaces = 64;
    Trace trace{std::move(title), std::move(xLabel), std::move(yLabel), {}, {}};
    const std::size_t every = std::max<std::size_t>(1, values.size() / kMost);
    std::vector<float> taken;
    for (std::size_t i = 0; i < values.size(); i += every)
        if (std::isfinite(values[i])) taken.push_back(std::abs(values[i]));
    std::ranges::sort(taken, std::greater<>());
    const double all = std::accumulate(taken.begin(), taken.end(), 0.0);
    if (!(all > 0)) return trace;
    double sum = 0;
    std::size_t done = 0, before = 0;
    for (std::size_t place = 0; place < kPlaces; ++place) { // from one value to all of them
        const double along = static_cast<double>(place) / static_cast<double>(kPlaces - 1);
        const auto count = static_cast<std::size_t>(std::lround(std::pow(static_cast<double>(taken.size()), along)));
        if (count == before) continue;
        before = count;
        for (; done < count; ++done) sum += static_cast<double>(taken[done]);
        trace.x.push_back(100 * static_cast<double>(count) / static_cast<double>(taken.size()));
        trace.y.push_back(100 * sum / all);
    }
    return trace;
}

void RoundingDecisions::add(float place, bool up) {
    if (!std::isfinite(place)) return; // a group without a range
    const int which = std::clamp(static_cast<int>(place * kClasses), 0, kClasses - 1);
    ++m_all[which];
    m_up[which] += up ? 1 : 0;
    m_away += up != (place > 0.5F) && place != 0.5F ? 1 : 0;
}

std::vector<Trace> RoundingDecisions::traces() const {
    const std::int64_t all = std::accumulate(m_all, m_all + kClasses, std::int64_t{0});
    if (all == 0) return {};
    const std::string chart = "Rounded up, by place between two levels: ", x = "place, 0 at the lower level",
                      y = "rounded up (%)";
    Trace learned{fmt::format("{}learned, {:.1f} % against nearest", chart,
                              100 * static_cast<double>(m_away) / static_cast<double>(all)),
                  x,
                  y,
                  {},
                  {}};
    for (int i = 0; i < kClasses; ++i) {
        if (m_all[i] == 0) continue;
        learned.x.push_back((i + 0.5) / kClasses);
        learned.y.push_back(100 * static_cast<double>(m_up[i]) / static_cast<double>(m_all[i]));
    }
    return {std::move(learned), {chart + "nearest", x, y, {0, 0.5, 0.5, 1}, {0, 0, 100, 100}}};
}

Result<void> traceRanges(std::vector<Trace>* traces, std::span<const float> matrix, const Grouping& grouping,
                         const UniformGrid& grid, std::span<const UniformStep> chosen, const RunContext& context) {
    if (!traces || matrix.empty()) return {};
    const auto groups = sampledGroups(matrix, grouping);
    double squares = 0;
    for (const SampledGroup& group : groups)
        for (const float w : group.values) squares += static_cast<double>(w) * static_cast<double>(w);
    if (!(squares > 0)) return {};
    const std::string chart = "Error over the range of the grid: ", x = "part of each group's range",
                      y = "relative squared error";
    Trace alike{chart + "all groups alike", x, y, {}, {}};
    for (int k = 0; k < kParts; ++k) {
        if (context.cancelled()) return cancelled();
        const float part = 1 - 0.05F * static_cast<float>(k);
        double error = 0;
        for (const SampledGroup& group : groups) error += errorOn(group, covering(group, part, grid));
        alike.x.push_back(static_cast<double>(part));
        alike.y.push_back(error / squares);
    }
    double error = 0, parts = 0;
    for (const SampledGroup& group : groups) {
        const UniformStep& step = chosen[static_cast<std::size_t>(group.index)];
        const UniformStep whole = covering(group, 1, grid);
        error += errorOn(group, step);
        parts += whole.scale > 0 ? static_cast<double>(step.scale) / static_cast<double>(whole.scale) : 1;
    }
    traces->push_back(std::move(alike));
    traces->push_back(choiceOf(chart + "chosen, at the mean part", x, y, parts / static_cast<double>(groups.size()),
                               error / squares));
    return {};
}

} // namespace qscope::engine
