// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/library/groups.h"
#include "engine/quantum/library/program_text.h"

#include <numbers>

namespace qscope::engine::library {

namespace {

constexpr const char* kGroup = "Communication";
constexpr double kTurn = 2 * std::numbers::pi;

Result<std::string> teleportation(const LibraryValues& values) {
    ProgramText text(2);
    text.qubits("q", 3);
    text.bits("first", 1);
    text.bits("second", 1);
    if (values.flag("undo")) text.bits("result", 1);
    text.line("ry({}) q[0];", values.real("theta"));
    text.line("rz({}) q[0];", values.real("phi"));
    text.line("barrier q;");
    text.line("h q[1];");
    text.line("cx q[1], q[2];");
    text.line("barrier q;");
    text.line("cx q[0], q[1];");
    text.line("h q[0];");
    text.measure("q[0]", "first[0]");
    text.measure("q[1]", "second[0]");
    text.line("if (second == 1) x q[2];");
    text.line("if (first == 1) z q[2];");
    if (values.flag("undo")) {
        text.line("barrier q;");
        text.line("rz({}) q[2];", -values.real("phi"));
        text.line("ry({}) q[2];", -values.real("theta"));
        text.measure("q[2]", "result[0]");
    }
    return text.take();
}

Result<std::string> superdense(const LibraryValues& values) {
    const int message = values.integer("message");
    ProgramText text(2);
    text.qubits("q", 2);
    text.bits("c", 2);
    text.line("h q[0];");
    text.line("cx q[0], q[1];");
    text.line("barrier q;");
    if (message & 2) text.line("x q[0];");
    if (message & 1) text.line("z q[0];");
    text.line("barrier q;");
    text.line("cx q[0], q[1];");
    text.line("h q[0];");
    text.measure("q", "c");
    return text.take();
}

} // namespace

std::vector<LibraryCircuit> communication() {
    return {
        {"teleportation",
         "Teleportation",
         kGroup,
         "Moves the state of q[0] to q[2] with one entangled pair and two classical bits.",
         "Bennett et al.: Teleporting an unknown quantum state, 1993",
         {{"theta", "Polar angle", 1.2, 0, std::numbers::pi, {}, "Of the state on the Bloch sphere", "rad"},
          {"phi", "Azimuth", 0.7, 0, kTurn, {}, "Of the state on the Bloch sphere", "rad"},
          {"undo",
           "Check the result",
           true,
           0,
           0,
           {},
           "Turn the received state back: the last measurement then gives 0, always"}},
         teleportation},
        {"superdense",
         "Superdense coding",
         kGroup,
         "Sends two classical bits with one qubit of an entangled pair.",
         "Bennett, Wiesner: Communication via one- and two-particle operators on Einstein-Podolsky-Rosen states, 1992",
         {{"message", "Message", std::int64_t{2}, 0, 3}},
         superdense}};
}

} // namespace qscope::engine::library
