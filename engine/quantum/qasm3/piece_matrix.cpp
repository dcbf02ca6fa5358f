// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/modified_gate.h"
#include "engine/quantum/qasm3/piece.h"

#include <algorithm>

namespace qscope::engine::qasm3 {

namespace {

using Complex = std::complex<double>;

/// Multiplies one gate from the left into `matrix`, `size` x `size`, on the bits at `places`.
void multiply(std::vector<Complex>& matrix, std::size_t size, const GateMatrix& gate, std::span<const std::size_t> places) {
    std::size_t mask = 0;
    for (int i = 0; i < gate.controls; ++i) mask |= std::size_t{1} << places[static_cast<std::size_t>(i)];
    const auto targets = places.subspan(static_cast<std::size_t>(gate.controls));
    const std::size_t inner = std::size_t{1} << targets.size();
    std::size_t touched = 0;
    std::vector<std::size_t> offset(inner);
    for (std::size_t k = 0; k < targets.size(); ++k) {
        touched |= std::size_t{1} << targets[k];
        for (std::size_t i = 0; i < inner; ++i) offset[i] |= (i >> k & 1) << targets[k];
    }
    std::vector<Complex> before(inner);
    for (std::size_t row = 0; row < size; ++row) {
        if ((row & touched) != 0 || (row & mask) != mask) continue;
        for (std::size_t column = 0; column < size; ++column) {
            for (std::size_t i = 0; i < inner; ++i) before[i] = matrix[(row | offset[i]) * size + column];
            for (std::size_t i = 0; i < inner; ++i) {
                Complex sum = 0;
                for (std::size_t j = 0; j < inner; ++j) sum += gate.entries[i * inner + j] * before[j];
                matrix[(row | offset[i]) * size + column] = sum;
            }
        }
    }
}

Result<void> accumulate(std::vector<Complex>& matrix, std::size_t size, const std::vector<Operation>& operations,
                        const std::vector<int>& qubits) {
    for (const Operation& operation : operations) {
        if (const auto* call = std::get_if<CallOp>(&operation.what)) {
            QSCOPE_CHECK(accumulate(matrix, size, *call->body, qubits));
        } else if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
            const auto known = gateMatrix(*gate);
            if (!known)
                return fail(ErrorCode::Unsupported, "'{}' has no matrix before its parameters are known", gate->name);
            std::vector<std::size_t> places;
            for (const int qubit : gate->qubits)
                places.push_back(static_cast<std::size_t>(std::ranges::find(qubits, qubit) - qubits.begin()));
            multiply(matrix, size, *known, places);
        }
    }
    return {};
}

} // namespace

Result<std::vector<Complex>> denseMatrix(const Piece& piece) {
    if (piece.qubits.size() > 5)
        return fail(ErrorCode::Unsupported, "such a power of a gate on {} qubits; 5 are the limit", piece.qubits.size());
    if (!piece.phase.known) return fail(ErrorCode::Unsupported, "such a power needs to know the gate's phase now");
    const std::size_t size = std::size_t{1} << piece.qubits.size();
    std::vector<Complex> matrix(size * size);
    for (std::size_t i = 0; i < size; ++i) matrix[i * (size + 1)] = 1;
    QSCOPE_CHECK(accumulate(matrix, size, piece.operations, piece.qubits));
    const double phase = piece.phase.known->asDouble();
    if (phase != 0)
        for (Complex& entry : matrix) entry *= std::polar(1.0, phase);
    return matrix;
}

} // namespace qscope::engine::qasm3
