// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/device_math.h"
#include "engine/backend_gpu/submissions.h"
#include "gpu/runtime/device.h"

#include <stop_token>
#include <vector>

namespace qscope::engine::vulkan {

/// A size or step as kernels take it: what lies inside one array fits 32 bits.
[[nodiscard]] inline std::uint32_t word(std::int64_t value) { return static_cast<std::uint32_t>(value); }

class VulkanArray final : public DeviceArray {
public:
    VulkanArray(gpu::Buffer buffer, std::int64_t count)
        : m_buffer(std::move(buffer))
        , m_count(count) {}
    [[nodiscard]] std::int64_t count() const override { return m_count; }
    [[nodiscard]] const gpu::Buffer& buffer() const { return m_buffer; }

private:
    gpu::Buffer m_buffer;
    std::int64_t m_count;
};

/// `DeviceMath` on a Vulkan device. Arrays of work that was recorded are held until it is done.
class VulkanMath final : public DeviceMath {
public:
    VulkanMath(gpu::Device device, Submissions work, std::stop_token stop)
        : m_device(std::move(device))
        , m_work(std::move(work))
        , m_stop(std::move(stop)) {}

    std::int64_t largestArray() const override;
    Result<DeviceArrayPtr> upload(std::span<const float> values) override;
    Result<void> download(const DeviceArrayPtr& array, std::span<float> out) override;
    Result<DeviceArrayPtr> map(UnaryFunction function, const DeviceArrayPtr& x) override;
    Result<DeviceArrayPtr> combine(BinaryFunction function, const Broadcast& shape, const DeviceArrayPtr& a,
                                   const DeviceArrayPtr& b) override;
    Result<DeviceArrayPtr> product(const MatrixProduct& shape, const DeviceArrayPtr& a, const DeviceArrayPtr& b,
                                   const DeviceArrayPtr& bias) override;
    Result<DeviceArrayPtr> softmax(const DeviceArrayPtr& x, std::int64_t columns, bool logarithm) override;
    Result<DeviceArrayPtr> normalise(const DeviceArrayPtr& x, const DeviceArrayPtr& scale, const DeviceArrayPtr& bias,
                                     float epsilon, bool centred) override;
    Result<DeviceArrayPtr> rotate(const Rotation& shape, const DeviceArrayPtr& x, const DeviceArrayPtr& cosines,
                                  const DeviceArrayPtr& sines) override;
    Result<DeviceArrayPtr> attention(const AttentionShape& shape, const DeviceArrayPtr& q, const DeviceArrayPtr& k,
                                     const DeviceArrayPtr& v, const DeviceArrayPtr& mask) override;
    Result<DeviceArrayPtr> convolution(const ConvolutionShape& shape, const DeviceArrayPtr& x,
                                       const DeviceArrayPtr& weight, const DeviceArrayPtr& bias) override;

private:
    using Array = std::shared_ptr<const VulkanArray>;

    /// A new array, held until the work recorded from now on is done.
    [[nodiscard]] Result<Array> make(std::int64_t count);
    /// The array as ours, held likewise; OutOfRange when it has fewer than `needed` numbers or is another device's.
    [[nodiscard]] Result<Array> own(const DeviceArrayPtr& array, std::int64_t needed);
    /// Records a product into `c`.
    [[nodiscard]] Result<void> multiply(const MatrixProduct& shape, const VulkanArray& a, const VulkanArray& b,
                                        const VulkanArray* bias, const VulkanArray& c);
    [[nodiscard]] Result<void> attend(const AttentionShape& shape, std::int64_t batch, std::int64_t first,
                                      std::int64_t queries, const VulkanArray& q, const VulkanArray& k,
                                      const VulkanArray& v, const VulkanArray* mask, const VulkanArray& result);
    /// Waits for all that was recorded and lets its arrays go.
    [[nodiscard]] Result<void> finish();

    gpu::Device m_device;
    Submissions m_work;
    std::stop_token m_stop;
    std::vector<Array> m_held;
    std::int64_t m_made = 0; ///< numbers in arrays made since the last `finish`
};

[[nodiscard]] Result<std::unique_ptr<DeviceMath>> makeMath(const gpu::Device& device, const std::stop_token& stop);

} // namespace qscope::engine::vulkan
