// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/library/groups.h"
#include "engine/quantum/library/program_text.h"

namespace qscope::engine::library {

namespace {

constexpr const char* kGroup = "Entangled states";

Result<std::string> ghz(const LibraryValues& values) {
    const int n = values.integer("qubits");
    const std::string& shape = values.choice("shape");
    ProgramText text(2);
    text.qubits("q", n);
    if (values.flag("measure")) text.bits("c", n);
    text.line("h q[0];");
    if (shape == "tree") { // doubles the entangled part in each layer
        for (int done = 1; done < n; done *= 2)
            for (int i = 0; i < done && i + done < n; ++i) text.line("cx q[{}], q[{}];", i, i + done);
    } else {
        for (int i = 1; i < n; ++i) text.line("cx q[{}], q[{}];", shape == "star" ? 0 : i - 1, i);
    }
    if (values.flag("measure")) text.measure("q", "c");
    return text.take();
}

/// One excitation starts on qubit 0; each step leaves the right share of it behind and passes the rest on.
Result<std::string> wState(const LibraryValues& values) {
    const int n = values.integer("qubits");
    ProgramText text(2);
    text.qubits("q", n);
    text.line("x q[0];");
    for (int k = 0; k + 1 < n; ++k) {
        text.line("cry(2*acos(sqrt(1/{}))) q[{}], q[{}];", n - k, k, k + 1);
        text.line("cx q[{}], q[{}];", k + 1, k);
    }
    return text.take();
}

} // namespace

std::vector<LibraryCircuit> states() {
    return {{"ghz",
             "GHZ state",
             kGroup,
             "An equal superposition of all zeros and all ones: measurements of all qubits agree.",
             "Greenberger, Horne, Zeilinger: Going beyond Bell's theorem, 1989",
             {{"qubits", "Qubits", std::int64_t{5}, 2, 500, {}, "Beyond 30 the stabilizer simulator takes over"},
              {"shape",
               "Arrangement",
               std::string("chain"),
               0,
               0,
               {"chain", "star", "tree"},
               "Which qubit each new one is entangled with; a tree has the least depth"},
              {"measure", "Measure", false, 0, 0, {}, "Measure all qubits at the end"}},
             ghz},
            {"w",
             "W state",
             kGroup,
             "One excitation shared equally by all qubits; losing a qubit leaves the others entangled.",
             "Dür, Vidal, Cirac: Three qubits can be entangled in two inequivalent ways, 2000",
             {{"qubits", "Qubits", std::int64_t{4}, 2, 24}},
             wState}};
}

} // namespace qscope::engine::library
