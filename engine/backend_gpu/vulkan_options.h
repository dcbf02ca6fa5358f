// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "gpu/runtime/device.h"

#include <filesystem>
#include <optional>

namespace qscope::engine {

/// What tests and benchmarks choose for themselves; the program uses `makeVulkanBackend(choice)`.
struct VulkanOptions {
    std::optional<gpu::Instance> instance; ///< to ask it for validation messages; its own without
    gpu::DeviceOptions device;
    std::filesystem::path pipelineFile; ///< compiled pipelines are kept here; nowhere when empty
};

/// `choice` as for `makeVulkanBackend(choice)`.
[[nodiscard]] Result<std::unique_ptr<ComputeBackend>> makeVulkanBackend(std::string_view choice, VulkanOptions options);

} // namespace qscope::engine
