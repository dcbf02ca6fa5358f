// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/coded/claim.h"
#include "engine/checkpoint/coded/weight_parts.h"

namespace qscope::engine {

// One function per way of storing a weight. Each is asked about a module one of whose tensors has the telling name, and
// completes `parts`, or says false when that name meant something else; Malformed when tensors contradict each other or
// the claim, Unsupported for variants that are not read.
using ReadWeight = Result<bool>(WeightParts& parts, const QuantizationClaim& claim);

ReadWeight readCompressed;        ///< .weight_packed, .weight_scale: formats.md, section 4
ReadWeight readSparse;            ///< .bitmask: sparse-bitmask and sparse-24-bitmask of section 4
ReadWeight readModelOpt;          ///< .weight_scale_2: section 4.1
ReadWeight readFp8Blocks;         ///< .weight_scale_inv: section 4.1
ReadWeight readGptOss;            ///< _blocks: section 4.1
ReadWeight readGptq;              ///< .qweight: section 5
ReadWeight readAwq;               ///< .qweight: section 6
ReadWeight readBitsandbytes4;     ///< .quant_state.bitsandbytes__nf4, __fp4: section 7
ReadWeight readBitsandbytes8;     ///< .SCB: section 7
ReadWeight readPlainCodes;        ///< .codes: engine/report/README.md

/// Why a claimed variant is not read, or an empty text: known before any tensor is looked at.
[[nodiscard]] std::string unreadCompressed(const QuantizationClaim& claim);
[[nodiscard]] std::string unreadGptq(const QuantizationClaim& claim);
[[nodiscard]] std::string unreadAwq(const QuantizationClaim& claim);

} // namespace qscope::engine
