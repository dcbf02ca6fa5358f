// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/device_state.h"
#include "gpu/runtime/timestamps.h"

namespace qscope::gpu {

struct Timestamps::State {
    std::shared_ptr<DeviceState> device;
    vk::raii::QueryPool queries;
};

} // namespace qscope::gpu
