// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/buffer.h"
#include "gpu/runtime/instance.h"

#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace qscope::gpu {

struct DeviceState;

/// The defaults use all that the device offers; tests take some of it away to reach every path on one device.
struct DeviceOptions {
    std::span<const std::byte> pipelines = {}; ///< of an earlier `pipelineFile`; anything else is ignored
    std::uint64_t bindingBytes = std::numeric_limits<std::uint64_t>::max(); ///< upper bound for that limit
    bool float64 = true;
    bool mapDeviceMemory = true; ///< without staging where the processor can reach the device's memory
};

/// A device ready to compute. Copies share it; its functions may be called from several threads at once.
class Device {
public:
    /// `choice` as for `chooseDevice`.
    [[nodiscard]] static Result<Device> create(const Instance& instance, std::string_view choice,
                                               const DeviceOptions& options = {});

    /// As found, less what the options took away.
    [[nodiscard]] const DeviceInfo& info() const;

    /// Memory that new buffers may take now, in bytes.
    [[nodiscard]] std::uint64_t freeMemory() const;
    /// Zero-filled only by those who write it. OutOfMemory, OutOfRange (0 bytes, or above the limit of an allocation).
    [[nodiscard]] Result<Buffer> makeBuffer(std::uint64_t bytes, MemoryUse use = MemoryUse::Device) const;

    /// Whether pipelines were compiled that `DeviceOptions::pipelines` did not hold.
    [[nodiscard]] bool hasNewPipelines() const;
    /// All compiled pipelines, for the next run on this device and driver.
    [[nodiscard]] Result<std::vector<std::byte>> pipelineFile() const;

    [[nodiscard]] const std::shared_ptr<DeviceState>& state() const { return m_state; }

private:
    explicit Device(std::shared_ptr<DeviceState> state)
        : m_state(std::move(state)) {}
    std::shared_ptr<DeviceState> m_state;
};

} // namespace qscope::gpu
