// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/operators/shapes.h"

namespace qscope::engine::nn {

/// An element type as ONNX numbers them (TensorProto.DataType), and how values of it are held: integers under a byte in
/// bytes, FLOAT4E2M1 in F8_E4M3, which has all its values; everything else in its own type.
struct ElementType {
    std::int64_t number = 0;
    std::string_view name;
    DType held = DType::F32;
    int bits = 0; ///< of an integer or float narrower than it is held; 0: as wide
};

/// Unsupported for complex types and numbers that no type has.
[[nodiscard]] Result<ElementType> elementType(std::int64_t number);
/// The type that a value is held in, when nothing says that it is narrower; texts included.
[[nodiscard]] Result<ElementType> elementTypeOf(const Value& value);

/// Lowest and highest value of an integer type that fits in 16 bits. Nothing for others.
struct IntegerRange {
    int lowest = 0, highest = 0;
};
[[nodiscard]] std::optional<IntegerRange> rangeOf(const ElementType& type);

[[nodiscard]] bool isSmallFloat(DType type); ///< one of the floats of a byte

/// Rounds to the nearest value of a float of a byte or less, ties to even; returns the code it is held in. Too large:
/// the largest value when `saturate`, else infinity, or NaN where there is none.
[[nodiscard]] std::uint8_t smallFloat(float value, const ElementType& type, bool saturate);

/// Values of any number type, halves and small floats included, in single precision (or double for F64 and the
/// integers of 32 bits and more). Doubles are F64, all else is F32.
[[nodiscard]] Result<Value> asReal(const Value& value);

/// What the operator Cast does. `saturate`: see `smallFloat`.
[[nodiscard]] Result<Value> castTo(Value value, const ElementType& type, bool saturate = true);

} // namespace qscope::engine::nn
