// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/oracle/dense_circuit.h"
#include "tests/unit/quantum/qasm3_support.h"

#include <numbers>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

using oracle::Complex;
using oracle::Vector;
using std::numbers::pi;

std::size_t sizeOf(const Vector& matrix) {
    return static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(matrix.size()))));
}

/// The principal power by definition, from eigenvectors that Jacobi rotations find: those of the Hermitian matrix
/// (U + U*) / 2 + 0.618 (U - U*) / 2i, as a real symmetric one of twice the size, are eigenvectors of U as well.
Vector naivePower(const Vector& u, double exponent) {
    const std::size_t n = sizeOf(u), m = 2 * n;
    std::vector<double> a(m * m), w(m * m);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            const Complex x = u[i * n + j], y = std::conj(u[j * n + i]);
            const Complex h = (x + y) / 2.0 + 0.618 * (x - y) / Complex(0, 2);
            a[i * m + j] = a[(i + n) * m + j + n] = h.real();
            a[i * m + j + n] = -h.imag();
            a[(i + n) * m + j] = h.imag();
        }
    for (std::size_t i = 0; i < m; ++i) w[i * m + i] = 1;
    for (int sweep = 0; sweep < 30; ++sweep)
        for (std::size_t p = 0; p < m; ++p)
            for (std::size_t q = p + 1; q < m; ++q) {
                if (std::abs(a[p * m + q]) < 1e-15) continue;
                const double angle = 0.5 * std::atan2(2 * a[p * m + q], a[q * m + q] - a[p * m + p]);
                const double c = std::cos(angle), s = std::sin(angle);
                for (std::size_t k = 0; k < m; ++k) {
                    const double x = a[k * m + p], y = a[k * m + q], v = w[k * m + p], z = w[k * m + q];
                    a[k * m + p] = c * x - s * y;
                    a[k * m + q] = s * x + c * y;
                    w[k * m + p] = c * v - s * z;
                    w[k * m + q] = s * v + c * z;
                }
                for (std::size_t k = 0; k < m; ++k) {
                    const double x = a[p * m + k], y = a[q * m + k];
                    a[p * m + k] = c * x - s * y;
                    a[q * m + k] = s * x + c * y;
                }
            }
    Vector result(n * n);
    for (std::size_t k = 0; k < m; ++k) {
        Complex eigenvalue = 0;
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j)
                eigenvalue += std::conj(Complex(w[i * m + k], w[(i + n) * m + k])) * u[i * n + j] * Complex(w[j * m + k], w[(j + n) * m + k]);
        double angle = std::arg(eigenvalue);
        if (angle < -pi + 1e-7) angle += 2 * pi;
        const Complex power = std::polar(1.0, angle * exponent);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j)
                result[i * n + j] += power * Complex(w[i * m + k] * w[j * m + k], w[(i + n) * m + k] * w[j * m + k]);
    }
    return result;
}

/// One more control in front, the lowest bit; it acts while it is `value`.
Vector naiveControl(const Vector& u, bool value) {
    const std::size_t n = sizeOf(u), m = 2 * n;
    Vector result(m * m);
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < m; ++j) {
            if ((i & 1) != (j & 1)) continue;
            if ((i & 1) == (value ? 1u : 0u)) result[i * m + j] = u[i / 2 * n + j / 2];
            else result[i * m + j] = i == j ? 1 : 0;
        }
    return result;
}

/// The matrix of a circuit whose gates may be modified ones, the global phase included.
void apply(const std::vector<Operation>& operations, Vector& state) {
    for (const Operation& operation : operations) {
        if (const auto* call = std::get_if<CallOp>(&operation.what)) apply(*call->body, state);
        const auto* gate = std::get_if<GateOp>(&operation.what);
        if (!gate) continue;
        Vector matrix;
        if (!gate->detail) matrix = oracle::matrixOf(gate->name, gate->parameters);
        else {
            matrix = gate->detail->base.empty() ? gate->detail->entries : oracle::matrixOf(gate->detail->base, gate->parameters);
            for (int k = 0; k < gate->detail->controls; ++k) matrix = naiveControl(matrix, true);
        }
        REQUIRE(sizeOf(matrix) == std::size_t{1} << gate->qubits.size());
        state = oracle::applied(matrix, gate->qubits, state);
    }
}
Vector unitary(const Circuit& circuit) {
    const std::size_t n = std::size_t{1} << circuit.qubits;
    Vector result(n * n);
    for (std::size_t column = 0; column < n; ++column) {
        Vector state(n);
        state[column] = 1;
        apply(circuit.operations, state);
        for (std::size_t row = 0; row < n; ++row) result[row * n + column] = state[row] * std::polar(1.0, circuit.globalPhase);
    }
    return result;
}

