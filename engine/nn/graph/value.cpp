// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/graph/value.h"

#include "engine/tensor/half.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace qscope::engine::nn {

namespace {

/// Saturating at the range of integers; NaN becomes 0.
template<class To, class From>
To cast(From from) {
    if constexpr (std::is_floating_point_v<To> || std::is_same_v<To, From>)
        return static_cast<To>(from);
    else if constexpr (std::is_floating_point_v<From>) {
        if (std::isnan(from)) return 0;
        // The limits as doubles may round up past the type's range: compare before casting.
        if (static_cast<double>(from) >= static_cast<double>(std::numeric_limits<To>::max()))
            return std::numeric_limits<To>::max();
        if (static_cast<double>(from) <= static_cast<double>(std::numeric_limits<To>::min()))
            return std::numeric_limits<To>::min();
        return static_cast<To>(from);
    } else {
        if (std::cmp_greater(from, std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
        if (std::cmp_less(from, std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
        return static_cast<To>(from);
    }
}

/// Calls `use` with an element of the C++ type of a plain number type.
template<class Use>
Result<Value> withType(DType type, Use&& use) {
    switch (type) {
    case DType::F32: return use(float{});
    case DType::F64: return use(double{});
    case DType::I64: return use(std::int64_t{});
    case DType::I32: return use(std::int32_t{});
    case DType::I16: return use(std::int16_t{});
    case DType::I8: return use(std::int8_t{});
    case DType::U64: return use(std::uint64_t{});
    case DType::U32: return use(std::uint32_t{});
    case DType::U16: return use(std::uint16_t{});
    case DType::U8: return use(std::uint8_t{});
    default: return fail(ErrorCode::Unsupported, "{} is no number type to convert", info(type).name);
    }
}

bool isHalf(DType type) { return type == DType::F16 || type == DType::BF16; }

Result<Value> toHalf(const Value& value, DType type) {
    QSCOPE_TRY(const Value single, converted(value, DType::F32));
    std::vector<std::uint16_t> bits;
    bits.reserve(elements<float>(single).size());
    for (const float x : elements<float>(single))
        bits.push_back(type == DType::F16 ? floatToHalf(x) : floatToBfloat16(x));
    Value result = makeValue(value.shape(), std::move(bits));
    result.host.dtype = type;
    return result;
}

} // namespace

Result<Value> converted(const Value& value, DType type) {
    if (value.dtype() == type) return value;
    if (isHalf(type)) return toHalf(value, type);
    if (isHalf(value.dtype())) {
        std::vector<float> wide(static_cast<std::size_t>(elementCount(value.shape())));
        QSCOPE_CHECK(decode(value.host, 0, wide));
        return converted(makeValue(value.shape(), std::move(wide)), type);
    }
    if (value.dtype() == DType::Bool) {
        Value bytes = value;
        bytes.host.dtype = DType::U8;
        return converted(bytes, type);
    }
    return withType(value.dtype(), [&](auto from) {
        return withType(type, [&](auto to) -> Result<Value> {
            const auto source = elements<decltype(from)>(value);
            std::vector<decltype(to)> result(source.size());
            std::ranges::transform(source, result.begin(), [](auto x) { return cast<decltype(to)>(x); });
            return makeValue(value.shape(), std::move(result));
        });
    });
}

Result<std::vector<std::int64_t>> integers(const Value& value) {
    if (value.dtype() != DType::I64 && value.dtype() != DType::I32)
        return fail(ErrorCode::OutOfRange, "expected whole numbers, not {}", info(value.dtype()).name);
    QSCOPE_TRY(const Value wide, converted(value, DType::I64));
    const auto numbers = elements<std::int64_t>(wide);
    return std::vector<std::int64_t>(numbers.begin(), numbers.end());
}

} // namespace qscope::engine::nn
