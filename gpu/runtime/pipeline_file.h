// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/device_choice.h"

#include <cstddef>
#include <span>
#include <vector>

namespace qscope::gpu {

/// Compiled pipelines as a file: a header that names device and driver, then the driver's own bytes.
[[nodiscard]] std::vector<std::byte> packPipelineFile(const DeviceInfo& device, std::span<const std::byte> blob);

/// The driver's bytes in `file`, or nothing when it was written for another device or driver, is damaged, or is
/// larger than any real one (64 MiB).
[[nodiscard]] std::span<const std::byte> unpackPipelineFile(const DeviceInfo& device, std::span<const std::byte> file);

} // namespace qscope::gpu
