// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/planner/reduce.h"
#include "engine/quantum/planner/survey.h"

namespace qscope::engine {

/// One simulator, weighed.
struct PlanCandidate {
    const Simulator* simulator = nullptr;
    bool possible = false;
    std::optional<SimulationEstimate> estimate;
    std::string verdict; ///< "chosen: ...", or why another one is
};

/// A circuit that is simulated at one go.
struct PlannedPiece {
    CircuitPart part;       ///< empty when the piece is the circuit as it is
    std::string observable; ///< of a light cone: as the request spells it
    const Simulator* chosen = nullptr;
    double seconds = 0;
    double bytes = 0;
    double error = 0;
};

/// How a request would be carried out, and why, before anything runs.
struct SimulationPlan {
    enum class Shape : std::uint8_t { Whole, Parts, LightCones };

    CircuitSurvey survey;
    double freeBytes = 0;
    std::vector<PlanCandidate> candidates; ///< for the circuit as it is, in the order of registration
    std::size_t parts = 1;                 ///< that do not interact
    int largestPart = 0;                   ///< in qubits
    Shape shape = Shape::Whole;
    std::vector<PlannedPiece> pieces; ///< what runs, one after the other
    double seconds = 0;
    double bytes = 0; ///< of the largest piece
    double error = 0;
    std::string reason;           ///< for the shape, in one sentence
    std::optional<Error> refusal; ///< why nothing can run; then there are no pieces
};

/// Weighs the simulators that `request.method` allows ("auto": all of them). OutOfRange for an unknown method, and what
/// is wrong with the circuit or request whatever the simulator.
[[nodiscard]] Result<SimulationPlan> planSimulation(const Circuit& circuit, const SimulationRequest& request,
                                                    std::span<const Simulator* const> simulators);

/// Carries the plan out. Parts' results are joined into one for the whole circuit; light cones give expectation values
/// only.
[[nodiscard]] Result<SimulationResult> runPlan(const SimulationPlan& plan, const Circuit& circuit,
                                               const SimulationRequest& request, const RunContext& context);

} // namespace qscope::engine
