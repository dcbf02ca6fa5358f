// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "engine/quantum/circuit.h"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace qscope::engine {

struct NoiseModel;
class DensityMatrix;

struct SimulationRequest {
    std::string method = "auto"; ///< "auto" or a simulator's id
    Precision precision = Precision::Double;
    std::int64_t shots = 0;
    std::uint64_t seed = 0;
    std::vector<std::string> observables; ///< Pauli strings: "ZZI" (qubit 0 rightmost) or "Z0 Z2"
    int top = 16;                          ///< how many basis states to list, most probable first
    std::map<std::string, double> inputs;  ///< a value for each `input` of the circuit
    std::size_t steps = SIZE_MAX;          ///< stop after this many operations as written (the drawing's steps)
    bool amplitudes = false; ///< the caller needs `SimulationResult::state` or `density`; a simulator that keeps no amplitudes refuses
    int bond = 256;          ///< "mps": most singular values kept at a cut
    double cutoff = 1e-16;   ///< "mps": most of the squared norm that one truncation drops below that
    std::shared_ptr<const NoiseModel> noise; ///< null: the ideal circuit
};

struct BasisProbability {
    std::uint64_t index = 0;
    double probability = 0;
    std::string bits = {}; ///< of all qubits, the highest first, where there are more than 64 and `index` is 0; else empty
    double error = 0; ///< as in `ObservableValue`
};
struct OutcomeCount {
    std::string bits; ///< classical registers as printed: last declared leftmost; without measurements: all qubits
    std::int64_t count = 0;
};
struct ObservableValue {
    std::string observable;
    double value = 0;
    double error = 0; ///< trajectories: standard error of the mean; Pauli propagation: bound on what was left out; else 0
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
    int bond = 0;                ///< most singular values that a cut needed; 0 when the method knows no cuts
    std::vector<BasisProbability> probabilities;
    std::vector<OutcomeCount> counts;
    std::vector<ObservableValue> expectations;
    std::int64_t trajectories = 0; ///< noisy runs that the values are means of; 0: they are exact but for `error`
    StateSnapshot state; ///< `buffer` is null when the method keeps no amplitudes
    std::shared_ptr<const DensityMatrix> density; ///< the mixed state, from the method that has it
};

/// What a run is expected to need, known before it starts.
struct SimulationEstimate {
    double bytes = 0;
    double seconds = 0; ///< on this machine, within a small factor
    double error = 0;   ///< bound on 1 - fidelity by the method's own truncation; 1 when there is none
    bool amplitudes = false; ///< the result has `state` or `density`
    bool sampled = false;    ///< values are means over random runs
    bool valuesOnly = false; ///< expectation values, but no probabilities
    std::string basis;  ///< what the numbers rest on, for people
};

/// One way to simulate a circuit.
class Simulator {
public:
    virtual ~Simulator() = default;
    [[nodiscard]] virtual std::string id() const = 0; ///< "statevector"
    [[nodiscard]] virtual std::string name() const = 0;
    /// Whether it follows `SimulationRequest::noise`; one that does not refuses such requests. Only a request with noise,
    /// or the simulator's own name, calls for one that does.
    [[nodiscard]] virtual bool knowsNoise() const { return false; }
    /// Whether this circuit can run, or a sentence that says why not, how much memory it would need and how much there is.
    [[nodiscard]] virtual Result<void> accepts(const Circuit& circuit, const SimulationRequest& request) const = 0;
    /// For a circuit without opaque gates, however large; nothing when the simulator cannot tell.
    [[nodiscard]] virtual std::optional<SimulationEstimate> estimate(const Circuit& /*circuit*/,
                                                                     const SimulationRequest& /*request*/) const {
        return std::nullopt;
    }
    [[nodiscard]] virtual Result<SimulationResult> run(const Circuit& circuit, const SimulationRequest& request,
                                                       const RunContext& context) const = 0;
};

[[nodiscard]] std::unique_ptr<Simulator> makeStatevectorSimulator();
/// "stabilizer": Clifford circuits of thousands of qubits.
[[nodiscard]] std::unique_ptr<Simulator> makeStabilizerSimulator();
/// "mps": matrix product states, for circuits whose qubits are weakly entangled.
[[nodiscard]] std::unique_ptr<Simulator> makeMpsSimulator();
/// Exact mixed states under noise; see `density_matrix.h`.
[[nodiscard]] std::unique_ptr<Simulator> makeDensitySimulator();
/// Noisy runs of pure states, with error bars.
[[nodiscard]] std::unique_ptr<Simulator> makeTrajectorySimulator();
/// Expectation values by carrying observables backwards through a noisy circuit, without any state.
[[nodiscard]] std::unique_ptr<Simulator> makePauliTransferSimulator();

/// One factor of a Pauli string.
struct PauliFactor {
    int qubit = 0;
    char letter = 'Z'; ///< X, Y or Z
};
/// "ZZI" or "Z0 Z2" for a circuit of any number of qubits: the factors other than I, by qubit.
[[nodiscard]] Result<std::vector<PauliFactor>> parsePauliFactors(std::string_view text, int qubits);
/// The same for at most 64 qubits.
[[nodiscard]] Result<PauliString> parsePauli(std::string_view text, int qubits);

} // namespace qscope::engine
