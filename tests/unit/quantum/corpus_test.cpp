// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/layout.h"
#include "engine/quantum/qasm/writer.h"
#include "tests/support/oracle/dense_circuit.h"
#include "tests/unit/quantum/qasm3_support.h"

#include <algorithm>
#include <map>
#include <sstream>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

/// All circuits below the folder, in a fixed order.
std::vector<std::filesystem::path> circuitsBelow(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.path().extension() == ".qasm") paths.push_back(entry.path());
    std::ranges::sort(paths);
    return paths;
}

bool midway(const Circuit& circuit) {
    std::vector<bool> measured(static_cast<std::size_t>(circuit.qubits));
    for (const Operation& operation : flatten(circuit).operations) {
        if (operation.condition || std::holds_alternative<ResetOp>(operation.what)) return true;
        if (const auto* measure = std::get_if<MeasureOp>(&operation.what))
            measured[static_cast<std::size_t>(measure->qubit)] = true;
        if (const auto* gate = std::get_if<GateOp>(&operation.what))
            for (const int qubit : gate->qubits)
                if (measured[static_cast<std::size_t>(qubit)]) return true;
    }
    return false;
}

} // namespace

TEST_CASE("published circuits are read, or refused where they must be") {
    for (const char* folder : {"qasm/qasmbench", "qasm/qpp", "qasm/qiskit/tests", "qasm/revlib"}) {
        const auto root = realData(folder);
        if (!root) return;
        for (const auto& path : circuitsBelow(*root)) {
            INFO(path.string());
            const bool mustFail = path.string().find("fail") != std::string::npos || path.string().find("invalid") != std::string::npos;
            const auto parsed = parseQasm(readText(path));
            CHECK(static_cast<bool>(parsed.circuit) == !mustFail);
            if (!parsed.circuit) continue;
            const CircuitLayout layout = layoutCircuit(*parsed.circuit);
            CHECK(layout.operations.size() == parsed.circuit->operations.size());
            CHECK(depth(*parsed.circuit) <= static_cast<int>(flatten(*parsed.circuit).operations.size()));
        }
    }
}

TEST_CASE("the published examples of OpenQASM 3 are read, or refused for what is wrong with them") {
    const auto root = realData("qasm/openqasm3-examples");
    if (!root) return;
    // Fragments: a constant declared twice, a register never declared, a gate without its parameters.
    const std::map<std::string, std::string> wrong = {{"arrays.qasm", "'first_dimension' is declared already"},
                                                      {"cphase.qasm", "there is no qubit or quantum register 'q'"},
                                                      {"dd.qasm", "'u' takes 3 parameters, not 0"}};
    for (const auto& path : circuitsBelow(*root)) {
        INFO(path.string());
        const auto expected = wrong.find(path.filename().string());
        if (expected != wrong.end()) {
            CHECK(firstError(readText(path)).message == expected->second);
            continue;
        }
        const auto parsed = parseQasm(readText(path));
        for (const Diagnostic& message : parsed.diagnostics) UNSCOPED_INFO(message.message);
        REQUIRE(parsed.circuit);
        CHECK(parsed.circuit->version == "3.0");
    }
}

TEST_CASE("statements that OpenQASM 3 does not have are refused, each of them") {
    const auto root = realData("qasm/openqasm3-invalid");
    if (!root) return;
    int refused = 0;
    for (const auto& path : circuitsBelow(*root)) {
        std::istringstream text(readText(path));
        for (std::string line; std::getline(text, line);) {
            if (line.empty() || line.starts_with("//")) continue;
            INFO(path.string() << ": " << line);
            // All names that the lines use are there, so that nothing but their form can be wrong.
            const std::string before = line.starts_with("OPENQASM") ? "" : kHead3 + "qubit[4] q; bit[4] a; bit[4] b; int i;\n";
            const Diagnostic error = firstError(before + line + "\n");
            CHECK(error.message.find("expected") + error.message.find("is no") + error.message.find("without") +
                      error.message.find("not") + error.message.find("only") + error.message.find("begin") + error.message.find("meaning") !=
                  7 * std::string::npos);
            CHECK(error.span.line == (line.starts_with("OPENQASM") ? 1 : 4));
            ++refused;
        }
    }
    CHECK(refused > 120);
}

