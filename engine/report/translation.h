// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/architecture.h"
#include "engine/report/export_common.h"

namespace qscope::engine {

// A checkpoint's tensors in the words and the arrangement of another world: Hugging Face's or GGUF's. Names, rotary
// rows, and what single families do otherwise (architecture.h). Checkpoints of unknown families stay as they are.

/// What happens to the values of a tensor on the way.
enum class Reform : std::uint8_t { None, AddOne, SubtractOne, Transpose };

class Translation {
public:
    Translation(const Checkpoint& source, Naming target);

    /// Unsupported for what cannot be translated: codes of stacks of experts, rotary rows of unknown heads, results on matrices that
    /// the target has transposed.
    [[nodiscard]] Result<void> check(const std::vector<const QuantizedTensor*>& replaced) const;
    /// Tensors that the target does not have: parts of others, and what a family leaves out.
    [[nodiscard]] bool leavesOut(std::size_t tensor) const;
    /// A stack of experts in GGUF, each of which the target has for itself.
    [[nodiscard]] bool isStack(std::size_t tensor) const;
    /// An expert on its way to GGUF is called as before it is stacked (expert_stacks.h).
    [[nodiscard]] std::string name(std::size_t tensor) const;
    [[nodiscard]] Shape shape(std::size_t tensor) const;
    /// Whether the values change, so that they pass in single precision.
    [[nodiscard]] bool changesValues(std::size_t tensor) const;
    /// Whether anything but the order of rows changes, so that codes and blocks cannot stay.
    [[nodiscard]] bool changesForm(std::size_t tensor) const { return reform(tensor) != Reform::None; }
    /// The tensor, or what stands for it, as the target has it.
    [[nodiscard]] Result<TensorView> apply(std::size_t tensor, const TensorView& view) const;

private:
    [[nodiscard]] Reform reform(std::size_t tensor) const;

    const Checkpoint& m_source;
    Naming m_target;
    const Architecture* m_family; ///< null: nothing is translated
    RopeLayout m_layout;
};

} // namespace qscope::engine
