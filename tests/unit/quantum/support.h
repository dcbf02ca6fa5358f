// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "engine/quantum/gates.h"
#include "engine/quantum/qasm/parse.h"
#include "engine/quantum/sim/simulation.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

namespace qscope::test {

inline std::string readText(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The circuit of a text that must be right; the header is added.
inline std::shared_ptr<const engine::Circuit> circuitOf(const std::string& body) {
    const auto parsed = engine::parseQasm("OPENQASM 2.0;\ninclude \"qelib1.inc\";\n" + body);
    for (const Diagnostic& message : parsed.diagnostics)
        UNSCOPED_INFO("line " << message.span.line << ": " << message.message);
    REQUIRE(parsed.circuit);
    return parsed.circuit;
}

inline engine::SimulationResult simulated(const engine::Circuit& circuit, const engine::SimulationRequest& request,
                                          TestRun& run) {
    auto result = engine::makeStatevectorSimulator()->run(circuit, request, run.context);
    if (!result) UNSCOPED_INFO(describe(result.error()));
    REQUIRE(result.has_value());
    return std::move(*result);
}

inline std::vector<std::complex<double>> amplitudesOf(const engine::StateSnapshot& state, TestRun& run) {
    std::vector<std::complex<double>> amplitudes(std::size_t{1} << state.qubits);
    REQUIRE(run.backend->amplitudes(*state.buffer, 0, amplitudes).has_value());
    return amplitudes;
}

} // namespace qscope::test
