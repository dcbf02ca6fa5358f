// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/optimize/allocation.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace qscope::engine {

namespace {

constexpr std::uint64_t kMostSteps = std::uint64_t{1} << 17;
constexpr std::uint16_t kNone = std::numeric_limits<std::uint16_t>::max();

/// Choices that no other one beats in both respects, by rising size.
std::vector<std::uint16_t> undominated(const std::vector<Choice>& choices) {
    std::vector<std::uint16_t> order(choices.size());
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    std::ranges::stable_sort(order, [&](std::uint16_t a, std::uint16_t b) {
        return choices[a].bits != choices[b].bits ? choices[a].bits < choices[b].bits
                                                  : choices[a].cost < choices[b].cost;
    });
    std::vector<std::uint16_t> kept;
    for (const std::uint16_t choice : order)
        if (kept.empty() || choices[choice].cost < choices[kept.back()].cost) kept.push_back(choice);
    return kept;
}

} // namespace

Result<std::vector<std::size_t>> allocate(const std::vector<std::vector<Choice>>& matrices, std::uint64_t budget,
                                          const RunContext& context) {
    std::vector<std::vector<std::uint16_t>> kept;
    std::uint64_t divisor = 0, least = 0, smallest = 0;
    for (const auto& choices : matrices) {
        if (choices.empty() || choices.size() >= kNone)
            return fail(ErrorCode::OutOfRange, "a matrix has {} choices", choices.size());
        kept.push_back(undominated(choices));
        for (const std::uint16_t choice : kept.back()) divisor = std::gcd(divisor, choices[choice].bits);
        smallest += choices[kept.back().front()].bits;
    }
    if (smallest > budget)
        return fail(ErrorCode::OutOfRange, "a budget of {} bits is less than the {} that the smallest choices take",
                    budget, smallest);
    const std::uint64_t unit = std::max({divisor, (budget + kMostSteps - 1) / kMostSteps, std::uint64_t{1}});
    const auto stepsOf = [&](std::uint64_t bits) { return (bits + unit - 1) / unit; };
    const std::size_t steps = static_cast<std::size_t>(budget / unit);
    for (std::size_t m = 0; m < matrices.size(); ++m) least += stepsOf(matrices[m][kept[m].front()].bits);
    if (least > steps)
        return fail(ErrorCode::OutOfRange, "a budget of {} bits is too close to the {} that the smallest choices take",
                    budget, smallest);

    // cost[s]: the least for the matrices so far in at most s steps.
    std::vector<double> cost(steps + 1, 0), next(steps + 1);
    std::vector<std::vector<std::uint16_t>> chosen;
    for (std::size_t m = 0; m < matrices.size(); ++m) {
        if (context.cancelled()) return cancelled();
        std::ranges::fill(next, std::numeric_limits<double>::infinity());
        auto& best = chosen.emplace_back(steps + 1, kNone);
        for (const std::uint16_t choice : kept[m]) {
            const std::size_t size = static_cast<std::size_t>(stepsOf(matrices[m][choice].bits));
            for (std::size_t s = size; s <= steps; ++s) {
                const double sum = cost[s - size] + matrices[m][choice].cost;
                if (!(sum < next[s])) continue;
                next[s] = sum;
                best[s] = choice;
            }
        }
        std::swap(cost, next);
    }
    std::vector<std::size_t> result(matrices.size());
    for (std::size_t m = matrices.size(), left = steps; m-- > 0;) {
        result[m] = chosen[m][left];
        left -= static_cast<std::size_t>(stepsOf(matrices[m][result[m]].bits));
    }
    return result;
}

} // namespace qscope::engine
