// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/recurrent_cell.h"

#include "engine/nn/kernels/matmul.h"
#include "engine/nn/operators/arguments.h"

#include <array>

namespace qscope::engine::nn {

namespace {

/// Sizes of a recurrent layer.
struct Layer {
    std::int64_t time = 0, batch = 0, in = 0, hidden = 0, directions = 1;
    bool batchFirst = false;
    std::vector<std::int64_t> lengths; ///< per batch item, at most `time`
};

/// Swaps the leading axes of [a, b, ...].
template<class T>
std::vector<T> swapped(std::span<const T> x, std::int64_t a, std::int64_t b, std::int64_t size) {
    std::vector<T> out(x.size());
    for (std::int64_t i = 0; i < a; ++i)
        for (std::int64_t j = 0; j < b; ++j)
            std::copy_n(x.data() + (i * b + j) * size, size, out.data() + (j * a + i) * size);
    return out;
}

/// The part of one direction.
template<class T>
std::span<const T> partOf(const Value* value, std::int64_t direction, std::int64_t directions) {
    if (!value) return {};
    const auto size = elements<T>(*value).size() / static_cast<std::size_t>(directions);
    return elements<T>(*value).subspan(static_cast<std::size_t>(direction) * size, size);
}

/// out [rows, columns] = x [rows, inner] weight [columns, inner]^T + bias
template<class T>
Result<void> project(std::span<const T> x, std::span<const T> weight, std::span<const T> bias, std::span<T> out,
                     std::int64_t rows, std::int64_t inner, std::int64_t columns, const RunContext& context) {
    kernels::MatrixProduct<T> product;
    product.rows = rows;
    product.columns = columns;
    product.inner = inner;
    product.left = {x, inner};
    product.right = {weight, inner, true};
    product.result = out;
    product.resultStride = columns;
    product.bias = bias;
    return kernels::multiply(product, context);
}

Result<Layer> layerOf(const Node& node, OperatorInputs inputs, std::int64_t gates, bool lstm) {
    const Value& x = *inputs[0];
    QSCOPE_CHECK(expectRank(x, 3, 3, "X"));
    QSCOPE_CHECK(expectRank(*inputs[2], 3, 3, "R"));
    QSCOPE_TRY(const std::int64_t count, checkedCount(x.shape()));
    if (count == 0) return fail(ErrorCode::OutOfRange, "an input of shape {} is empty", describe(x.shape()));
    Layer n;
    n.batchFirst = attributeOr<std::int64_t>(node, "layout", 0) != 0;
    n.time = x.shape()[n.batchFirst ? 1 : 0];
    n.batch = x.shape()[n.batchFirst ? 0 : 1];
    n.in = x.shape()[2];
    n.hidden = inputs[2]->shape()[2];
    const std::string direction = attributeOr<std::string>(node, "direction", "forward");
    n.directions = direction == "bidirectional" ? 2 : 1;
    if (n.directions == 1 && direction != "forward" && direction != "reverse")
        return fail(ErrorCode::Unsupported, "the direction '{}' is not known", direction);
    if (n.hidden < 1 || attributeOr(node, "hidden_size", n.hidden) != n.hidden)
        return fail(ErrorCode::OutOfRange, "R of shape {} does not fit the hidden size", describe(inputs[2]->shape()));
    QSCOPE_CHECK(checkedCount({gates, n.hidden, n.time, n.batch}));
    const std::int64_t all = gates * n.hidden;
    QSCOPE_CHECK(expectShape(*inputs[1], {n.directions, all, n.in}, "W"));
    QSCOPE_CHECK(expectShape(*inputs[2], {n.directions, all, n.hidden}, "R"));
    const auto optional = [&](std::size_t index, const Shape& shape, std::string_view what) -> Result<void> {
        const Value* value = inputOf(inputs, index);
        return value ? expectShape(*value, shape, what) : Result<void>{};
    };
    const Shape state = n.batchFirst ? Shape{n.batch, n.directions, n.hidden} : Shape{n.directions, n.batch, n.hidden};
    QSCOPE_CHECK(optional(3, {n.directions, 2 * all}, "B"));
    QSCOPE_CHECK(optional(5, state, "the initial state"));
    if (lstm) {
        QSCOPE_CHECK(optional(6, state, "the initial cell"));
        QSCOPE_CHECK(optional(7, {n.directions, 3 * n.hidden}, "P"));
    }
    for (std::size_t i = 1; i < inputs.size(); ++i)
        if (inputs[i] && i != 4 && inputs[i]->dtype() != x.dtype())
            return fail(ErrorCode::Unsupported, "input {} is {}, but X is {}", i, info(inputs[i]->dtype()).name,
                        info(x.dtype()).name);
    n.lengths.assign(static_cast<std::size_t>(n.batch), n.time);
    if (const Value* lengths = inputOf(inputs, 4)) {
        QSCOPE_CHECK(expectShape(*lengths, {n.batch}, "the lengths"));
        QSCOPE_TRY(n.lengths, integers(*lengths));
        for (const std::int64_t length : n.lengths)
            if (length < 0 || length > n.time)
                return fail(ErrorCode::OutOfRange, "a sequence of length {} in {} steps", length, n.time);
    }
    return n;
}

/// Hidden states [batch, hidden] of one direction, and cells of an LSTM.
template<class T>
struct State {
    std::vector<T> hidden;
    std::vector<T> cell;
};

/// Runs one direction over `x` [time, batch, in]; writes each hidden state to `y` [time, directions, batch, hidden].
template<class T>
Result<void> runDirection(const Layer& n, const Cell& cell, std::int64_t direction, bool backwards,
                          OperatorInputs inputs, std::span<const T> x, State<T>& state, std::vector<T>& y,
                          const RunContext& context) {
    const std::int64_t gates = cell.gates * n.hidden;
    const auto input = partOf<T>(inputs[1], direction, n.directions);
    const auto recurrent = partOf<T>(inputs[2], direction, n.directions);
    const auto biases = partOf<T>(inputOf(inputs, 3), direction, n.directions);
    const auto peephole =
        cell.gates == 4 ? partOf<T>(inputOf(inputs, 7), direction, n.directions) : std::span<const T>{};
    const auto width = static_cast<std::size_t>(gates);
    const auto inputBias = biases.empty() ? biases : biases.first(width);
    const auto recurrentBias = biases.empty() ? biases : biases.last(width);

    QSCOPE_TRY(std::vector<T> fromInput, makeElements<T>({n.time, n.batch, gates}));
    QSCOPE_CHECK(project<T>(x, input, inputBias, fromInput, n.time * n.batch, n.in, gates, context));
    std::vector<T> fromState(width * static_cast<std::size_t>(n.batch));
    std::vector<T> scaled(state.hidden.size());
    std::vector<T> candidate(state.hidden.size());
    const auto hidden = static_cast<std::size_t>(n.hidden);
    for (std::int64_t step = 0; step < n.time; ++step) {
        if (context.cancelled()) return cancelled();
        QSCOPE_CHECK(project<T>(state.hidden, recurrent, recurrentBias, fromState, n.batch, n.hidden, gates, context));
        const auto eachItem = [&](const auto& use) {
            for (std::int64_t b = 0; b < n.batch; ++b) {
                const std::int64_t length = n.lengths[static_cast<std::size_t>(b)];
                if (step >= length) continue;
                const std::int64_t t = backwards ? length - 1 - step : step;
                use(fromInput.data() + (t * n.batch + b) * gates, fromState.data() + b * gates, b * n.hidden,
                    y.data() + ((t * n.directions + direction) * n.batch + b) * n.hidden);
            }
        };
        if (cell.resetsFirst) {
            // The reset gate scales the state before its product with the weights of the candidate.
            eachItem([&](const T* in, const T* own, std::int64_t at, T*) {
                cell.reset(n.hidden, in, own, state.hidden.data() + at, scaled.data() + at);
            });
            QSCOPE_CHECK(project<T>(scaled, recurrent.last(hidden * hidden),
                                    recurrentBias.empty() ? recurrentBias : recurrentBias.last(hidden), candidate,
                                    n.batch, n.hidden, n.hidden, context));
        }
        eachItem([&](const T* in, const T* own, std::int64_t at, T* to) {
            cell.step(n.hidden, in, own, cell.resetsFirst ? candidate.data() + at : nullptr, peephole.data(),
                      state.hidden.data() + at, state.cell.empty() ? nullptr : state.cell.data() + at);
            std::copy_n(state.hidden.data() + at, n.hidden, to);
        });
    }
    return {};
}

template<CellKind kind>
Outputs recurrent(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    constexpr bool kLstm = kind == CellKind::Lstm;
    QSCOPE_TRY(const Layer n, layerOf(node, inputs, gatesOf(kind), kLstm));
    QSCOPE_TRY(const std::vector<Cell> cells, cellsOf(node, kind, n.directions));
    const bool reversed = attributeOr<std::string>(node, "direction", "forward") == "reverse";
    return withReal(inputs[0]->dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        const auto given = elements<T>(*inputs[0]);
        const std::vector<T> turned = n.batchFirst ? swapped(given, n.batch, n.time, n.in) : std::vector<T>{};
        const auto perDirection = static_cast<std::size_t>(n.batch * n.hidden);
        const auto startOf = [&](std::size_t index, std::int64_t direction) {
            const Value* value = inputOf(inputs, index);
            std::vector<T> start(perDirection);
            for (std::int64_t b = 0; value && b < n.batch; ++b) {
                const std::int64_t row = n.batchFirst ? b * n.directions + direction : direction * n.batch + b;
                std::copy_n(elements<T>(*value).data() + row * n.hidden, n.hidden, start.data() + b * n.hidden);
            }
            return start;
        };
        QSCOPE_TRY(std::vector<T> y, makeElements<T>({n.time, n.directions, n.batch, n.hidden}));
        std::vector<T> last, lastCells;
        for (std::int64_t d = 0; d < n.directions; ++d) {
            State<T> state{startOf(5, d), kLstm ? startOf(6, d) : std::vector<T>{}};
            QSCOPE_CHECK(runDirection<T>(n, cells[static_cast<std::size_t>(d)], d, reversed || d == 1, inputs,
                                         n.batchFirst ? std::span<const T>(turned) : given, state, y, context.run));
            last.insert(last.end(), state.hidden.begin(), state.hidden.end());
            lastCells.insert(lastCells.end(), state.cell.begin(), state.cell.end());
        }
        const auto finalState = [&](std::vector<T> values) {
            if (!n.batchFirst) return makeValue({n.directions, n.batch, n.hidden}, std::move(values));
            return makeValue({n.batch, n.directions, n.hidden}, swapped<T>(values, n.directions, n.batch, n.hidden));
        };
        std::vector<Value> outputs(kLstm ? 3 : 2);
        if (n.batchFirst)
            outputs[0] = makeValue({n.batch, n.time, n.directions, n.hidden},
                                   swapped<T>(y, n.time * n.directions, n.batch, n.hidden));
        else
            outputs[0] = makeValue({n.time, n.directions, n.batch, n.hidden}, std::move(y));
        outputs[1] = finalState(std::move(last));
        if (kLstm) outputs[2] = finalState(std::move(lastCells));
        return outputs;
    });
}

constexpr std::array kRecurrent{
    Operator{"LSTM", 3, 8, 3, real<recurrent<CellKind::Lstm>>},
    Operator{"GRU", 3, 6, 2, real<recurrent<CellKind::Gru>>},
    Operator{"RNN", 3, 6, 2, real<recurrent<CellKind::Plain>>},
};

} // namespace

std::span<const Operator> recurrentOperators() { return kRecurrent; }

} // namespace qscope::engine::nn