TEST_CASE("published circuits survive being written down, in both versions") {
    for (const char* folder : {"qasm/qasmbench", "qasm/qpp", "qasm/qiskit/tests", "qasm/revlib", "qasm/openqasm3-examples"}) {
        const auto root = realData(folder);
        if (!root) return;
        int written = 0;
        for (const auto& path : circuitsBelow(*root)) {
            const auto circuit = parseQasm(readText(path)).circuit;
            if (!circuit || circuit->operations.size() > 20'000) continue;
            INFO(path.string());
            const std::string operations = described(*circuit);
            for (const int version : {2, 3}) {
                const auto text = version == 2 ? toOpenQasm2(*circuit) : toOpenQasm3(*circuit);
                if (!text) {
                    // Only what the version cannot hold.
                    INFO(text.error().message);
                    CHECK((circuit->version == "3.0" && text.error().message.starts_with("line ")));
                    continue;
                }
                const auto again = parseQasm(*text);
                for (const Diagnostic& message : again.diagnostics) UNSCOPED_INFO(message.message);
                REQUIRE(again.circuit);
                CHECK((described(*again.circuit) == operations));
                CHECK(again.circuit->qubits == circuit->qubits);
                CHECK(again.circuit->clbits == circuit->clbits);
                ++written;
            }
        }
        CHECK(written > 0);
    }
}

TEST_CASE("published circuits of up to ten qubits agree with the definition") {
    int checked = 0;
    for (const char* folder : {"qasm/qasmbench", "qasm/qpp", "qasm/qiskit/tests", "qasm/revlib"}) {
        const auto root = realData(folder);
        if (!root) return;
        for (const auto& path : circuitsBelow(*root)) {
            const auto circuit = parseQasm(readText(path)).circuit;
            if (!circuit || circuit->qubits > 10 || midway(*circuit)) continue;
            // The definition costs 2^n per gate and target: the longest circuits on ten qubits are left to `revlib`'s others.
            if ((circuit->operations.size() << circuit->qubits) > 4'000'000) continue;
            INFO(path.string());
            const auto wanted = oracle::finalState(*circuit);
            for (const Precision precision : {Precision::Double, Precision::Single}) {
                TestRun run;
                SimulationRequest request;
                request.precision = precision;
                request.top = 1 << circuit->qubits;
                const auto result = simulated(*circuit, request, run);
                std::vector<double> probabilities(wanted.size());
                for (const BasisProbability& each : result.probabilities) probabilities[each.index] = each.probability;
                double worst = 0;
                for (std::size_t k = 0; k < wanted.size(); ++k)
                    worst = std::max(worst, std::abs(probabilities[k] - std::norm(wanted[k])));
                CHECK(worst < (precision == Precision::Double ? 1e-12 : 1e-5));
            }
            ++checked;
        }
    }
    CHECK(checked > 100);
}

TEST_CASE("published circuits of up to nineteen qubits simulate, the rest answer") {
    for (const char* folder : {"qasm/qasmbench", "qasm/qpp", "qasm/qiskit/tests", "qasm/revlib"}) {
        const auto root = realData(folder);
        if (!root) return;
        for (const auto& path : circuitsBelow(*root)) {
            const auto circuit = parseQasm(readText(path)).circuit;
            if (!circuit || circuit->qubits > 19) continue;
            INFO(path.string());
            TestRun run;
            SimulationRequest request;
            request.precision = Precision::Single;
            request.shots = 16;
            CHECK(makeStatevectorSimulator()->accepts(*circuit, request).has_value());
            const auto result = simulated(*circuit, request, run);
            CHECK(result.norm == Approx(1).margin(1e-4));
        }
    }
}
