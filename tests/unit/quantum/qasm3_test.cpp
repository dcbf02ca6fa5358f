// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/layout.h"
#include "engine/quantum/qasm/writer.h"
#include "tests/support/oracle/dense_circuit.h"
#include "tests/unit/quantum/qasm3_support.h"
#include "tests/unit/quantum/random_circuits.h"

#include <map>
#include <numbers>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

std::string linesOf(const std::string& body) { return described(*circuitOf3(body)); }

double parameterOf(const std::string& expression) {
    const auto circuit = circuitOf3("qubit q; rz(" + expression + ") q;");
    return std::get<GateOp>(circuit->operations.at(0).what).parameters.at(0);
}

std::map<std::string, std::int64_t> countsOf(const std::string& body, std::int64_t shots = 200,
                                             const std::map<std::string, double>& inputs = {}) {
    TestRun run;
    SimulationRequest request;
    request.shots = shots;
    request.seed = 7;
    request.inputs = inputs;
    std::map<std::string, std::int64_t> counts;
    for (const OutcomeCount& each : simulated(*circuitOf3(body), request, run).counts) counts[each.bits] = each.count;
    return counts;
}

using Counts = std::map<std::string, std::int64_t>;

} // namespace

TEST_CASE("OpenQASM 3 registers, broadcast and measurements are those of OpenQASM 2 in other words") {
    const auto three = circuitOf3("qubit[2] q; qreg r[2]; qubit s; bit[2] c; creg d[2]; bit e; h q; cx q, r; ccx s, q, r; reset r[1];"
                                  "barrier q; c = measure q; measure r -> d; e = measure s; c[1] = measure q[0];");
    const auto two = circuitOf("qreg q[2]; qreg r[2]; qreg s[1]; creg c[2]; creg d[2]; creg e[1]; h q; cx q, r; ccx s[0], q, r; reset r[1];"
                               "barrier q; measure q -> c; measure r -> d; measure s -> e; measure q[0] -> c[1];");
    CHECK(described(*three) == described(*two));
    CHECK(three->version == "3.0");
}

TEST_CASE("loops over known values are unrolled") {
    CHECK(linesOf("qubit[4] q; for uint i in [0:3] { x q[i]; }") == linesOf("qubit[4] q; x q[0]; x q[1]; x q[2]; x q[3];"));
    CHECK(linesOf("qubit[9] q; for int i in [8:-3:1] x q[i];") == linesOf("qubit[9] q; x q[8]; x q[5]; x q[2];"));
    CHECK(linesOf("qubit[9] q; for uint i in {1, 5, 7} { x q[i]; }") == linesOf("qubit[9] q; x q[1]; x q[5]; x q[7];"));
    CHECK(linesOf("qubit[3] q; for uint i in [0:1] for uint j in [i+1:2] cz q[i], q[j];") ==
          linesOf("qubit[3] q; cz q[0], q[1]; cz q[0], q[2]; cz q[1], q[2];"));
    CHECK(linesOf("qubit[9] q; for uint i in [0:8] { if (i == 2) continue; if (i == 4) break; x q[i]; }") ==
          linesOf("qubit[9] q; x q[0]; x q[1]; x q[3];"));
    CHECK(linesOf("qubit[9] q; int i = 1; while (i < 9) { x q[i]; i *= 2; }") == linesOf("qubit[9] q; x q[1]; x q[2]; x q[4]; x q[8];"));
    CHECK(linesOf("qubit[3] q; const uint n = 2; switch (n + 1) { case 1, 2 { x q[1]; } case 3 { x q[2]; } default { x q[0]; } }") ==
          linesOf("qubit[3] q; x q[2];"));
    CHECK(linesOf("qubit[2] q; x q[0]; if (1 > 2) x q[1]; else y q[1]; end; x q[0];") == linesOf("qubit[2] q; x q[0]; y q[1];"));
    CHECK(linesOf("qubit[2] q; for i in [0:1] x q[i];") == linesOf("qubit[2] q; x q;"));
    // An inner name hides an outer one and goes away.
    CHECK(linesOf("qubit[3] q; int i = 2; { int i = 0; x q[i]; } x q[i];") == linesOf("qubit[3] q; x q[0]; x q[2];"));
}

