// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qscope::gpu {

enum class DeviceType : std::uint8_t { Discrete, Integrated, Virtual, Other, Software };

/// "discrete", "integrated", "virtual", "other", "software".
[[nodiscard]] std::string_view typeName(DeviceType type);

struct DeviceLimits {
    std::uint64_t bindingBytes = 0;    ///< most that one storage buffer may show to a shader
    std::uint64_t allocationBytes = 0; ///< most that one buffer may hold
    std::uint32_t sharedBytes = 0;     ///< shared memory of a workgroup
    std::uint32_t workgroupSize = 0;   ///< most invocations in a workgroup
    std::uint32_t groupsAcross = 0;    ///< most workgroups along the first axis
    std::uint32_t storageBindings = 0; ///< storage buffers that one shader may bind
};

/// A device and what it can do. `refused` says why it cannot be used; empty when it can.
struct DeviceInfo {
    std::size_t handle = 0; ///< position in the driver's own order
    std::string name;
    DeviceType type = DeviceType::Other;
    std::string driver;
    std::uint32_t vendorId = 0;
    std::uint32_t deviceId = 0;
    std::uint32_t driverVersion = 0;
    std::array<std::uint8_t, 16> cacheId{}; ///< changes when compiled pipelines do
    std::uint64_t memory = 0;               ///< bytes of the largest heap on the device
    DeviceLimits limits;
    bool float64 = false;
    bool memoryBudget = false;       ///< the driver tells how much memory is free
    double timestampNanoseconds = 0; ///< per tick; 0 without timestamps
    std::string refused;
};

/// Best first: usable before refused, discrete before integrated before virtual before other before software, then
/// more memory first. Devices that compare equal keep their order.
void sortBestFirst(std::vector<DeviceInfo>& devices);

/// Which of `devices`, sorted best first: "" the first usable one, a number that position, "software" the first of
/// that type, anything else the first whose name contains it, whatever the case. Device, with the reason for each
/// candidate, when none fits.
[[nodiscard]] Result<std::size_t> chooseDevice(std::span<const DeviceInfo> devices, std::string_view choice);

} // namespace qscope::gpu
