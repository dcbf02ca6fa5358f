// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/gates.h"

#include <array>
#include <cmath>
#include <numbers>
#include <unordered_map>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
using Matrix = std::vector<Complex>;
using Angles = std::span<const double>;

constexpr Complex kI{0, 1};

Complex phase(double angle) { return {std::cos(angle), std::sin(angle)}; }

/// The general one-qubit gate of `conventions.h`.
Matrix general(double theta, double phi, double lambda) {
    const double c = std::cos(theta / 2);
    const double s = std::sin(theta / 2);
    return {c, -phase(lambda) * s, phase(phi) * s, phase(phi + lambda) * c};
}

Matrix diagonal(std::initializer_list<Complex> entries) {
    const std::size_t n = entries.size();
    Matrix matrix(n * n);
    std::size_t i = 0;
    for (const Complex entry : entries) matrix[i++ * (n + 1)] = entry;
    return matrix;
}

Matrix identity(Angles) { return {1, 0, 0, 1}; }
Matrix pauliX(Angles) { return {0, 1, 1, 0}; }
Matrix pauliY(Angles) { return {0, -kI, kI, 0}; }
Matrix pauliZ(Angles) { return {1, 0, 0, -1}; }
Matrix hadamard(Angles) {
    constexpr double r = std::numbers::sqrt2 / 2;
    return {r, r, r, -r};
}
Matrix s(Angles) { return {1, 0, 0, kI}; }
Matrix sdg(Angles) { return {1, 0, 0, -kI}; }
Matrix t(Angles) { return {1, 0, 0, Complex(1, 1) * (std::numbers::sqrt2 / 2)}; }
Matrix tdg(Angles) { return {1, 0, 0, Complex(1, -1) * (std::numbers::sqrt2 / 2)}; }
Matrix sx(Angles) { return {Complex(.5, .5), Complex(.5, -.5), Complex(.5, -.5), Complex(.5, .5)}; }
Matrix sxdg(Angles) { return {Complex(.5, -.5), Complex(.5, .5), Complex(.5, .5), Complex(.5, -.5)}; }

Matrix p(Angles a) { return {1, 0, 0, phase(a[0])}; }
Matrix u2(Angles a) { return general(std::numbers::pi / 2, a[0], a[1]); }
Matrix u3(Angles a) { return general(a[0], a[1], a[2]); }
Matrix cu(Angles a) {
    Matrix matrix = general(a[0], a[1], a[2]);
    for (Complex& entry : matrix) entry *= phase(a[3]);
    return matrix;
}
Matrix rx(Angles a) {
    const double c = std::cos(a[0] / 2);
    const Complex s = -kI * std::sin(a[0] / 2);
    return {c, s, s, c};
}
Matrix ry(Angles a) {
    const double c = std::cos(a[0] / 2);
    const double s = std::sin(a[0] / 2);
    return {c, -s, s, c};
}
Matrix rz(Angles a) { return {phase(-a[0] / 2), 0, 0, phase(a[0] / 2)}; }
/// exp(-i theta (cos phi X + sin phi Y) / 2)
Matrix r(Angles a) {
    const double c = std::cos(a[0] / 2);
    const Complex s = -kI * std::sin(a[0] / 2);
    return {c, s * phase(-a[1]), s * phase(a[1]), c};
}

/// cos(t/2) I - i sin(t/2) P for a P that is a signed permutation: row i has `sign[i]` in column `column[i]`.
Matrix rotation(double angle, std::array<std::size_t, 4> column, std::array<double, 4> sign) {
    Matrix matrix(16);
    for (std::size_t i = 0; i < 4; ++i) {
        matrix[i * 4 + i] += std::cos(angle / 2);
        matrix[i * 4 + column[i]] -= kI * std::sin(angle / 2) * sign[i];
    }
    return matrix;
}
Matrix rxx(Angles a) { return rotation(a[0], {3, 2, 1, 0}, {1, 1, 1, 1}); }
Matrix ryy(Angles a) { return rotation(a[0], {3, 2, 1, 0}, {-1, 1, 1, -1}); }
Matrix rzz(Angles a) {
    const Complex same = phase(-a[0] / 2);
    const Complex other = phase(a[0] / 2);
    return diagonal({same, other, other, same});
}
/// Z on the first, X on the second qubit.
Matrix rzx(Angles a) { return rotation(a[0], {2, 3, 0, 1}, {1, -1, 1, -1}); }

