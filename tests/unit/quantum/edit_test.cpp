// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/edit.h"
#include "tests/unit/quantum/support.h"

#include <numbers>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

const std::string kTwo = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[3];\ncreg c[2];\n";
const std::string kThree = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[3] q;\nqubit a;\nbit[2] c;\nbit d;\n";

Circuit parsed(const std::string& text) {
    const auto result = parseQasm(text);
    for (const auto& entry : result.diagnostics) UNSCOPED_INFO("line " << entry.span.line << ": " << entry.message);
    REQUIRE(result.circuit);
    return *result.circuit;
}

/// The text behind the header after an edit, which must parse.
std::string after(const std::string& text, const Result<std::vector<TextEdit>>& edits, const std::string& header) {
    if (!edits) UNSCOPED_INFO(describe(edits.error()));
    REQUIRE(edits.has_value());
    const std::string result = applied(text, *edits);
    INFO(result);
    REQUIRE(parseQasm(result).circuit);
    return result.starts_with(header) ? result.substr(header.size()) : result;
}

std::string inserted(const std::string& body, std::size_t before, const char* gate, std::vector<std::string> parameters,
                     std::vector<int> qubits, const std::string& header = kTwo) {
    return after(header + body, insertOperation(header + body, parsed(header + body), before, gate, parameters, qubits),
                 header);
}
std::string removed(const std::string& body, std::size_t operation, const std::string& header = kTwo) {
    return after(header + body, removeOperation(header + body, parsed(header + body), operation), header);
}
std::string moved(const std::string& body, std::size_t operation, std::size_t before, std::vector<int> qubits,
                  const std::string& header = kTwo) {
    return after(header + body, moveOperation(header + body, parsed(header + body), operation, before, qubits), header);
}

} // namespace

TEST_CASE("statements at top level are found whatever stands between and in them") {
    const std::string text =
        "// one; two\nx q; /* y; */ if (c == 1) { h q; } else { z q; }\n@note {;\nfor uint i in {1, 2} { x q[i]; }\n"
        "let s = q[{0, 1}]; \"un;ended\n cx a,\n b;";
    std::vector<std::string> found;
    for (const auto& each : statementsOf(text)) found.push_back(text.substr(each.begin, each.end - each.begin));
    CHECK(found == std::vector<std::string>{"x q;", "if (c == 1) { h q; } else { z q; }", "@note {;",
                                            "for uint i in {1, 2} { x q[i]; }", "let s = q[{0, 1}];",
                                            "\"un;ended\n cx a,\n b;"});
    CHECK(statementsOf("}}; ) ] { {").size() == 1);
    CHECK(statementsOf("").empty());
}

TEST_CASE("a gate is inserted in front of the statement of another, or at the end") {
    CHECK(inserted("h q[0]; // first\ncx q[0], q[1];\n", 1, "rx", {"pi/2"}, {2}) ==
          "h q[0]; // first\nrx(pi/2) q[2];\ncx q[0], q[1];\n");
    CHECK(inserted("h q[0]; // first\n", 1, "cx", {}, {1, 2}) == "h q[0]; // first\ncx q[1], q[2];\n");
    CHECK(inserted("if (c == 1) x q[0];\n", 0, "z", {}, {0}) == "z q[0];\nif (c == 1) x q[0];\n");
    CHECK(inserted("", 0, "h", {}, {0}) == "h q[0];\n");
    CHECK(inserted("if (d) { x q[0]; }", 0, "h", {}, {3}, kThree) == "h a;\nif (d) { x q[0]; }");
    CHECK(inserted("", 0, "reset", {}, {1}, kThree) == "reset q[1];\n");
    const std::string bare = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nx $1;\n";
    CHECK(after(bare, insertOperation(bare, parsed(bare), 0, "h", {}, {0}), "") ==
          "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nh $0;\nx $1;\n");
}

TEST_CASE("a measurement takes a free classical bit, or a new register") {
    CHECK(inserted("measure q[0] -> c[0];\n", 1, "measure", {}, {1}) ==
          "measure q[0] -> c[0];\nmeasure q[1] -> c[1];\n");
    CHECK(inserted("c = measure q[0:1];\n", 2, "measure", {}, {2}, kThree) ==
          "c = measure q[0:1];\nd = measure q[2];\n");
    const std::string none = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg c[2];\nh c[0];\n";
    CHECK(after(none, insertOperation(none, parsed(none), 1, "measure", {}, {1}), "") ==
          "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg c[2];\ncreg c1[2];\nh c[0];\nmeasure c[1] -> c1[0];\n");
    const std::string empty = "OPENQASM 3.0;\nqubit[2] q;";
    CHECK(after(empty, insertOperation(empty, parsed(empty), 0, "measure", {}, {1}), "") ==
          "OPENQASM 3.0;\nqubit[2] q;\nbit[2] c;\nc[0] = measure q[1];");
}

TEST_CASE("an operation is removed with its line, a comment beside it stays") {
    CHECK(removed("h q[0];\n  cx q[0], q[1];\nx q[2];\n", 1) == "h q[0];\nx q[2];\n");
    CHECK(removed("h q[0]; // why\nx q[2];\n", 0) == "// why\nx q[2];\n");
    CHECK(removed("h q[0]; x q[2];\n", 1) == "h q[0]; \n");
    CHECK(removed("if (c==1) x q[0];\nh q[1];", 0) == "h q[1];");
    CHECK(removed("if (d) { x q[0]; } else { h q[1]; }\nh q[1];", 0, kThree) == "h q[1];");
}

