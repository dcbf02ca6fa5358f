// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/oracle/dense_circuit.h"
#include "tests/unit/quantum/qasm3_support.h"

#include <cmath>
#include <numbers>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

const std::string kHead = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n";

const GateOp& gateAt(const Circuit& circuit, std::size_t index) {
    return std::get<GateOp>(circuit.operations.at(index).what);
}

double parameterOf(const std::string& expression) {
    return gateAt(*circuitOf("qreg q[1]; rz(" + expression + ") q[0];"), 0).parameters.at(0);
}

} // namespace

TEST_CASE("registers concatenate in the order of their declarations") {
    const auto circuit = circuitOf("qreg a[2]; creg c[1]; qreg b[3]; creg d[4]; cx b[1],a[1]; measure b[2] -> d[3];");
    CHECK(circuit->qubits == 5);
    CHECK(circuit->clbits == 5);
    CHECK(circuit->version == "2.0");
    CHECK(gateAt(*circuit, 0).qubits == std::vector<int>{3, 1});
    const auto& measure = std::get<MeasureOp>(circuit->operations[1].what);
    CHECK(measure.qubit == 4);
    CHECK(measure.clbit == 4);
}

TEST_CASE("whole registers repeat an operation and single qubits stay") {
    const auto circuit = circuitOf("qreg a[3]; qreg b[3]; qreg s[1]; creg c[3]; h a; cx a,b; cx s[0],b; measure b -> c; reset a;");
    REQUIRE(circuit->operations.size() == 15);
    CHECK(gateAt(*circuit, 4).qubits == std::vector<int>{1, 4});
    CHECK(gateAt(*circuit, 8).qubits == std::vector<int>{6, 5});
    CHECK(std::get<MeasureOp>(circuit->operations[11].what).clbit == 2);
    CHECK(firstError(kHead + "qreg a[2]; qreg b[3]; cx a,b;").message == "'b' has 3 qubits where the registers before it have 2");
}

TEST_CASE("expressions follow the usual rules") {
    using std::numbers::pi;
    CHECK(parameterOf("1/2") == 0.5);
    CHECK(parameterOf("2-3-4") == -5);
    CHECK(parameterOf("2^3^2") == 512);
    CHECK(parameterOf("-2^2") == -4);
    CHECK(parameterOf("2*-3") == -6);
    CHECK(parameterOf("+.5e1") == 5);
    CHECK(parameterOf("3*pi/4") == 3 * pi / 4);
    CHECK(parameterOf("-(1+2)*(3-4)") == 3);
    CHECK(parameterOf("sin(1)+cos(2)*tan(3)-exp(0.5)/ln(3)+sqrt(2)") ==
          Approx(std::sin(1.) + std::cos(2.) * std::tan(3.) - std::exp(.5) / std::log(3.) + std::sqrt(2.)));
    CHECK(parameterOf("asin(0.3)+acos(0.2)+atan(7)") == Approx(std::asin(.3) + std::acos(.2) + std::atan(7.)));
}

TEST_CASE("a file's own gates are opened with their parameters bound") {
    const auto circuit = circuitOf("gate inner(a,b) x1,y1 { rz(a/2) y1; cx x1,y1; u3(b,a,-b) x1; barrier x1; }\n"
                                   "gate outer(t) p0,p1,p2 { inner(t,2*t) p2,p0; h p1; }\n"
                                   "qreg q[4]; outer(0.6) q[3],q[1],q[0];");
    const auto& call = std::get<CallOp>(circuit->operations.at(0).what);
    CHECK(call.name == "outer");
    CHECK(call.qubits == std::vector<int>{3, 1, 0});
    const FlatCircuit flat = flatten(*circuit);
    REQUIRE(flat.operations.size() == 5);
    const auto& rz = std::get<GateOp>(flat.operations[0].what);
    CHECK(rz.parameters == std::vector<double>{0.3});
    CHECK(rz.qubits == std::vector<int>{3});
    CHECK(std::get<GateOp>(flat.operations[1].what).qubits == std::vector<int>{0, 3});
    CHECK(std::get<GateOp>(flat.operations[2].what).parameters == std::vector<double>{1.2, 0.6, -1.2});
    CHECK(flat.origin == std::vector<std::size_t>(5, 0));
    CHECK(flat.operations[4].span.line == circuit->operations[0].span.line);
}