Matrix swap(Angles) { return {1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1}; }
Matrix iswap(Angles) { return {1, 0, 0, 0, 0, 0, kI, 0, 0, kI, 0, 0, 0, 0, 0, 1}; }
Matrix dcx(Angles) { return {1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0}; }
Matrix ecr(Angles) {
    constexpr double h = std::numbers::sqrt2 / 2;
    const Complex ih = kI * h;
    return {0, h, 0, ih, h, 0, -ih, 0, 0, ih, 0, h, -ih, 0, h, 0};
}
Matrix xxPlusYy(Angles a) {
    const double c = std::cos(a[0] / 2);
    const Complex s = -kI * std::sin(a[0] / 2);
    return {1, 0, 0, 0, 0, c, s * phase(-a[1]), 0, 0, s * phase(a[1]), c, 0, 0, 0, 0, 1};
}
Matrix fsim(Angles a) {
    const double c = std::cos(a[0]);
    const Complex s = -kI * std::sin(a[0]);
    return {1, 0, 0, 0, 0, c, s, 0, 0, s, c, 0, 0, 0, 0, phase(-a[1])};
}

/// The third qubit gets I, Z, I, Y for the first two at 0, 1, 2, 3: a Toffoli gate up to relative phases.
Matrix rccx(Angles) {
    Matrix matrix(64);
    for (std::size_t i : {0u, 1u, 2u, 4u, 6u}) matrix[i * 9] = 1;
    matrix[5 * 9] = -1;
    matrix[3 * 8 + 7] = -kI;
    matrix[7 * 8 + 3] = kI;
    return matrix;
}
/// With the first two qubits set, the fourth gets iZ while the third is clear and iY while it is set; else nothing.
Matrix rc3x(Angles) {
    Matrix matrix(256);
    for (std::size_t i = 0; i < 16; ++i)
        if ((i & 3) != 3) matrix[i * 17] = 1;
    matrix[3 * 17] = kI;
    matrix[11 * 17] = -kI;
    matrix[7 * 16 + 15] = 1;
    matrix[15 * 16 + 7] = -1;
    return matrix;
}

