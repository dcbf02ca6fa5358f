// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/calibrate.h"
#include "engine/quant/model_access.h"

namespace qscope::engine {

/// A model on a calibration text, for methods that look beyond one tensor. `weights` in any order, with the subject's name
/// as the checkpoint has it and the values as methods see them (`weight_orientation.h`); `tensors` are their indices there. Holds on to all it is
/// given, save `traces` (null: they are dropped), which gets what methods leave, by tensor.
/// Unsupported for a model whose blocks do not follow one another.
[[nodiscard]] Result<std::unique_ptr<ModelAccess>> makeModelAccess(Model model, CalibrationText text,
                                                                   std::shared_ptr<const Calibration> calibration,
                                                                   std::vector<ModelWeight> weights,
                                                                   std::vector<std::size_t> tensors,
                                                                   std::map<std::size_t, std::vector<Trace>>* traces = nullptr);

} // namespace qscope::engine
