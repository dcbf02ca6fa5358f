// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "engine/quantum/circuit.h"

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace qscope::engine {

struct SimulationRequest {
    std::string method = "auto"; ///< "auto" or a simulator's id
    Precision precision = Precision::Double;
    std::int64_t shots = 0;
    std::uint64_t seed = 0;
    std::vector<std::string> observables; ///< Pauli strings: "ZZI" (qubit 0 rightmost) or "Z0 Z2"
    int top = 16;                          ///< how many basis states to list, most probable first
    std::map<std::string, double> inputs;  ///< a value for each `input` of the circuit
    std::size_t steps = SIZE_MAX;          ///< stop after this many operations as written (the drawing's steps)
};

struct BasisProbability {
    std::uint64_t index = 0;
    double probability = 0;
};
struct OutcomeCount {
    std::string bits; ///< classical registers as printed: last declared leftmost; without measurements: all qubits
    std::int64_t count = 0;
};
struct ObservableValue {
    std::string observable;
    double value = 0;
};

/// A state at one moment, kept on the device that made it.
struct StateSnapshot {
    std::shared_ptr<const StateBuffer> buffer;
    int qubits = 0;
    std::vector<bool> clbits; ///< values measured on the way
};

/// What a run gives. `probabilities` are those of the final state of the run; a run with mid-circuit measurement, reset
/// or conditions is one trajectory with the seed's random numbers, and `counts` repeat it per shot.
struct SimulationResult {
    std::string method; ///< id of the simulator that ran
    std::string device;
    Precision precision = Precision::Double;
    int qubits = 0;
    std::int64_t gates = 0;      ///< gates of the table that were applied
    std::int64_t fusedGates = 0; ///< passes over the state after fusion
    double seconds = 0;
    double norm = 1;             ///< sum of all probabilities, as computed
    double fidelity = 1;         ///< lower bound of |<exact|result>|^2 under the method's own truncation; 1 when it truncates nothing
    std::vector<BasisProbability> probabilities;
    std::vector<OutcomeCount> counts;
    std::vector<ObservableValue> expectations;
    StateSnapshot state;
};

/// One way to simulate a circuit.
class Simulator {
public:
    virtual ~Simulator() = default;
    [[nodiscard]] virtual std::string id() const = 0; ///< "statevector"
    [[nodiscard]] virtual std::string name() const = 0;
    /// Whether this circuit can run, or a sentence that says why not, how much memory it would need and how much there is.
    [[nodiscard]] virtual Result<void> accepts(const Circuit& circuit, const SimulationRequest& request) const = 0;
    [[nodiscard]] virtual Result<SimulationResult> run(const Circuit& circuit, const SimulationRequest& request,
                                                       const RunContext& context) const = 0;
};

[[nodiscard]] std::unique_ptr<Simulator> makeStatevectorSimulator();

/// "ZZI" or "Z0 Z2" for a circuit of `qubits` qubits.
[[nodiscard]] Result<PauliString> parsePauli(std::string_view text, int qubits);

} // namespace qscope::engine
