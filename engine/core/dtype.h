// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace qscope {

/// How the elements of a tensor are stored. Scalar types first, then the block types of GGUF, whose elements are
/// stored `blockLength` at a time along the last axis; last the one type that says nothing about bytes.
enum class DType : std::uint8_t {
    F64, F32, F16, BF16,
    F8_E4M3, F8_E5M2, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ,
    F6_E2M3, F6_E3M2, F4,
    C64,
    Bool, U8, I8, U16, I16, U32, I32, U64, I64,
    Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1,
    Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K,
    IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ4_NL, IQ4_XS,
    TQ1_0, TQ2_0, MXFP4, NVFP4, Q1_0, Q2_0,
    Coded ///< no single run of bytes: the values come from a tensor's source
};

enum class DTypeKind : std::uint8_t { Float, Integer, Complex, Block, Coded };

/// One row of the table of types. Sizes are in bits because F4 and F6 elements are smaller than a byte.
struct DTypeInfo {
    DType type;
    std::string_view name;     ///< as safetensors and GGUF print it
    DTypeKind kind;
    std::int32_t blockLength;  ///< elements per block; 1 for scalars
    std::int32_t blockBits;    ///< bits per block
};

/// The table of all types, in the order of the enumeration. The single source of names and sizes.
[[nodiscard]] std::span<const DTypeInfo> dtypeTable();
[[nodiscard]] const DTypeInfo& info(DType type);
/// Nothing for an unknown name, and for Coded, which no file can ask for.
[[nodiscard]] std::optional<DType> dtypeFromName(std::string_view name);

/// Bits per element, block scales included: 4.5 for Q4_0.
[[nodiscard]] double bitsPerElement(DType type);

/// Bytes of `elements` elements, or nothing when they are no whole number of blocks or bytes, or overflow, or are Coded.
[[nodiscard]] std::optional<std::uint64_t> storedBytes(DType type, std::uint64_t elements);

} // namespace qscope
