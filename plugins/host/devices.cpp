// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/host/devices.h"

#ifdef QSCOPE_WITH_VULKAN
#include "engine/backend_gpu/vulkan_backend.h"
#endif

#include <unistd.h>

namespace qscope {

namespace {

Device processor() {
    const auto memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
    return {"cpu", engine::makeCpuBackend()->name(), "processor", {}, memory, {}, {}};
}

} // namespace

std::vector<Device> listDevices() {
    std::vector<Device> devices{processor()};
#ifdef QSCOPE_WITH_VULKAN
    for (auto& device : engine::listVulkanDevices())
        devices.push_back({fmt::format("vulkan:{}", device.index), std::move(device.name), std::move(device.type),
                           std::move(device.driver), device.memory, std::move(device.limits),
                           std::move(device.refused)});
#endif
    return devices;
}

Result<std::unique_ptr<engine::ComputeBackend>> makeBackend(std::string_view choice) {
    if (choice == "cpu") return engine::makeCpuBackend();
#ifdef QSCOPE_WITH_VULKAN
    if (choice != "auto") return engine::makeVulkanBackend(choice);
    for (const auto& device : listDevices())
        // A software device runs on the same cores as the CPU backend, only slower.
        if (device.refused.empty() && (device.type == "discrete" || device.type == "integrated"))
            return engine::makeVulkanBackend(device.choice);
    return engine::makeCpuBackend();
#else
    if (choice == "auto") return engine::makeCpuBackend();
    return fail(ErrorCode::Unsupported, "this build has no Vulkan backend; choose the CPU");
#endif
}

} // namespace qscope
