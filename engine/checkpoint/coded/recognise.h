// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/coded/claim.h"
#include "engine/core/memory_budget.h"

namespace qscope::engine {

/// Puts weights that are stored in several tensors together (formats.md, sections 4 to 7): each is listed as one Coded
/// tensor followed by its parts, in place of the stored ones. The checkpoint's tensors must be consistent with their files.
/// Under a claim, tensors that contradict it or each other are Malformed, and a method that is not read leaves all as
/// stored, with a warning. Without one, what does not fit stays as stored. What the weights take in memory goes off the budget.
[[nodiscard]] Result<void> recogniseCoded(Checkpoint& checkpoint, const QuantizationClaim& claim, MemoryBudget& budget,
                                          Diagnostics& notes);

/// Whether a stored tensor of this name is looked at as a part of a weight that is stored in several.
[[nodiscard]] bool tellsOfCodedWeight(std::string_view name);

} // namespace qscope::engine
