// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/types.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

// formats.md, section 8.1. Integers under a byte have no type of ours: they are shown as codes.
constexpr std::array kTypes{
    OnnxTypeInfo{OnnxType::F32, "FLOAT", 32, DType::F32},
    OnnxTypeInfo{OnnxType::U8, "UINT8", 8, DType::U8},
    OnnxTypeInfo{OnnxType::I8, "INT8", 8, DType::I8},
    OnnxTypeInfo{OnnxType::U16, "UINT16", 16, DType::U16},
    OnnxTypeInfo{OnnxType::I16, "INT16", 16, DType::I16},
    OnnxTypeInfo{OnnxType::I32, "INT32", 32, DType::I32},
    OnnxTypeInfo{OnnxType::I64, "INT64", 64, DType::I64},
    OnnxTypeInfo{OnnxType::String, "STRING", 0, std::nullopt},
    OnnxTypeInfo{OnnxType::Bool, "BOOL", 8, DType::Bool},
    OnnxTypeInfo{OnnxType::F16, "FLOAT16", 16, DType::F16},
    OnnxTypeInfo{OnnxType::F64, "DOUBLE", 64, DType::F64},
    OnnxTypeInfo{OnnxType::U32, "UINT32", 32, DType::U32},
    OnnxTypeInfo{OnnxType::U64, "UINT64", 64, DType::U64},
    OnnxTypeInfo{OnnxType::C64, "COMPLEX64", 64, DType::C64},
    OnnxTypeInfo{OnnxType::C128, "COMPLEX128", 0, std::nullopt},
    OnnxTypeInfo{OnnxType::BF16, "BFLOAT16", 16, DType::BF16},
    OnnxTypeInfo{OnnxType::F8E4M3FN, "FLOAT8E4M3FN", 8, DType::F8_E4M3},
    OnnxTypeInfo{OnnxType::F8E4M3FNUZ, "FLOAT8E4M3FNUZ", 8, DType::F8_E4M3FNUZ},
    OnnxTypeInfo{OnnxType::F8E5M2, "FLOAT8E5M2", 8, DType::F8_E5M2},
    OnnxTypeInfo{OnnxType::F8E5M2FNUZ, "FLOAT8E5M2FNUZ", 8, DType::F8_E5M2FNUZ},
    OnnxTypeInfo{OnnxType::U4, "UINT4", 4, std::nullopt},
    OnnxTypeInfo{OnnxType::I4, "INT4", 4, std::nullopt},
    OnnxTypeInfo{OnnxType::F4E2M1, "FLOAT4E2M1", 4, DType::F4},
    OnnxTypeInfo{OnnxType::F8E8M0, "FLOAT8E8M0", 8, DType::F8_E8M0},
    OnnxTypeInfo{OnnxType::U2, "UINT2", 2, std::nullopt},
    OnnxTypeInfo{OnnxType::I2, "INT2", 2, std::nullopt},
};

} // namespace

const OnnxTypeInfo* info(OnnxType type) {
    const auto row = std::ranges::find(kTypes, type, &OnnxTypeInfo::type);
    return row == kTypes.end() ? nullptr : &*row;
}

OnnxType onnxType(DType type) {
    const auto row = std::ranges::find(kTypes, std::optional(type), &OnnxTypeInfo::plain);
    return row == kTypes.end() ? OnnxType::Undefined : row->type;
}

std::optional<std::uint64_t> rawBytes(const OnnxTypeInfo& type, std::uint64_t elements) {
    const auto bits = checkedMul(elements, static_cast<std::uint64_t>(type.bits));
    if (!bits) return std::nullopt;
    return ceilDiv<std::uint64_t>(*bits, 8);
}

} // namespace qscope::engine