TEST_CASE("a statement on whole registers is written out for what is left of it") {
    CHECK(removed("rz(pi/4) q; // all\n", 1) == "rz(pi/4) q[0];\nrz(pi/4) q[2]; // all\n");
    CHECK(removed("if (c == 2) x q;", 0) == "if (c == 2) x q[1];\nif (c == 2) x q[2];");
    CHECK(removed("measure q[0] -> c[0];\nreset q;", 2) == "measure q[0] -> c[0];\nreset q[0];\nreset q[2];");
    CHECK(removed("c = measure q[1:2];", 0, kThree) == "c[1] = measure q[2];");
    CHECK(removed("ctrl @ rx(0.5) a, q;", 0, kThree) == "ctrl @ rx(0.5) a, q[1];\nctrl @ rx(0.5) a, q[2];");
}

TEST_CASE("what loops and blocks make is left to the text") {
    const std::string text = kThree + "for uint i in [0:2] { h q[i]; }\nfor uint i in [0:1] x q[i];\n";
    for (const std::size_t operation : {0u, 3u}) {
        const auto edits = removeOperation(text, parsed(text), operation);
        REQUIRE(!edits);
        CHECK(edits.error().code == ErrorCode::Unsupported);
        CHECK_THAT(edits.error().message, Catch::Contains(operation == 0 ? "line 7" : "line 8"));
        CHECK(!moveOperation(text, parsed(text), operation, 5, {0}));
        CHECK(literalAngles(text, parsed(text), operation).empty());
    }
}

TEST_CASE("an operation moves to other qubits and other places") {
    CHECK(moved("h q[0]; // why\ncx q[0], q[1];\n", 0, 0, {2}) == "h q[2]; // why\ncx q[0], q[1];\n");
    CHECK(moved("u3(0.1, pi*(1+2), 3) q[0];\n", 0, 0, {1}) == "u3(0.1, pi*(1+2), 3) q[1];\n");
    CHECK(moved("cx q[0], q[1];\n", 0, 0, {0, 2}) == "cx q[0], q[2];\n");
    CHECK(moved("h q[0];\nx q[1];\nz q[2];\n", 0, 2, {0}) == "x q[1];\nh q[0];\nz q[2];\n");
    CHECK(moved("h q[0];\nx q[1];\n", 0, 2, {2}) == "x q[1];\nh q[2];\n");
    CHECK(moved("h q[0];\nx q[1];\n", 1, 0, {1}) == "x q[1];\nh q[0];\n");
    CHECK(moved("if (c == 1) x q[0];\n", 0, 0, {1}) == "if (c == 1) x q[1];\n");
    CHECK(moved("measure q[0] -> c[1];\n", 0, 0, {2}) == "measure q[2] -> c[1];\n");
    CHECK(moved("c[1] = measure q[0];\nd = measure a;", 1, 1, {2}, kThree) ==
          "c[1] = measure q[0];\nd = measure q[2];");
    CHECK(moved("inv @ ctrl @ rz(pi/2) q[0], a;", 0, 0, {1, 2}, kThree) == "inv @ ctrl @ rz(pi/2) q[1], q[2];");
    CHECK(moved("h q;\nx q[0];\n", 1, 3, {1}) == "h q[0];\nh q[2];\nh q[1];\nx q[0];\n");
    CHECK(moved("if (d) { x q[0]; }\nh q[1];\n", 0, 2, {0}, kThree) == "h q[1];\nif (d) { x q[0]; }\n");
}

TEST_CASE("literal angles are found in the text, with their values") {
    const std::string text = kThree + "input float t;\nu3(pi/2, 0.25, t) q[0];\nctrl(1) @ rz(-3*pi/4) q[0], a;\nh a;\n";
    const Circuit circuit = parsed(text);
    const auto angles = literalAngles(text, circuit, 0);
    REQUIRE(angles.size() == 2);
    CHECK(text.substr(angles[0].begin, angles[0].end - angles[0].begin) == "pi/2");
    CHECK(angles[0].value == Approx(std::numbers::pi / 2));
    CHECK(angles[1].index == 1);
    CHECK(text.substr(angles[1].begin, angles[1].end - angles[1].begin).find("0.25") != std::string::npos);
    REQUIRE(literalAngles(text, circuit, 1).size() == 1);
    CHECK(literalAngles(text, circuit, 1)[0].value == Approx(-3 * std::numbers::pi / 4));
    CHECK(literalAngles(text, circuit, 2).empty());
    const std::string own = kTwo + "gate g(a) x { rz(a) x; }\ng(0.5) q;\n";
    CHECK(literalAngles(own, parsed(own), 1).size() == 1);
}

TEST_CASE("angles are written as fractions of pi where they are such") {
    constexpr double pi = std::numbers::pi;
    CHECK(writtenAngle(0) == "0");
    CHECK(writtenAngle(pi) == "pi");
    CHECK(writtenAngle(-pi / 3) == "-pi/3");
    CHECK(writtenAngle(5 * pi / 16) == "5*pi/16");
    CHECK(writtenAngle(2 * pi) == "2*pi");
    CHECK(writtenAngle(0.3) == "0.3");
    CHECK(std::stod(writtenAngle(1 / 3.0)) == 1 / 3.0);
}