TEST_CASE("classical arithmetic follows the types") {
    using std::numbers::pi;
    CHECK(parameterOf("1/2") == 0);
    CHECK(parameterOf("1/2.0") == 0.5);
    CHECK(parameterOf("2**3**2") == 512);
    CHECK(parameterOf("-2**2") == -4);
    CHECK(parameterOf("7 % 4 + (6 ^ 3) * (1 << 4)") == 83);
    CHECK(parameterOf("π/2 + tau - 2*euler") == Approx(2.5 * pi - 2 * std::numbers::e));
    CHECK(parameterOf("arccos(0.3) + sqrt(2) * log(3) - exp(0.1) + pow(2, 0.5)") ==
          Approx(std::acos(.3) + std::sqrt(2.) * std::log(3.) - std::exp(.1) + std::sqrt(2.)));
    CHECK(parameterOf("0x1F + 0b101 + 0o17 + 1_000") == 31 + 5 + 15 + 1000);
    CHECK(parameterOf("float(uint[4](\"1010\")) + int[4](\"1010\")") == 10 - 6);
    CHECK(parameterOf("angle[4](pi/2)") == Approx(pi / 2));
    CHECK(parameterOf("popcount(\"1011\") + rotl(\"1000\", 1)") == 4);
    const auto line = [](const std::string& text) { return linesOf("qubit[8] q; " + text); };
    CHECK(line("uint[4] a = 15; a += 2; x q[a];") == line("x q[1];"));
    CHECK(line("int[3] a = 3; a += 1; x q[-a];") == line("x q[4];"));
    CHECK(line("uint[4] a = 5; a[1] = 1; a[0] = false; x q[a];") == line("x q[6];"));
    CHECK(line("bit[4] b = \"0110\"; b[0] = 1; uint[4] a = b; x q[a]; if (b[1:2] == 3) y q[0];") == line("bit[4] b = \"0110\"; b[0] = \"1\"; x q[7]; y q[0];"));
    CHECK(line("bool f = 3 > 2 && !(2 == 2); if (f || true) x q[0];") == line("x q[0];"));
    CHECK(line("const float t = 2*pi; angle[8] a = t/4; a <<= 1; rz(a) q[0];") == line("rz(angle[8](pi)) q[0];"));
}

TEST_CASE("aliases, slices and hardware qubits name qubits that are there") {
    const auto line = [](const std::string& text) { return linesOf("qubit[6] q; qubit[2] r; " + text); };
    CHECK(line("let a = q[1:3]; x a[0]; x a[-1]; y a;") == line("x q[1]; x q[3]; y q[1]; y q[2]; y q[3];"));
    CHECK(line("let a = q[0:2:5] ++ r; x a; let b = a[{3, 0}]; y b;") == line("x q[0]; x q[2]; x q[4]; x r; y r[0]; y q[0];"));
    CHECK(line("x q[4:-2:0]; y q[{5, 1}]; z q[-2:-1];") == line("x q[4]; x q[2]; x q[0]; y q[5]; y q[1]; z q[4]; z q[5];"));
    const auto hardware = circuitOf3("cx $0, $3; x $1; bit c; c = measure $3;");
    CHECK(hardware->qubits == 4);
    CHECK(described(*hardware) == "cx 0 3\nx 1\nmeasure 3 0\n");
}

