// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/recorder.h"

#include "gpu/runtime/device_state.h"
#include "gpu/runtime/guarded.h"
#include "gpu/runtime/timestamps_state.h"

#include <algorithm>
#include <cassert>
#include <set>

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kSetsPerPool = 128;
constexpr std::uint32_t kBindingsPerSet = 4; ///< on average, at most

using Stage = vk::PipelineStageFlagBits;
using MemoryAccess = vk::AccessFlagBits;
constexpr auto kWork = Stage::eComputeShader | Stage::eTransfer;
constexpr auto kReads = MemoryAccess::eShaderRead | MemoryAccess::eTransferRead;
constexpr auto kWrites = MemoryAccess::eShaderWrite | MemoryAccess::eTransferWrite;

} // namespace

struct Recorder::State {
    explicit State(std::shared_ptr<DeviceState> deviceState)
        : device(std::move(deviceState))
        , commandPool(device->device, {vk::CommandPoolCreateFlagBits::eResetCommandBuffer, device->family})
        , commands(std::move(
              vk::raii::CommandBuffers(device->device, {*commandPool, vk::CommandBufferLevel::ePrimary, 1}).front()))
        , fence(device->device, vk::FenceCreateInfo{}) {}

    std::shared_ptr<DeviceState> device;
    vk::raii::CommandPool commandPool;
    vk::raii::CommandBuffer commands;
    vk::raii::Fence fence;
    std::vector<vk::raii::DescriptorPool> descriptorPools; ///< all but the last are used up
    std::uint32_t setsLeft = 0;
    std::uint32_t bindingsLeft = 0;
    std::set<VkBuffer> read; ///< since the last barrier
    std::set<VkBuffer> written;
    bool recording = false;
    bool submitted = false;
    Result<void> outcome;

    /// Records one command unless an earlier one failed.
    template<class F>
    void record(std::string_view what, F&& command) {
        assert(!submitted);
        if (!outcome) return;
        outcome = guarded(what, [&] {
            if (!recording) {
                commands.begin({vk::CommandBufferUsageFlagBits::eOneTimeSubmit});
                recording = true;
                barrier(); // against earlier submissions
            }
            command();
        });
    }

    void barrier() {
        const vk::MemoryBarrier all(kWrites, kReads | kWrites);
        commands.pipelineBarrier(kWork, kWork, {}, all, {}, {});
    }

    /// A barrier when a buffer was written before, or is written now and was read before.
    void order(const Buffer& buffer, Access access) {
        const VkBuffer handle = *buffer.allocation().buffer;
        const bool writes = access != Access::Read;
        if (written.contains(handle) || (writes && read.contains(handle))) {
            barrier();
            read.clear();
            written.clear();
        }
    }
    void note(const Buffer& buffer, Access access) {
        (access == Access::Read ? read : written).insert(*buffer.allocation().buffer);
    }

    vk::DescriptorSet descriptorSet(const Pipeline& pipeline, std::uint32_t bindings) {
        if (setsLeft == 0 || bindingsLeft < bindings) {
            setsLeft = kSetsPerPool;
            bindingsLeft = kSetsPerPool * kBindingsPerSet;
            const vk::DescriptorPoolSize size(vk::DescriptorType::eStorageBuffer, bindingsLeft);
            descriptorPools.emplace_back(device->device, vk::DescriptorPoolCreateInfo({}, setsLeft, size));
        }
        --setsLeft;
        bindingsLeft -= bindings;
        const vk::DescriptorSetAllocateInfo info(*descriptorPools.back(), *pipeline.setLayout);
        return (*device->device).allocateDescriptorSets(info, *device->device.getDispatcher()).front();
    }

    void restart() {
        commandPool.reset();
        descriptorPools.clear();
        setsLeft = bindingsLeft = 0;
        read.clear();
        written.clear();
        recording = submitted = false;
        outcome = {};
    }
};

Recorder::Recorder(std::unique_ptr<State> state)
    : m_state(std::move(state)) {}
Recorder::Recorder(Recorder&& other) noexcept = default;

Recorder::~Recorder() {
    if (m_state) (void)wait();
}

Result<Recorder> Recorder::create(const Device& device) {
    QSCOPE_TRY(auto state, guarded("making a command buffer", [&] { return std::make_unique<State>(device.state()); }));
    return Recorder(std::move(state));
}