std::string callText(const std::string& modifiers, std::string_view name, const std::vector<double>& parameters, int qubits) {
    std::string text = fmt::format("qubit[{}] q; {}{}", qubits, modifiers, name);
    for (std::size_t i = 0; i < parameters.size(); ++i) text += fmt::format("{}{}", i == 0 ? "(" : ", ", parameters[i]);
    text += parameters.empty() ? " " : ") ";
    for (int k = 0; k < qubits; ++k) text += fmt::format("{}q[{}]", k == 0 ? "" : ", ", k);
    return text + ";";
}

/// What OpenQASM 3 says the gate is: U is 2 pi periodic, u2 and u3 have determinant 1.
Vector matrixIn3(std::string_view name, const std::vector<double>& a) {
    Vector matrix = oracle::matrixOf(name, a);
    const double phase = name == "U" ? a[0] / 2 : name == "u2" ? -(a[0] + a[1]) / 2 : name == "u3" ? -(a[1] + a[2]) / 2 : 0;
    for (Complex& entry : matrix) entry *= std::polar(1.0, phase);
    return matrix;
}

} // namespace

TEST_CASE("modifiers of every gate of the table are what they are by definition") {
    struct Case {
        std::string text;
        int controls;
        std::function<Vector(Vector)> wanted;
    };
    const auto on = [](bool value) { return [value](const Vector& u) { return naiveControl(u, value); }; };
    const std::vector<Case> cases = {
        {"inv @ ", 0, [](const Vector& u) { return oracle::adjoint(u); }},
        {"pow(2) @ ", 0, [](const Vector& u) { return oracle::product(u, u); }},
        {"pow(-3) @ ", 0, [](const Vector& u) { return oracle::adjoint(oracle::product(u, oracle::product(u, u))); }},
        {"pow(0) @ ", 0, [](const Vector& u) { return oracle::product(u, oracle::adjoint(u)); }},
        {"pow(0.5) @ ", 0, [](const Vector& u) { return naivePower(u, 0.5); }},
        {"pow(-0.3) @ ", 0, [](const Vector& u) { return naivePower(u, -0.3); }},
        {"pow(0.5) @ pow(2) @ ", 0, [](const Vector& u) { return naivePower(oracle::product(u, u), 0.5); }},
        {"inv @ pow(1.7) @ ", 0, [](const Vector& u) { return oracle::adjoint(naivePower(u, 1.7)); }},
        {"ctrl @ ", 1, on(true)},
        {"negctrl @ ", 1, on(false)},
        {"ctrl(2) @ ", 2, [](const Vector& u) { return naiveControl(naiveControl(u, true), true); }},
        {"ctrl @ negctrl @ ", 2, [](const Vector& u) { return naiveControl(naiveControl(u, false), true); }},
        {"negctrl @ ctrl @ ", 2, [](const Vector& u) { return naiveControl(naiveControl(u, true), false); }},
        {"inv @ ctrl @ ", 1, [](const Vector& u) { return oracle::adjoint(naiveControl(u, true)); }},
        {"pow(0.5) @ ctrl @ inv @ ", 1, [](const Vector& u) { return naivePower(naiveControl(oracle::adjoint(u), true), 0.5); }},
        {"ctrl @ pow(1/4.0) @ ", 1, [](const Vector& u) { return naiveControl(naivePower(u, 0.25), true); }},
    };
    for (const GateInfo& info : gateTable()) {
        if (info.name == "delay") continue; // a statement of its own there
        std::vector<double> parameters;
        for (int k = 0; k < info.parameters; ++k) parameters.push_back(0.7 - 0.9 * k);
        const Vector base = matrixIn3(info.name, parameters);
        for (const Case& each : cases) {
            // The naive powers of large gates are slow, and nothing new.
            if (info.qubits + each.controls > 5) continue;
            INFO(each.text << info.name);
            const auto circuit = circuitOf3(callText(each.text, info.name, parameters, info.qubits + each.controls));
            CHECK(oracle::distance(unitary(*circuit), each.wanted(base)) < 1e-11);
        }
    }
}

TEST_CASE("modifiers open gates that the text defines") {
    const std::string own = "gate twist(t) a, b { cx a, b; rz(t) b; gphase(t/3); h a; s b; }\n";
    const Vector base = unitary(*circuitOf3(own + "qubit[2] q; twist(0.8) q[0], q[1];"));
    const auto check = [&](const std::string& modifiers, int controls, const Vector& wanted) {
        INFO(modifiers);
        CHECK(oracle::distance(unitary(*circuitOf3(own + callText(modifiers, "twist", {0.8}, 2 + controls))), wanted) < 1e-11);
    };
    check("inv @ ", 0, oracle::adjoint(base));
    check("pow(3) @ ", 0, oracle::product(base, oracle::product(base, base)));
    check("pow(100) @ ", 0, naivePower(base, 100));
    check("pow(0.4) @ ", 0, naivePower(base, 0.4));
    check("ctrl @ ", 1, naiveControl(base, true));
    check("ctrl(2) @ inv @ ", 2, naiveControl(naiveControl(oracle::adjoint(base), true), true));
    check("negctrl @ pow(0.4) @ ", 1, naiveControl(naivePower(base, 0.4), false));
    const auto phase = circuitOf3("qubit[3] q; ctrl(2) @ gphase(0.3) q[2], q[0]; ctrl @ gphase(0.2) q[1]; gphase(0.1);");
    CHECK(phase->globalPhase == Approx(0.1));
    CHECK(described(*phase) == "cp 0.3 2 0\np 0.2 1\n");
}