TEST_CASE("subroutines are written into their place") {
    const std::string def = "def pair(qubit[2] d, float t) { h d[0]; cx d[0], d[1]; rz(t) d[1]; }\n"
                            "def read(qubit a) -> bit { bit b; b = measure a; return b; }\n"
                            "def twice(int n) -> int { return 2 * n; }\n";
    CHECK(linesOf(def + "qubit[3] q; pair(q[{2, 0}], pi);") == linesOf("qubit[3] q; h q[2]; cx q[2], q[0]; rz(pi) q[0];"));
    CHECK(linesOf(def + "qubit[9] q; x q[twice(twice(1) + 1)];") == linesOf("qubit[9] q; x q[6];"));
    CHECK(countsOf(def + "qubit[2] q; bit[2] c; x q[1]; c[0] = read(q[0]); c[1] = read(q[1]);") == Counts{{"10", 200}});
    // A value of a measurement must survive the next call.
    CHECK(countsOf(def + "qubit[2] q; bit c; x q[1]; c = read(q[1]) & ~read(q[0]);") == Counts{{"1", 200}});
    // A return from within a branch skips the rest.
    CHECK(countsOf("def f(qubit a) -> bit { bit b; b = measure a; if (b) { return 0; } x a; return 1; }\n"
                   "qubit[2] q; bit[2] c; x q[1]; c[0] = f(q[0]); c[1] = f(q[1]); bit[2] d; d = measure q;") == Counts{{"11 01", 200}});
}

TEST_CASE("what depends on measurements is decided while the circuit runs") {
    // A fair coin and what follows from it.
    const auto both = countsOf("qubit[3] q; bit[3] c; h q[0]; c[0] = measure q[0]; if (c[0]) { x q[1]; } else { x q[2]; }"
                               "c[1] = measure q[1]; c[2] = measure q[2];");
    CHECK(both.size() == 2);
    CHECK(both.at("011") + both.at("100") == 200);
    // Repeat until success: at the end the coin shows 1, whatever was thrown before, and the turns were counted.
    const auto until = countsOf("qubit q; bit c; bit[8] n; uint[8] turns = 0; while (!c) { h q; c = measure q; turns += 1; }"
                                "n = turns;", 400);
    std::int64_t first = 0;
    for (const auto& [bits, count] : until) {
        CHECK(bits.substr(bits.size() - 1) == "1");
        if (bits == "00000001 1") first = count;
    }
    CHECK(until.size() > 3);
    CHECK(first > 140);
    CHECK(first < 260); // half of 400 within six standard deviations
    // break and continue that are measured, counted by a variable that lives on
    CHECK(countsOf("qubit[4] q; bit[4] c; bit[3] n; x q[1]; x q[3]; int k = 0;"
                   "for uint i in [0:3] { bit b; b = measure q[i]; if (b == 0) continue; c[i] = b; k += 1; if (k == 1 && i == 1) { } if (k == 2) break; }"
                   "n = uint[3](k);") == Counts{{"010 1010", 200}});
    CHECK(countsOf("qubit[2] q; bit[2] c; x q[0]; c[0] = measure q[0]; switch (uint[2](c)) { case 0 { } case 1 { x q[1]; } default { z q[1]; } }"
                   "c[1] = measure q[1];") == Counts{{"11", 200}});
    CHECK(countsOf("qubit[2] q; bit[2] c; x q[0]; c[0] = measure q[0]; if (c[0]) end; x q[1]; c[1] = measure q[1];") == Counts{{"01", 200}});
    // Phase estimation with feedback by an angle: 3/8 of a turn, exactly.
    CHECK(countsOf("qubit[2] q; angle[3] a = 0; bit[3] out; x q[1]; uint[4] power = 4; for uint i in [0:2] { reset q[0]; h q[0];"
                   "ctrl @ pow(power) @ p(2*pi*3/8) q[0], q[1]; a >>= 1; inv @ p(a) q[0]; h q[0]; a[2] = measure q[0]; power >>= 1; }"
                   "out = bit[3](a);") == Counts{{"011", 200}});
}

