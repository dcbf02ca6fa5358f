// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "gpu/kernels/real.h"
#include "gpu/runtime/shards.h"

#include <vector>

namespace qscope::engine::vulkan {

/// Amplitudes on a device, in shards.
class VulkanState final : public StateBuffer {
public:
    VulkanState(gpu::Device device, gpu::ShardLayout shardLayout, gpu::Real real, std::vector<gpu::Buffer> buffers)
        : m_device(std::move(device))
        , m_layout(shardLayout)
        , m_real(real)
        , m_shards(std::move(buffers)) {}

    [[nodiscard]] int bits() const override { return m_layout.bits; }
    [[nodiscard]] Precision precision() const override {
        return m_real == gpu::Real::Single ? Precision::Single : Precision::Double;
    }
    [[nodiscard]] const gpu::Device& device() const { return m_device; }
    [[nodiscard]] const gpu::ShardLayout& layout() const { return m_layout; }
    [[nodiscard]] gpu::Real real() const { return m_real; }
    [[nodiscard]] const gpu::Buffer& shard(std::uint64_t index) const {
        return m_shards[static_cast<std::size_t>(index)];
    }

private:
    gpu::Device m_device;
    gpu::ShardLayout m_layout;
    gpu::Real m_real;
    std::vector<gpu::Buffer> m_shards;
};

// The state operations of the Vulkan backend; see `ComputeBackend` for what each promises.

[[nodiscard]] Result<std::unique_ptr<StateBuffer>> makeState(const gpu::Device& device, int bits, Precision precision);
[[nodiscard]] Result<std::unique_ptr<StateBuffer>> copyState(const VulkanState& state);
[[nodiscard]] Result<void> applyGates(const VulkanState& state, std::span<const FusedGate> gates,
                                      const std::stop_token& stop);
[[nodiscard]] Result<std::vector<double>> marginals(const VulkanState& state, std::span<const int> qubits,
                                                    const std::stop_token& stop);
[[nodiscard]] Result<void> amplitudes(const VulkanState& state, std::uint64_t first,
                                      std::span<std::complex<double>> out, const std::stop_token& stop);
[[nodiscard]] Result<double> expectation(const VulkanState& state, const PauliString& pauli,
                                         const std::stop_token& stop);
[[nodiscard]] Result<void> collapse(const VulkanState& state, int qubit, bool outcome, double probability,
                                    const std::stop_token& stop);
[[nodiscard]] Result<std::vector<std::uint64_t>> sample(const VulkanState& state, std::span<const double> sorted,
                                                        const std::stop_token& stop);

} // namespace qscope::engine::vulkan
