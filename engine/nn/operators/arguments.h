// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/nn/graph/operator.h"

#include <algorithm>
#include <functional>
#include <new>
#include <utility>

// What operators share: asking for inputs, checking shapes, making outputs.

namespace qscope::engine::nn {

/// Most elements a value may have: graphs come from files, and a file must not ask for more than a machine has.
inline constexpr std::int64_t kMaximumElements = std::int64_t{1} << 30;

using Outputs = Result<std::vector<Value>>;
using Forward = Outputs (*)(const Node& node, OperatorInputs inputs, OperatorContext& context);

/// The input at this place, or null when it is absent.
[[nodiscard]] inline const Value* inputOf(OperatorInputs inputs, std::size_t index) {
    return index < inputs.size() ? inputs[index] : nullptr;
}

/// Whether the node has an output at this place.
[[nodiscard]] inline bool hasOutput(const Node& node, std::size_t index) {
    return index < node.outputs.size() && node.outputs[index] != kAbsent;
}

/// "[2, 3]", for messages.
[[nodiscard]] std::string describe(const Shape& shape);

/// Elements of a shape that is still to be made; OutOfRange below zero or above `kMaximumElements`.
[[nodiscard]] Result<std::int64_t> checkedCount(const Shape& shape);

/// `axis` counted from the front; OutOfRange outside [-rank, rank).
[[nodiscard]] Result<std::size_t> axisAt(std::int64_t axis, std::size_t rank);

/// Product of the axes [first, last).
[[nodiscard]] std::int64_t productOf(const Shape& shape, std::size_t first, std::size_t last);

/// OutOfRange unless the input has this shape.
[[nodiscard]] Result<void> expectShape(const Value& value, const Shape& shape, std::string_view what);

/// OutOfRange unless the input's rank lies in [lowest, highest].
[[nodiscard]] Result<void> expectRank(const Value& value, std::size_t lowest, std::size_t highest,
                                      std::string_view what);

/// Room for an output.
template<class T>
[[nodiscard]] Result<std::vector<T>> makeElements(const Shape& shape) {
    QSCOPE_TRY(const std::int64_t count, checkedCount(shape));
    try {
        return std::vector<T>(static_cast<std::size_t>(count));
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::OutOfMemory, "no memory for a tensor of shape {}", describe(shape));
    }
}

/// `parallelChunks` without errors. `costPerItem`: rough count of simple operations per item, of which a chunk gets
/// about a million; work that takes longer per item asks the context itself.
[[nodiscard]] Result<void> inParallel(std::int64_t count, std::int64_t costPerItem, const RunContext& context,
                                      const std::function<void(std::int64_t begin, std::int64_t end)>& work);

/// Calls `use` with a float or a double; Unsupported for other types.
template<class Use>
auto withReal(DType type, Use&& use) -> decltype(use(float{})) {
    if (type == DType::F32) return use(float{});
    if (type == DType::F64) return use(double{});
    return fail(ErrorCode::Unsupported, "elements of type {} are not done", info(type).name);
}

/// The same for what `widened` makes of numbers: float, double, std::int64_t, std::uint64_t.
template<class Use>
auto withNumber(DType type, Use&& use) -> decltype(use(float{})) {
    if (type == DType::I64) return use(std::int64_t{});
    if (type == DType::U64) return use(std::uint64_t{});
    return withReal(type, std::forward<Use>(use));
}

/// Numbers in the type that they are calculated with: halves as F32, integers and truth values as I64, but U64 as U64.
[[nodiscard]] Result<Value> widened(const Value& value);

/// Back from `widened`: integers lose their high bits, as in C++ and NumPy.
[[nodiscard]] Result<Value> narrowed(Value value, DType type);

/// Runs `forward` with all real inputs in one type: F64 when one of them is, else F32. Real outputs are halves when all
/// real inputs were.
[[nodiscard]] Outputs inOneReal(Forward forward, const Node& node, OperatorInputs inputs, OperatorContext& context);

template<Forward forward>
Outputs real(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    return inOneReal(forward, node, inputs, context);
}

/// The outputs of an operator that makes one value.
[[nodiscard]] inline Outputs one(Result<Value> value) {
    if (!value) return tl::unexpected<Error>(std::move(value).error());
    return std::vector{*std::move(value)};
}

} // namespace qscope::engine::nn
