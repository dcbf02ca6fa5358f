// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/buffer.h"

#include "gpu/runtime/device_state.h"

#include <utility>

namespace qscope::gpu {

Buffer::Buffer(std::shared_ptr<DeviceState> device, std::unique_ptr<Allocation> allocation, std::uint64_t size)
    : m_device(std::move(device))
    , m_allocation(std::move(allocation))
    , m_size(size) {}

Buffer::Buffer(Buffer&& other) noexcept = default;

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    giveBack();
    m_device = std::move(other.m_device);
    m_allocation = std::move(other.m_allocation);
    m_size = std::exchange(other.m_size, 0);
    return *this;
}

Buffer::~Buffer() { giveBack(); }

void Buffer::giveBack() {
    if (m_allocation) m_device->pool.release(std::move(m_allocation));
}

std::span<std::byte> Buffer::mapped() const {
    if (!m_allocation->mapped) return {};
    return {m_allocation->mapped, static_cast<std::size_t>(m_size)};
}

bool Buffer::cached() const { return m_allocation->cached; }

} // namespace qscope::gpu
