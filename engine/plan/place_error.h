// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/report/propagation_report.h"

#include <span>

namespace qscope::engine {

/// Fills in everything but layer and name: values [tokens, channels] of one place in full precision and under a method.
/// Sums in double, token after token. Leaves the context's progress alone.
[[nodiscard]] Result<void> measurePlace(PropagatedPlace& place, std::span<const float> reference,
                                        std::span<const float> result, std::int64_t channels,
                                        const RunContext& context);

/// The same for logits [tokens, vocabulary]; Malformed when some are NaN or infinite.
[[nodiscard]] Result<PropagatedLogits> measureLogits(std::span<const float> reference, std::span<const float> result,
                                                     std::int64_t vocabulary, const RunContext& context);

} // namespace qscope::engine
