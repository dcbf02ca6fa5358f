// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend_gpu/tensor_ops.h"

#include "engine/core/checked_math.h"
#include "gpu/kernels/error_sums.h"
#include "gpu/kernels/sums.h"
#include "gpu/runtime/transfer.h"

#include <algorithm>

namespace qscope::engine::vulkan {

/// Some milliseconds of work, so that a stop is noticed.
std::int64_t slabElements(const gpu::Device& device) {
    const std::uint64_t bytes = device.info().type == gpu::DeviceType::Software ? 2u << 20 : 16u << 20;
    return static_cast<std::int64_t>(std::min(bytes, device.info().limits.bindingBytes) / sizeof(float));
}

Result<ErrorSums> errorSums(const gpu::Device& device, std::span<const float> reference, std::span<const float> result,
                            const std::stop_token& stop) {
    if (reference.size() != result.size())
        return fail(ErrorCode::OutOfRange, "{} values compared with {}", reference.size(), result.size());
    ErrorSums total;
    QSCOPE_TRY(auto recorder, gpu::Recorder::create(device));
    const auto slab = static_cast<std::size_t>(slabElements(device));
    for (std::size_t begin = 0; begin < reference.size(); begin += slab) {
        if (stop.stop_requested()) return cancelled();
        const auto count = std::min(slab, reference.size() - begin);
        QSCOPE_TRY(const auto a, gpu::uploaded(device, reference.subspan(begin, count), stop));
        QSCOPE_TRY(const auto b, gpu::uploaded(device, result.subspan(begin, count), stop));
        const auto elements = static_cast<std::uint32_t>(count);
        const std::uint64_t groups = gpu::errorSumGroups(elements);
        QSCOPE_TRY(const auto sums, device.makeBuffer(groups * gpu::kErrorSums * gpu::kSumBytes));
        gpu::errorSums(recorder, device, elements, a, b, sums);
        QSCOPE_CHECK(recorder.submitAndWait());
        QSCOPE_TRY(const auto found, gpu::readSums(device, sums, groups * gpu::kErrorSums, stop));
        for (std::size_t i = 0; i < found.size(); i += gpu::kErrorSums)
            total += ErrorSums{0, found[i], found[i + 1], found[i + 2], found[i + 3], found[i + 4]};
        total.count += static_cast<std::int64_t>(count);
    }
    return total;
}

} // namespace qscope::engine::vulkan
