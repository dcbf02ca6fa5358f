// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/quantum/support.h"

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

TEST_CASE("published circuits of twenty to twenty-five qubits simulate") {
    const auto root = realData("qasm/qasmbench/medium");
    if (!root) return;
    int simulatedCircuits = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(*root)) {
        if (entry.path().extension() != ".qasm") continue;
        const auto circuit = parseQasm(readText(entry.path())).circuit;
        REQUIRE(circuit);
        if (circuit->qubits < 20) continue;
        INFO(entry.path().string());
        TestRun run;
        SimulationRequest request;
        request.precision = Precision::Single;
        request.shots = 100;
        const auto result = simulated(*circuit, request, run);
        CHECK(result.norm == Approx(1).margin(1e-4));
        ++simulatedCircuits;
    }
    CHECK(simulatedCircuits == 10);
}