TEST_CASE("a test of a whole register is a condition, a test of one bit a branch") {
    const auto circuit = circuitOf3("qubit[2] q; bit[2] c; c = measure q; if (c == 2) { x q[0]; y q[1]; } if (int[4](c) == 1) z q[0]; if (c[1]) x q[1];");
    REQUIRE(circuit->operations.size() == 6);
    CHECK(circuit->operations[2].condition->value == 2);
    CHECK(circuit->operations[3].condition->value == 2);
    CHECK(circuit->operations[4].condition->value == 1);
    const auto& control = *std::get<ControlOp>(circuit->operations[5].what).control;
    CHECK(control.label == "if c[1]");
    CHECK(control.qubits == std::vector<int>{1});
    CHECK(hasControlFlow(*circuit));
    const auto layout = layoutCircuit(*circuit);
    CHECK(layout.operations[5].label == "if c[1]");
    CHECK(layout.operations[5].targets == std::vector<int>{1});
}

TEST_CASE("inputs stay open until the circuit runs") {
    const auto circuit = circuitOf3("input float theta; input angle phi; input int[8] n; qubit[2] q; bit c; float half = theta / 2;"
                                    "gate own(t) a { rx(2*t) a; }\nrx(half + 0.5) q[0]; ctrl @ rz(-phi) q[0], q[1]; own(theta) q[1]; if (n == 3) x q[1];");
    REQUIRE(circuit->inputs.size() == 3);
    CHECK(described(*circuit) == "rx (theta / 2) + 0.5 0\ncrz -(phi) 0 1\nrx 2 * theta 1\ncontrol 0  = n == 3 {\nx 1\n}\n");
    const auto refused = makeStatevectorSimulator()->accepts(*circuit, {});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message == "no value is given for the circuit's input 'theta' (line 3), 'phi' (line 3), 'n' (line 3)");
    TestRun run;
    SimulationRequest request;
    request.inputs = {{"theta", 0.8}, {"phi", 0.3}, {"n", 3}};
    const auto state = amplitudesOf(simulated(*circuit, request, run).state, run);
    const auto wanted = oracle::finalState(*circuitOf("qreg q[2]; rx(0.9) q[0]; crz(-0.3) q[0],q[1]; rx(1.6) q[1]; x q[1];"));
    CHECK(oracle::distance(state, wanted) < 1e-14);
    const auto reason = [&](const std::map<std::string, double>& inputs) { return bindInputs(*circuit, inputs).error().message; };
    CHECK(reason({{"theta", 1}, {"phi", 1}, {"n", 300}}) == "input 'n' is int[8], which cannot be 300");
    CHECK(reason({{"theta", 1}, {"phi", 1}, {"n", 1}, {"psi", 1}}) == "the circuit has no input 'psi'");
    CHECK(bindInputs(*circuit, {{"theta", 1}, {"phi", 1}, {"n", 1}})->inputs.empty());
}

