// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/quantized_tensor.h"

#include <optional>

namespace qscope::engine {

/// The GGUF type that holds a result with every value as it is.
struct ExactType {
    DType type = DType::F32;
    std::optional<float> tensorScale = {}; ///< goes to a tensor ".scale" of its own (NVFP4)
    std::optional<float> divisor = {};     ///< of which that is the reciprocal
};

/// Which GGUF type holds the result exactly, or why none does (Unsupported). Blocks are themselves. Blocks of 32 hold groups of
/// any multiple of 32 columns, their scale repeated: symmetric grids whose scales are halves as Q4_0 (up to 4 bits), Q5_0 or
/// Q8_0; asymmetric ones as Q4_1 or Q5_1 where the lowest value of every group is a half too, else (up to 7 bits) as the
/// symmetric type with a bit more, codes counted from their zero points; E2M1 levels with powers of two as MXFP4. E2M1
/// levels in groups of 16 with E4M3 scales are NVFP4; a tensor scale that divides is stored as its reciprocal, and itself
/// in the file's metadata (gguf_scales.h). An outline, without codes and scales, is judged by its form alone.
[[nodiscard]] Result<ExactType> exactGgufType(const QuantizedTensor& tensor);

/// The blocks of `exactGgufType`, which must have accepted the result.
[[nodiscard]] TensorView asExactBlocks(const QuantizedTensor& tensor);

} // namespace qscope::engine
