// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/element_types.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

namespace qscope::engine::nn {

namespace {

/// Double to single precision so that rounding further to fewer bits gives what rounding once would have given: what
/// is left over is remembered in the last bit (rounding to odd).
float toOdd(double value) {
    const auto rounded = static_cast<float>(value);
    if (std::isnan(value) || std::isinf(rounded) || static_cast<double>(rounded) == value) return rounded;
    // Towards zero, then the last bit set.
    auto bits = std::bit_cast<std::uint32_t>(rounded);
    if (std::abs(static_cast<double>(rounded)) > std::abs(value)) --bits;
    return std::bit_cast<float>(bits | 1U);
}

Result<Value> singles(const Value& value) {
    QSCOPE_TRY(const Value real, asReal(value));
    if (real.dtype() == DType::F32) return real;
    std::vector<float> narrow;
    narrow.reserve(elements<double>(real).size());
    for (const double x : elements<double>(real)) narrow.push_back(toOdd(x));
    return makeValue(value.shape(), std::move(narrow));
}

/// Keeps the low bits of a whole number, or takes the nearest one in the range for a floating-point number.
template<class From>
std::int64_t fitted(From from, const IntegerRange& range) {
    if constexpr (std::is_floating_point_v<From>) {
        if (std::isnan(from)) return 0;
        return static_cast<std::int64_t>(std::clamp<double>(std::nearbyint(from), range.lowest, range.highest));
    } else {
        const auto span = static_cast<std::int64_t>(range.highest) - range.lowest + 1; // a power of two
        const std::int64_t low = static_cast<std::int64_t>(from) & (span - 1);
        return low > range.highest ? low - span : low;
    }
}

/// `value` as from `widened`. Whole numbers keep their low bits, floating-point ones are cut towards zero.
Result<Value> toInteger(Value value, const ElementType& type) {
    if (type.bits > 0)
        return withNumber(value.dtype(), [&]<class From>(From) -> Result<Value> {
            std::vector<std::int64_t> result;
            result.reserve(elements<From>(value).size());
            for (const From x : elements<From>(value)) result.push_back(fitted(x, *rangeOf(type)));
            return narrowed(makeValue(value.shape(), std::move(result)), type.held);
        });
    if (value.dtype() == DType::F32 || value.dtype() == DType::F64) return converted(value, type.held);
    value.host.dtype = type.held == DType::U64 ? DType::U64 : DType::I64; // the same bits
    return narrowed(std::move(value), type.held);
}

Result<Value> toBool(const Value& value) {
    return withNumber(value.dtype(), [&]<class From>(From) -> Result<Value> {
        std::vector<std::uint8_t> truths;
        truths.reserve(elements<From>(value).size());
        for (const From x : elements<From>(value)) truths.push_back(x != From{0} ? 1 : 0);
        return makeBools(value.shape(), std::move(truths));
    });
}

Result<Value> toTexts(const Value& value) {
    return withNumber(value.dtype(), [&]<class From>(From) -> Result<Value> {
        std::vector<std::string> texts;
        for (const From x : elements<From>(value)) {
            if constexpr (std::is_floating_point_v<From>)
                if (!std::isfinite(x)) {
                    texts.emplace_back(std::isnan(x) ? "NaN" : x < 0 ? "-INF" : "INF");
                    continue;
                }
            texts.push_back(fmt::format("{}", x)); // as short as reads back the same
        }
        return makeTexts(value.shape(), std::move(texts));
    });
}

/// Plain or scientific notation; "INF" and "NaN" in any case.
Result<Value> fromTexts(const Value& value) {
    std::vector<double> numbers;
    for (const std::string& written : *value.texts) {
        const char* first = written.data() + (written.starts_with('+') ? 1 : 0);
        const char* end = written.data() + written.size();
        const auto parsed = std::from_chars(first, end, numbers.emplace_back());
        if (parsed.ec != std::errc{} || parsed.ptr != end)
            return fail(ErrorCode::OutOfRange, "a text of {} letters is no number", written.size());
    }
    return makeValue(value.shape(), std::move(numbers));
}

} // namespace

Result<Value> castTo(Value value, const ElementType& type, bool saturate) {
    if (value.dtype() == type.held && type.bits == 0 && !value.texts) return value;
    if (value.texts) {
        if (type.held == DType::Coded) return value;
        QSCOPE_TRY(value, fromTexts(value));
    }
    const bool toHalf = type.held == DType::F16 || type.held == DType::BF16;
    if (toHalf || isSmallFloat(type.held)) {
        QSCOPE_TRY(const Value narrow, singles(value));
        if (toHalf) return converted(narrow, type.held);
        std::vector<std::uint8_t> codes;
        codes.reserve(elements<float>(narrow).size());
        for (const float x : elements<float>(narrow)) codes.push_back(smallFloat(x, type, saturate));
        Value result = makeValue(value.shape(), std::move(codes));
        result.host.dtype = type.held;
        return result;
    }
    QSCOPE_TRY(value, isSmallFloat(value.dtype()) ? asReal(value) : widened(value));
    switch (type.held) {
    case DType::F32:
    case DType::F64: return converted(value, type.held);
    case DType::Bool: return toBool(value);
    case DType::Coded: return toTexts(value);
    default: return toInteger(value, type);
    }
}

namespace {

Outputs cast(const Node& node, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const ElementType type, elementType(attributeOr<std::int64_t>(node, "to", 0)));
    return one(castTo(*inputs[0], type, attributeOr<std::int64_t>(node, "saturate", 1) != 0));
}

Outputs castLike(const Node& node, OperatorInputs inputs, OperatorContext&) {
    QSCOPE_TRY(const ElementType type, elementTypeOf(*inputs[1]));
    return one(castTo(*inputs[0], type, attributeOr<std::int64_t>(node, "saturate", 1) != 0));
}

constexpr std::array kCast{
    Operator{"Cast", 1, 1, 1, cast},
    Operator{"CastLike", 2, 2, 1, castLike},
};

} // namespace

std::span<const Operator> castOperators() { return kCast; }

} // namespace qscope::engine::nn
