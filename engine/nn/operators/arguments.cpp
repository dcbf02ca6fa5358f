// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/arguments.h"

#include "engine/core/parallel.h"

#include <algorithm>

namespace qscope::engine::nn {

namespace {

bool isHalf(DType type) { return type == DType::F16 || type == DType::BF16; }
bool isReal(DType type) { return isHalf(type) || type == DType::F32 || type == DType::F64; }

} // namespace

std::string describe(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Result<std::int64_t> checkedCount(const Shape& shape) {
    std::int64_t count = 1;
    bool fits = true;
    for (const std::int64_t size : shape) {
        if (size < 0) return fail(ErrorCode::OutOfRange, "a tensor of shape {} was asked for", describe(shape));
        fits = fits && !__builtin_mul_overflow(count, size, &count) && count <= kMaximumElements;
    }
    if (!fits && std::ranges::find(shape, 0) == shape.end())
        return fail(ErrorCode::OutOfRange, "a tensor of shape {} exceeds the limit of {} elements", describe(shape),
                    kMaximumElements);
    return fits ? count : 0;
}

Result<std::size_t> axisAt(std::int64_t axis, std::size_t rank) {
    const auto signedRank = static_cast<std::int64_t>(rank);
    if (axis < -signedRank || axis >= signedRank)
        return fail(ErrorCode::OutOfRange, "axis {} of a tensor with {} axes", axis, rank);
    return static_cast<std::size_t>(axis < 0 ? axis + signedRank : axis);
}

std::int64_t productOf(const Shape& shape, std::size_t first, std::size_t last) {
    std::int64_t product = 1;
    for (std::size_t i = first; i < last; ++i) product *= shape[i];
    return product;
}

Result<void> expectShape(const Value& value, const Shape& shape, std::string_view what) {
    if (value.shape() == shape) return {};
    return fail(ErrorCode::OutOfRange, "{} has shape {}, not {}", what, describe(value.shape()), describe(shape));
}

Result<void> expectRank(const Value& value, std::size_t lowest, std::size_t highest, std::string_view what) {
    const std::size_t rank = value.shape().size();
    if (rank >= lowest && rank <= highest) return {};
    return fail(ErrorCode::OutOfRange, "{} of shape {} has {} axes, not {} to {}", what, describe(value.shape()), rank,
                lowest, highest);
}

Result<void> inParallel(std::int64_t count, std::int64_t costPerItem, const RunContext& context,
                        const std::function<void(std::int64_t, std::int64_t)>& work) {
    constexpr std::int64_t kChunkCost = std::int64_t{1} << 20;
    const std::int64_t grain = std::max<std::int64_t>(1, kChunkCost / std::max<std::int64_t>(1, costPerItem));
    if (context.cancelled()) return cancelled();
    if (count <= grain) {
        if (count > 0) work(0, count);
        if (context.cancelled()) return cancelled();
        return {};
    }
    return parallelChunks(count, grain, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        work(begin, end);
        return {};
    });
}

Result<Value> widened(const Value& value) {
    if (isHalf(value.dtype())) return converted(value, DType::F32);
    if (isReal(value.dtype()) || value.dtype() == DType::U64) return value;
    return converted(value, DType::I64);
}

Result<Value> narrowed(Value value, DType type) {
    if (value.dtype() == type) return value;
    if (isReal(type)) return converted(value, type);
    const auto cut = [&](auto to) -> Result<Value> {
        std::vector<decltype(to)> result;
        result.reserve(elements<std::int64_t>(value).size());
        for (const std::int64_t x : elements<std::int64_t>(value)) result.push_back(static_cast<decltype(to)>(x));
        return makeValue(value.shape(), std::move(result));
    };
    if (value.dtype() == DType::I64) switch (type) {
        case DType::I32: return cut(std::int32_t{});
        case DType::I16: return cut(std::int16_t{});
        case DType::I8: return cut(std::int8_t{});
        case DType::U32: return cut(std::uint32_t{});
        case DType::U16: return cut(std::uint16_t{});
        case DType::U8: return cut(std::uint8_t{});
        default: break;
        }
    return fail(ErrorCode::Unsupported, "a result of type {} is not done", info(type).name);
}

Outputs inOneReal(Forward forward, const Node& node, OperatorInputs inputs, OperatorContext& context) {
    DType widest = DType::F32;
    DType half = DType::F32;
    bool wider = false;
    for (const Value* input : inputs) {
        if (!input || !isReal(input->dtype())) continue;
        if (input->dtype() == DType::F64) widest = DType::F64;
        if (isHalf(input->dtype()))
            half = input->dtype();
        else
            wider = true;
    }
    std::vector<Value> held(inputs.size());
    std::vector<const Value*> same(inputs.begin(), inputs.end());
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (inputs[i] && isReal(inputs[i]->dtype()) && inputs[i]->dtype() != widest) {
            QSCOPE_TRY(held[i], converted(*inputs[i], widest));
            same[i] = &held[i];
        }
    Outputs outputs = forward(node, same, context);
    if (!outputs || wider || half == DType::F32) return outputs;
    for (Value& output : *outputs) // those that the node does not have may be without elements
        if (output.dtype() == DType::F32 && (output.host.keepAlive || !output.host.bytes.empty())) {
            QSCOPE_TRY(output, converted(output, half));
        }
    return outputs;
}

} // namespace qscope::engine::nn
