// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/state.h"

#include <bit>
#include <cmath>
#include <complex>
#include <vector>

namespace qscope::test {

using Amplitudes = std::vector<std::complex<double>>;

/// The definition of `FusedGate`, one amplitude at a time: out[x] is the sum over local states s of
/// M[local(x)][s] in[x with its target bits set to s], where all control bits are set; else in[x].
inline Amplitudes naiveApply(const Amplitudes& in, const engine::FusedGate& gate) {
    const std::size_t states = std::size_t{1} << gate.targets.size();
    Amplitudes out = in;
    for (std::size_t x = 0; x < in.size(); ++x) {
        if ((x & gate.controlMask) != gate.controlMask) continue;
        std::size_t local = 0;
        for (std::size_t k = 0; k < gate.targets.size(); ++k) local |= (x >> gate.targets[k] & 1u) << k;
        if (gate.form == engine::FusedGate::Form::Diagonal) {
            out[x] = gate.entries[local] * in[x];
            continue;
        }
        out[x] = 0;
        for (std::size_t s = 0; s < states; ++s) {
            std::size_t y = x;
            for (std::size_t k = 0; k < gate.targets.size(); ++k) {
                y &= ~(std::size_t{1} << gate.targets[k]);
                y |= (s >> k & 1u) << gate.targets[k];
            }
            out[x] += gate.entries[local * states + s] * in[y];
        }
    }
    return out;
}

inline std::vector<double> naiveMarginals(const Amplitudes& state, const std::vector<int>& qubits) {
    std::vector<double> result(std::size_t{1} << qubits.size());
    for (std::size_t x = 0; x < state.size(); ++x) {
        std::size_t outcome = 0;
        for (std::size_t k = 0; k < qubits.size(); ++k) outcome |= (x >> qubits[k] & 1u) << k;
        result[outcome] += std::norm(state[x]);
    }
    return result;
}

/// Applies X, Y and Z qubit by qubit, then takes the inner product.
inline double naiveExpectation(const Amplitudes& state, const engine::PauliString& pauli) {
    const std::complex<double> i(0, 1);
    Amplitudes turned = state;
    for (int q = 0; q < std::countr_zero(state.size()); ++q) {
        const bool x = pauli.x >> q & 1u, z = pauli.z >> q & 1u;
        if (!x && !z) continue;
        engine::FusedGate gate{engine::FusedGate::Form::Dense, {q}, 0, {0, 1, 1, 0}};
        if (z && !x) gate.entries = {1, 0, 0, -1};
        if (z && x) gate.entries = {0, -i, i, 0};
        turned = naiveApply(turned, gate);
    }
    std::complex<double> sum = 0;
    for (std::size_t x = 0; x < state.size(); ++x) sum += std::conj(state[x]) * turned[x];
    return sum.real();
}

} // namespace qscope::test
