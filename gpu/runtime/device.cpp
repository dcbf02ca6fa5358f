// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/device.h"

#include "gpu/runtime/device_state.h"
#include "gpu/runtime/guarded.h"
#include "gpu/runtime/pipeline_file.h"

#include <algorithm>

namespace qscope::gpu {
namespace {

std::uint32_t computeFamily(const vk::raii::PhysicalDevice& physical) {
    const auto families = physical.getQueueFamilyProperties();
    const auto found = std::ranges::find_if(
        families, [](const auto& family) { return bool(family.queueFlags & vk::QueueFlagBits::eCompute); });
    return static_cast<std::uint32_t>(found - families.begin());
}

vk::raii::Device open(const vk::raii::PhysicalDevice& physical, std::uint32_t family, const DeviceInfo& info) {
    const float priority = 1;
    const vk::DeviceQueueCreateInfo queue({}, family, 1, &priority);
    vk::PhysicalDeviceFeatures features;
    features.shaderFloat64 = info.float64;
    std::vector<const char*> extensions;
    if (info.memoryBudget) extensions.push_back(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    return {physical, vk::DeviceCreateInfo({}, queue, {}, extensions, &features)};
}

} // namespace

DeviceState::DeviceState(std::shared_ptr<InstanceState> instanceState, DeviceInfo deviceInfo, bool mapDeviceMemory,
                         std::span<const std::byte> pipelineBlob)
    : instance(std::move(instanceState))
    , info(std::move(deviceInfo))
    , physical(instance->physicalDevices[info.handle])
    , family(computeFamily(physical))
    , device(open(physical, family, info))
    , queue(device, family, 0)
    , pipelines(device, pipelineBlob)
    , pool(physical, device, mapDeviceMemory, info.memoryBudget, info.limits.allocationBytes) {}

Result<Device> Device::create(const Instance& instance, std::string_view choice, const DeviceOptions& options) {
    QSCOPE_TRY(const auto index, chooseDevice(instance.devices(), choice));
    auto info = instance.devices()[index];
    info.float64 = info.float64 && options.float64;
    info.limits.bindingBytes = std::min({info.limits.bindingBytes, info.limits.allocationBytes, options.bindingBytes});
    const auto blob = unpackPipelineFile(info, options.pipelines);
    QSCOPE_TRY(auto state, guarded(fmt::format("opening '{}'", info.name), [&] {
                   return std::make_shared<DeviceState>(instance.state(), info, options.mapDeviceMemory, blob);
               }));
    return Device(std::move(state));
}

const DeviceInfo& Device::info() const { return m_state->info; }

std::uint64_t Device::freeMemory() const { return m_state->pool.freeBytes(); }

Result<Buffer> Device::makeBuffer(std::uint64_t bytes, MemoryUse use) const {
    QSCOPE_TRY(auto allocation, m_state->pool.acquire(bytes, use));
    return Buffer(m_state, std::move(allocation), bytes);
}

bool Device::hasNewPipelines() const { return m_state->pipelines.grown(); }

Result<std::vector<std::byte>> Device::pipelineFile() const {
    QSCOPE_TRY(const auto blob, m_state->pipelines.blob());
    return packPipelineFile(m_state->info, blob);
}

} // namespace qscope::gpu