TEST_CASE("OpenQASM 3 errors say where, what and what was probably meant") {
    struct Case {
        std::string body;
        std::string message;
        int column;
        std::string suggestion = {};
    };
    const std::vector<Case> cases = {
        {"qubit[2] q; swpa q[0], q[1];", "there is no gate 'swpa'", 13, "'swap'?"},
        {"qubit[2] reg; x rge[0];", "there is no qubit or quantum register 'rge'", 17, "'reg'?"},
        {"qubit[2] q; x q[2];", "'q' has indices 0 to 1, not 2", 17},
        {"qubit q; x q x q;", "expected ';' after this, before 'x'", 12, "add ';'"},
        {"qubit q; bit c; rx(c + ) q;", "expected a number, a name, a function or '('", 24},
        {"qubit q; int a = 1.5 & 1;", "'&' is not defined for float and int[64]", 18},
        {"qubit q; const int n = 0; int m = 1 / n;", "a whole number is divided by zero", 35},
        {"qubit[3] q; bit[2] c; c = measure q;", "3 qubits cannot be measured into 2 classical bits", 23},
        {"qubit[3] q; bit c; c = measure q[0]; x q[int(c)];", "an index must be known when the circuit is built; this depends on a measurement", 42},
        {"def f(qubit a) { f(a); }\nqubit q; f(q);", "'f' calls itself", 18},
        {"qubit q; int q;", "'q' is declared already", 14},
        {"include \"other.inc\"; qubit q;", "'other.inc' is not included: no file but \"stdgates.inc\" is, and that one is built in", 9, "copy what it defines into this text"},
        {"include \"qelib1.inc\"; qubit q;", "\"qelib1.inc\" belongs to OpenQASM 2", 9, "include \"stdgates.inc\";"},
        {"qubit q; break;", "'break' stands in no loop", 10},
        {"gate g a { bit c; } qubit q;", "a gate is made of gates, barriers and loops only", 12},
        {"qubit q; def f() { x q; } f();", "'q' is out of sight: of what is outside only constants can be seen", 22, "pass it as an argument"},
        {"const int n = 1; qubit q; n = 2;", "'n' cannot be assigned to: it is a constant", 27},
        {"qubit q; for uint i in [0:0:1] x q;", "a step of zero never arrives", 25},
    };
    for (const Case& each : cases) {
        INFO(each.body);
        const Diagnostic error = firstError(kHead3 + each.body);
        CHECK(error.message == each.message);
        CHECK(error.span.column == each.column);
        CHECK(error.suggestion == each.suggestion);
    }
    const auto many = parseQasm(kHead3 + "qubit[2] q;\nfoo q[0];\nif (true) { cx q[0] q[1];\nx q[7]; }\nh q[0];\nrz(1, 2) q[0];\n");
    std::vector<int> lines;
    for (const Diagnostic& message : many.diagnostics) lines.push_back(message.span.line);
    CHECK(lines == std::vector<int>{4, 5, 6, 8});
}

TEST_CASE("what is not simulated is kept and said, and a run that would need it is refused") {
    const auto parsed = parseQasm(kHead3 + "extern vote(bit[2]) -> bit;\nqubit[2] q; bit[2] c; bit r;\ndefcal x $0 { play ~~ { }; }\n"
                                           "#pragma anything at all\n@note\ndelay[100ns] q[0]; box { x q[1]; }\nc = measure q; r = vote(c);");
    REQUIRE(parsed.circuit);
    CHECK(described(*parsed.circuit).find("delay 1e-07 ") != std::string::npos);
    std::string notes;
    for (const Diagnostic& message : parsed.diagnostics) notes += message.message + "\n";
    CHECK(notes == "extern 'vote' is not simulated: line 3\n'defcal' is not simulated: line 5\na pragma is not simulated: line 6\n"
                   "an annotation is not simulated: line 7\na 'box' says when its gates run; they are simulated without it\n");
    CHECK(makeStatevectorSimulator()->accepts(*parsed.circuit, {}).error().message == "line 9: extern 'vote' is kept, but not simulated");
}

