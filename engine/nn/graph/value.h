// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/state.h"
#include "engine/tensor/tensor.h"

#include <cassert>
#include <memory>
#include <string>
#include <vector>

namespace qscope::engine {
class DeviceArray;
}

namespace qscope::engine::nn {

/// What flows along an edge of a running graph. Immutable and cheap to copy: a reshaped value shares its elements.
/// `host` is row-major with a plain type and aligned elements. Texts (ONNX's string tensors) lie beside an empty `host`
/// of type Coded that still has their shape; so do the items of a sequence (ONNX's lists of tensors), with no axes. A value
/// that a device made has its type and shape in `host` and no bytes there, until somebody asks for them; operators only
/// ever see values with their bytes.
struct Value {
    TensorView host;
    std::shared_ptr<const std::vector<std::string>> texts = nullptr;
    std::shared_ptr<const std::vector<Value>> items = nullptr;
    std::shared_ptr<const DeviceArray> device = nullptr; ///< the same elements on a device, F32

    [[nodiscard]] const Shape& shape() const { return host.shape; }
    [[nodiscard]] DType dtype() const { return host.dtype; }
    [[nodiscard]] bool onHost() const { return !device || !host.bytes.empty(); }
};

/// The C++ type of an element type that operators calculate with.
template<class T>
inline constexpr DType kDTypeOf = DType::Coded;
template<>
inline constexpr DType kDTypeOf<float> = DType::F32;
template<>
inline constexpr DType kDTypeOf<double> = DType::F64;
template<>
inline constexpr DType kDTypeOf<std::int64_t> = DType::I64;
template<>
inline constexpr DType kDTypeOf<std::int32_t> = DType::I32;
template<>
inline constexpr DType kDTypeOf<std::int16_t> = DType::I16;
template<>
inline constexpr DType kDTypeOf<std::int8_t> = DType::I8;
template<>
inline constexpr DType kDTypeOf<std::uint64_t> = DType::U64;
template<>
inline constexpr DType kDTypeOf<std::uint32_t> = DType::U32;
template<>
inline constexpr DType kDTypeOf<std::uint16_t> = DType::U16;
template<>
inline constexpr DType kDTypeOf<std::uint8_t> = DType::U8;
template<>
inline constexpr DType kDTypeOf<bool> = DType::Bool;

/// The elements; the value has the type T (asserted: operators check types first).
template<class T>
[[nodiscard]] std::span<const T> elements(const Value& value) {
    assert(value.dtype() == kDTypeOf<T>);
    return {reinterpret_cast<const T*>(value.host.bytes.data()), value.host.bytes.size() / sizeof(T)};
}

/// A value that owns its elements; `values.size()` equals the shape's element count.
template<class T>
[[nodiscard]] Value makeValue(Shape shape, std::vector<T> values) {
    assert(static_cast<std::int64_t>(values.size()) == elementCount(shape));
    const auto owned = std::make_shared<const std::vector<T>>(std::move(values));
    return {{kDTypeOf<T>, std::move(shape), std::as_bytes(std::span(*owned)), owned}};
}

/// Truth values are bytes, as std::vector<bool> has none.
[[nodiscard]] inline Value makeBools(Shape shape, std::vector<std::uint8_t> values) {
    Value value = makeValue(std::move(shape), std::move(values));
    value.host.dtype = DType::Bool;
    return value;
}

[[nodiscard]] inline Value makeTexts(Shape shape, std::vector<std::string> texts) {
    assert(static_cast<std::int64_t>(texts.size()) == elementCount(shape));
    return {{DType::Coded, std::move(shape), {}, nullptr},
            std::make_shared<const std::vector<std::string>>(std::move(texts))};
}

[[nodiscard]] inline Value makeSequence(std::vector<Value> items) {
    return {{DType::Coded, {}, {}, nullptr}, nullptr, std::make_shared<const std::vector<Value>>(std::move(items))};
}

/// The same elements under another shape of equal element count.
[[nodiscard]] inline Value reshaped(Value value, Shape shape) {
    assert(elementCount(value.shape()) == elementCount(shape));
    value.host.shape = std::move(shape);
    return value;
}

[[nodiscard]] constexpr DType dtypeOf(Precision precision) {
    return precision == Precision::Single ? DType::F32 : DType::F64;
}

/// The value in another number type, for F32, F64, F16, BF16 and the integers; the same value when the type is that
/// already. Conversions are those of C++ (towards zero), saturating at the range of integer types. Unsupported for
/// other types.
[[nodiscard]] Result<Value> converted(const Value& value, DType type);

/// The values of a 1-D or scalar integer tensor: axes, shapes, counts. OutOfRange for another type.
[[nodiscard]] Result<std::vector<std::int64_t>> integers(const Value& value);

} // namespace qscope::engine::nn
