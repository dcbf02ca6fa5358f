// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/random.h"
#include "engine/quantum/circuit.h"
#include "engine/quantum/sim/noise_model.h"
#include "engine/quantum/sim/simulation.h"

#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace qscope::engine {

struct ChannelOp {
    std::shared_ptr<const Channel> channel;
    std::vector<int> qubits; ///< as many as the channel's
};

struct NoisyStep {
    std::variant<GateOp, ChannelOp, MeasureOp, ResetOp> what;
    std::optional<Condition> condition;
    /// A measurement that nothing later depends on: it is sampled from the final state.
    bool terminal = false;
    std::size_t operation = 0; ///< of the flattened circuit, that this step belongs to: its channels before and after it too
};

/// A circuit with a model's channels in their places, as every noisy simulator runs it.
struct NoisyProgram {
    int qubits = 0;
    int clbits = 0;
    std::vector<Register> cregs;
    std::vector<NoisyStep> steps;
    std::vector<ReadoutError> readout; ///< per qubit
    std::int64_t gates = 0;            ///< of the table
    bool measures = false;
    std::vector<MeasureOp> terminal; ///< the measurements among `steps` that are sampled from the final state
    bool misread = false;            ///< some qubit has a readout error
    std::vector<bool> readLater; ///< per step: some later condition reads the register that this measurement writes
};

/// Unsupported for what no simulator can run, OutOfRange for an impossible request.
[[nodiscard]] Result<NoisyProgram> makeNoisyProgram(const Circuit& circuit, const SimulationRequest& request);

/// Random numbers of one shot, taken one after another: `uniform(seed, shot, 0)`, `uniform(seed, shot, 1)`, ...
struct ShotDraws {
    std::uint64_t seed = 0;
    std::uint64_t shot = 0;
    std::uint64_t next = 0;
    [[nodiscard]] double draw() { return uniform(seed, shot, next++); }
};

/// What one shot prints when the final state is found in basis state `index`: terminal measurements are recorded, each with its
/// readout error, over what was recorded before. A circuit that measures nothing prints all of its qubits.
[[nodiscard]] std::string recorded(const NoisyProgram& program, std::uint64_t index, std::vector<bool> clbits, ShotDraws draws);

/// Whether `auto` should choose a noisy method: only for a request with noise.
[[nodiscard]] Result<void> checkNoisyMethod(const SimulationRequest& request, std::string_view id);

} // namespace qscope::engine
