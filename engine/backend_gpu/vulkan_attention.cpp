// SPDX-License-Identifier: GPL-3.0-or-later
// Attention as two products around a softmax, over as many queries at once as one array of scores holds.
#include "engine/backend_gpu/vulkan_math.h"
#include "gpu/kernels/row_functions.h"

#include <algorithm>

namespace qscope::engine::vulkan {
namespace {

std::int64_t reach(const HeadSteps& steps, std::int64_t batch, std::int64_t heads, std::int64_t tokens,
                   std::int64_t size) {
    return (batch - 1) * steps.batch + (heads - 1) * steps.head + (tokens - 1) * steps.token + size;
}

/// Scores of one block of queries: enough to fill a device, small enough to stay in its caches.
constexpr std::int64_t kScores = std::int64_t{8} << 20;

} // namespace

Result<void> VulkanMath::attend(const AttentionShape& shape, std::int64_t batch, std::int64_t first,
                                std::int64_t queries, const VulkanArray& q, const VulkanArray& k, const VulkanArray& v,
                                const VulkanArray* mask, const VulkanArray& result) {
    QSCOPE_TRY(const auto scores, make(shape.heads * queries * shape.keys));
    MatrixProduct product{1, shape.heads, queries, shape.keys, shape.size, shape.heads / shape.kvHeads, shape.scale};
    product.a = {batch * shape.q.batch + first * shape.q.token, 0, shape.q.head, shape.q.token, 1};
    product.b = {batch * shape.k.batch, 0, shape.k.head, 1, shape.k.token};
    product.result = {0, 0, queries * shape.keys, shape.keys, 1};
    QSCOPE_CHECK(multiply(product, q, k, nullptr, *scores));

    gpu::SoftmaxPass pass;
    pass.rows = word(shape.heads * queries);
    pass.columns = word(shape.keys);
    pass.queries = word(queries);
    pass.causal = shape.causal ? 1 : 0;
    pass.position = word(shape.position + first);
    pass.window = word(shape.window);
    pass.cap = shape.cap;
    if (mask) {
        pass.hasAdded = 1;
        pass.addedOffset = word(batch * shape.maskSteps[0] + first * shape.maskSteps[2]);
        pass.addedMatrix = word(shape.maskSteps[1]);
        pass.addedRow = word(shape.maskSteps[2]);
        pass.addedColumn = word(shape.maskSteps[3]);
    }
    QSCOPE_CHECK(
        m_work.add(pass.rows, static_cast<std::uint64_t>(shape.keys) * 3, [&](std::uint32_t row, std::uint32_t count) {
            pass.first = row;
            gpu::softmaxRows(m_work.recorder(), gpu::SoftmaxForm::Plain, pass, count, scores->buffer(),
                             (mask ? *mask : *scores).buffer());
        }));

    MatrixProduct sum{1, shape.heads, queries, shape.valueSize, shape.keys, shape.heads / shape.kvHeads};
    sum.a = product.result;
    sum.b = {batch * shape.v.batch, 0, shape.v.head, shape.v.token, 1};
    sum.result = {batch * shape.result.batch + first * shape.result.token, 0, shape.result.head, shape.result.token, 1};
    return multiply(sum, *scores, v, nullptr, result);
}

Result<DeviceArrayPtr> VulkanMath::attention(const AttentionShape& shape, const DeviceArrayPtr& q,
                                             const DeviceArrayPtr& k, const DeviceArrayPtr& v,
                                             const DeviceArrayPtr& mask) {
    if (std::min({shape.batch, shape.heads, shape.kvHeads, shape.queries, shape.keys, shape.size, shape.valueSize}) <
            1 ||
        shape.heads % shape.kvHeads != 0)
        return fail(ErrorCode::OutOfRange, "{} heads do not divide among {} of keys and values", shape.heads,
                    shape.kvHeads);
    QSCOPE_TRY(const auto queries, own(q, reach(shape.q, shape.batch, shape.heads, shape.queries, shape.size)));
    QSCOPE_TRY(const auto keys, own(k, reach(shape.k, shape.batch, shape.kvHeads, shape.keys, shape.size)));
    QSCOPE_TRY(const auto values, own(v, reach(shape.v, shape.batch, shape.kvHeads, shape.keys, shape.valueSize)));
    Array added;
    if (mask) {
        const auto& steps = shape.maskSteps;
        QSCOPE_TRY(added, own(mask, 1 + (shape.batch - 1) * steps[0] + (shape.heads - 1) * steps[1] +
                                        (shape.queries - 1) * steps[2] + (shape.keys - 1) * steps[3]));
    }
    QSCOPE_TRY(const auto out, make(shape.batch * shape.heads * shape.queries * shape.valueSize));
    const std::int64_t limit = std::min(largestArray(), kScores);
    const std::int64_t block = std::min(shape.queries, std::max<std::int64_t>(1, limit / (shape.heads * shape.keys)));
    for (std::int64_t batch = 0; batch < shape.batch; ++batch)
        for (std::int64_t first = 0; first < shape.queries; first += block)
            QSCOPE_CHECK(attend(shape, batch, first, std::min(block, shape.queries - first), *queries, *keys, *values,
                                added.get(), *out));
    return out;
}

} // namespace qscope::engine::vulkan
