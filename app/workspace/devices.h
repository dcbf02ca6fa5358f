// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"

#include <QString>

#include <memory>
#include <utility>
#include <vector>

namespace qscope {

/// A compute device as menus and the About page show it.
struct DeviceOption {
    QString choice; ///< for `makeBackend`: "cpu", "vulkan:0"
    QString name;
    QString type;
    QString refused; ///< why it cannot be used; empty when it can
    std::vector<std::pair<QString, QString>> facts;
};

/// The CPU first, then every Vulkan device, best first. Takes a while: call it in a job.
[[nodiscard]] std::vector<DeviceOption> listDevices();

/// "auto" (the best graphics processor, else the CPU), "cpu", "vulkan", "vulkan:N" or a device's name. In a job.
[[nodiscard]] Result<std::shared_ptr<engine::ComputeBackend>> makeBackend(const QString& choice);

} // namespace qscope
