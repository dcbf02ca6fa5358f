// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/round_to_grid.h"
#include "engine/backend/state.h"
#include "engine/core/dtype.h"
#include "engine/core/run_context.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace qscope::engine {

enum class Capability : std::uint8_t { RoundToGrid, EncodeBlocks, ErrorSums, StateSingle, StateDouble };

/// Sums over pairs (w, ŵ), accumulated in double: everything the error metrics need.
struct ErrorSums {
    std::int64_t count = 0;
    double reference = 0;  ///< sum of w²
    double difference = 0; ///< sum of (w - ŵ)²
    double product = 0;    ///< sum of w ŵ
    double result = 0;     ///< sum of ŵ²
    double maximum = 0;    ///< largest |w - ŵ|

    ErrorSums& operator+=(const ErrorSums& other);
};

/// The heavy arithmetic, on one device. Operations are coarse so that data stays put. They check what they are given
/// and return an error for what they cannot do; nothing falls back to another device by itself: callers ask `supports`
/// and record their choice in the notes. Calls that take a context stop within a chunk; they leave its progress to the caller.
class ComputeBackend {
public:
    virtual ~ComputeBackend() = default;

    /// As shown to people: "CPU, 16 threads" or the device's name.
    [[nodiscard]] virtual std::string name() const = 0;
    /// "cpu" or "vulkan".
    [[nodiscard]] virtual std::string kind() const = 0;
    /// `type` matters for EncodeBlocks only.
    [[nodiscard]] virtual bool supports(Capability capability, DType type = DType::F32) const = 0;

    /// `values` is the row-major matrix of `grouping`; finite values only.
    [[nodiscard]] virtual Result<RoundedToGrid> roundToGrid(std::span<const float> values, const Grouping& grouping,
                                                            const UniformGrid& grid, const RunContext& context) = 0;
    /// `values` in whole blocks of `type`; `importance` empty or one weight per column of `columns`, repeated per row.
    [[nodiscard]] virtual Result<std::vector<std::byte>> encodeBlocks(DType type, std::span<const float> values,
                                                                      std::int64_t columns,
                                                                      std::span<const float> importance,
                                                                      const RunContext& context) = 0;
    [[nodiscard]] virtual Result<ErrorSums> errorSums(std::span<const float> reference, std::span<const float> result,
                                                      const RunContext& context) = 0;

    /// |0...0> on `bits` qubits. OutOfMemory, naming what would fit, before anything is allocated.
    [[nodiscard]] virtual Result<std::unique_ptr<StateBuffer>> makeState(int bits, Precision precision) = 0;
    [[nodiscard]] virtual Result<void> applyGates(StateBuffer& state, std::span<const FusedGate> gates,
                                                  const RunContext& context) = 0;
    /// Probabilities of the 2^k outcomes of `qubits` (k <= 24), `qubits[0]` the lowest bit; sums in double.
    [[nodiscard]] virtual Result<std::vector<double>> marginals(const StateBuffer& state, std::span<const int> qubits,
                                                                const RunContext& context) = 0;
    /// Amplitudes [first, first + out.size()).
    [[nodiscard]] virtual Result<void> amplitudes(const StateBuffer& state, std::uint64_t first,
                                                  std::span<std::complex<double>> out) = 0;
    /// <state| P |state>, real by construction.
    [[nodiscard]] virtual Result<double> expectation(const StateBuffer& state, const PauliString& pauli,
                                                     const RunContext& context) = 0;
    /// Projects `qubit` on `outcome` and rescales to norm 1; `probability` is that outcome's, above 0.
    [[nodiscard]] virtual Result<void> collapse(StateBuffer& state, int qubit, bool outcome, double probability,
                                                const RunContext& context) = 0;
    /// For sorted numbers in [0, 1): the index whose interval of the running sum of probabilities holds each.
    [[nodiscard]] virtual Result<std::vector<std::uint64_t>> sample(const StateBuffer& state,
                                                                    std::span<const double> sorted,
                                                                    const RunContext& context) = 0;
};

/// The CPU backend: always there, all cores, the reference for every device.
[[nodiscard]] std::unique_ptr<ComputeBackend> makeCpuBackend();

} // namespace qscope::engine
