// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/tensor/tensor.h"

#include <memory>
#include <vector>

namespace qscope::engine {

/// One level of a pyramid: each cell holds, with its sign, the value of largest magnitude among the cells it covers, so
/// that outliers stay visible however far one zooms out. NaN wins over everything.
struct PyramidLevel {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::vector<float> cells;
};

/// A matrix at reduced sizes for display. `levels[k]` halves both sides of the level before it; `levels[0]` is the
/// matrix reduced by `baseFactor` per side (a power of two, chosen so that the level has at most 4 Mi cells).
/// Full resolution comes from `decodeTile`.
struct Pyramid {
    MatrixShape shape;
    std::int64_t baseFactor = 1;
    std::vector<PyramidLevel> levels;
    float absoluteMaximum = 0; ///< of the finite values
};

/// Progress counts elements; a total that is not known yet becomes the matrix's.
[[nodiscard]] Result<std::shared_ptr<const Pyramid>> buildPyramid(const TensorView& tensor, const RunContext& context);

} // namespace qscope::engine
