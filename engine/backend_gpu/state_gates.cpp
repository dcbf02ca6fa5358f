// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend_gpu/gate_plan.h"
#include "engine/backend_gpu/submissions.h"
#include "engine/backend_gpu/vulkan_state.h"
#include "gpu/kernels/apply_dense.h"
#include "gpu/kernels/apply_diagonal.h"
#include "gpu/kernels/swap_halves.h"

#include <array>
#include <bit>
#include <cmath>

namespace qscope::engine::vulkan {
namespace {

/// Bytes of a state; saturates far above any device.
std::uint64_t stateBytes(int bits, std::uint64_t element) { return element << std::min(bits, 55); }

/// Applies gates to a state, recording each as passes over single shards or pairs of them.
class GatePasses {
public:
    GatePasses(const VulkanState& state, Submissions& submissions, const gpu::Buffer& entries)
        : m_state(state)
        , m_layout(state.layout())
        , m_submissions(submissions)
        , m_entries(entries) {}

    Result<void> apply(const FusedGate& gate) {
        // Without targets both forms are a single factor.
        if (gate.form == FusedGate::Form::Diagonal || gate.targets.empty()) return applyDiagonal(gate);
        const auto plan = planDense(gate, m_layout);
        for (const auto& [local, high] : plan.swaps) QSCOPE_CHECK(swap(local, high));
        QSCOPE_CHECK(applyDense(plan.gate));
        for (const auto& [local, high] : plan.swaps) QSCOPE_CHECK(swap(local, high));
        return {};
    }

private:
    void upload(std::span<const std::complex<double>> entries) {
        auto& recorder = m_submissions.recorder();
        if (m_state.real() == gpu::Real::Double) {
            recorder.update(m_entries, 0, std::as_bytes(entries));
            return;
        }
        const std::vector<std::complex<float>> narrow(entries.begin(), entries.end());
        recorder.update(m_entries, 0, std::as_bytes(std::span(narrow)));
    }

    std::uint32_t local(std::uint64_t mask) const { return static_cast<std::uint32_t>(mask & m_layout.localMask()); }

    /// Calls work(shard, partner) for each pair of shards that differ in `bit` of the whole index.
    template<class Work>
    Result<void> forPairs(int bit, std::uint64_t controls, Work&& work) {
        const std::uint64_t partner = std::uint64_t{1} << (bit - m_layout.localBits);
        for (std::uint64_t s = 0; s < m_layout.shards(); ++s)
            if (!(s & partner) && (s & controls) == controls) QSCOPE_CHECK(work(s, s | partner));
        return {};
    }

    Result<void> swap(int localBit, int highBit) {
        return forPairs(highBit, 0, [&](std::uint64_t low, std::uint64_t high) {
            return m_submissions.add(m_layout.perShard() / 2, 4, [&](std::uint32_t first, std::uint32_t count) {
                gpu::swapHalves(m_submissions.recorder(), m_state.real(), {first, count, 1u << localBit},
                                m_state.shard(low), m_state.shard(high));
            });
        });
    }

    Result<void> applyDense(const FusedGate& gate) {
        upload(gate.entries);
        const int targets = static_cast<int>(gate.targets.size());
        const bool paired = gate.targets.back() >= m_layout.localBits;
        gpu::DensePass pass;
        pass.setMask = pass.fixedMask = local(gate.controlMask);
        for (std::size_t k = 0; k < gate.targets.size() - (paired ? 1u : 0u); ++k) {
            pass.targets[k] = static_cast<std::uint32_t>(gate.targets[k]);
            pass.fixedMask |= 1u << gate.targets[k];
        }
        const std::uint64_t total = m_layout.perShard() >> std::popcount(pass.fixedMask);
        const std::uint64_t controls = gate.controlMask >> m_layout.localBits;
        const std::uint64_t cost = (std::uint64_t{1} << targets) * (2 + (std::uint64_t{1} << targets));
        const auto record = [&](const gpu::Buffer& low, const gpu::Buffer* high) {
            return m_submissions.add(total, cost, [&](std::uint32_t first, std::uint32_t count) {
                pass.first = first;
                pass.count = count;
                gpu::applyDense(m_submissions.recorder(), m_state.real(), targets, pass, low, high, m_entries);
            });
        };
        if (paired)
            return forPairs(gate.targets.back(), controls, [&](std::uint64_t low, std::uint64_t high) {
                return record(m_state.shard(low), &m_state.shard(high));
            });
        for (std::uint64_t s = 0; s < m_layout.shards(); ++s)
            if ((s & controls) == controls) QSCOPE_CHECK(record(m_state.shard(s), nullptr));
        return {};
    }

