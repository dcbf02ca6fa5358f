// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"

#include <memory>
#include <string>
#include <vector>

namespace qscope {

/// A module or tensor of the tree. Modules sum up what lies below them; a weight stored in parts has them as children,
/// which count nothing of their own.
struct TensorNode {
    std::string label; ///< part of the name, dots included where modules with one child were joined, "weight" left out there
    int parent = -1;
    std::vector<int> children; ///< in file order
    std::int64_t tensor = -1;  ///< index in the checkpoint; -1 for a module
    std::int64_t tensors = 0;  ///< whole ones at and below this node
    std::int64_t parameters = 0;
    std::uint64_t bytes = 0;
};

/// The names of a checkpoint taken apart at their dots. Node 0 is the root. Immutable once built.
struct TensorTree {
    std::shared_ptr<const engine::Checkpoint> checkpoint;
    std::vector<TensorNode> nodes;
};

/// `grouped` false: all tensors by full name below the root. Linear in the number of tensors; any thread.
[[nodiscard]] std::shared_ptr<const TensorTree> buildTensorTree(std::shared_ptr<const engine::Checkpoint> checkpoint,
                                                                bool grouped);

} // namespace qscope
