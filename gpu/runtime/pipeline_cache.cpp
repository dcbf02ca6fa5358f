// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/pipeline_cache.h"

#include "gpu/runtime/guarded.h"

#include <cstring>

namespace qscope::gpu {

PipelineCache::PipelineCache(const vk::raii::Device& device, std::span<const std::byte> blob)
    : m_device(device)
    , m_cache(device, vk::PipelineCacheCreateInfo({}, blob.size(), blob.data()))
    , m_loadedBytes(blob.size()) {}

Result<Pipeline> PipelineCache::compile(const Program& program) const {
    return guarded(fmt::format("compiling '{}'", program.name), [&] {
        std::vector<vk::DescriptorSetLayoutBinding> bindings;
        for (std::uint32_t i = 0; i < program.bindings; ++i)
            bindings.emplace_back(i, vk::DescriptorType::eStorageBuffer, 1u, vk::ShaderStageFlagBits::eCompute);
        vk::raii::DescriptorSetLayout setLayout(m_device, vk::DescriptorSetLayoutCreateInfo({}, bindings));
        const vk::PushConstantRange push(vk::ShaderStageFlagBits::eCompute, 0, program.pushBytes);
        vk::PipelineLayoutCreateInfo layoutInfo({}, *setLayout);
        if (program.pushBytes > 0) layoutInfo.setPushConstantRanges(push);
        vk::raii::PipelineLayout layout(m_device, layoutInfo);

        std::vector<std::uint32_t> constants{program.workgroupSize};
        constants.insert(constants.end(), program.constants.begin(), program.constants.end());
        std::vector<vk::SpecializationMapEntry> entries;
        for (std::uint32_t i = 0; i < constants.size(); ++i) entries.emplace_back(i, i * 4u, std::size_t{4});
        const vk::SpecializationInfo specialisation(std::uint32_t(entries.size()), entries.data(), constants.size() * 4,
                                                    constants.data());
        const vk::raii::ShaderModule module(
            m_device, vk::ShaderModuleCreateInfo({}, program.spirv.size_bytes(), program.spirv.data()));
        const vk::PipelineShaderStageCreateInfo stage({}, vk::ShaderStageFlagBits::eCompute, *module, "main",
                                                      &specialisation);
        vk::raii::Pipeline pipeline(m_device, m_cache, vk::ComputePipelineCreateInfo({}, stage, *layout));
        return Pipeline{std::move(setLayout), std::move(layout), std::move(pipeline)};
    });
}

Result<const Pipeline*> PipelineCache::get(const Program& program) {
    Key key{{program.spirv.begin(), program.spirv.end()}, {program.bindings, program.pushBytes, program.workgroupSize}};
    key.settings.insert(key.settings.end(), program.constants.begin(), program.constants.end());
    const std::lock_guard lock(m_mutex);
    auto found = m_pipelines.find(key);
    if (found == m_pipelines.end()) {
        QSCOPE_TRY(auto made, compile(program));
        found = m_pipelines.emplace(std::move(key), std::move(made)).first;
    }
    return &found->second;
}

Result<std::vector<std::byte>> PipelineCache::blob() const {
    const std::lock_guard lock(m_mutex);
    return guarded("saving compiled pipelines", [&] {
        const auto data = m_cache.getData();
        std::vector<std::byte> bytes(data.size());
        if (!data.empty()) std::memcpy(bytes.data(), data.data(), data.size());
        return bytes;
    });
}

bool PipelineCache::grown() const {
    const auto now = blob();
    return now && now->size() != m_loadedBytes;
}

} // namespace qscope::gpu