using enum SymbolKind;
using enum GateSet;
constexpr GateInfo kTable[] = {
    // name        par qb ct label        drawn diag   cliff  set       matrix on the targets
    {"U",          3, 1, 0, "U",          Box,  false, false, Language, u3},
    {"CX",         0, 2, 1, "X",          Not,  false, true,  Language, pauliX},
    {"u3",         3, 1, 0, "U3",         Box,  false, false, Library,  u3},
    {"u2",         2, 1, 0, "U2",         Box,  false, false, Library,  u2},
    {"u1",         1, 1, 0, "U1",         Box,  true,  false, Library,  p},
    {"u0",         1, 1, 0, "U0",         Box,  true,  true,  Library,  identity},
    {"u",          3, 1, 0, "U",          Box,  false, false, Library,  u3},
    {"p",          1, 1, 0, "P",          Box,  true,  false, Library,  p},
    {"id",         0, 1, 0, "I",          Box,  true,  true,  Library,  identity},
    {"x",          0, 1, 0, "X",          Box,  false, true,  Library,  pauliX},
    {"y",          0, 1, 0, "Y",          Box,  false, true,  Library,  pauliY},
    {"z",          0, 1, 0, "Z",          Box,  true,  true,  Library,  pauliZ},
    {"h",          0, 1, 0, "H",          Box,  false, true,  Library,  hadamard},
    {"s",          0, 1, 0, "S",          Box,  true,  true,  Library,  s},
    {"sdg",        0, 1, 0, "S†",         Box,  true,  true,  Library,  sdg},
    {"t",          0, 1, 0, "T",          Box,  true,  false, Library,  t},
    {"tdg",        0, 1, 0, "T†",         Box,  true,  false, Library,  tdg},
    {"sx",         0, 1, 0, "√X",         Box,  false, true,  Library,  sx},
    {"sxdg",       0, 1, 0, "√X†",        Box,  false, true,  Library,  sxdg},
    {"rx",         1, 1, 0, "RX",         Box,  false, false, Library,  rx},
    {"ry",         1, 1, 0, "RY",         Box,  false, false, Library,  ry},
    {"rz",         1, 1, 0, "RZ",         Box,  true,  false, Library,  rz},
    {"cx",         0, 2, 1, "X",          Not,  false, true,  Library,  pauliX},
    {"cy",         0, 2, 1, "Y",          Box,  false, true,  Library,  pauliY},
    {"cz",         0, 2, 1, "Z",          Dot,  true,  true,  Library,  pauliZ},
    {"ch",         0, 2, 1, "H",          Box,  false, false, Library,  hadamard},
    {"csx",        0, 2, 1, "√X",         Box,  false, false, Library,  sx},
    {"crx",        1, 2, 1, "RX",         Box,  false, false, Library,  rx},
    {"cry",        1, 2, 1, "RY",         Box,  false, false, Library,  ry},
    {"crz",        1, 2, 1, "RZ",         Box,  true,  false, Library,  rz},
    {"cu1",        1, 2, 1, "P",          Dot,  true,  false, Library,  p},
    {"cp",         1, 2, 1, "P",          Dot,  true,  false, Library,  p},
    {"cu3",        3, 2, 1, "U3",         Box,  false, false, Library,  u3},
    {"cu",         4, 2, 1, "U",          Box,  false, false, Library,  cu},
    {"swap",       0, 2, 0, "SWAP",       Cross, false, true, Library,  swap},
    {"rxx",        1, 2, 0, "RXX",        Box,  false, false, Library,  rxx},
    {"rzz",        1, 2, 0, "RZZ",        Box,  true,  false, Library,  rzz},
    {"ccx",        0, 3, 2, "X",          Not,  false, false, Library,  pauliX},
    {"cswap",      0, 3, 1, "SWAP",       Cross, false, false, Library, swap},
    {"rccx",       0, 3, 0, "RCCX",       Box,  false, false, Library,  rccx},
    {"rc3x",       0, 4, 0, "RC3X",       Box,  false, false, Library,  rc3x},
    {"c3x",        0, 4, 3, "X",          Not,  false, false, Library,  pauliX},
    {"c3sqrtx",    0, 4, 3, "√X",         Box,  false, false, Library,  sx},
    {"c4x",        0, 5, 4, "X",          Not,  false, false, Library,  pauliX},
    {"ryy",        1, 2, 0, "RYY",        Box,  false, false, Extra,    ryy},
    {"rzx",        1, 2, 0, "RZX",        Box,  false, false, Extra,    rzx},
    {"iswap",      0, 2, 0, "iSWAP",      Box,  false, true,  Extra,    iswap},
    {"dcx",        0, 2, 0, "DCX",        Box,  false, true,  Extra,    dcx},
    {"ecr",        0, 2, 0, "ECR",        Box,  false, true,  Extra,    ecr},
    {"r",          2, 1, 0, "R",          Box,  false, false, Extra,    r},
    {"delay",      1, 1, 0, "delay",      Box,  true,  true,  Extra,    identity},
    {"xx_plus_yy", 2, 2, 0, "XX+YY",      Box,  false, false, Extra,    xxPlusYy},
    {"fsim",       2, 2, 0, "fSim",       Box,  false, false, Extra,    fsim},
};

} // namespace

std::span<const GateInfo> gateTable() { return kTable; }

const GateInfo* findGate(std::string_view name) {
    static const auto byName = [] {
        std::unordered_map<std::string_view, const GateInfo*> map;
        for (const GateInfo& gate : kTable) map.emplace(gate.name, &gate);
        return map;
    }();
    const auto found = byName.find(name);
    return found == byName.end() ? nullptr : found->second;
}

std::vector<std::complex<double>> fullMatrix(const GateInfo& gate, std::span<const double> parameters) {
    return fullMatrix(gate.controls, gate.matrix(parameters));
}

std::vector<std::complex<double>> fullMatrix(int controls, std::vector<std::complex<double>> inner) {
    if (controls == 0) return inner;
    std::size_t innerSize = 1;
    while (innerSize * innerSize < inner.size()) innerSize *= 2;
    const std::size_t size = innerSize << controls;
    const std::size_t mask = (std::size_t{1} << controls) - 1;
    Matrix matrix(size * size);
    for (std::size_t row = 0; row < size; ++row) {
        if ((row & mask) != mask) {
            matrix[row * size + row] = 1;
            continue;
        }
        for (std::size_t column = 0; column < innerSize; ++column)
            matrix[row * size + (column << controls | mask)] = inner[(row >> controls) * innerSize + column];
    }
    return matrix;
}

} // namespace qscope::engine