    Result<void> applyDiagonal(const FusedGate& gate) {
        upload(gate.entries);
        gpu::DiagonalPass pass;
        pass.setMask = local(gate.controlMask);
        for (std::size_t k = 0; k < gate.targets.size(); ++k)
            if (gate.targets[k] < m_layout.localBits)
                pass.targets[pass.targetCount++] = static_cast<std::uint32_t>(gate.targets[k]) | std::uint32_t(k) << 8;
        const std::uint64_t controls = gate.controlMask >> m_layout.localBits;
        for (std::uint64_t s = 0; s < m_layout.shards(); ++s) {
            if ((s & controls) != controls) continue;
            pass.entry = 0;
            for (std::size_t k = 0; k < gate.targets.size(); ++k)
                if (gate.targets[k] >= m_layout.localBits)
                    pass.entry |= (s >> (gate.targets[k] - m_layout.localBits) & 1u ? 1u : 0u) << k;
            QSCOPE_CHECK(m_submissions.add(m_layout.perShard() >> std::popcount(pass.setMask), 4 + pass.targetCount,
                                           [&](std::uint32_t first, std::uint32_t count) {
                                               pass.first = first;
                                               pass.count = count;
                                               gpu::applyDiagonal(m_submissions.recorder(), m_state.real(), pass,
                                                                  m_state.shard(s), m_entries);
                                           }));
        }
        return {};
    }

    const VulkanState& m_state;
    const gpu::ShardLayout& m_layout;
    Submissions& m_submissions;
    const gpu::Buffer& m_entries; ///< of the gate at hand; the recorder keeps its uses apart
};

} // namespace

Result<std::unique_ptr<StateBuffer>> makeState(const gpu::Device& device, int bits, Precision precision) {
    if (bits < 0) return fail(ErrorCode::OutOfRange, "a state of {} qubits", bits);
    if (precision == Precision::Double && !device.info().float64)
        return fail(ErrorCode::Unsupported, "'{}' has no double precision", device.info().name);
    const auto real = precision == Precision::Single ? gpu::Real::Single : gpu::Real::Double;
    const auto element = gpu::complexBytes(real);
    const auto free = device.freeMemory();
    if (stateBytes(bits, element) > free)
        return fail(ErrorCode::OutOfMemory,
                    "{} qubits in {} precision need {:.1f} GiB, '{}' has {:.1f} GiB free: {} qubits would fit", bits,
                    precision == Precision::Single ? "single" : "double",
                    std::ldexp(static_cast<double>(element), bits) / 0x1p30, device.info().name,
                    static_cast<double>(free) / 0x1p30,
                    std::max(0, static_cast<int>(std::bit_width(free / element)) - 1));
    const auto layout = gpu::shardLayout(bits, element, device.info().limits.bindingBytes);
    QSCOPE_TRY(auto shards, gpu::makeShards(device, layout, element));
    QSCOPE_TRY(auto recorder, gpu::Recorder::create(device));
    for (const auto& shard : shards) recorder.fill(shard, 0);
    const std::complex<float> one(1);
    const std::complex<double> wideOne(1);
    recorder.update(shards.front(), 0,
                    real == gpu::Real::Single ? std::as_bytes(std::span(&one, 1))
                                              : std::as_bytes(std::span(&wideOne, 1)));
    QSCOPE_CHECK(recorder.submitAndWait());
    return std::make_unique<VulkanState>(device, layout, real, std::move(shards));
}

Result<std::unique_ptr<StateBuffer>> copyState(const VulkanState& state) {
    const auto element = gpu::complexBytes(state.real());
    const auto free = state.device().freeMemory();
    if (stateBytes(state.bits(), element) > free)
        return fail(ErrorCode::OutOfMemory,
                    "a second state of {} qubits does not fit the {:.1f} GiB that '{}' has free", state.bits(),
                    static_cast<double>(free) / 0x1p30, state.device().info().name);
    QSCOPE_TRY(auto shards, gpu::makeShards(state.device(), state.layout(), element));
    QSCOPE_TRY(auto recorder, gpu::Recorder::create(state.device()));
    for (std::uint64_t i = 0; i < state.layout().shards(); ++i)
        recorder.copy(state.shard(i), 0, shards[static_cast<std::size_t>(i)], 0, state.layout().perShard() * element);
    QSCOPE_CHECK(recorder.submitAndWait());
    return std::make_unique<VulkanState>(state.device(), state.layout(), state.real(), std::move(shards));
}

Result<void> applyGates(const VulkanState& state, std::span<const FusedGate> gates, const std::stop_token& stop) {
    std::size_t entries = 1;
    for (const auto& gate : gates) {
        QSCOPE_CHECK(checkGate(gate, state.bits()));
        entries = std::max(entries, gate.entries.size());
    }
    QSCOPE_TRY(const auto buffer, state.device().makeBuffer(entries * gpu::complexBytes(state.real())));
    QSCOPE_TRY(auto submissions, Submissions::create(state.device(), stop));
    GatePasses passes(state, submissions, buffer);
    for (const auto& gate : gates) QSCOPE_CHECK(passes.apply(gate));
    return submissions.flush();
}

/// A projection is a diagonal matrix: the outcome's half is scaled, the other becomes zero.
Result<void> collapse(const VulkanState& state, int qubit, bool outcome, double probability,
                      const std::stop_token& stop) {
    if (!(probability > 0)) return fail(ErrorCode::OutOfRange, "collapse on an outcome of probability {}", probability);
    const double scale = 1 / std::sqrt(probability);
    const FusedGate gate{FusedGate::Form::Diagonal, {qubit}, 0, {outcome ? 0 : scale, outcome ? scale : 0}};
    return applyGates(state, std::span(&gate, 1), stop);
}

} // namespace qscope::engine::vulkan
