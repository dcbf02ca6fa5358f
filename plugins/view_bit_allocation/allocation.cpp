// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_bit_allocation/allocation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qscope {

namespace {

// The exact choice keeps a table of up to 256 KiB for each tensor.
constexpr std::size_t kMostToFill = 4096;

bool isKept(const TensorSlot& slot) { return slot.spec.id == "keep"; }

} // namespace

const Cost* findCost(const CostTable& costs, const engine::MethodSpec& spec, std::size_t tensor) {
    const auto method = costs.find(engine::toText(spec));
    if (method == costs.end()) return nullptr;
    const auto cost = method->second.find(tensor);
    return cost == method->second.end() ? nullptr : &cost->second;
}

Allocation allocationOf(const engine::Plan& plan, const AdjustableMethod& method, const engine::Checkpoint& checkpoint,
                        const CostTable& sizes) {
    Allocation made;
    const PlanRules rules(plan.rules);
    for (const std::size_t tensor : engine::selectTensors(plan, checkpoint)) {
        const engine::TensorInfo& info = checkpoint.tensors[tensor];
        TensorSlot slot{tensor, info.name, engine::elementCount(info.shape), rules.methodFor(info.name, method.spec),
                        {},     0};
        slot.width = widthOf(method, slot.spec);
        slot.stored =
            8.0 * static_cast<double>(info.bytes) / static_cast<double>(std::max<std::int64_t>(slot.weights, 1));
        if (isKept(slot) || findCost(sizes, slot.spec, tensor))
            made.tensors.push_back(std::move(slot));
        else
            ++made.leftOut;
    }
    const auto layerOf = [](const TensorSlot& slot) {
        return engine::layerIndex(slot.name).value_or(std::numeric_limits<int>::max());
    };
    std::ranges::stable_sort(made.tensors, {}, layerOf);
    for (std::size_t i = 0; i < made.tensors.size(); ++i) {
        const int layer = engine::layerIndex(made.tensors[i].name).value_or(-1);
        if (made.layers.empty() || made.layers.back().layer != layer) made.layers.push_back({layer, i, 0});
        ++made.layers.back().count;
    }
    return made;
}

double referenceOf(const Allocation& allocation, const CostTable& costs) {
    double sum = 0;
    for (const TensorSlot& slot : allocation.tensors)
        if (const Cost* cost = findCost(costs, slot.spec, slot.tensor)) sum += cost->reference;
    return sum;
}

std::optional<double> costOf(const TensorSlot& slot, const Cost& cost, Goal goal, const Sensitivity* sensitivity,
                             double reference) {
    if (cost.error < 0) return std::nullopt;
    if (goal == Goal::Weights) return reference > 0 ? cost.error / reference : 0;
    if (!sensitivity) return std::nullopt;
    const auto share = sensitivity->natsPerError.find(engine::layerIndex(slot.name).value_or(-1));
    if (share == sensitivity->natsPerError.end()) return std::nullopt;
    return cost.error * share->second;
}

Totals totalsOf(const Allocation& allocation, const CostTable& costs, Goal goal, const Sensitivity* sensitivity) {
    Totals totals;
    totals.quality = 0;
    const double reference = referenceOf(allocation, costs);
    for (const TensorSlot& slot : allocation.tensors) {
        const Cost* cost = isKept(slot) ? nullptr : findCost(costs, slot.spec, slot.tensor);
        if (!cost) continue;
        totals.bits += cost->bits;
        totals.weights += slot.weights;
        const auto own = costOf(slot, *cost, goal, sensitivity, reference);
        totals.quality = own && totals.quality ? std::optional(*totals.quality + *own) : std::nullopt;
    }
    return totals;
}

void setWidth(Allocation& allocation, std::size_t first, std::size_t count, const AdjustableMethod& method, int bits,
              const CostTable& sizes) {
    for (std::size_t i = first; i < first + count; ++i) {
        TensorSlot& slot = allocation.tensors[i];
        const engine::MethodSpec spec = withBits(method, bits);
        // What a rule keeps or treats otherwise was somebody's decision: a whole layer goes round it, its own bar does
        // not.
        if ((!slot.width && count > 1) || !findCost(sizes, spec, slot.tensor)) continue;
        slot.spec = spec;
        slot.width = bits;
    }
}

Result<Allocation> fillTo(double bitsPerWeight, Allocation allocation, const AdjustableMethod& method,
                          const CostTable& costs, Goal goal, const Sensitivity* sensitivity,
                          const RunContext& context) {
    std::vector<std::vector<engine::Choice>> choices;
    std::vector<std::pair<std::size_t, std::vector<int>>> widths; // slots that choose, and from what
    std::uint64_t fixed = 0;
    std::int64_t weights = 0;
    const double reference = referenceOf(allocation, costs);
    for (std::size_t i = 0; i < allocation.tensors.size(); ++i) {
        const TensorSlot& slot = allocation.tensors[i];
        if (isKept(slot)) continue;
        weights += slot.weights;
        if (!slot.width) {
            fixed += findCost(costs, slot.spec, slot.tensor)->bits;
            continue;
        }
        widths.emplace_back(i, std::vector<int>());
        choices.emplace_back();
        for (const int bits : method.widths) {
            const Cost* cost = findCost(costs, withBits(method, bits), slot.tensor);
            if (!cost) continue;
            const auto own = costOf(slot, *cost, goal, sensitivity, reference);
            if (!own) return fail(ErrorCode::OutOfRange, "the cost of {} at {} bits is not known", slot.name, bits);
            if (!std::isfinite(*own))
                return fail(ErrorCode::OutOfRange, "the cost of {} at {} bits is not finite", slot.name, bits);
            choices.back().push_back({cost->bits, *own});
            widths.back().second.push_back(bits);
        }
    }
    if (choices.empty()) return fail(ErrorCode::OutOfRange, "no tensor has a width to choose");
    if (choices.size() > kMostToFill)
        return fail(ErrorCode::OutOfRange,
                    "{} tensors are more than the {} that can be weighed exactly; choose fewer by their names",
                    choices.size(), kMostToFill);
    const auto budget = static_cast<std::uint64_t>(std::max(0.0, bitsPerWeight * static_cast<double>(weights)));
    if (fixed > budget)
        return fail(ErrorCode::OutOfRange, "what rules put in the method's place takes {} of the {} bits already",
                    fixed, budget);
    QSCOPE_TRY(const auto chosen, engine::allocate(choices, budget - fixed, context));
    for (std::size_t k = 0; k < chosen.size(); ++k)
        setWidth(allocation, widths[k].first, 1, method, widths[k].second[chosen[k]], costs);
    return allocation;
}

std::map<std::string, engine::MethodSpec> changes(const Allocation& before, const Allocation& after) {
    std::map<std::string, engine::MethodSpec> changed;
    for (std::size_t i = 0; i < after.tensors.size(); ++i)
        if (before.tensors[i].spec != after.tensors[i].spec)
            changed.emplace(after.tensors[i].name, after.tensors[i].spec);
    return changed;
}

} // namespace qscope
