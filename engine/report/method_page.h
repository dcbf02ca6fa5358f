// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// How long a method takes, roughly: what it has to look at.
enum class TimeClass : std::uint8_t {
    Weights,   ///< the weights alone: as fast as they are read
    Calibrated, ///< a text goes through the model first
    Model      ///< the model runs again and again while the method works
};
[[nodiscard]] TimeClass timeClassOf(const MethodInfo& info);
/// "weights alone", "calibrated", "works on the model".
[[nodiscard]] std::string_view nameOf(TimeClass time);

/// What has to be there before the method can run, and what it does besides rounding weights, as sentences: "Needs a
/// calibration text.", "Also quantizes activations."; empty when there is nothing to say.
[[nodiscard]] std::vector<std::string> demandsOf(const MethodInfo& info);

/// The help page of a method as a fragment of HTML without style: what it is, objective, steps, recommended settings,
/// defaults, cost, needs, reference.
[[nodiscard]] std::string methodPage(const MethodInfo& info);
/// The same as plain text, indented by two.
[[nodiscard]] std::string methodText(const MethodInfo& info);

} // namespace qscope::engine