TEST_CASE("modifiers use the gates of the table where there are any") {
    const auto named = [](const std::string& text) { return described(*circuitOf3("qubit[6] q; " + text)); };
    CHECK(named("ctrl @ x q[1], q[0];") == "cx 1 0\n");
    CHECK(named("ctrl @ ctrl @ x q[1], q[0], q[2];") == "ccx 1 0 2\n");
    CHECK(named("ctrl(4) @ x q[1], q[0], q[2], q[3], q[4];") == "c4x 1 0 2 3 4\n");
    CHECK(named("ctrl(5) @ x q[1], q[0], q[2], q[3], q[4], q[5];") == "ctrl(5) @ x 1 0 2 3 4 5\n");
    CHECK(named("pow(0.5) @ z q[0];") == "s 0\n");
    CHECK(named("inv @ pow(0.5) @ s q[0];") == "tdg 0\n");
    CHECK(named("pow(0.5) @ x q[0];") == "sx 0\n");
    CHECK(named("ctrl @ swap q[0], q[1], q[2];") == "cswap 0 1 2\n");
    CHECK(named("inv @ rz(0.3) q[0];") == "rz -0.3 0\n");
    CHECK(named("pow(1024) @ p(0.5) q[0];") == "p 512 0\n");
    CHECK(named("ctrl @ rx(0.5) q[0], q[1];") == "crx 0.5 0 1\n");
    CHECK(named("negctrl @ x q[0], q[1];") == "x 0\ncx 0 1\nx 0\n");
}

TEST_CASE("the published bodies of the standard gates are the gates of the table, and the simulator runs the rest") {
    // Definitions that equal the table's are taken for it; the phases of U and gphase must work out exactly.
    const auto circuit = circuitOf3("gate mine(t) a { U(t, -pi/2, pi/2) a; gphase(-t/2); }\n"
                                    "gate rzz(t) a, b { cx a, b; rz(t) b; cx a, b; }\n"
                                    "qubit[7] q; h q; rzz(0.3) q[0], q[1]; ctrl @ mine(0.4) q[1], q[2];\n"
                                    "ctrl(6) @ ry(0.7) q[0], q[1], q[2], q[3], q[4], q[5], q[6]; pow(0.3) @ rxx(4) q[2], q[5];\n"
                                    "negctrl(3) @ pow(0.5) @ swap q[0], q[1], q[2], q[3], q[4];");
    CHECK(std::get<GateOp>(circuit->operations.at(7).what).name == "rzz");
    Vector wanted(128);
    wanted[0] = 1;
    apply(circuit->operations, wanted);
    TestRun run;
    CHECK(oracle::distance(amplitudesOf(simulated(*circuit, {}, run).state, run), wanted) < 1e-12);
    const auto rx = unitary(*circuitOf3("gate mine(t) a { U(t, -pi/2, pi/2) a; gphase(-t/2); }\nqubit q; mine(0.4) q;"));
    CHECK(oracle::distance(rx, oracle::matrixOf("rx", std::vector{0.4})) < 1e-14);
}

TEST_CASE("modifiers that cannot be are refused") {
    const auto message = [](const std::string& text) { return firstError(kHead3 + text).message; };
    CHECK(message("qubit[2] q; pow(0.5) @ ctrl @ nothing q[0], q[1];") == "there is no gate 'nothing'");
    CHECK(message("qubit[2] q; ctrl @ x q[0];") == "'x' acts on 2 qubits with its controls, not 1");
    CHECK(message("qubit[2] q; ctrl(0) @ x q[0];") == "0 controls; 1 to 1000 are possible");
    CHECK(message("qubit[2] q; ctrl @ x q[0], q[0];") == "'x' gets q[0] twice");
    CHECK(message("input float t; qubit q; pow(0.5) @ rx(t) q;") ==
          "this power of 'rx' needs its parameters now, not later");
    CHECK(message("input float t; qubit q; pow(t) @ x q;") ==
          "a power is a finite number that is known when the circuit is built");
    CHECK(message("gate wide a,b,c,d,e,f { cx a,b; cx c,d; cx e,f; }\nqubit[6] q; pow(0.5) @ wide q[0],q[1],q[2],q[3],q[4],q[5];") ==
          "such a power of a gate on 6 qubits; 5 are the limit");
    CHECK(message("gate wide a,b,c,d,e,f { cx a,b; cx c,d; cx e,f; }\nqubit[6] q; pow(1000000000) @ wide q[0],q[1],q[2],q[3],q[4],q[5];")
              .find("operations, which is the limit") != std::string::npos);
}
