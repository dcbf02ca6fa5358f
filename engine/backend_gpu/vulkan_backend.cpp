// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend_gpu/vulkan_backend.h"

#include "engine/backend/state_copy.h"
#include "engine/backend_gpu/tensor_ops.h"
#include "engine/backend_gpu/vulkan_math.h"
#include "engine/backend_gpu/vulkan_options.h"
#include "engine/backend_gpu/vulkan_state.h"
#include "engine/core/atomic_file.h"
#include "engine/core/mapped_file.h"

#include <cstdlib>
#include <system_error>

namespace qscope::engine {
namespace {

/// Compiled pipelines only save time: whatever goes wrong with their file, they are compiled again.
void savePipelines(const gpu::Device& device, const std::filesystem::path& path) {
    if (path.empty() || !device.hasNewPipelines()) return;
    const auto bytes = device.pipelineFile();
    if (!bytes) return;
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
    auto file = AtomicFile::create(path);
    if (file && file->write(*bytes)) (void)file->commit();
}

/// ~/.cache/quantoscope/pipelines.bin, or its place under XDG_CACHE_HOME; empty when neither is known.
std::filesystem::path pipelineFile() {
    const auto variable = [](const char* name) -> std::filesystem::path {
        const char* value = std::getenv(name);
        return value ? value : "";
    };
    auto folder = variable("XDG_CACHE_HOME");
    if (!folder.is_absolute()) {
        folder = variable("HOME");
        if (!folder.is_absolute()) return {};
        folder /= ".cache";
    }
    return folder / "quantoscope" / "pipelines.bin";
}

class VulkanBackend final : public ComputeBackend, public StateCopier, public MathDevice {
public:
    VulkanBackend(gpu::Device device, std::filesystem::path file)
        : m_device(std::move(device))
        , m_pipelineFile(std::move(file)) {}
    ~VulkanBackend() override { savePipelines(m_device, m_pipelineFile); }

    std::string name() const override { return m_device.info().name; }
    std::string kind() const override { return "vulkan"; }
    bool supports(Capability capability, DType type) const override {
        switch (capability) {
        case Capability::EncodeBlocks: return vulkan::encodesBlocks(type);
        case Capability::StateDouble: return m_device.info().float64;
        case Capability::RoundToGrid:
        case Capability::ErrorSums:
        case Capability::StateSingle: return true;
        }
        return false;
    }

    Result<RoundedToGrid> roundToGrid(std::span<const float> values, const Grouping& grouping, const UniformGrid& grid,
                                      const RunContext& context) override {
        return vulkan::roundToGrid(m_device, values, grouping, grid, context.stop);
    }
    Result<std::vector<std::byte>> encodeBlocks(DType type, std::span<const float> values, std::int64_t columns,
                                                std::span<const float> importance, const RunContext& context) override {
        return vulkan::encodeBlocks(m_device, type, values, columns, importance, context.stop);
    }
    Result<ErrorSums> errorSums(std::span<const float> reference, std::span<const float> result,
                                const RunContext& context) override {
        return vulkan::errorSums(m_device, reference, result, context.stop);
    }
    Result<std::unique_ptr<StateBuffer>> makeState(int bits, Precision precision) override {
        return vulkan::makeState(m_device, bits, precision);
    }
    Result<std::unique_ptr<StateBuffer>> copyState(const StateBuffer& state) override {
        QSCOPE_TRY(const auto* own, ownState(state));
        return vulkan::copyState(*own);
    }
    Result<void> applyGates(StateBuffer& state, std::span<const FusedGate> gates, const RunContext& context) override {
        QSCOPE_TRY(const auto* own, ownState(state));
        return vulkan::applyGates(*own, gates, context.stop);
    }
    Result<std::vector<double>> marginals(const StateBuffer& state, std::span<const int> qubits,
                                          const RunContext& context) override {
        QSCOPE_TRY(const auto* own, ownState(state));
        return vulkan::marginals(*own, qubits, context.stop);
    }
    Result<void> amplitudes(const StateBuffer& state, std::uint64_t first,
                            std::span<std::complex<double>> out) override {
        QSCOPE_TRY(const auto* own, ownState(state));
        return vulkan::amplitudes(*own, first, out, {});
    }
    Result<double> expectation(const StateBuffer& state, const PauliString& pauli, const RunContext& context) override {
        QSCOPE_TRY(const auto* own, ownState(state));
        return vulkan::expectation(*own, pauli, context.stop);
    }
    Result<void> collapse(StateBuffer& state, int qubit, bool outcome, double probability,
                          const RunContext& context) override {
        QSCOPE_TRY(const auto* own, ownState(state));
        return vulkan::collapse(*own, qubit, outcome, probability, context.stop);
    }
    Result<std::vector<std::uint64_t>> sample(const StateBuffer& state, std::span<const double> sorted,
                                              const RunContext& context) override {
        QSCOPE_TRY(const auto* own, ownState(state));
        return vulkan::sample(*own, sorted, context.stop);
    }
    Result<std::unique_ptr<DeviceMath>> makeMath(const RunContext& context) override {
        return vulkan::makeMath(m_device, context.stop);
    }

private:
    Result<const vulkan::VulkanState*> ownState(const StateBuffer& state) const {
        const auto* own = dynamic_cast<const vulkan::VulkanState*>(&state);
        if (!own || own->device().state() != m_device.state())
            return fail(ErrorCode::Device, "a state of another device was given to '{}'", m_device.info().name);
        return own;
    }

    gpu::Device m_device;
    std::filesystem::path m_pipelineFile;
};

/// "vulkan" and "vulkan:N" to what the device choice expects.
std::string_view withoutPrefix(std::string_view choice) {
    constexpr std::string_view kPrefix = "vulkan";
    if (!choice.starts_with(kPrefix)) return choice;
    const auto rest = choice.substr(kPrefix.size());
    return rest.empty() ? rest : rest.front() == ':' ? rest.substr(1) : choice;
}

} // namespace

std::vector<DeviceDescription> listVulkanDevices() {
    const auto instance = gpu::Instance::create();
    std::vector<DeviceDescription> list;
    if (!instance) return list;
    for (const auto& device : instance->devices()) {
        const auto& limits = device.limits;
        list.push_back({static_cast<int>(list.size()),
                        device.name,
                        std::string(gpu::typeName(device.type)),
                        device.driver,
                        device.memory,
                        {{"storage_buffer_bytes", limits.bindingBytes},
                         {"allocation_bytes", limits.allocationBytes},
                         {"shared_memory_bytes", limits.sharedBytes},
                         {"workgroup_size", limits.workgroupSize},
                         {"double_precision", device.float64 ? 1u : 0u}},
                        device.refused});
    }
    return list;
}

Result<std::unique_ptr<ComputeBackend>> makeVulkanBackend(std::string_view choice, VulkanOptions options) {
    if (!options.instance) {
        QSCOPE_TRY(options.instance, gpu::Instance::create());
    }
    std::shared_ptr<const MappedFile> file;
    if (!options.pipelineFile.empty())
        if (auto opened = MappedFile::open(options.pipelineFile)) file = std::move(*opened);
    if (file) options.device.pipelines = file->bytes();
    QSCOPE_TRY(auto device, gpu::Device::create(*options.instance, withoutPrefix(choice), options.device));
    return std::make_unique<VulkanBackend>(std::move(device), std::move(options.pipelineFile));
}

Result<std::unique_ptr<ComputeBackend>> makeVulkanBackend(std::string_view choice) {
    VulkanOptions options;
    options.pipelineFile = pipelineFile();
    return makeVulkanBackend(choice, std::move(options));
}

} // namespace qscope::engine
