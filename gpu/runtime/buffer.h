// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace qscope::gpu {

struct Allocation;
struct DeviceState;

enum class MemoryUse : std::uint8_t {
    Device,  ///< for kernels
    Upload,  ///< written by the processor, copied from by the device
    Readback ///< copied to by the device, read by the processor
};

/// Bytes on a device, or near it, owned by this object; they go back to the device's pool at the end. Work that uses
/// them must be over by then.
class Buffer {
public:
    Buffer(std::shared_ptr<DeviceState> device, std::unique_ptr<Allocation> allocation, std::uint64_t size);
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer();

    [[nodiscard]] std::uint64_t size() const { return m_size; }
    /// The bytes as the processor sees them; empty when it cannot.
    [[nodiscard]] std::span<std::byte> mapped() const;
    /// Whether reading `mapped` is as fast as reading ordinary memory.
    [[nodiscard]] bool cached() const;
    [[nodiscard]] const Allocation& allocation() const { return *m_allocation; }

private:
    void giveBack();

    std::shared_ptr<DeviceState> m_device;
    std::unique_ptr<Allocation> m_allocation;
    std::uint64_t m_size = 0;
};

} // namespace qscope::gpu
