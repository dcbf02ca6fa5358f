// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"
#include "engine/backend/cpu_tensor_ops.h"
#include "engine/backend/state_copy.h"
#include "engine/core/parallel.h"
#include "engine/tensor/blocks.h"

#include <algorithm>

namespace qscope::engine {

ErrorSums& ErrorSums::operator+=(const ErrorSums& other) {
    count += other.count;
    reference += other.reference;
    difference += other.difference;
    product += other.product;
    result += other.result;
    maximum = std::max(maximum, other.maximum);
    return *this;
}

namespace {

class CpuBackend final : public ComputeBackend, public StateCopier {
public:
    std::string name() const override {
        const int threads = availableThreads();
        return fmt::format("CPU, {} thread{}", threads, threads == 1 ? "" : "s");
    }
    std::string kind() const override { return "cpu"; }
    bool supports(Capability capability, DType type) const override {
        return capability != Capability::EncodeBlocks || canEncodeBlocks(type);
    }

    Result<RoundedToGrid> roundToGrid(std::span<const float> values, const Grouping& grouping, const UniformGrid& grid,
                                      const RunContext& context) override {
        return cpu::roundToGrid(values, grouping, grid, context);
    }
    Result<std::vector<std::byte>> encodeBlocks(DType type, std::span<const float> values, std::int64_t columns,
                                                std::span<const float> importance, const RunContext& context) override {
        return cpu::encodeBlocks(type, values, columns, importance, context);
    }
    Result<ErrorSums> errorSums(std::span<const float> reference, std::span<const float> result,
                                const RunContext& context) override {
        return cpu::errorSums(reference, result, context);
    }
    Result<std::unique_ptr<StateBuffer>> makeState(int bits, Precision precision) override {
        return cpu::makeState(bits, precision);
    }
    Result<std::unique_ptr<StateBuffer>> copyState(const StateBuffer& state) override { return cpu::copyState(state); }
    Result<void> applyGates(StateBuffer& state, std::span<const FusedGate> gates, const RunContext& context) override {
        return cpu::applyGates(state, gates, context);
    }
    Result<std::vector<double>> marginals(const StateBuffer& state, std::span<const int> qubits,
                                          const RunContext& context) override {
        return cpu::marginals(state, qubits, context);
    }
    Result<void> amplitudes(const StateBuffer& state, std::uint64_t first,
                            std::span<std::complex<double>> out) override {
        return cpu::amplitudes(state, first, out);
    }
    Result<double> expectation(const StateBuffer& state, const PauliString& pauli, const RunContext& context) override {
        return cpu::expectation(state, pauli, context);
    }
    Result<void> collapse(StateBuffer& state, int qubit, bool outcome, double probability,
                          const RunContext& context) override {
        return cpu::collapse(state, qubit, outcome, probability, context);
    }
    Result<std::vector<std::uint64_t>> sample(const StateBuffer& state, std::span<const double> sorted,
                                              const RunContext& context) override {
        return cpu::sample(state, sorted, context);
    }
};

} // namespace

std::unique_ptr<ComputeBackend> makeCpuBackend() { return std::make_unique<CpuBackend>(); }

} // namespace qscope::engine
