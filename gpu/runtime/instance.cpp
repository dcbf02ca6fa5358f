// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/instance.h"

#include "gpu/runtime/guarded.h"
#include "gpu/runtime/instance_state.h"

#include <algorithm>
#include <cstring>

namespace qscope::gpu {
namespace {

constexpr auto kValidationLayer = "VK_LAYER_KHRONOS_validation";

VKAPI_ATTR VkBool32 VKAPI_CALL keepMessage(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                           const VkDebugUtilsMessengerCallbackDataEXT* data, void* log) {
    auto& kept = *static_cast<ValidationLog*>(log);
    const std::lock_guard lock(kept.mutex);
    kept.messages.emplace_back(data->pMessage);
    return VK_FALSE;
}

DeviceType typeOf(vk::PhysicalDeviceType type) {
    switch (type) {
    case vk::PhysicalDeviceType::eDiscreteGpu: return DeviceType::Discrete;
    case vk::PhysicalDeviceType::eIntegratedGpu: return DeviceType::Integrated;
    case vk::PhysicalDeviceType::eVirtualGpu: return DeviceType::Virtual;
    case vk::PhysicalDeviceType::eCpu: return DeviceType::Software;
    default: return DeviceType::Other;
    }
}

bool hasExtension(const vk::raii::PhysicalDevice& device, std::string_view name) {
    return std::ranges::any_of(device.enumerateDeviceExtensionProperties(),
                               [&](const auto& extension) { return name == extension.extensionName.data(); });
}

/// Asking a driver of an older Vulkan for the structures of 1.2 is not allowed, so refusal comes first.
DeviceInfo describe(const vk::raii::PhysicalDevice& device, std::size_t handle) {
    const auto basic = device.getProperties();
    DeviceInfo info;
    info.handle = handle;
    info.name = basic.deviceName.data();
    info.type = typeOf(basic.deviceType);
    info.vendorId = basic.vendorID;
    info.deviceId = basic.deviceID;
    info.driverVersion = basic.driverVersion;
    std::ranges::copy(basic.pipelineCacheUUID, info.cacheId.begin());
    if (basic.apiVersion < VK_API_VERSION_1_2) {
        info.refused = fmt::format("speaks Vulkan {}.{}, 1.2 is needed", VK_API_VERSION_MAJOR(basic.apiVersion),
                                   VK_API_VERSION_MINOR(basic.apiVersion));
        return info;
    }
    const auto chain = device.getProperties2<vk::PhysicalDeviceProperties2, vk::PhysicalDeviceVulkan11Properties,
                                             vk::PhysicalDeviceVulkan12Properties>();
    const auto& v11 = chain.get<vk::PhysicalDeviceVulkan11Properties>();
    const auto& v12 = chain.get<vk::PhysicalDeviceVulkan12Properties>();
    info.driver = fmt::format("{} {}", v12.driverName.data(), v12.driverInfo.data());
    const auto& limits = basic.limits;
    info.limits = {limits.maxStorageBufferRange,       v11.maxMemoryAllocationSize,
                   limits.maxComputeSharedMemorySize,  limits.maxComputeWorkGroupInvocations,
                   limits.maxComputeWorkGroupCount[0], limits.maxPerStageDescriptorStorageBuffers};
    info.float64 = device.getFeatures().shaderFloat64;
    info.memoryBudget = hasExtension(device, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    const auto memory = device.getMemoryProperties();
    for (std::uint32_t i = 0; i < memory.memoryHeapCount; ++i)
        if (memory.memoryHeaps[i].flags & vk::MemoryHeapFlagBits::eDeviceLocal)
            info.memory = std::max<std::uint64_t>(info.memory, memory.memoryHeaps[i].size);
    const auto families = device.getQueueFamilyProperties();
    const auto compute = std::ranges::find_if(
        families, [](const auto& family) { return bool(family.queueFlags & vk::QueueFlagBits::eCompute); });
    if (compute == families.end())
        info.refused = "has no queue for computing";
    else if (compute->timestampValidBits > 0)
        info.timestampNanoseconds = double(limits.timestampPeriod);
    return info;
}

std::shared_ptr<InstanceState> connect(Validation validation) {
    auto state = std::make_shared<InstanceState>();
    const vk::ApplicationInfo application("Quantoscope", 1, "", 0, VK_API_VERSION_1_2);
    std::vector<const char*> layers;
    std::vector<const char*> extensions;
    if (validation == Validation::On) {
        layers.push_back(kValidationLayer);
        extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    }
    state->instance.emplace(state->context, vk::InstanceCreateInfo({}, &application, layers, extensions));
    if (validation == Validation::On) {
        using Severity = vk::DebugUtilsMessageSeverityFlagBitsEXT;
        using Type = vk::DebugUtilsMessageTypeFlagBitsEXT;
        state->messenger.emplace(*state->instance,
                                 vk::DebugUtilsMessengerCreateInfoEXT({}, Severity::eWarning | Severity::eError,
                                                                      Type::eValidation | Type::ePerformance,
                                                                      keepMessage, &state->log));
    }
    vk::raii::PhysicalDevices found(*state->instance);
    for (auto& device : found) {
        state->devices.push_back(describe(device, state->physicalDevices.size()));
        state->physicalDevices.push_back(std::move(device));
    }
    sortBestFirst(state->devices);
    return state;
}

} // namespace

Result<Instance> Instance::create(Validation validation) {
    QSCOPE_TRY(auto state, guarded("connecting to Vulkan", [&] { return connect(validation); }));
    return Instance(std::move(state));
}

const std::vector<DeviceInfo>& Instance::devices() const { return m_state->devices; }

std::vector<std::string> Instance::validationMessages() const {
    const std::lock_guard lock(m_state->log.mutex);
    return m_state->log.messages;
}

} // namespace qscope::gpu
