// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend_gpu/gate_plan.h"

#include "gpu/kernels/apply_dense.h"
#include "gpu/kernels/apply_diagonal.h"

#include <algorithm>
#include <numeric>

namespace qscope::engine::vulkan {
namespace {

std::uint64_t swapBits(std::uint64_t mask, int a, int b) {
    const std::uint64_t differ = ((mask >> a) ^ (mask >> b)) & 1u;
    return mask ^ (differ << a | differ << b);
}

/// The same matrix with its targets in ascending order.
FusedGate sorted(const FusedGate& gate) {
    const std::size_t count = gate.targets.size();
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t k) { return gate.targets[k]; });
    FusedGate result = gate;
    for (std::size_t k = 0; k < count; ++k) result.targets[k] = gate.targets[order[k]];
    const std::size_t size = std::size_t{1} << count;
    std::vector<std::size_t> old(size, 0); // the old number of each new local state
    for (std::size_t s = 0; s < size; ++s)
        for (std::size_t k = 0; k < count; ++k) old[s] |= (s >> k & 1u) << order[k];
    for (std::size_t r = 0; r < size; ++r)
        for (std::size_t c = 0; c < size; ++c) result.entries[r * size + c] = gate.entries[old[r] * size + old[c]];
    return result;
}

} // namespace

Result<void> checkGate(const FusedGate& gate, int bits) {
    const bool dense = gate.form == FusedGate::Form::Dense;
    const auto most = static_cast<std::size_t>(dense ? gpu::kDenseTargets : gpu::kDiagonalTargets);
    if (gate.targets.size() > most)
        return fail(ErrorCode::OutOfRange, "a {} gate on {} qubits; {} are the limit", dense ? "dense" : "diagonal",
                    gate.targets.size(), most);
    std::uint64_t seen = gate.controlMask;
    if (bits < 64 && seen >> bits != 0)
        return fail(ErrorCode::OutOfRange, "a gate is controlled by a qubit that a state of {} does not have", bits);
    for (const int target : gate.targets) {
        if (target < 0 || target >= bits)
            return fail(ErrorCode::OutOfRange, "a gate acts on qubit {} of a state of {}", target, bits);
        if (seen >> target & 1u) return fail(ErrorCode::OutOfRange, "a gate names qubit {} twice", target);
        seen |= std::uint64_t{1} << target;
    }
    const std::size_t entries = std::size_t{1} << (gate.targets.size() * (dense ? 2 : 1));
    if (gate.entries.size() != entries)
        return fail(ErrorCode::OutOfRange, "a gate on {} qubits has {} entries, not {}", gate.targets.size(),
                    gate.entries.size(), entries);
    return {};
}

DensePlan planDense(const FusedGate& gate, const gpu::ShardLayout& layout) {
    DensePlan plan{{}, sorted(gate)};
    auto& targets = plan.gate.targets;
    int candidate = layout.localBits - 1;
    // Ascending order leaves the highest shard bit for the kernel that binds two shards.
    for (std::size_t k = 0; k + 1 < targets.size(); ++k) {
        if (targets[k] < layout.localBits) continue;
        while (std::ranges::find(targets, candidate) != targets.end()) --candidate;
        plan.swaps.emplace_back(candidate, targets[k]);
        plan.gate.controlMask = swapBits(plan.gate.controlMask, candidate, targets[k]);
        targets[k] = candidate--;
    }
    if (!plan.swaps.empty()) plan.gate = sorted(plan.gate);
    return plan;
}

} // namespace qscope::engine::vulkan