TEST_CASE("a file's own gate wins over the table's gate of the same name") {
    const auto circuit = circuitOf("gate rzz(t) a,b { x a; }\nqreg q[2]; rzz(0.1) q[0],q[1];");
    CHECK(std::holds_alternative<CallOp>(circuit->operations.at(0).what));
    CHECK(std::abs(oracle::finalState(*circuit)[1] - 1.0) < 1e-15);
}

TEST_CASE("an opaque gate is kept without a matrix") {
    const auto circuit = circuitOf("opaque magic(t) a,b;\nopaque delay(t) a;\nqreg q[2];\nmagic(1) q[0],q[1]; delay(3) q[0];");
    CHECK(gateAt(*circuit, 0).name == "magic");
    const auto refused = makeStatevectorSimulator()->accepts(*circuit, {});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message == "line 6: gate 'magic' is opaque: it has no matrix to simulate");
}

TEST_CASE("a condition guards one operation with a whole register") {
    const auto circuit = circuitOf("qreg q[1]; creg a[2]; creg b[3]; if (b == 5) x q[0]; if(a==0) measure q[0] -> b[0];");
    REQUIRE(circuit->operations[0].condition);
    CHECK(circuit->operations[0].condition->creg == 1);
    CHECK(circuit->operations[0].condition->value == 5);
    CHECK(circuit->operations[1].condition->creg == 0);
}

TEST_CASE("operations know where they were written") {
    const auto circuit = circuitOf("qreg q[2];\n  h q[0]; cx q[0],\n q[1];\n");
    CHECK(circuit->operations[0].span.line == 4);
    CHECK(circuit->operations[0].span.column == 3);
    CHECK(circuit->operations[1].span.line == 4);
    CHECK(circuit->operations[1].span.column == 11);
    const std::string text = kHead + "qreg q[2];\n  h q[0]; cx q[0],\n q[1];\n";
    const SourceSpan span = circuit->operations[1].span;
    CHECK(text.substr(span.begin, span.end - span.begin) == "cx q[0],\n q[1]");
}

TEST_CASE("errors say where, what and what was probably meant") {
    struct Case {
        std::string body;
        std::string message;
        int line;
        int column;
        std::string suggestion = {};
    };
    const std::vector<Case> cases = {
        {"qreg q[2];\nccnot q[0],q[1];", "there is no gate 'ccnot'", 4, 1},
        {"qreg q[2];\nswpa q[0],q[1];", "there is no gate 'swpa'", 4, 1, "'swap'?"},
        {"qreg q[1];\nRZ(1) q[0];", "there is no gate 'RZ'", 4, 1, "'rz'?"},
        {"qreg q[1];\nrz q[0];", "'rz' takes 1 parameter, not 0", 4, 1},
        {"qreg q[1];\ncx q[0];", "'cx' acts on 2 qubits, not 1", 4, 1},
        {"qreg q[2];\ncx q[0],q[0];", "'cx' gets q[0] twice", 4, 1},
        {"qreg q[2];\nh q[2];", "'q' has indices 0 to 1, not 2", 4, 3},
        {"qreg qubits[2];\nh qubit[0];", "there is no quantum register 'qubit'", 4, 3, "'qubits'?"},
        {"qreg q[1];\nh q[0]\nx q[0];", "expected ';' after this, before 'x'", 4, 6, "add ';'"},
        {"qreg q[1];\nrz(0.3*) q[0];", "expected a number, 'pi', a parameter or a function", 4, 8},
        {"qreg q[1];\nrz(PI) q[0];", "'PI' is neither a number nor a parameter", 4, 4, "'pi'?"},
        {"qreg q[1];\nrz(1/0) q[0];", "a parameter is not a finite number here (line 4)", 4, 1},
        {"qreg q[1];\nrz(sinh(1)) q[0];", "there is no function 'sinh'", 4, 4, "sin, cos, tan, exp, ln, sqrt, asin, acos, atan"},
        {"qreg q[1];\nqreg q[2];", "there is a register 'q' already", 4, 6},
        {"qreg q[0];", "register 'q' has no qubits", 3, 6},
        {"qreg q[1]; creg c[2];\nmeasure q -> c;", "1 qubit cannot be measured into 2 classical bits", 4, 1},
        {"qreg q[1]; creg c[2];\nmeasure q[0] - > c[0];", "expected '->' and a classical bit instead of '-'", 4, 14},
        {"qreg q[1]; creg c[2];\nif (c[0]==1) x q[0];", "OpenQASM 2 compares whole registers, not single bits", 4, 6},
        {"gate g a { h b; }\nqreg q[1];", "'b' is no qubit of gate 'g'", 3, 14},
        {"gate g a { g a; }\nqreg q[1];", "'g' calls itself", 3, 12},
        {"gate g a,a { }\nqreg q[1];", "'a' is named twice", 3, 10},
        {"qreg q[1]; \"text\";", "a statement cannot begin with 'text'", 3, 12},
        {"qreg q[1]; /* never\nclosed", "this comment is never closed", 3, 12},
    };
    for (const Case& each : cases) {
        INFO(each.body);
        const Diagnostic error = firstError(kHead + each.body);
        CHECK(error.message == each.message);
        CHECK(error.span.line == each.line);
        CHECK(error.span.column == each.column);
        CHECK(error.suggestion == each.suggestion);
    }
}

