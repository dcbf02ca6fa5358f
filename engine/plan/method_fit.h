// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/plan.h"

namespace qscope::engine {

/// Whether a method can do something with a checkpoint, before anything is run.
struct MethodFit {
    std::string refusal;              ///< why it takes none of the plan's tensors; empty: it takes some
    std::size_t taken = 0;            ///< of the tensors looked at
    std::size_t asked = 0;
    std::string firstLeftOut;         ///< "model.embed_tokens.weight: ..." for the first tensor that it does not take
    std::vector<std::string> formats; ///< ids of the exporters that can hold its result
};

/// Looks at no more than `most` of the plan's tensors, spread over them: a checkpoint may have 100,000. A method that needs
/// a calibration text is judged as if there were one.
[[nodiscard]] MethodFit fitOf(const MethodSpec& spec, const Plan& plan, const Checkpoint& checkpoint, const Registries& registries,
                              std::size_t most = 64);

} // namespace qscope::engine
