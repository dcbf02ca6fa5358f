// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "gpu/runtime/device.h"

#include <cstddef>
#include <span>
#include <stop_token>

namespace qscope::gpu {

/// Bytes to a buffer for kernels and back: straight where the processor can reach its memory, else through two staging
/// buffers in turn. No work that uses the buffer may be under way. Cancelled between pieces when asked to stop.
[[nodiscard]] Result<void> upload(const Device& device, const Buffer& buffer, std::uint64_t offset,
                                  std::span<const std::byte> bytes, const std::stop_token& stop = {});
[[nodiscard]] Result<void> download(const Device& device, const Buffer& buffer, std::uint64_t offset,
                                    std::span<std::byte> bytes, const std::stop_token& stop = {});

/// A new buffer that holds the values.
template<class T>
[[nodiscard]] Result<Buffer> uploaded(const Device& device, std::span<const T> values,
                                      const std::stop_token& stop = {}) {
    QSCOPE_TRY(auto buffer, device.makeBuffer(values.size_bytes()));
    QSCOPE_CHECK(upload(device, buffer, 0, std::as_bytes(values), stop));
    return buffer;
}

} // namespace qscope::gpu
