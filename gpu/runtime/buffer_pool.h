// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "gpu/runtime/buffer.h"
#include "gpu/runtime/size_class.h"
#include "gpu/runtime/vk.h"

#include <array>
#include <map>
#include <mutex>
#include <vector>

namespace qscope::gpu {

struct Allocation {
    vk::raii::DeviceMemory memory;
    vk::raii::Buffer buffer;
    std::uint64_t bytes = 0;
    MemoryUse use = MemoryUse::Device;
    std::byte* mapped = nullptr;
    bool cached = false;
};

/// One allocation per buffer; those given back wait, by size class, for the next request. Safe from any thread.
class BufferPool {
public:
    BufferPool(const vk::raii::PhysicalDevice& physical, const vk::raii::Device& device, bool mapDeviceMemory,
               bool memoryBudget, std::uint64_t largest);

    [[nodiscard]] Result<std::unique_ptr<Allocation>> acquire(std::uint64_t bytes, MemoryUse use);
    void release(std::unique_ptr<Allocation> allocation);
    /// What buffers for kernels may still take; memory that waits for reuse counts as free.
    [[nodiscard]] std::uint64_t freeBytes() const;

private:
    using Idle = std::map<std::uint64_t, std::vector<std::unique_ptr<Allocation>>>;

    [[nodiscard]] Result<std::unique_ptr<Allocation>> allocate(std::uint64_t bytes, MemoryUse use) const;
    [[nodiscard]] std::uint32_t memoryType(MemoryUse use, std::uint32_t allowed) const;
    void dropIdle();

    const vk::raii::PhysicalDevice& m_physical;
    const vk::raii::Device& m_device;
    const vk::PhysicalDeviceMemoryProperties m_properties;
    const bool m_mapDeviceMemory;
    const bool m_memoryBudget;
    const std::uint64_t m_largest;
    std::uint32_t m_heap = 0; ///< the largest on the device

    mutable std::mutex m_mutex;
    std::array<Idle, 3> m_idle; ///< by use, then size
    std::uint64_t m_idleBytes = 0;
    std::uint64_t m_idleDeviceBytes = 0;
    std::uint64_t m_usedDeviceBytes = 0;
};

} // namespace qscope::gpu
