// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace qscope::engine {

/// A device as `qscope devices` and the About page list it.
struct DeviceDescription {
    int index = 0;
    std::string name;
    std::string type; ///< "discrete", "integrated", "software", "cpu"
    std::string driver;
    std::uint64_t memory = 0; ///< bytes on the device
    std::vector<std::pair<std::string, std::uint64_t>> limits;
    std::string refused; ///< why it cannot be used; empty when it can
};

/// All Vulkan devices of the machine, best first; empty when there is no Vulkan.
[[nodiscard]] std::vector<DeviceDescription> listVulkanDevices();

/// "vulkan" (best), "vulkan:N", or part of a device's name. Device, with the reason for each candidate, when none fits.
[[nodiscard]] Result<std::unique_ptr<ComputeBackend>> makeVulkanBackend(std::string_view choice);

} // namespace qscope::engine
