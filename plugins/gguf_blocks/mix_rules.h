// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

#include <optional>
#include <span>
#include <string_view>

namespace qscope::engine {

// The mixes of llama-quantize: one name for a file, several types of tensors in it. The rules are those of the ggml
// project's llama-quantize of August 2026 (formats.md, section 1.3), which counts layers; ours read them off the names.

enum class Mix : std::uint8_t {
    Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q2_K_S, Q3_K_S, Q3_K_M, Q3_K_L, Q4_K_S, Q4_K_M, Q5_K_S, Q5_K_M, Q6_K,
    IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ2_M, IQ3_XXS, IQ3_XS, IQ3_S, IQ3_M, IQ4_NL, IQ4_XS, TQ1_0, TQ2_0, MXFP4_MOE
};

/// One mix: the table from which methods are made.
struct MixInfo {
    Mix mix;
    std::string_view id;   ///< of the method; "_mix" where the plain type has the name
    std::string_view name; ///< as llama-quantize prints it
    DType base;            ///< of tensors without a rule of their own
};
[[nodiscard]] std::span<const MixInfo> mixes();

/// The type that a tensor gets, or why it stays as it is: `subject.commonName` says which part of the model it is. Types
/// whose blocks do not fit the row are replaced, at last by F16 (where llama-quantize may give up).
[[nodiscard]] Result<DType> mixType(Mix mix, const Subject& subject);

/// Whether the mix wants an importance matrix for a tensor that gets this type.
[[nodiscard]] bool mixNeedsImportance(Mix mix, DType type);

} // namespace qscope::engine
