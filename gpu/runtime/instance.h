// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "gpu/runtime/device_choice.h"

#include <memory>
#include <string>
#include <vector>

namespace qscope::gpu {

struct InstanceState;

enum class Validation : std::uint8_t { Off, On };

/// The connection to the machine's Vulkan drivers. Copies share it.
class Instance {
public:
    /// Device when the machine has no Vulkan, or no validation layer though asked for.
    [[nodiscard]] static Result<Instance> create(Validation validation = Validation::Off);

    /// Sorted best first; an index into this list is what "device N" means everywhere.
    [[nodiscard]] const std::vector<DeviceInfo>& devices() const;
    /// Warnings and errors of the validation layer so far.
    [[nodiscard]] std::vector<std::string> validationMessages() const;

    [[nodiscard]] const std::shared_ptr<InstanceState>& state() const { return m_state; }

private:
    explicit Instance(std::shared_ptr<InstanceState> state)
        : m_state(std::move(state)) {}
    std::shared_ptr<InstanceState> m_state;
};

} // namespace qscope::gpu
