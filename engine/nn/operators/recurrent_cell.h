// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/graph.h"

#include <algorithm>
#include <vector>

namespace qscope::engine::nn {

enum class CellKind { Lstm, Gru, Plain };

[[nodiscard]] constexpr std::int64_t gatesOf(CellKind kind) {
    return kind == CellKind::Lstm ? 4 : kind == CellKind::Gru ? 3 : 1;
}

/// An activation with its parameters.
struct Activation {
    double (*function)(double x, double alpha, double beta) = nullptr;
    double alpha = 0;
    double beta = 0;

    template<class T>
    [[nodiscard]] T operator()(T x) const {
        return static_cast<T>(function(static_cast<double>(x), alpha, beta));
    }
};

/// One step of ONNX's LSTM, GRU or RNN for one item of the batch. Gates lie one behind the other, in ONNX's order:
/// input, output, forget, cell; or update, reset, hidden.
struct Cell {
    CellKind kind = CellKind::Plain;
    std::int64_t gates = 1;
    bool resetsFirst = false; ///< GRU: the reset gate scales the state, not its product
    bool inputForget = false; ///< LSTM: what is let in is forgotten
    double clip = 0;          ///< of what goes into activations; 0: none
    Activation f, g, h;

    template<class T>
    [[nodiscard]] T clipped(T x) const {
        return clip > 0 ? std::clamp(x, static_cast<T>(-clip), static_cast<T>(clip)) : x;
    }

    /// scaled = reset gate * state
    template<class T>
    void reset(std::int64_t size, const T* in, const T* own, const T* state, T* scaled) const {
        for (std::int64_t i = 0; i < size; ++i) scaled[i] = f(clipped(in[size + i] + own[size + i])) * state[i];
    }

    /// `in`, `own`: what input and state give to each gate, biases included; `candidate`: with `resetsFirst`, what the
    /// scaled state gives to the third; `peephole`: factors of the cell for input, output and forget gate, or null.
    template<class T>
    void step(std::int64_t size, const T* in, const T* own, const T* candidate, const T* peephole, T* state,
              T* cell) const {
        const auto gate = [&](std::int64_t which, std::int64_t i) {
            return in[which * size + i] + own[which * size + i];
        };
        for (std::int64_t i = 0; i < size; ++i) {
            if (kind == CellKind::Plain) {
                state[i] = f(clipped(gate(0, i)));
            } else if (kind == CellKind::Gru) {
                const T update = f(clipped(gate(0, i)));
                const T second = candidate ? candidate[i] : f(clipped(gate(1, i))) * own[2 * size + i];
                state[i] = (1 - update) * g(clipped(in[2 * size + i] + second)) + update * state[i];
            } else {
                const auto peek = [&](std::int64_t which) {
                    return peephole ? peephole[which * size + i] * cell[i] : T{0};
                };
                const T letIn = f(clipped(gate(0, i) + peek(0)));
                const T keep = inputForget ? 1 - letIn : f(clipped(gate(2, i) + peek(2)));
                cell[i] = keep * cell[i] + letIn * g(clipped(gate(3, i)));
                state[i] = f(clipped(gate(1, i) + peek(1))) * h(cell[i]);
            }
        }
    }
};

/// The cells of all directions from the attributes "activations", "activation_alpha", "activation_beta", "clip",
/// "input_forget" and "linear_before_reset".
[[nodiscard]] Result<std::vector<Cell>> cellsOf(const Node& node, CellKind kind, std::int64_t directions);

} // namespace qscope::engine::nn