TEST_CASE("reading goes on after an error") {
    const auto parsed = parseQasm(kHead + "qreg q[2];\nfoo q[0];\ncx q[0] q[1];\nh q[7];\nh q[0];\nrz(1,2) q[0];\n");
    CHECK_FALSE(parsed.circuit);
    std::vector<int> lines;
    for (const Diagnostic& message : parsed.diagnostics) lines.push_back(message.span.line);
    CHECK(lines == std::vector<int>{4, 5, 6, 8});
}

TEST_CASE("what real files break is forgiven with a message") {
    struct Case {
        std::string text;
        Severity severity;
        std::string message;
    };
    const std::vector<Case> cases = {
        {"qreg q[1]; U(0,0,0) q[0];", Severity::Warning, "no 'OPENQASM 2.0;' at the beginning; read as OpenQASM 2.0"},
        {"OPENQASM 2.0; qreg q[1]; h q[0];", Severity::Warning, "gates of \"qelib1.inc\" are used without including it"},
        {kHead + "qreg q[1]; h q[0]", Severity::Warning, "the last statement lacks its ';'"},
        {kHead + "qreg q[1]; /* note */ h q[0];", Severity::Note, "block comments are not part of OpenQASM 2; they are skipped"},
        {kHead + "qreg q[2]; ryy(1) q[0],q[1];", Severity::Note, "'ryy' is not part of \"qelib1.inc\"; its usual definition is used"},
        {kHead + "qreg q[2]; creg c[1]; if (c==2) x q[0];", Severity::Warning, "'c' has 1 bit and is never 2"},
        {kHead + "qreg reg[1]; measure q[0] -> c[0];", Severity::Warning,
         "this measurement is left out: there are no registers 'q' and 'c'"},
    };
    for (const Case& each : cases) {
        INFO(each.text);
        const auto parsed = parseQasm(each.text);
        CHECK(parsed.circuit);
        REQUIRE(parsed.diagnostics.size() == 1);
        CHECK(parsed.diagnostics[0].severity == each.severity);
        CHECK(parsed.diagnostics[0].message == each.message);
    }
    CHECK(parseQasm("\xEF\xBB\xBFOPENQASM 2.0;\r\nqreg q[1];\r\n").diagnostics.empty());
}

TEST_CASE("other files are not included, and other versions are refused clearly") {
    CHECK(firstError("OPENQASM 1.0;\nqreg q[1];").message == "OpenQASM 1.0 is not known; 2.0 is");
    const auto other = firstError("OPENQASM 2.0;\ninclude \"../../etc/passwd\";\nqreg q[1];");
    CHECK(other.message == "'../../etc/passwd' is not included: no file but \"qelib1.inc\" is, and that one is built in");
    CHECK(firstError("").message == "the text declares no qubits");
}

