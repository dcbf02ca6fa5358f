// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/oracle/dense_circuit.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::test::oracle {

namespace {

constexpr Complex i{0, 1};
constexpr double pi = std::numbers::pi;

const Vector I = {1, 0, 0, 1};
const Vector X = {0, 1, 1, 0};
const Vector Y = {0, -i, i, 0};
const Vector Z = {1, 0, 0, -1};

std::size_t sizeOf(const Vector& matrix) {
    return static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(matrix.size()))));
}

/// Kronecker product as books write it: `high` acts on the higher bits.
Vector kron(const Vector& high, const Vector& low) {
    const std::size_t h = sizeOf(high), l = sizeOf(low), n = h * l;
    Vector result(n * n);
    for (std::size_t row = 0; row < n; ++row)
        for (std::size_t column = 0; column < n; ++column)
            result[row * n + column] = high[row / l * h + column / l] * low[row % l * l + column % l];
    return result;
}

Vector sum(Vector a, const Vector& b) {
    for (std::size_t k = 0; k < a.size(); ++k) a[k] += b[k];
    return a;
}
Vector scaled(Complex factor, Vector a) {
    for (Complex& entry : a) entry *= factor;
    return a;
}
Vector unit(std::size_t n) {
    Vector result(n * n);
    for (std::size_t k = 0; k < n; ++k) result[k * n + k] = 1;
    return result;
}

/// exp(-i t P / 2) for P squared the identity.
Vector rotation(double t, const Vector& p) {
    return sum(scaled(std::cos(t / 2), unit(sizeOf(p))), scaled(-i * std::sin(t / 2), p));
}

/// The control is the first argument, hence the lowest bit: |0><0| keeps, |1><1| acts.
Vector controlled(const Vector& u) {
    return sum(kron(unit(sizeOf(u)), {1, 0, 0, 0}), kron(u, {0, 0, 0, 1}));
}

Vector M(double t, double f, double l) {
    const double c = std::cos(t / 2), s = std::sin(t / 2);
    return {c, -std::exp(i * l) * s, std::exp(i * f) * s, std::exp(i * (f + l)) * c};
}
Vector P(double l) { return {1, 0, 0, std::exp(i * l)}; }
Vector H() { return scaled(1 / std::sqrt(2.0), {1, 1, 1, -1}); }
Vector SX() { return scaled(0.5, {1.0 + i, 1.0 - i, 1.0 - i, 1.0 + i}); }
Vector SWAP() { return {1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1}; }

/// The product of the published bodies of the two relative-phase gates, gate by gate in time.
struct Line {
    Vector matrix;
    std::vector<int> qubits;
};
Vector composed(int qubits, const std::vector<Line>& lines) {
    const std::size_t n = std::size_t{1} << qubits;
    Vector result(n * n);
    for (std::size_t column = 0; column < n; ++column) {
        Vector state(n);
        state[column] = 1;
        for (const Line& line : lines) state = applied(line.matrix, line.qubits, state);
        for (std::size_t row = 0; row < n; ++row) result[row * n + column] = state[row];
    }
    return result;
}
Vector rccx() {
    const Vector h = M(pi / 2, 0, pi), t = P(pi / 4), tdg = P(-pi / 4), cx = controlled(X);
    return composed(3, {{h, {2}}, {t, {2}}, {cx, {1, 2}}, {tdg, {2}}, {cx, {0, 2}}, {t, {2}}, {cx, {1, 2}}, {tdg, {2}}, {h, {2}}});
}
Vector rc3x() {
    const Vector h = M(pi / 2, 0, pi), t = P(pi / 4), tdg = P(-pi / 4), cx = controlled(X);
    return composed(4, {{h, {3}}, {t, {3}}, {cx, {2, 3}}, {tdg, {3}}, {h, {3}}, {cx, {0, 3}}, {t, {3}}, {cx, {1, 3}}, {tdg, {3}},
                        {cx, {0, 3}}, {t, {3}}, {cx, {1, 3}}, {tdg, {3}}, {h, {3}}, {t, {3}}, {cx, {2, 3}}, {tdg, {3}}, {h, {3}}});
}

void run(const std::vector<engine::Operation>& operations, Vector& state) {
    for (const auto& operation : operations) {
        if (const auto* call = std::get_if<engine::CallOp>(&operation.what)) run(*call->body, state);
        if (const auto* gate = std::get_if<engine::GateOp>(&operation.what))
            state = applied(matrixOf(gate->name, gate->parameters), gate->qubits, state);
    }
}

} // namespace

