// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/buffer_pool.h"

#include "gpu/runtime/guarded.h"

#include <algorithm>

namespace qscope::gpu {
namespace {

using Flag = vk::MemoryPropertyFlagBits;
constexpr auto kHost = Flag::eHostVisible | Flag::eHostCoherent;

/// Idle memory beyond this goes back to the driver at once: enough for a few slabs in flight.
constexpr std::uint64_t kIdleBytes = 256u << 20;

} // namespace

BufferPool::BufferPool(const vk::raii::PhysicalDevice& physical, const vk::raii::Device& device, bool mapDeviceMemory,
                       bool memoryBudget, std::uint64_t largest)
    : m_physical(physical)
    , m_device(device)
    , m_properties(physical.getMemoryProperties())
    , m_mapDeviceMemory(mapDeviceMemory)
    , m_memoryBudget(memoryBudget)
    , m_largest(largest) {
    std::uint64_t size = 0;
    for (std::uint32_t i = 0; i < m_properties.memoryHeapCount; ++i) {
        const auto& heap = m_properties.memoryHeaps[i];
        if (!(heap.flags & vk::MemoryHeapFlagBits::eDeviceLocal) || heap.size <= size) continue;
        size = heap.size;
        m_heap = i;
    }
}

/// Memory on the device is mapped only in its largest heap: some devices offer a small window of it besides, which
/// would be full at once.
std::uint32_t BufferPool::memoryType(MemoryUse use, std::uint32_t allowed) const {
    const auto rate = [&](const vk::MemoryType& type) {
        const auto flags = type.propertyFlags;
        const bool visible = (flags & kHost) == kHost;
        const bool local = type.heapIndex == m_heap && bool(flags & Flag::eDeviceLocal);
        switch (use) {
        case MemoryUse::Device: return !local ? 0 : visible && m_mapDeviceMemory ? 3 : visible ? 1 : 2;
        case MemoryUse::Upload: return !visible ? 0 : flags & Flag::eDeviceLocal ? 1 : 2;
        case MemoryUse::Readback: return !visible ? 0 : flags & Flag::eHostCached ? 2 : 1;
        }
        return 0;
    };
    int best = 0;
    std::uint32_t found = m_properties.memoryTypeCount;
    for (std::uint32_t i = 0; i < m_properties.memoryTypeCount; ++i) {
        if (!(allowed >> i & 1u)) continue;
        const int rating = rate(m_properties.memoryTypes[i]);
        if (rating <= best) continue;
        best = rating;
        found = i;
    }
    return found;
}

Result<std::unique_ptr<Allocation>> BufferPool::allocate(std::uint64_t bytes, MemoryUse use) const {
    return guarded(fmt::format("making a buffer of {} bytes", bytes), [&] {
        using Usage = vk::BufferUsageFlagBits;
        vk::raii::Buffer buffer(m_device,
                                {{}, bytes, Usage::eStorageBuffer | Usage::eTransferSrc | Usage::eTransferDst});
        const auto needs = buffer.getMemoryRequirements();
        const auto type = memoryType(use, needs.memoryTypeBits);
        if (type == m_properties.memoryTypeCount) throw vk::OutOfDeviceMemoryError("no memory of the kind needed");
        vk::raii::DeviceMemory memory(m_device, {needs.size, type});
        buffer.bindMemory(*memory, 0);
        const auto flags = m_properties.memoryTypes[type].propertyFlags;
        std::byte* mapped = nullptr;
        if ((flags & kHost) == kHost && (use != MemoryUse::Device || m_mapDeviceMemory))
            mapped = static_cast<std::byte*>(memory.mapMemory(0, VK_WHOLE_SIZE));
        return std::make_unique<Allocation>(std::move(memory), std::move(buffer), bytes, use, mapped,
                                            bool(flags & Flag::eHostCached));
    });
}

Result<std::unique_ptr<Allocation>> BufferPool::acquire(std::uint64_t bytes, MemoryUse use) {
    if (bytes == 0 || bytes > m_largest)
        return fail(ErrorCode::OutOfRange, "a buffer of {} bytes: 1 to {} are possible", bytes, m_largest);
    const auto rounded = std::min(sizeClass(bytes), m_largest);
    const bool onDevice = use == MemoryUse::Device;
    const std::lock_guard lock(m_mutex);
    auto& idle = m_idle[static_cast<std::size_t>(use)][rounded];
    if (!idle.empty()) {
        auto found = std::move(idle.back());
        idle.pop_back();
        m_idleBytes -= rounded;
        if (onDevice) {
            m_idleDeviceBytes -= rounded;
            m_usedDeviceBytes += rounded;
        }
        return found;
    }
    auto made = allocate(rounded, use);
    if (!made && made.error().code == ErrorCode::OutOfMemory && m_idleBytes > 0) {
        dropIdle();
        made = allocate(rounded, use);
    }
    if (made && onDevice) m_usedDeviceBytes += rounded;
    return made;
}

void BufferPool::release(std::unique_ptr<Allocation> allocation) {
    const std::lock_guard lock(m_mutex);
    const auto bytes = allocation->bytes;
    const bool onDevice = allocation->use == MemoryUse::Device;
    if (onDevice) m_usedDeviceBytes -= bytes;
    if (m_idleBytes + bytes > kIdleBytes) return;
    m_idleBytes += bytes;
    if (onDevice) m_idleDeviceBytes += bytes;
    m_idle[static_cast<std::size_t>(allocation->use)][bytes].push_back(std::move(allocation));
}

void BufferPool::dropIdle() {
    for (auto& byUse : m_idle) byUse.clear();
    m_idleBytes = 0;
    m_idleDeviceBytes = 0;
}

std::uint64_t BufferPool::freeBytes() const {
    const std::lock_guard lock(m_mutex);
    if (m_memoryBudget) {
        const auto chain = m_physical.getMemoryProperties2<vk::PhysicalDeviceMemoryProperties2,
                                                           vk::PhysicalDeviceMemoryBudgetPropertiesEXT>();
        const auto& budget = chain.get<vk::PhysicalDeviceMemoryBudgetPropertiesEXT>();
        const auto used = budget.heapUsage[m_heap];
        const auto allowed = budget.heapBudget[m_heap];
        return (allowed > used ? allowed - used : 0) + m_idleDeviceBytes;
    }
    const auto size = m_properties.memoryHeaps[m_heap].size;
    return size > m_usedDeviceBytes ? size - m_usedDeviceBytes : 0;
}

} // namespace qscope::gpu