void Recorder::dispatch(const Program& program, std::span<const Binding> bindings, std::span<const std::byte> push,
                        std::uint64_t invocations) {
    assert(bindings.size() == program.bindings && push.size() == program.pushBytes && invocations > 0);
    if (!m_state->outcome) return;
    const auto pipeline = m_state->device->pipelines.get(program);
    if (!pipeline) {
        m_state->outcome = tl::unexpected(pipeline.error());
        return;
    }
    m_state->record(program.name, [&] {
        auto& commands = m_state->commands;
        for (const auto& binding : bindings) m_state->order(binding.buffer, binding.access);
        for (const auto& binding : bindings) m_state->note(binding.buffer, binding.access);
        const auto set = m_state->descriptorSet(**pipeline, program.bindings);
        std::vector<vk::DescriptorBufferInfo> buffers;
        for (const auto& binding : bindings)
            buffers.emplace_back(*binding.buffer.allocation().buffer, 0, binding.buffer.size());
        const vk::WriteDescriptorSet write(set, 0, 0, vk::DescriptorType::eStorageBuffer, {}, buffers);
        m_state->device->device.updateDescriptorSets(write, {});
        commands.bindPipeline(vk::PipelineBindPoint::eCompute, *(*pipeline)->pipeline);
        commands.bindDescriptorSets(vk::PipelineBindPoint::eCompute, *(*pipeline)->layout, 0, set, {});
        if (!push.empty())
            commands.pushConstants<std::byte>(
                *(*pipeline)->layout, vk::ShaderStageFlagBits::eCompute, 0,
                vk::ArrayProxy<const std::byte>(static_cast<std::uint32_t>(push.size()), push.data()));
        const std::uint64_t groups = (invocations + program.workgroupSize - 1) / program.workgroupSize;
        const std::uint64_t across = std::min<std::uint64_t>(groups, m_state->device->info.limits.groupsAcross);
        const std::uint64_t down = (groups + across - 1) / across;
        commands.dispatch(static_cast<std::uint32_t>(across), static_cast<std::uint32_t>(down), 1);
    });
}

void Recorder::copy(const Buffer& from, std::uint64_t fromOffset, const Buffer& to, std::uint64_t toOffset,
                    std::uint64_t bytes) {
    m_state->record("copying", [&] {
        m_state->order(from, Access::Read);
        m_state->order(to, Access::Write);
        m_state->note(from, Access::Read);
        m_state->note(to, Access::Write);
        m_state->commands.copyBuffer(*from.allocation().buffer, *to.allocation().buffer,
                                     vk::BufferCopy(fromOffset, toOffset, bytes));
    });
}

void Recorder::fill(const Buffer& buffer, std::uint32_t word) {
    m_state->record("filling", [&] {
        m_state->order(buffer, Access::Write);
        m_state->note(buffer, Access::Write);
        m_state->commands.fillBuffer(*buffer.allocation().buffer, 0, buffer.size(), word);
    });
}

void Recorder::update(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> bytes) {
    m_state->record("updating", [&] {
        m_state->order(buffer, Access::Write);
        m_state->note(buffer, Access::Write);
        m_state->commands.updateBuffer<std::byte>(
            *buffer.allocation().buffer, offset,
            vk::ArrayProxy<const std::byte>(static_cast<std::uint32_t>(bytes.size()), bytes.data()));
    });
}

void Recorder::mark(const Timestamps& timestamps, std::uint32_t index) {
    m_state->record("taking the time", [&] {
        const auto queries = *timestamps.state().queries;
        m_state->commands.resetQueryPool(queries, index, 1);
        m_state->commands.writeTimestamp(Stage::eBottomOfPipe, queries, index);
    });
}

bool Recorder::empty() const { return !m_state->recording && m_state->outcome.has_value(); }

Result<void> Recorder::submit() {
    m_state->record("ending", [&] {
        const vk::MemoryBarrier toHost(kWrites, MemoryAccess::eHostRead | MemoryAccess::eHostWrite);
        m_state->commands.pipelineBarrier(kWork, Stage::eHost, {}, toHost, {}, {});
        m_state->commands.end();
        m_state->device->device.resetFences(*m_state->fence);
        const std::lock_guard lock(m_state->device->queueMutex);
        m_state->device->queue.submit(vk::SubmitInfo({}, {}, *m_state->commands), *m_state->fence);
        m_state->submitted = true;
    });
    auto outcome = m_state->outcome;
    if (!outcome) m_state->restart();
    return outcome;
}

Result<void> Recorder::wait() {
    if (!m_state->submitted) return {};
    const auto waited = guarded("waiting for the device", [&] {
        const auto result = m_state->device->device.waitForFences(*m_state->fence, true, ~std::uint64_t{0});
        if (result != vk::Result::eSuccess) throw vk::DeviceLostError("no answer");
    });
    m_state->restart();
    return waited;
}

Result<void> Recorder::submitAndWait() {
    if (empty()) return {};
    QSCOPE_CHECK(submit());
    return wait();
}

} // namespace qscope::gpu
