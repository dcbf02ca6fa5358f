// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/operators/shapes.h"

namespace qscope::engine::nn {

// Operators that move elements ask only how large they are: every type that ONNX allows, texts included.

/// The elements as unsigned numbers of their size, or texts.
template<class T>
[[nodiscard]] std::span<const T> stored(const Value& value) {
    if constexpr (std::is_same_v<T, std::string>)
        return value.texts ? std::span<const T>(*value.texts) : std::span<const T>();
    else
        return {reinterpret_cast<const T*>(value.host.bytes.data()), value.host.bytes.size() / sizeof(T)};
}

/// A value of the type of `like` from elements as `stored` gives them.
template<class T>
[[nodiscard]] Value storedValue(const Value& like, Shape shape, std::vector<T> values) {
    if constexpr (std::is_same_v<T, std::string>) {
        return makeTexts(std::move(shape), std::move(values));
    } else {
        Value value = makeValue(std::move(shape), std::move(values));
        value.host.dtype = like.dtype();
        return value;
    }
}

/// Makes a value of the type of `like` and of `shape`: `fill(span<const T> of like, span<T> to fill)` returns
/// Result<void>; T is an unsigned number of the element's size, or std::string. The span comes zeroed.
template<class Fill>
[[nodiscard]] Result<Value> moved(const Value& like, Shape shape, Fill&& fill) {
    const auto with = [&]<class T>(T) -> Result<Value> {
        QSCOPE_TRY(const std::size_t count, roomFor(shape, sizeof(T)));
        std::vector<T> values(count);
        QSCOPE_CHECK(fill(stored<T>(like), std::span<T>(values)));
        return storedValue(like, std::move(shape), std::move(values));
    };
    if (like.texts) return with(std::string{});
    switch (info(like.dtype()).blockLength == 1 ? info(like.dtype()).blockBits : 0) {
    case 8: return with(std::uint8_t{});
    case 16: return with(std::uint16_t{});
    case 32: return with(std::uint32_t{});
    case 64: return with(std::uint64_t{});
    default: return fail(ErrorCode::Unsupported, "elements of type {} cannot be moved", info(like.dtype()).name);
    }
}

/// Whether elements of one may stand among those of the other.
[[nodiscard]] inline bool sameType(const Value& a, const Value& b) {
    return a.dtype() == b.dtype() && !a.texts == !b.texts;
}
[[nodiscard]] Result<void> requireSameType(const Value& a, const Value& b);

/// Copies elements source[offset + sum of index * stride] in row-major order of `shape` to `out`.
template<class T>
void copyStrided(std::span<const T> source, std::int64_t offset, const Shape& shape, const Shape& strides,
                 std::span<T> out) {
    if (out.empty()) return;
    const std::int64_t inner = shape.empty() ? 1 : shape.back();
    const std::int64_t step = shape.empty() ? 1 : strides.back();
    Shape index(shape.size(), 0);
    T* to = out.data();
    for (std::int64_t at = offset;;) {
        const T* from = source.data() + at;
        if (step == 1)
            to = std::copy_n(from, inner, to);
        else
            for (std::int64_t i = 0; i < inner; ++i) *to++ = from[i * step];
        // The next index of all axes but the last.
        std::size_t axis = shape.size() < 2 ? 0 : shape.size() - 1;
        for (; axis > 0; --axis) {
            at += strides[axis - 1];
            if (++index[axis - 1] < shape[axis - 1]) break;
            at -= strides[axis - 1] * shape[axis - 1];
            index[axis - 1] = 0;
        }
        if (axis == 0) return;
    }
}

/// Calls use(i, sum of index * stride) for each index of `shape`, in row-major order; i counts them.
template<class Use>
void eachIndex(const Shape& shape, const Shape& strides, Use&& use) {
    const std::int64_t count = elementCount(shape);
    Shape index(shape.size(), 0);
    std::int64_t at = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        use(static_cast<std::size_t>(i), at);
        for (std::size_t axis = shape.size(); axis-- > 0;) {
            at += strides[axis];
            if (++index[axis] < shape[axis]) break;
            at -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}

/// A tensor of `shape` whose elements are those of `value` at offset + sum of index * stride. All of them exist.
[[nodiscard]] Result<Value> strided(const Value& value, Shape shape, const Shape& strides, std::int64_t offset = 0);

} // namespace qscope::engine::nn