TEST_CASE("texts meant to hurt end in a clear error") {
    const auto repeated = [](const std::string& part, int times) {
        std::string text;
        for (int k = 0; k < times; ++k) text += part;
        return text;
    };
    CHECK(firstError(kHead + "qreg q[1000000000];").message == "register 'q' makes more than 1000000 qubits, which is the limit");
    CHECK(firstError(kHead + "qreg q[99999999999999999999];").message == "'99999999999999999999' is too large");
    CHECK(firstError(kHead + "qreg q[1]; rz(" + repeated("(", 100000) + "1) q[0];").message ==
          "this expression is nested deeper than 64");
    CHECK(firstError(kHead + "qreg q[1]; rz(" + repeated("-", 100000) + "1) q[0];").message ==
          "this expression is nested deeper than 64");
    CHECK(firstError(kHead + "qreg q[1]; rz(1e999) q[0];").message == "'1e999' does not fit a double");

    std::string bomb = kHead + "gate g0 a { x a; x a; }\n";
    for (int k = 1; k < 40; ++k) {
        const std::string inner = "g" + std::to_string(k - 1) + " a; ";
        bomb += "gate g" + std::to_string(k) + " a { " + repeated(inner, 10) + "}\n";
    }
    CHECK(firstError(bomb + "qreg q[1]; g39 q[0];").message ==
          "the circuit has more than 4000000 operations, which is the limit, once its gates are opened up");
    CHECK(parseQasm(bomb + "qreg q[1]; g2 q[0];").circuit);

    std::string deep = kHead + "gate d0 a { x a; }\n";
    for (int k = 1; k < 100; ++k)
        deep += "gate d" + std::to_string(k) + " a { d" + std::to_string(k - 1) + " a; }\n";
    CHECK(firstError(deep + "qreg q[1];").message == "'d65' opens gates within gates deeper than 64");

    const auto many = parseQasm(kHead + repeated("nothing here;\n", 5000));
    CHECK(many.diagnostics.size() == 100);
    CHECK(firstError(kHead + "qreg q[" + repeated("9", 5000) + "];").message.size() < 100);
    CHECK_FALSE(parseQasm(std::string(5000, '{')).circuit);
    CHECK_FALSE(parseQasm(std::string("OPENQASM 2.0;\0qreg q[1];", 24)).circuit);
    CHECK_FALSE(parseQasm(kHead + "gate g" + repeated(" a,", 300000)).circuit);
    CHECK_FALSE(parseQasm(kHead + std::string(100000, 'a') + " q;").circuit);
}

TEST_CASE("a smaller limit is kept too") {
    ReadLimits limits;
    limits.operations = 3;
    CHECK(parseQasm(kHead + "qreg q[3]; h q;", limits).circuit);
    CHECK_FALSE(parseQasm(kHead + "qreg q[4]; h q;", limits).circuit);
    limits.textBytes = 10;
    CHECK_FALSE(parseQasm(kHead, limits).circuit);
}

TEST_CASE("cutting a text anywhere never breaks the reader") {
    const std::string text = kHead + "gate g(a,b) x1,y1 { rz(a^2-b/3) y1; cx x1,y1; barrier x1; }\nopaque o(t) a;\n"
                             "qreg q[3]; creg c[3];\n/* c */ g(sin(0.3),-pi) q[0],q[1];\nif (c==3) h q;\nbarrier q;\n"
                             "reset q[0]; measure q -> c;\n";
    for (std::size_t length = 0; length <= text.size(); ++length) {
        const auto parsed = parseQasm(std::string_view(text).substr(0, length));
        CHECK((parsed.circuit || !parsed.diagnostics.empty()));
    }
    for (std::size_t at = 0; at < text.size(); ++at)
        for (const char c : {'\0', ';', '(', '}', '"', '9', '\xFF'}) {
            std::string changed = text;
            changed[at] = c;
            const auto parsed = parseQasm(changed);
            CHECK((parsed.circuit || !parsed.diagnostics.empty()));
        }
}