TEST_CASE("OpenQASM 3 texts meant to hurt end in a clear error") {
    const auto repeated = [](const std::string& part, int times) {
        std::string text;
        for (int k = 0; k < times; ++k) text += part;
        return text;
    };
    const auto message = [](const std::string& text) { return firstError(kHead3 + text).message; };
    CHECK(message("qubit[1000000000] q;") == "register 'q' makes more than 1000000 qubits, which is the limit");
    CHECK(message("qubit q; for uint i in [0:1000000000] { x q; }") == "this loop runs 1e+09 times; 4000000 are the limit");
    CHECK(message("qubit q; " + repeated("for uint i in [0:999] ", 5) + "x q;").find("4000000 operations") != std::string::npos);
    // What nobody can count before it runs has a quarter of the limit, blamed on the outermost statement.
    const std::string endlessly = "this does not end within 1000000 steps and operations, which is the limit where the text "
                                  "does not say how many there are";
    CHECK(message("qubit q; while (true) { }") == endlessly);
    CHECK(message("qubit q; while (true) { x q; }") == endlessly);
    CHECK(message("qubit q; while (true) { while (true) { x q; } }") == endlessly);
    CHECK(message("qubit q; bit c; for int i in [0:3000000] { c = measure q; if (c) { break; } x q; }") == endlessly);
    CHECK(message("qubit q; for int i in [0:1000000] { if (i >= 0) { x q; x q; x q; } }") == endlessly);
    const Diagnostic where = firstError(kHead3 + "qubit q;\n  while (true) { x q; }");
    CHECK((where.span.line == 4 && where.span.column == 3));
    // What can be counted is refused before any of it is made.
    const std::string tooMany = "the circuit has more than 4000000 operations, which is the limit, once it is unrolled";
    CHECK(message("qubit[1000000] q; bit[1000000] c; for int i in [0:100] { c = measure q; }").find("is the limit") != std::string::npos);
    CHECK(message("qubit[1000000] q; for int i in [0:100] { reset q; h q; barrier q; }") == tooMany);
    CHECK(message("qubit q; input float t; gate g(t) a { " + repeated("rx(t) a; h a; ", 200) + "} pow(1000000) @ g(t) q;")
              .find("which is the limit") != std::string::npos);
    CHECK(message("qubit q; " + repeated("inv @ ", 65) + "x q;") == "65 modifiers on one gate; 64 are the limit");
    CHECK(message("qubit q; ctrl(1000) @ ctrl @ x q;") == "1001 controls; 1 to 1000 are possible");
    CHECK(message("qubit q; int i = 0; while (i < 1) { i = i * 1; }").find("is the limit") != std::string::npos);
    CHECK(message("qubit q; rz(" + repeated("(", 100000) + "1) q;") == "this is nested deeper than 64");
    CHECK(message("qubit q; rz(" + repeated("1+", 100000) + "1) q;") == "this expression is nested deeper than 400");
    CHECK(message("qubit q; " + repeated("{", 100000)) == "this is nested deeper than 64");
    CHECK(message("qubit q; " + repeated("if (true) ", 100000)) == "this is nested deeper than 64");
    CHECK(message("qubit q; x q" + repeated("[0]", 100000) + ";") == "this expression is nested deeper than 400");
    CHECK(message("cx $0, $99999999999;") == "'$99999999999' is beyond the 1000000 qubits that are the limit");
    CHECK(message("input float t; qubit q; float s = t; for uint i in [0:60] { s = s * s; } rx(s) q;").find("1000 steps") != std::string::npos);
    std::string gates = "gate g0 a { x a; x a; }\n", subroutines = "def f0(qubit a) { x a; x a; }\n";
    for (int k = 1; k < 40; ++k) {
        gates += fmt::format("gate g{} a {{ {} }}\n", k, repeated(fmt::format("g{} a; ", k - 1), 10));
        subroutines += fmt::format("def f{}(qubit a) {{ {} }}\n", k, repeated(fmt::format("f{}(a); ", k - 1), 10));
    }
    CHECK(message(gates + "qubit q; g39 q;").find("4000000 operations") != std::string::npos);
    CHECK(message(subroutines + "qubit q; f39(q);").find("4000000 operations") != std::string::npos);
    CHECK(parseQasm(kHead3 + gates + "qubit q; g2 q;").circuit);
    CHECK_FALSE(parseQasm(kHead3 + repeated("nothing here;\n", 5000)).circuit);

    // A loop that only a run could end ends in an error there.
    TestRun run;
    const auto endless = makeStatevectorSimulator()->run(*circuitOf3("qubit q; bit c; while (!c) { c = measure q; }"), {}, run.context);
    REQUIRE_FALSE(endless.has_value());
    CHECK(endless.error().message == "line 3: the loops of this run have turned 100000 times, which is the limit");
}

