// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/device_choice.h"
#include "gpu/runtime/vk.h"

#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace qscope::gpu {

struct ValidationLog {
    std::mutex mutex;
    std::vector<std::string> messages;
};

/// Members are destroyed from the last to the first: the log outlives the messenger that writes to it.
struct InstanceState {
    ValidationLog log;
    vk::raii::Context context;
    std::optional<vk::raii::Instance> instance;
    std::optional<vk::raii::DebugUtilsMessengerEXT> messenger;
    std::vector<vk::raii::PhysicalDevice> physicalDevices;
    std::vector<DeviceInfo> devices;
};

} // namespace qscope::gpu
