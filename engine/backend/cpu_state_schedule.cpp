// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state_schedule.h"

#include <bit>

namespace qscope::engine::cpu {

GateUse useOf(const FusedGate& gate) {
    GateUse use{0, gate.controlMask};
    std::uint64_t& targets = gate.form == FusedGate::Form::Dense ? use.mixed : use.read;
    for (const int target : gate.targets) targets |= std::uint64_t{1} << target;
    return use;
}

std::vector<FusedGate> partsOfSwap(const FusedGate& gate) {
    if (gate.form != FusedGate::Form::Dense || gate.targets.size() != 2) return {};
    for (std::size_t row = 0; row < 4; ++row)
        for (std::size_t column = 0; column < 4; ++column) {
            const bool moved = column == (row >> 1 | (row << 1 & 2));
            if (gate.entries[4 * row + column] != (moved ? 1.0 : 0.0)) return {};
        }
    std::vector<FusedGate> parts;
    for (const std::size_t target : {0, 1, 0})
        parts.push_back({FusedGate::Form::Dense,
                         {gate.targets[target]},
                         gate.controlMask | std::uint64_t{1} << gate.targets[1 - target],
                         {0, 1, 1, 0}});
    return parts;
}

GateGroup takeGroup(std::vector<const FusedGate*>& pending, std::uint64_t always, int most, std::uint64_t allowed,
                    bool single) {
    GateGroup group;
    GateUse left; // by gates that stay
    std::vector<const FusedGate*> staying;
    for (std::size_t i = 0; i < pending.size(); ++i) {
        const GateUse use = useOf(*pending[i]);
        const bool must = (use.mixed & left.all()) != 0 || (use.read & left.mixed) != 0; // follow one that stays
        const std::uint64_t mixed = group.mixed | use.mixed;
        if (must || (use.mixed & ~allowed) != 0 || std::popcount(mixed & ~always) > most ||
            (single && std::popcount(use.mixed) > 1)) {
            left.mixed |= use.mixed;
            left.read |= use.read;
            staying.push_back(pending[i]);
        } else {
            group.mixed = mixed;
            group.gates.push_back(pending[i]);
        }
    }
    pending = std::move(staying);
    return group;
}

GateGroup takeLargestGroup(std::vector<const FusedGate*>& pending, int always, int most, int bits) {
    const std::uint64_t low = (std::uint64_t{1} << always) - 1;
    // In order of appearance, then windows of neighbouring qubits: circuits couple neighbours more often than not.
    auto bestLeft = pending;
    GateGroup best = takeGroup(bestLeft, low, most, UINT64_MAX, false);
    for (int first = always; first + most <= bits; ++first) {
        const std::uint64_t window = ((std::uint64_t{1} << most) - 1) << first;
        auto left = pending;
        GateGroup group = takeGroup(left, low, most, low | window, false);
        if (group.gates.size() <= best.gates.size()) continue;
        best = std::move(group);
        bestLeft = std::move(left);
    }
    pending = std::move(bestLeft);
    return best;
}

} // namespace qscope::engine::cpu
