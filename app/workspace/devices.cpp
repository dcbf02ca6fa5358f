// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/devices.h"

#include "engine/core/parallel.h"
#include "plugins/sdk/format.h"

#include <QCoreApplication>
#include <QSysInfo>

#ifdef QSCOPE_WITH_VULKAN
#include "engine/backend_gpu/vulkan_backend.h"
#endif

namespace qscope {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("Devices", text); }

DeviceOption processor() {
    return {QStringLiteral("cpu"),
            QString::fromStdString(engine::makeCpuBackend()->name()),
            tr("processor"),
            {},
            {{tr("Architecture"), QSysInfo::currentCpuArchitecture()},
             {tr("Threads"), QString::number(availableThreads())}}};
}

} // namespace

std::vector<DeviceOption> listDevices() {
    std::vector<DeviceOption> options{processor()};
#ifdef QSCOPE_WITH_VULKAN
    for (const auto& device : engine::listVulkanDevices()) {
        DeviceOption option{QStringLiteral("vulkan:%1").arg(device.index), QString::fromStdString(device.name),
                            QString::fromStdString(device.type), QString::fromStdString(device.refused), {}};
        option.facts.emplace_back(tr("Driver"), QString::fromStdString(device.driver));
        option.facts.emplace_back(tr("Memory"), formatBytes(device.memory));
        for (const auto& [key, value] : device.limits)
            option.facts.emplace_back(QString::fromStdString(key), formatInteger(static_cast<std::int64_t>(value)));
        options.push_back(std::move(option));
    }
#endif
    return options;
}

Result<std::shared_ptr<engine::ComputeBackend>> makeBackend(const QString& choice) {
    if (choice == QLatin1String("cpu")) return engine::makeCpuBackend();
#ifdef QSCOPE_WITH_VULKAN
    if (choice != QLatin1String("auto")) {
        QSCOPE_TRY(auto backend, engine::makeVulkanBackend(choice.toStdString()));
        return std::shared_ptr<engine::ComputeBackend>(std::move(backend));
    }
    for (const auto& device : engine::listVulkanDevices()) {
        // A software device runs on the same cores as the CPU backend, only slower.
        if (!device.refused.empty() || (device.type != "discrete" && device.type != "integrated")) continue;
        QSCOPE_TRY(auto backend, engine::makeVulkanBackend("vulkan:" + std::to_string(device.index)));
        return std::shared_ptr<engine::ComputeBackend>(std::move(backend));
    }
    return engine::makeCpuBackend();
#else
    if (choice == QLatin1String("auto")) return engine::makeCpuBackend();
    return fail(ErrorCode::Unsupported, "this build has no Vulkan backend; choose the CPU");
#endif
}

} // namespace qscope
