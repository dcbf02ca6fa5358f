// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/dtype.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <array>

namespace qscope {

namespace {

using enum DType;
constexpr auto kFloat = DTypeKind::Float;
constexpr auto kInteger = DTypeKind::Integer;
constexpr auto kBlock = DTypeKind::Block;

// Block lengths and bytes: formats.md, section 2; OCP and FNUZ floats: section 3.
constexpr std::array kTable{
    DTypeInfo{F64, "F64", kFloat, 1, 64},
    DTypeInfo{F32, "F32", kFloat, 1, 32},
    DTypeInfo{F16, "F16", kFloat, 1, 16},
    DTypeInfo{BF16, "BF16", kFloat, 1, 16},
    DTypeInfo{F8_E4M3, "F8_E4M3", kFloat, 1, 8},
    DTypeInfo{F8_E5M2, "F8_E5M2", kFloat, 1, 8},
    DTypeInfo{F8_E8M0, "F8_E8M0", kFloat, 1, 8},
    DTypeInfo{F8_E4M3FNUZ, "F8_E4M3FNUZ", kFloat, 1, 8},
    DTypeInfo{F8_E5M2FNUZ, "F8_E5M2FNUZ", kFloat, 1, 8},
    DTypeInfo{F6_E2M3, "F6_E2M3", kFloat, 1, 6},
    DTypeInfo{F6_E3M2, "F6_E3M2", kFloat, 1, 6},
    DTypeInfo{F4, "F4", kFloat, 1, 4},
    DTypeInfo{C64, "C64", DTypeKind::Complex, 1, 64},
    DTypeInfo{Bool, "BOOL", kInteger, 1, 8},
    DTypeInfo{U8, "U8", kInteger, 1, 8},
    DTypeInfo{I8, "I8", kInteger, 1, 8},
    DTypeInfo{U16, "U16", kInteger, 1, 16},
    DTypeInfo{I16, "I16", kInteger, 1, 16},
    DTypeInfo{U32, "U32", kInteger, 1, 32},
    DTypeInfo{I32, "I32", kInteger, 1, 32},
    DTypeInfo{U64, "U64", kInteger, 1, 64},
    DTypeInfo{I64, "I64", kInteger, 1, 64},
    DTypeInfo{Q4_0, "Q4_0", kBlock, 32, 18 * 8},
    DTypeInfo{Q4_1, "Q4_1", kBlock, 32, 20 * 8},
    DTypeInfo{Q5_0, "Q5_0", kBlock, 32, 22 * 8},
    DTypeInfo{Q5_1, "Q5_1", kBlock, 32, 24 * 8},
    DTypeInfo{Q8_0, "Q8_0", kBlock, 32, 34 * 8},
    DTypeInfo{Q8_1, "Q8_1", kBlock, 32, 36 * 8},
    DTypeInfo{Q2_K, "Q2_K", kBlock, 256, 84 * 8},
    DTypeInfo{Q3_K, "Q3_K", kBlock, 256, 110 * 8},
    DTypeInfo{Q4_K, "Q4_K", kBlock, 256, 144 * 8},
    DTypeInfo{Q5_K, "Q5_K", kBlock, 256, 176 * 8},
    DTypeInfo{Q6_K, "Q6_K", kBlock, 256, 210 * 8},
    DTypeInfo{Q8_K, "Q8_K", kBlock, 256, 292 * 8},
    DTypeInfo{IQ1_S, "IQ1_S", kBlock, 256, 50 * 8},
    DTypeInfo{IQ1_M, "IQ1_M", kBlock, 256, 56 * 8},
    DTypeInfo{IQ2_XXS, "IQ2_XXS", kBlock, 256, 66 * 8},
    DTypeInfo{IQ2_XS, "IQ2_XS", kBlock, 256, 74 * 8},
    DTypeInfo{IQ2_S, "IQ2_S", kBlock, 256, 82 * 8},
    DTypeInfo{IQ3_XXS, "IQ3_XXS", kBlock, 256, 98 * 8},
    DTypeInfo{IQ3_S, "IQ3_S", kBlock, 256, 110 * 8},
    DTypeInfo{IQ4_NL, "IQ4_NL", kBlock, 32, 18 * 8},
    DTypeInfo{IQ4_XS, "IQ4_XS", kBlock, 256, 136 * 8},
    DTypeInfo{TQ1_0, "TQ1_0", kBlock, 256, 54 * 8},
    DTypeInfo{TQ2_0, "TQ2_0", kBlock, 256, 66 * 8},
    DTypeInfo{MXFP4, "MXFP4", kBlock, 32, 17 * 8},
    DTypeInfo{NVFP4, "NVFP4", kBlock, 64, 36 * 8},
    DTypeInfo{Q1_0, "Q1_0", kBlock, 128, 18 * 8},
    DTypeInfo{Q2_0, "Q2_0", kBlock, 64, 18 * 8},
    DTypeInfo{Coded, "coded", DTypeKind::Coded, 1, 0},
};

constexpr bool inEnumerationOrder() {
    for (std::size_t i = 0; i < kTable.size(); ++i)
        if (static_cast<std::size_t>(kTable[i].type) != i) return false;
    return true;
}
static_assert(inEnumerationOrder());

} // namespace

std::span<const DTypeInfo> dtypeTable() { return kTable; }

const DTypeInfo& info(DType type) { return kTable[static_cast<std::size_t>(type)]; }

std::optional<DType> dtypeFromName(std::string_view name) {
    const auto row = std::ranges::find(kTable, name, &DTypeInfo::name);
    if (row == kTable.end() || row->type == Coded) return std::nullopt;
    return row->type;
}

double bitsPerElement(DType type) { return static_cast<double>(info(type).blockBits) / info(type).blockLength; }

std::optional<std::uint64_t> storedBytes(DType type, std::uint64_t elements) {
    if (type == Coded) return std::nullopt;
    const DTypeInfo& row = info(type);
    const auto length = static_cast<std::uint64_t>(row.blockLength);
    if (elements % length != 0) return std::nullopt;
    const auto bits = checkedMul(elements / length, static_cast<std::uint64_t>(row.blockBits));
    if (!bits || *bits % 8 != 0) return std::nullopt;
    return *bits / 8;
}

} // namespace qscope
