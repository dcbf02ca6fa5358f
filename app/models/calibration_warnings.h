// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/plan.h"

#include <QStringList>

namespace qscope {

/// What to know before the plan runs: methods that rely on a calibration which the plan has not, or which leaves open
/// what flows into some of its weights. One sentence each; none where no method relies on one. `made`: the plan's
/// calibration, or null while it has not been made.
[[nodiscard]] QStringList calibrationWarnings(const engine::Plan& plan, const engine::Registries& registries,
                                              const engine::Checkpoint& checkpoint, const engine::Calibration* made);

} // namespace qscope
