// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/registry.h"

#include <QtPlugin>

namespace qscope {

/// Version of this SDK; `plugin.json` states the one a plugin was written for, the host refuses any other.
inline constexpr int kSdkVersion = 1;

/// A plugin without a window: methods, checkpoint readers, exporters, simulators. Needs Qt Core only, so the command
/// line loads it too.
class MethodPlugin {
public:
    virtual ~MethodPlugin() = default;
    /// Adds its parts; an id that is taken is an error, which the host shows and which disables the plugin.
    [[nodiscard]] virtual Result<void> contribute(engine::Registries& registries) = 0;
};

} // namespace qscope

Q_DECLARE_INTERFACE(qscope::MethodPlugin, "qscope.MethodPlugin/1")
