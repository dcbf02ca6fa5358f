// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/graph.h"

namespace qscope::engine {

/// What a tensor type is called and how it is stored.
struct OnnxTypeInfo {
    OnnxType type;
    std::string_view name;      ///< as onnx.proto has it: "FLOAT8E4M3FN"
    int bits;                   ///< per element in raw_data; 0: not read
    std::optional<DType> plain; ///< the type of ours with the same values and, from 8 bits on, the same bytes
};

/// Null for a number that no type has.
[[nodiscard]] const OnnxTypeInfo* info(OnnxType type);
/// The ONNX type with the same bytes, Undefined when there is none.
[[nodiscard]] OnnxType onnxType(DType type);

/// Bytes of `elements` elements in raw_data: elements under a byte share one, and the last byte may be filled up.
[[nodiscard]] std::optional<std::uint64_t> rawBytes(const OnnxTypeInfo& type, std::uint64_t elements);

} // namespace qscope::engine
