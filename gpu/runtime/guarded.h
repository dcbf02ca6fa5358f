// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "gpu/runtime/vk.h"

#include <string_view>
#include <type_traits>

namespace qscope::gpu {

/// Runs `work`, which calls Vulkan; what it throws becomes an error. `what` names the step: "making a buffer".
template<class F>
[[nodiscard]] Result<std::invoke_result_t<F>> guarded(std::string_view what, F&& work) {
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
            work();
            return {};
        } else {
            return work();
        }
    } catch (const vk::OutOfDeviceMemoryError&) {
        return fail(ErrorCode::OutOfMemory, "{}: the device is out of memory", what);
    } catch (const vk::OutOfHostMemoryError&) {
        return fail(ErrorCode::OutOfMemory, "{}: the device's driver is out of memory", what);
    } catch (const vk::DeviceLostError&) {
        return fail(ErrorCode::Device, "{}: the device was lost", what);
    } catch (const std::exception& error) {
        return fail(ErrorCode::Device, "{}: {}", what, error.what());
    }
}

} // namespace qscope::gpu
