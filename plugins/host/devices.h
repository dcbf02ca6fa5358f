// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qscope {

/// A compute device as people see it.
struct Device {
    std::string choice; ///< for `makeBackend`: "cpu", "vulkan:0"
    std::string name;
    std::string type;   ///< "processor", "discrete", "integrated", "software"
    std::string driver;
    std::uint64_t memory = 0; ///< bytes
    std::vector<std::pair<std::string, std::uint64_t>> limits;
    std::string refused; ///< why it cannot be used; empty when it can
};

/// The processor first, then every Vulkan device, best first. May take a while: driver start-up.
[[nodiscard]] std::vector<Device> listDevices();

/// "auto" (the best graphics processor, else the CPU), "cpu", "vulkan" (best, software devices included), "vulkan:N" or
/// part of a device's name. The error lists why each candidate was refused. May take a while.
[[nodiscard]] Result<std::unique_ptr<engine::ComputeBackend>> makeBackend(std::string_view choice);

} // namespace qscope