TEST_CASE("cutting an OpenQASM 3 text anywhere never breaks the reader") {
    const std::string text = kHead3 + "gate g(a) x1, y1 { rz(a*2) y1; ctrl @ pow(0.5) @ x x1, y1; }\ndef f(qubit q) -> bit { return measure q; }\n"
                                      "input float θ; qubit[3] q; bit[3] c; let r = q[0:1] ++ q[{2}];\ng(θ) q[0], q[1];\nuint[4] n = 0;"
                                      "while (c != 5) { c[0] = f(q[0]); n += 1; if (n > 3) break; }\nswitch (n) { case 1, 2 { x r; } default { } }\n"
                                      "delay[3ns] q; barrier; c = measure q;\n";
    REQUIRE(parseQasm(text).circuit);
    for (std::size_t length = 0; length <= text.size(); ++length) {
        const auto parsed = parseQasm(std::string_view(text).substr(0, length));
        CHECK((parsed.circuit || !parsed.diagnostics.empty()));
    }
    for (std::size_t at = 0; at < text.size(); ++at)
        for (const char c : {'\0', ';', '(', '}', '"', '9', '\xFF', '@'}) {
            std::string changed = text;
            changed[at] = c;
            const auto parsed = parseQasm(changed);
            CHECK((parsed.circuit || !parsed.diagnostics.empty()));
        }
}

TEST_CASE("circuits are written in either version, or what it lacks is named") {
    const auto text = toOpenQasm3(*circuitOf3("gate c4_(x1) a { rz(x1) a; h a; }\ninput float theta; qubit[4] q; bit[2] c; uint[4] n = 0; rx(2*theta) q[0];"
                                              "ctrl(2) @ ry(0.3) q[0], q[1], q[2]; pow(0.5) @ rxx(1) q[0], q[1]; c[0] = measure q[0];"
                                              "while (c[0]) { n += 1; c[0] = measure q[0]; if (n == 3) break; } c4_(0.5) q[0];"));
    REQUIRE(text.has_value());
    INFO(*text);
    const auto again = parseQasm(*text);
    REQUIRE(again.circuit);
    CHECK(text->find("input float theta;") != std::string::npos);
    CHECK(*toOpenQasm3(*again.circuit) == *text);
    const auto refused = [](const std::string& body) { return toOpenQasm2(*circuitOf3(body)).error().message; };
    CHECK(refused("input float t; qubit q; rx(t) q;") == "line 3: OpenQASM 2 has no inputs, such as 't'");
    CHECK(refused("qubit[3] q; ctrl(2) @ ry(1) q[0], q[1], q[2];") == "line 3: OpenQASM 2 has no gate 'ctrl(2) @ ry'");
    CHECK(refused("qubit q; bit[2] c; c[0] = measure q; if (c[0]) x q;") == "line 3: OpenQASM 2 has no control flow such as 'if c[0]'");
    CHECK(toOpenQasm3(*circuitOf("opaque magic a; qreg q[1]; magic q[0];")).error().message ==
          "line 3: OpenQASM 3 cannot be written for 'magic': it is opaque");
}

TEST_CASE("every gate of the table can be written in both versions and is read as itself") {
    std::mt19937 random(5);
    for (int round = 0; round < 20; ++round) {
        Circuit circuit = randomCircuit(6, 60, random);
        for (Operation& operation : circuit.operations)
            if (auto& gate = std::get<GateOp>(operation.what); gate.name == "delay") // time does not run backwards
                gate.parameters[0] = std::abs(gate.parameters[0]);
        for (const auto& text : {toOpenQasm2(circuit), toOpenQasm3(circuit)}) {
            REQUIRE(text.has_value());
            const auto again = parseQasm(*text);
            for (const Diagnostic& each : again.diagnostics) UNSCOPED_INFO(each.message);
            REQUIRE(again.circuit);
            std::string written = described(*again.circuit), wanted = described(circuit);
            CHECK(written == wanted);
        }
    }
}
