// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/buffer_pool.h"
#include "gpu/runtime/device_choice.h"
#include "gpu/runtime/instance_state.h"
#include "gpu/runtime/pipeline_cache.h"

#include <mutex>

namespace qscope::gpu {

/// What the copies of a Device share. Members are destroyed from the last to the first.
struct DeviceState {
    DeviceState(std::shared_ptr<InstanceState> instanceState, DeviceInfo deviceInfo, bool mapDeviceMemory,
                std::span<const std::byte> pipelineBlob);

    std::shared_ptr<InstanceState> instance;
    DeviceInfo info;
    const vk::raii::PhysicalDevice& physical;
    std::uint32_t family;
    vk::raii::Device device;
    vk::raii::Queue queue;
    std::mutex queueMutex; ///< a queue takes one submission at a time
    PipelineCache pipelines;
    BufferPool pool;
};

} // namespace qscope::gpu
