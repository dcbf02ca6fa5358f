// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/nn/kernels/instruction_set.h"

#include <span>

namespace qscope::engine::kernels {

/// Functions with a vectorised version. Errors of the single-precision versions, in units in the last place of the
/// result unless said otherwise (measured against double precision over the whole range, every instruction set):
enum class Function {
    Exp,     ///< 1.5
    Tanh,    ///< 2
    Erf,     ///< 2
    Sigmoid, ///< 3;  1 / (1 + e^-x)
    /// 4, and |x| * 2^-149 where e^x is below the normal range;  x * sigmoid(x). NaN at -inf, as inf * 0
    Silu,
    /// |x| * 2^-22;  x / 2 * (1 + erf(x / sqrt 2)), whose digits cancel for x below -1. NaN at -inf
    Gelu,
    /// |x| * 2^-22;  x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))). NaN at -inf
    GeluTanh,
};

/// y = f(x), lane by lane, on the calling thread. y may be x. NaN gives NaN; infinities give the limit unless said
/// above.
void evaluate(Function function, std::span<const float> x, std::span<float> y,
              InstructionSet instructions = bestInstructionSet());
/// With the functions of the standard library.
void evaluate(Function function, std::span<const double> x, std::span<double> y,
              InstructionSet instructions = bestInstructionSet());

/// The same on all cores.
[[nodiscard]] Result<void> evaluate(Function function, std::span<const float> x, std::span<float> y,
                                    const RunContext& context);
[[nodiscard]] Result<void> evaluate(Function function, std::span<const double> x, std::span<double> y,
                                    const RunContext& context);

} // namespace qscope::engine::kernels
