// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "gpu/runtime/program.h"
#include "gpu/runtime/vk.h"

#include <compare>
#include <map>
#include <mutex>
#include <optional>

namespace qscope::gpu {

/// What a dispatch needs of a program.
struct Pipeline {
    vk::raii::DescriptorSetLayout setLayout;
    vk::raii::PipelineLayout layout;
    vk::raii::Pipeline pipeline;
};

/// Compiles each program once, keyed by its content. Safe from any thread.
class PipelineCache {
public:
    /// `blob`: the driver's bytes of an earlier run, or empty.
    PipelineCache(const vk::raii::Device& device, std::span<const std::byte> blob);

    /// Lives as long as the cache.
    [[nodiscard]] Result<const Pipeline*> get(const Program& program);
    [[nodiscard]] Result<std::vector<std::byte>> blob() const;
    /// Whether the driver's bytes have changed since they were loaded.
    [[nodiscard]] bool grown() const;

private:
    struct Key {
        std::vector<std::uint32_t> words; ///< the shader
        std::vector<std::uint32_t> settings;
        auto operator<=>(const Key&) const = default;
    };

    [[nodiscard]] Result<Pipeline> compile(const Program& program) const;

    const vk::raii::Device& m_device;
    vk::raii::PipelineCache m_cache;
    std::size_t m_loadedBytes;
    mutable std::mutex m_mutex;
    std::map<Key, Pipeline> m_pipelines;
};

} // namespace qscope::gpu
