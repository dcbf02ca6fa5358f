// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/plan.h"

namespace qscope::engine {

/// Codes of swept results are kept up to so many bytes of one report, at a byte per weight; of the others, only what
/// was measured: running one of them alone makes its codes again.
inline constexpr std::uint64_t kKeptSweepBytes = std::uint64_t{1} << 30;

/// A plan with sweeps: its own methods and every combination, a few at a time, so that memory does not grow with their
/// number. Progress counts methods. A combination that takes no tensor is left out with a warning. `keptBytes`: see
/// above.
[[nodiscard]] Result<std::shared_ptr<const CompareReport>> runSweeps(const Plan& plan, const Checkpoint& checkpoint,
                                                                     const Registries& registries,
                                                                     const RunContext& context, CalibrationCache* cache,
                                                                     std::uint64_t keptBytes = kKeptSweepBytes);

} // namespace qscope::engine
