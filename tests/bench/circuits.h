// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "engine/quantum/circuit.h"
#include "engine/quantum/sim/simulation.h"

#include <cmath>
#include <numbers>
#include <random>

namespace qscope::bench {

using namespace qscope::engine;

struct Run {
    std::stop_source stop;
    Progress progress;
    Diagnostics notes;
    std::unique_ptr<ComputeBackend> backend = makeCpuBackend();
    RunContext context{stop.get_token(), progress, notes, *backend};
};

inline Circuit empty(int qubits) {
    Circuit circuit;
    circuit.qregs = {{"q", 0, qubits}};
    circuit.qubits = qubits;
    return circuit;
}
inline void add(Circuit& circuit, const char* name, std::vector<double> parameters, std::vector<int> qubits) {
    circuit.operations.push_back({GateOp{name, std::move(parameters), std::move(qubits)}, {}, {}});
}

/// h, then a chain of cx.
inline Circuit ghz(int n) {
    Circuit circuit = empty(n);
    add(circuit, "h", {}, {0});
    for (int k = 1; k < n; ++k) add(circuit, "cx", {}, {k - 1, k});
    return circuit;
}
/// With the swaps at its end.
inline Circuit fourier(int n) {
    Circuit circuit = empty(n);
    for (int k = n - 1; k >= 0; --k) {
        add(circuit, "h", {}, {k});
        for (int j = k - 1; j >= 0; --j) add(circuit, "cp", {std::numbers::pi / std::pow(2, k - j)}, {j, k});
    }
    for (int k = 0; k < n / 2; ++k) add(circuit, "swap", {}, {k, n - 1 - k});
    return circuit;
}
/// Twenty layers: each qubit turned about a random axis by a random angle, then a brick of cz between neighbours.
inline Circuit randomBricks(int n) {
    Circuit circuit = empty(n);
    std::mt19937 random(1);
    std::uniform_real_distribution<double> angle(0, 2 * std::numbers::pi);
    constexpr const char* kTurns[] = {"rx", "ry", "rz"};
    for (int layer = 0; layer < 20; ++layer) {
        for (int k = 0; k < n; ++k) add(circuit, kTurns[random() % 3], {angle(random)}, {k});
        for (int k = layer % 2; k + 1 < n; k += 2) add(circuit, "cz", {}, {k, k + 1});
    }
    return circuit;
}

} // namespace qscope::bench
