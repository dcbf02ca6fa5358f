// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/moves.h"

#include <algorithm>
#include <array>
#include <limits>

namespace qscope::engine::nn {

namespace {

Result<std::shared_ptr<const Graph>> graphOf(const Node& node, std::string_view attribute) {
    auto graph = attributeOr<std::shared_ptr<const Graph>>(node, attribute, nullptr);
    if (!graph) return fail(ErrorCode::Malformed, "the graph '{}' is missing", attribute);
    return graph;
}

Result<bool> truthOf(const Value& value) {
    if (value.dtype() != DType::Bool || elementCount(value.shape()) != 1)
        return fail(ErrorCode::OutOfRange, "the condition is no truth value");
    return stored<std::uint8_t>(value).front() != 0;
}

Outputs branch(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const bool yes, truthOf(*inputs[0]));
    QSCOPE_TRY(const auto graph, graphOf(node, yes ? "then_branch" : "else_branch"));
    return context.runGraph(*graph, {});
}

/// One output of a loop: the values of all turns, along a new axis.
class Stack {
public:
    Result<void> add(Value value) {
        if (!m_turns.empty() && (!sameType(m_turns.front(), value) || m_turns.front().shape() != value.shape()))
            return fail(ErrorCode::OutOfRange, "a turn of the loop gives {}, one before it gave {}",
                        describe(value.shape()), describe(m_turns.front().shape()));
        QSCOPE_CHECK(roomFor({std::ssize(m_turns) + 1, std::ssize(value.host.bytes) + 1}, 1));
        m_turns.push_back(std::move(value));
        return {};
    }
    /// `axis` is that of the new axis, of `rank + 1`; backward: the last turn first.
    Result<Value> whole(std::int64_t newAxis, bool backward) {
        if (backward) std::ranges::reverse(m_turns);
        if (m_turns.empty()) return makeValue<float>({0}, {});
        Shape shape = m_turns.front().shape();
        QSCOPE_TRY(const std::size_t axis, axisAt(newAxis, shape.size() + 1));
        shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), std::ssize(m_turns));
        const AroundAxis around = aroundAxis(shape, axis);
        return moved(m_turns.front(), shape, [&]<class T>(std::span<const T>, std::span<T> out) -> Result<void> {
            if (out.empty()) return {};
            auto to = out.begin();
            for (std::int64_t outer = 0; outer < around.outer; ++outer)
                for (const Value& turn : m_turns)
                    to = std::copy_n(stored<T>(turn).begin() + outer * around.inner, around.inner, to);
            return {};
        });
    }

private:
    std::vector<Value> m_turns;
};

Outputs loop(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const auto body, graphOf(node, "body"));
    if (inputs.size() < 2) return fail(ErrorCode::Malformed, "the number of turns and the condition have no place");
    std::int64_t turns = std::numeric_limits<std::int64_t>::max();
    if (inputs[0]) {
        QSCOPE_TRY(turns, integerOf(*inputs[0]));
    }
    bool more = true;
    if (inputs[1]) {
        QSCOPE_TRY(more, truthOf(*inputs[1]));
    }
    const std::size_t carried = inputs.size() - 2;
    if (body->inputs.size() != carried + 2 || body->outputs.size() < carried + 1)
        return fail(ErrorCode::Malformed, "the body does not take and give the {} carried values", carried);
    std::vector<Value> given(carried + 2);
    for (std::size_t i = 0; i < carried; ++i) {
        if (!inputs[i + 2]) return fail(ErrorCode::Malformed, "a carried value is missing");
        given[i + 2] = *inputs[i + 2];
    }
    std::vector<Stack> stacks(body->outputs.size() - carried - 1);
    for (std::int64_t turn = 0; more && turn < turns; ++turn) {
        if (context.run.cancelled()) return cancelled();
        given[0] = makeValue<std::int64_t>({}, {turn});
        given[1] = makeBools({}, {1});
        QSCOPE_TRY(std::vector<Value> results, context.runGraph(*body, given));
        QSCOPE_TRY(more, truthOf(results[0]));
        for (std::size_t i = 0; i < carried; ++i) given[i + 2] = std::move(results[i + 1]);
        for (std::size_t i = 0; i < stacks.size(); ++i)
            QSCOPE_CHECK(stacks[i].add(std::move(results[carried + 1 + i])));
    }
    std::vector<Value> outputs(given.begin() + 2, given.end());
    for (Stack& stack : stacks) {
        QSCOPE_TRY(outputs.emplace_back(), stack.whole(0, false));
    }
    return outputs;
}

