// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/json.h"
#include "engine/quantum/sim/simulation.h"
#include "engine/report/html_report.h"

#include <array>

namespace qscope::engine {

/// A circuit and what a simulation of it gave.
struct CircuitReport {
    std::string source;                                 ///< path of the circuit; empty: it was never saved
    std::string text;                                   ///< OpenQASM
    std::shared_ptr<const Circuit> circuit;             ///< not null
    std::shared_ptr<const SimulationResult> simulation; ///< null: none ran, see `problem`
    std::string problem;                                ///< why there is no state
    SimulationRequest request;                          ///< shots, seed, inputs, noise
    std::size_t steps = 0;                              ///< operations that the state has behind it
    std::vector<std::array<double, 3>> bloch;           ///< of each qubit; empty: not known
    std::vector<Diagnostic> notes;
};

/// One page that needs no other file. `drawing` is an `svg` element, or empty.
[[nodiscard]] std::string htmlReport(const CircuitReport& report, const std::string& drawing,
                                     const HtmlReportDetails& details);

/// {source, version, qubits, clbits, depth, operations, steps, gates{name: count}, inputs, seed, shots, noise,
/// simulation, bloch, notes}; `simulation` is null or {method, device, precision, seconds, gates, fused_gates, norm,
/// fidelity, probabilities[{index, bits, p}], counts{bits: n}, expectations{observable: value}}. `noise` is "" for the
/// ideal circuit.
[[nodiscard]] Json toJson(const CircuitReport& report);

} // namespace qscope::engine