Vector matrixOf(std::string_view name, std::span<const double> a) {
    const auto at = [&](std::size_t k) { return a[k]; };
    if (name == "U" || name == "u" || name == "u3") return M(at(0), at(1), at(2));
    if (name == "u2") return M(pi / 2, at(0), at(1));
    if (name == "u1" || name == "p") return P(at(0));
    if (name == "id" || name == "u0" || name == "delay") return I;
    if (name == "x") return X;
    if (name == "y") return Y;
    if (name == "z") return Z;
    if (name == "h") return H();
    if (name == "s") return P(pi / 2);
    if (name == "sdg") return P(-pi / 2);
    if (name == "t") return P(pi / 4);
    if (name == "tdg") return P(-pi / 4);
    if (name == "sx") return SX();
    if (name == "sxdg") return adjoint(SX());
    if (name == "rx") return rotation(at(0), X);
    if (name == "ry") return rotation(at(0), Y);
    if (name == "rz") return rotation(at(0), Z);
    if (name == "r") return rotation(at(0), sum(scaled(std::cos(at(1)), X), scaled(std::sin(at(1)), Y)));
    if (name == "CX" || name == "cx") return {1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0};
    if (name == "cy") return controlled(Y);
    if (name == "cz") return controlled(Z);
    if (name == "ch") return controlled(H());
    if (name == "csx") return controlled(SX());
    if (name == "crx") return controlled(rotation(at(0), X));
    if (name == "cry") return controlled(rotation(at(0), Y));
    if (name == "crz") return controlled(rotation(at(0), Z));
    if (name == "cu1" || name == "cp") return controlled(P(at(0)));
    if (name == "cu3") return controlled(M(at(0), at(1), at(2)));
    if (name == "cu") return controlled(scaled(std::exp(i * at(3)), M(at(0), at(1), at(2))));
    if (name == "swap") return SWAP();
    if (name == "rxx") return rotation(at(0), kron(X, X));
    if (name == "ryy") return rotation(at(0), kron(Y, Y));
    if (name == "rzz") return rotation(at(0), kron(Z, Z));
    if (name == "rzx") return rotation(at(0), kron(X, Z));
    if (name == "ccx") return controlled(controlled(X));
    if (name == "c3x") return controlled(controlled(controlled(X)));
    if (name == "c4x") return controlled(controlled(controlled(controlled(X))));
    if (name == "c3sqrtx") return controlled(controlled(controlled(SX())));
    if (name == "cswap") return controlled(SWAP());
    if (name == "rccx") return rccx();
    if (name == "rc3x") return rc3x();
    if (name == "iswap") return {1, 0, 0, 0, 0, 0, i, 0, 0, i, 0, 0, 0, 0, 0, 1};
    if (name == "dcx") return composed(2, {{controlled(X), {0, 1}}, {controlled(X), {1, 0}}});
    if (name == "ecr") return scaled(1 / std::sqrt(2.0), sum(kron(I, X), scaled(-1, kron(X, Y))));
    if (name == "fsim" || name == "xx_plus_yy") {
        const double angle = name == "fsim" ? at(0) : at(0) / 2;
        const double beta = name == "fsim" ? 0 : at(1);
        const Complex c = std::cos(angle), s = -i * std::sin(angle);
        const Complex last = name == "fsim" ? std::exp(-i * at(1)) : 1;
        return {1, 0, 0, 0, 0, c, s * std::exp(-i * beta), 0, 0, s * std::exp(i * beta), c, 0, 0, 0, 0, last};
    }
    return {};
}

Vector applied(const Vector& matrix, std::span<const int> qubits, const Vector& state) {
    const std::size_t local = std::size_t{1} << qubits.size();
    Vector result(state.size());
    for (std::size_t row = 0; row < state.size(); ++row) {
        std::size_t localRow = 0;
        for (std::size_t k = 0; k < qubits.size(); ++k) localRow |= (row >> qubits[k] & 1) << k;
        for (std::size_t localColumn = 0; localColumn < local; ++localColumn) {
            std::size_t column = row;
            for (std::size_t k = 0; k < qubits.size(); ++k) {
                column &= ~(std::size_t{1} << qubits[k]);
                column |= (localColumn >> k & 1) << qubits[k];
            }
            result[row] += matrix[localRow * local + localColumn] * state[column];
        }
    }
    return result;
}

Vector finalState(const engine::Circuit& circuit, Vector initial) {
    run(circuit.operations, initial);
    return initial;
}

Vector finalState(const engine::Circuit& circuit) {
    Vector zero(std::size_t{1} << circuit.qubits);
    zero[0] = 1;
    return finalState(circuit, std::move(zero));
}

Vector unitaryOf(const engine::Circuit& circuit) {
    const std::size_t n = std::size_t{1} << circuit.qubits;
    Vector result(n * n);
    for (std::size_t column = 0; column < n; ++column) {
        Vector basis(n);
        basis[column] = 1;
        const Vector state = finalState(circuit, std::move(basis));
        for (std::size_t row = 0; row < n; ++row) result[row * n + column] = state[row];
    }
    return result;
}

Vector product(const Vector& a, const Vector& b) {
    const std::size_t n = sizeOf(a);
    Vector result(n * n);
    for (std::size_t row = 0; row < n; ++row)
        for (std::size_t column = 0; column < n; ++column)
            for (std::size_t k = 0; k < n; ++k) result[row * n + column] += a[row * n + k] * b[k * n + column];
    return result;
}

Vector adjoint(const Vector& a) {
    const std::size_t n = sizeOf(a);
    Vector result(n * n);
    for (std::size_t row = 0; row < n; ++row)
        for (std::size_t column = 0; column < n; ++column) result[row * n + column] = std::conj(a[column * n + row]);
    return result;
}

double distance(const Vector& a, const Vector& b) {
    if (a.size() != b.size()) return INFINITY;
    double largest = 0;
    for (std::size_t k = 0; k < a.size(); ++k) largest = std::max(largest, std::abs(a[k] - b[k]));
    return largest;
}

} // namespace qscope::test::oracle