std::int64_t entry(const std::vector<std::int64_t>& list, std::size_t index) {
    return index < list.size() ? list[index] : 0;
}

Outputs scan(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const auto body, graphOf(node, "body"));
    const std::int64_t scanned = attributeOr<std::int64_t>(node, "num_scan_inputs", 0);
    if (scanned < 1 || scanned > std::ssize(inputs) || body->inputs.size() != inputs.size())
        return fail(ErrorCode::Malformed, "{} inputs cannot be scanned", scanned);
    const std::size_t carried = inputs.size() - static_cast<std::size_t>(scanned);
    if (body->outputs.size() < carried) return fail(ErrorCode::Malformed, "the body does not give the carried values");
    using List = std::vector<std::int64_t>;
    const List inputAxes = attributeOr(node, "scan_input_axes", List{}),
               backward = attributeOr(node, "scan_input_directions", List{});
    const List outputAxes = attributeOr(node, "scan_output_axes", List{}),
               outBackward = attributeOr(node, "scan_output_directions", List{});
    std::vector<std::size_t> axes;
    std::int64_t turns = -1;
    for (std::size_t i = carried; i < inputs.size(); ++i) {
        QSCOPE_TRY(axes.emplace_back(), axisAt(entry(inputAxes, i - carried), inputs[i]->shape().size()));
        const std::int64_t size = inputs[i]->shape()[axes.back()];
        if (turns >= 0 && size != turns)
            return fail(ErrorCode::OutOfRange, "scanned inputs are {} and {} long", turns, size);
        turns = size;
    }
    std::vector<Value> given(inputs.size());
    for (std::size_t i = 0; i < carried; ++i) given[i] = *inputs[i];
    std::vector<Stack> stacks(body->outputs.size() - carried);
    for (std::int64_t turn = 0; turn < turns; ++turn) {
        if (context.run.cancelled()) return cancelled();
        for (std::size_t i = 0; i < axes.size(); ++i) {
            const Value& whole = *inputs[carried + i];
            Shape shape = whole.shape(), strides = stridesOf(shape);
            const auto axis = static_cast<std::ptrdiff_t>(axes[i]);
            const std::int64_t offset = (entry(backward, i) != 0 ? turns - 1 - turn : turn) * strides[axes[i]];
            shape.erase(shape.begin() + axis);
            strides.erase(strides.begin() + axis);
            QSCOPE_TRY(given[carried + i], strided(whole, std::move(shape), strides, offset));
        }
        QSCOPE_TRY(std::vector<Value> results, context.runGraph(*body, given));
        for (std::size_t i = 0; i < carried; ++i) given[i] = std::move(results[i]);
        for (std::size_t i = 0; i < stacks.size(); ++i) QSCOPE_CHECK(stacks[i].add(std::move(results[carried + i])));
    }
    std::vector<Value> outputs(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(carried));
    for (std::size_t i = 0; i < stacks.size(); ++i) {
        QSCOPE_TRY(outputs.emplace_back(), stacks[i].whole(entry(outputAxes, i), entry(outBackward, i) != 0));
    }
    return outputs;
}

/// Outside of training nothing is dropped.
Outputs dropout(const Node&, OperatorInputs inputs, OperatorContext&) {
    if (const Value* training = inputOf(inputs, 2)) {
        QSCOPE_TRY(const bool trains, truthOf(*training));
        if (trains) return fail(ErrorCode::Unsupported, "it is in training mode");
    }
    const Shape& shape = inputs[0]->shape();
    return std::vector{*inputs[0],
                       makeBools(shape, std::vector<std::uint8_t>(static_cast<std::size_t>(elementCount(shape)), 1))};
}

constexpr std::array kControl{
    Operator{"If", 1, 1, -1, branch},
    Operator{"Loop", 0, -1, -1, loop}, // its first two may be absent
    Operator{"Scan", 1, -1, -1, scan},
    Operator{"Dropout", 1, 3, 2, dropout},
};

} // namespace

std::span<const Operator> controlOperators() { return kControl; }

} // namespace qscope::engine::nn
