// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/optimize/allocation.h"
#include "plugins/view_bit_allocation/costs.h"

#include <QString>

namespace qscope {

/// A tensor of the plan and what the plan does to it.
struct TensorSlot {
    std::size_t tensor = 0; ///< in the checkpoint
    std::string name;
    std::int64_t weights = 0;
    engine::MethodSpec spec;  ///< the id "keep": it stays as it is
    std::optional<int> width; ///< of the adjustable method; nothing: a rule puts something else in its place
    double stored = 0;        ///< bits per weight in the checkpoint
};

/// Neighbouring slots of one block of the network.
struct LayerSlots {
    int layer = -1; ///< -1: outside the blocks
    std::size_t first = 0;
    std::size_t count = 0;
};

/// What the plan does, tensor by tensor, in the order of the layers; what lies outside the blocks is last.
struct Allocation {
    std::vector<TensorSlot> tensors;
    std::vector<LayerSlots> layers;
    std::size_t leftOut = 0; ///< tensors that the method does not take
};

/// `sizes` says which tensors the methods take.
[[nodiscard]] Allocation allocationOf(const engine::Plan& plan, const AdjustableMethod& method,
                                      const engine::Checkpoint& checkpoint, const CostTable& sizes);

/// What is to become least.
enum class Goal : std::uint8_t {
    Weights,   ///< relative MSE: sum (w - ŵ)² / sum w² over all treated weights, which a run measures too
    Divergence ///< KL divergence at the model's end, predicted from the layers' own
};

/// What the allocation comes to. Tensors that are kept do not count, as in a report.
struct Totals {
    std::uint64_t bits = 0;
    std::int64_t weights = 0;
    std::optional<double> quality; ///< in the goal's unit; nothing where something is not measured yet, or has no share
};

/// Of one tensor; nothing as above. Sum over tensors: the quality of all.
[[nodiscard]] std::optional<double> costOf(const TensorSlot& slot, const Cost& cost, Goal goal,
                                           const Sensitivity* sensitivity, double reference);
/// Sum w² over the tensors that are treated, of which costs are relative; 0: nothing is measured.
[[nodiscard]] double referenceOf(const Allocation& allocation, const CostTable& costs);
[[nodiscard]] const Cost* findCost(const CostTable& costs, const engine::MethodSpec& spec, std::size_t tensor);
[[nodiscard]] Totals totalsOf(const Allocation& allocation, const CostTable& costs, Goal goal,
                              const Sensitivity* sensitivity);

/// Sets a slot, or each of a layer's that has a width, to a width; slots that cannot stay as they are.
void setWidth(Allocation& allocation, std::size_t first, std::size_t count, const AdjustableMethod& method, int bits,
              const CostTable& sizes);

/// The allocation of least cost whose treated weights take `bitsPerWeight` on average, exactly (`engine::allocate`).
/// Slots without a width stay and count. OutOfRange when that is not possible or something is not measured.
[[nodiscard]] Result<Allocation> fillTo(double bitsPerWeight, Allocation allocation, const AdjustableMethod& method,
                                        const CostTable& costs, Goal goal, const Sensitivity* sensitivity,
                                        const RunContext& context);

/// The methods of slots that differ between two allocations of the same plan, by tensor name.
[[nodiscard]] std::map<std::string, engine::MethodSpec> changes(const Allocation& before, const Allocation& after);

} // namespace qscope
