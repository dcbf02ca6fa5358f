// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/element_types.h"

#include "engine/tensor/small_floats.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope::engine::nn {

namespace {

constexpr std::array kTypes{
    ElementType{1, "FLOAT", DType::F32, 0},
    ElementType{2, "UINT8", DType::U8, 0},
    ElementType{3, "INT8", DType::I8, 0},
    ElementType{4, "UINT16", DType::U16, 0},
    ElementType{5, "INT16", DType::I16, 0},
    ElementType{6, "INT32", DType::I32, 0},
    ElementType{7, "INT64", DType::I64, 0},
    ElementType{8, "STRING", DType::Coded, 0},
    ElementType{9, "BOOL", DType::Bool, 0},
    ElementType{10, "FLOAT16", DType::F16, 0},
    ElementType{11, "DOUBLE", DType::F64, 0},
    ElementType{12, "UINT32", DType::U32, 0},
    ElementType{13, "UINT64", DType::U64, 0},
    ElementType{16, "BFLOAT16", DType::BF16, 0},
    ElementType{17, "FLOAT8E4M3FN", DType::F8_E4M3, 0},
    ElementType{18, "FLOAT8E4M3FNUZ", DType::F8_E4M3FNUZ, 0},
    ElementType{19, "FLOAT8E5M2", DType::F8_E5M2, 0},
    ElementType{20, "FLOAT8E5M2FNUZ", DType::F8_E5M2FNUZ, 0},
    ElementType{21, "UINT4", DType::U8, 4},
    ElementType{22, "INT4", DType::I8, 4},
    ElementType{23, "FLOAT4E2M1", DType::F8_E4M3, 4},
    ElementType{24, "FLOAT8E8M0", DType::F8_E8M0, 0},
    ElementType{25, "UINT2", DType::U8, 2},
    ElementType{26, "INT2", DType::I8, 2},
};

/// Magnitudes in ascending order, by code; the finite ones first.
struct Grid {
    std::span<const float> values;
    bool infinity = false;
    std::uint8_t nan = 0;
    bool minusZero = true;
};

Grid gridOf(const ElementType& type) {
    if (type.bits == 4) return {std::span(kE2M1).first(8), false, 0x7F, true};
    switch (type.held) {
    case DType::F8_E4M3: return {std::span(kE4M3).first(0x7F), false, 0x7F, true};
    case DType::F8_E4M3FNUZ: return {std::span(kE4M3Fnuz).first(0x80), false, 0x80, false};
    case DType::F8_E5M2: return {std::span(kE5M2).first(0x7C), true, 0x7F, true};
    default: return {std::span(kE5M2Fnuz).first(0x80), false, 0x80, false};
    }
}

/// Index of the nearest value, ties to even; one past the end when the value lies beyond the last one's reach.
std::size_t nearest(float magnitude, std::span<const float> values) {
    const auto above = std::ranges::lower_bound(values, magnitude);
    const auto index = static_cast<std::size_t>(above - values.begin());
    if (index == 0) return 0;
    // Past the end the grid would go on in steps as wide as the last.
    const float low = values[index - 1];
    const float high = index < values.size() ? *above : low + (low - values[index - 2]);
    const float middle = low + (high - low) / 2;
    if (magnitude < middle || (magnitude == middle && (index - 1) % 2 == 0)) return index - 1;
    return index;
}

/// FLOAT8E8M0 has powers of two alone: rounded up, as its use as a scale asks.
std::uint8_t powerOfTwoCode(float value) {
    if (std::isnan(value)) return 255;
    if (value <= 0x1p-127F) return 0;
    int exponent = 0;
    const float fraction = std::frexp(value, &exponent); // in [0.5, 1)
    if (std::isinf(value)) return 254;
    return static_cast<std::uint8_t>(std::clamp(exponent - (fraction == 0.5F ? 1 : 0) + 127, 0, 254));
}

} // namespace

Result<ElementType> elementType(std::int64_t number) {
    const auto row = std::ranges::find(kTypes, number, &ElementType::number);
    if (row == kTypes.end()) return fail(ErrorCode::Unsupported, "element type {} is not done", number);
    return *row;
}

Result<ElementType> elementTypeOf(const Value& value) {
    const auto row = std::ranges::find_if(
        kTypes, [&](const ElementType& type) { return type.held == value.dtype() && type.bits == 0; });
    if (row == kTypes.end() || (row->held == DType::Coded && !value.texts))
        return fail(ErrorCode::Unsupported, "element type {} is not done", info(value.dtype()).name);
    return *row;
}

std::optional<IntegerRange> rangeOf(const ElementType& type) {
    const int bits = type.bits > 0 ? type.bits : info(type.held).blockBits;
    switch (type.held) {
    case DType::U8:
    case DType::U16: return IntegerRange{0, (1 << bits) - 1};
    case DType::I8:
    case DType::I16: return IntegerRange{-(1 << (bits - 1)), (1 << (bits - 1)) - 1};
    default: return std::nullopt;
    }
}

bool isSmallFloat(DType type) {
    return type == DType::F8_E4M3 || type == DType::F8_E4M3FNUZ || type == DType::F8_E5M2 ||
           type == DType::F8_E5M2FNUZ || type == DType::F8_E8M0;
}

std::uint8_t smallFloat(float value, const ElementType& type, bool saturate) {
    if (type.held == DType::F8_E8M0) return powerOfTwoCode(value);
    const Grid grid = gridOf(type);
    if (std::isnan(value) && type.bits == 0) return grid.nan;
    const std::uint8_t sign = std::signbit(value) && !std::isnan(value) ? 0x80 : 0;
    // FLOAT4E2M1 has no NaN: the largest value stands for it.
    std::size_t code = std::isnan(value) ? grid.values.size() : nearest(std::abs(value), grid.values);
    if (code >= grid.values.size()) {
        if (!saturate && type.bits == 0) return grid.infinity ? sign | 0x7C : grid.nan;
        code = grid.values.size() - 1;
    }
    if (code == 0 && !grid.minusZero) return 0;
    if (type.bits == 4) { // the code of the same value in the type that holds it
        const auto wider = std::span(kE4M3).first(0x7F);
        code = static_cast<std::size_t>(std::ranges::lower_bound(wider, grid.values[code]) - wider.begin());
    }
    return static_cast<std::uint8_t>(sign | code);
}

Result<Value> asReal(const Value& value) {
    switch (value.dtype()) {
    case DType::F64:
    case DType::I64:
    case DType::U64:
    case DType::I32:
    case DType::U32: return converted(value, DType::F64);
    default: break;
    }
    if (!isSmallFloat(value.dtype())) return converted(value, DType::F32); // truth values are 0 and 1
    std::vector<float> wide(static_cast<std::size_t>(elementCount(value.shape())));
    QSCOPE_CHECK(decode(value.host, 0, wide));
    return makeValue(value.shape(), std::move(wide));
}

} // namespace qscope::engine::nn
