// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/json_printer.h"
#include "engine/quantum/planner/planner.h"

namespace qscope::cli {

/// How a circuit would be simulated, and why: for scripts and for people.
[[nodiscard]] Json toJson(const engine::SimulationPlan& plan);
[[nodiscard]] std::string toText(const engine::SimulationPlan& plan);

} // namespace qscope::cli
