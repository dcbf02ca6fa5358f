// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// Repairs with the singular vectors of what rounding changed.
[[nodiscard]] std::unique_ptr<QuantMethod> makeLorc();
/// Alternates between codes and a low-rank part, and shares out bits among matrices.
[[nodiscard]] std::unique_ptr<QuantMethod> makeLqLora();
/// Four bits on both sides, with a low-rank part in 16 bits for what they cannot hold.
[[nodiscard]] std::unique_ptr<QuantMethod> makeSvdQuant();
/// Repairs with low-rank factors trained on the whole model's output.
[[nodiscard]] std::unique_ptr<QuantMethod> makeLrec();

} // namespace qscope::engine
