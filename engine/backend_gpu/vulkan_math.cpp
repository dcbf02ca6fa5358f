// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend_gpu/vulkan_math.h"

#include "gpu/kernels/map_elements.h"
#include "gpu/kernels/multiply_matrices.h"
#include "gpu/kernels/row_functions.h"
#include "gpu/runtime/transfer.h"

#include <algorithm>

namespace qscope::engine::vulkan {
namespace {

static_assert(static_cast<int>(UnaryFunction::Erf) == static_cast<int>(gpu::Function::Erf));
static_assert(static_cast<int>(BinaryFunction::Minimum) == static_cast<int>(gpu::Combination::Minimum));

gpu::MatrixPlaces placesOf(const MatrixSteps& steps) {
    return {word(steps.offset), word(steps.outer), word(steps.inner), word(steps.row), word(steps.column)};
}

/// Numbers that an array must have for all that the steps reach; sizes above 0, steps not negative.
std::int64_t reach(const MatrixSteps& steps, std::int64_t outer, std::int64_t inner, std::int64_t rows,
                   std::int64_t columns) {
    return 1 + steps.offset + (outer - 1) * steps.outer + (inner - 1) * steps.inner + (rows - 1) * steps.row +
           (columns - 1) * steps.column;
}

/// Holding more finished results than this waiting for their turn would only cost memory.
constexpr std::int64_t kHeldNumbers = std::int64_t{64} << 20;

} // namespace

std::int64_t VulkanMath::largestArray() const {
    return static_cast<std::int64_t>(std::min(m_device.info().limits.bindingBytes, std::uint64_t{UINT32_MAX}) /
                                     sizeof(float));
}

Result<VulkanMath::Array> VulkanMath::make(std::int64_t count) {
    if (count < 1) return fail(ErrorCode::OutOfRange, "an array of {} numbers was asked of the device", count);
    if (count > largestArray())
        return fail(ErrorCode::OutOfMemory, "{} numbers do not fit one array of the device, which holds {}", count,
                    largestArray());
    if (m_made > kHeldNumbers) QSCOPE_CHECK(finish());
    QSCOPE_TRY(auto buffer, m_device.makeBuffer(static_cast<std::uint64_t>(count) * sizeof(float)));
    m_made += count;
    return m_held.emplace_back(std::make_shared<const VulkanArray>(std::move(buffer), count));
}

Result<VulkanMath::Array> VulkanMath::own(const DeviceArrayPtr& array, std::int64_t needed) {
    auto ours = std::dynamic_pointer_cast<const VulkanArray>(array);
    if (!ours) return fail(ErrorCode::Device, "an array of another device was given to '{}'", m_device.info().name);
    if (ours->count() < needed)
        return fail(ErrorCode::OutOfRange, "an array of {} numbers was given where {} are needed", ours->count(),
                    needed);
    return m_held.emplace_back(std::move(ours));
}

Result<void> VulkanMath::finish() {
    QSCOPE_CHECK(m_work.flush());
    m_held.clear();
    m_made = 0;
    return {};
}

Result<DeviceArrayPtr> VulkanMath::upload(std::span<const float> values) {
    QSCOPE_TRY(const auto array, make(static_cast<std::int64_t>(values.size())));
    QSCOPE_CHECK(gpu::upload(m_device, array->buffer(), 0, std::as_bytes(values), m_stop));
    return array;
}

Result<void> VulkanMath::download(const DeviceArrayPtr& array, std::span<float> out) {
    QSCOPE_TRY(const auto ours, own(array, static_cast<std::int64_t>(out.size())));
    QSCOPE_CHECK(finish());
    return gpu::download(m_device, ours->buffer(), 0, std::as_writable_bytes(out), m_stop);
}

Result<DeviceArrayPtr> VulkanMath::map(UnaryFunction function, const DeviceArrayPtr& x) {
    QSCOPE_TRY(const auto in, own(x, 1));
    QSCOPE_TRY(const auto out, make(in->count()));
    QSCOPE_CHECK(m_work.add(1, static_cast<std::uint64_t>(in->count()), [&](std::uint32_t, std::uint32_t) {
        gpu::mapElements(m_work.recorder(), static_cast<gpu::Function>(function), word(in->count()), in->buffer(),
                         out->buffer());
    }));
    return out;
}

Result<DeviceArrayPtr> VulkanMath::combine(BinaryFunction function, const Broadcast& shape, const DeviceArrayPtr& a,
                                           const DeviceArrayPtr& b) {
    std::int64_t count = 1, reachA = 1, reachB = 1;
    gpu::CombinePass pass;
    for (std::size_t axis = 0; axis < 4; ++axis) {
        count *= shape.sizes[axis];
        reachA += (shape.sizes[axis] - 1) * shape.stepsA[axis];
        reachB += (shape.sizes[axis] - 1) * shape.stepsB[axis];
        pass.stepsA[axis] = word(shape.stepsA[axis]);
        pass.stepsB[axis] = word(shape.stepsB[axis]);
        if (axis > 0) pass.sizes[axis - 1] = word(shape.sizes[axis]);
    }
    QSCOPE_TRY(const auto left, own(a, reachA));
    QSCOPE_TRY(const auto right, own(b, reachB));
    QSCOPE_TRY(const auto out, make(count));
    pass.elements = word(count);
    QSCOPE_CHECK(m_work.add(1, static_cast<std::uint64_t>(count), [&](std::uint32_t, std::uint32_t) {
        gpu::combineElements(m_work.recorder(), static_cast<gpu::Combination>(function), pass, left->buffer(),
                             right->buffer(), out->buffer());
    }));
    return out;
}

Result<void> VulkanMath::multiply(const MatrixProduct& shape, const VulkanArray& a, const VulkanArray& b,
                                  const VulkanArray* bias, const VulkanArray& c) {
    gpu::ProductPass pass;
    pass.rows = word(shape.rows);
    pass.columns = word(shape.columns);
    pass.depth = word(shape.depth);
    pass.inner = word(shape.inner);
    pass.shareB = word(shape.shareB);
    pass.alpha = shape.alpha;
    if (bias) {
        pass.biasRow = word(shape.biasRow);
        pass.biasColumn = word(shape.biasColumn);
    }
    pass.a = placesOf(shape.a);
    pass.b = placesOf(shape.b);
    pass.offsetC = word(shape.result.offset);
    pass.outerC = word(shape.result.outer);
    pass.innerC = word(shape.result.inner);
    pass.rowC = word(shape.result.row);
    const std::uint64_t tiles = gpu::productTiles(pass, word(shape.outer));
    pass.tiles = word(static_cast<std::int64_t>(tiles));
    const auto cost = static_cast<std::uint64_t>(shape.depth) * 64; // of a tile, in units of one pass over a number
    return m_work.add(tiles, cost, [&](std::uint32_t first, std::uint32_t count) {
        pass.first = first;
        gpu::multiplyMatrices(m_work.recorder(), pass, count, a.buffer(), b.buffer(), (bias ? *bias : a).buffer(),
                              c.buffer());
    });
}

Result<DeviceArrayPtr> VulkanMath::product(const MatrixProduct& shape, const DeviceArrayPtr& a, const DeviceArrayPtr& b,
                                           const DeviceArrayPtr& bias) {
    if (std::min({shape.outer, shape.inner, shape.rows, shape.columns, shape.depth, shape.shareB}) < 1)
        return fail(ErrorCode::OutOfRange, "a product of empty matrices was asked of the device");
    QSCOPE_TRY(const auto left, own(a, reach(shape.a, shape.outer, shape.inner, shape.rows, shape.depth)));
    QSCOPE_TRY(const auto right,
               own(b, reach(shape.b, shape.outer, (shape.inner - 1) / shape.shareB + 1, shape.depth, shape.columns)));
    Array added;
    if (bias) {
        QSCOPE_TRY(added, own(bias, 1 + (shape.rows - 1) * shape.biasRow + (shape.columns - 1) * shape.biasColumn));
    }
    if (reach(shape.result, shape.outer, shape.inner, shape.rows, shape.columns) > shape.resultCount)
        return fail(ErrorCode::OutOfRange, "the results of a product do not fit {} numbers", shape.resultCount);
    QSCOPE_TRY(const auto out, make(shape.resultCount));
    QSCOPE_CHECK(multiply(shape, *left, *right, added.get(), *out));
    return out;
}

Result<DeviceArrayPtr> VulkanMath::softmax(const DeviceArrayPtr& x, std::int64_t columns, bool logarithm) {
    QSCOPE_TRY(const auto in, own(x, 1));
    if (columns < 1 || in->count() % columns != 0)
        return fail(ErrorCode::OutOfRange, "{} numbers are no rows of {}", in->count(), columns);
    QSCOPE_TRY(const auto out, make(in->count()));
    m_work.recorder().copy(in->buffer(), 0, out->buffer(), 0, static_cast<std::uint64_t>(in->count()) * sizeof(float));
    gpu::SoftmaxPass pass;
    pass.rows = pass.queries = word(in->count() / columns);
    pass.columns = word(columns);
    const auto form = logarithm ? gpu::SoftmaxForm::Logarithm : gpu::SoftmaxForm::Plain;
    QSCOPE_CHECK(
        m_work.add(pass.rows, static_cast<std::uint64_t>(columns) * 3, [&](std::uint32_t first, std::uint32_t count) {
            pass.first = first;
            gpu::softmaxRows(m_work.recorder(), form, pass, count, out->buffer(), in->buffer());
        }));
    return out;
}

Result<DeviceArrayPtr> VulkanMath::normalise(const DeviceArrayPtr& x, const DeviceArrayPtr& scale,
                                             const DeviceArrayPtr& bias, float epsilon, bool centred) {
    QSCOPE_TRY(const auto in, own(x, 1));
    QSCOPE_TRY(const auto factor, own(scale, 1));
    const std::int64_t columns = factor->count();
    if (in->count() % columns != 0)
        return fail(ErrorCode::OutOfRange, "{} numbers are no rows of {}", in->count(), columns);
    Array added = factor;
    if (bias) {
        QSCOPE_TRY(added, own(bias, columns));
    }
    QSCOPE_TRY(const auto out, make(in->count()));
    gpu::NormalisePass pass{0, word(in->count() / columns), word(columns), bias ? 1u : 0u, epsilon};
    const auto centring = centred ? gpu::Centring::Mean : gpu::Centring::None;
    QSCOPE_CHECK(
        m_work.add(pass.rows, static_cast<std::uint64_t>(columns) * 3, [&](std::uint32_t first, std::uint32_t count) {
            pass.first = first;
            gpu::normaliseRows(m_work.recorder(), centring, pass, count, in->buffer(), factor->buffer(),
                               added->buffer(), out->buffer());
        }));
    return out;
}

Result<DeviceArrayPtr> VulkanMath::rotate(const Rotation& shape, const DeviceArrayPtr& x, const DeviceArrayPtr& cosines,
                                          const DeviceArrayPtr& sines) {
    const std::int64_t count = shape.outer * shape.middle * shape.inner * shape.size;
    if (count < 1 || shape.pairs < 1 || 2 * shape.pairs > shape.size)
        return fail(ErrorCode::OutOfRange, "{} pairs cannot be turned in vectors of {}", shape.pairs, shape.size);
    const std::int64_t tokens = shape.tokenIsInner ? shape.inner : shape.middle;
    const std::int64_t angles = ((shape.outer - 1) * shape.outerStep + tokens) * shape.pairs;
    QSCOPE_TRY(const auto in, own(x, count));
    QSCOPE_TRY(const auto cosine, own(cosines, angles));
    QSCOPE_TRY(const auto sine, own(sines, angles));
    QSCOPE_TRY(const auto out, make(count));
    const gpu::RotatePass pass{word(count),          word(shape.size),   word(shape.pairs),
                               word(shape.inner),    word(shape.middle), shape.tokenIsInner ? 1u : 0u,
                               word(shape.outerStep)};
    const auto partners = shape.neighbours ? gpu::Partners::Neighbours : gpu::Partners::HalfApart;
    QSCOPE_CHECK(m_work.add(1, static_cast<std::uint64_t>(count), [&](std::uint32_t, std::uint32_t) {
        gpu::rotatePairs(m_work.recorder(), partners, pass, in->buffer(), cosine->buffer(), sine->buffer(),
                         out->buffer());
    }));
    return out;
}

Result<DeviceArrayPtr> VulkanMath::convolution(const ConvolutionShape& shape, const DeviceArrayPtr& x,
                                               const DeviceArrayPtr& weight, const DeviceArrayPtr& bias) {
    if (std::min({shape.batch, shape.channels, shape.outputs, shape.groups}) < 1 ||
        shape.channels % shape.groups != 0 || shape.outputs % shape.groups != 0)
        return fail(ErrorCode::OutOfRange, "{} channels and {} outputs do not divide into {} groups", shape.channels,
                    shape.outputs, shape.groups);
    const std::int64_t inside = shape.channels / shape.groups, made = shape.outputs / shape.groups;
    const std::int64_t picture = shape.size[0] * shape.size[1], places = shape.result[0] * shape.result[1];
    const std::int64_t depth = inside * shape.window[0] * shape.window[1];
    QSCOPE_TRY(const auto in, own(x, shape.batch * shape.channels * picture));
    QSCOPE_TRY(const auto kernel, own(weight, shape.outputs * depth));
    Array added;
    if (bias) {
        QSCOPE_TRY(added, own(bias, shape.outputs));
    }
    QSCOPE_TRY(const auto out, make(shape.batch * shape.outputs * places));
    gpu::UnfoldPass unfold{word(depth * places),
                           0,
                           word(shape.size[0]),
                           word(shape.size[1]),
                           word(shape.window[0]),
                           word(shape.window[1]),
                           word(shape.result[0]),
                           word(shape.result[1]),
                           word(shape.stride[0]),
                           word(shape.stride[1]),
                           word(shape.dilation[0]),
                           word(shape.dilation[1]),
                           static_cast<std::int32_t>(shape.padBefore[0]),
                           static_cast<std::int32_t>(shape.padBefore[1])};
    for (std::int64_t sample = 0; sample < shape.batch; ++sample)
        for (std::int64_t group = 0; group < shape.groups; ++group) {
            QSCOPE_TRY(const auto patches, make(depth * places));
            unfold.offset = word((sample * shape.channels + group * inside) * picture);
            QSCOPE_CHECK(m_work.add(1, static_cast<std::uint64_t>(depth * places), [&](std::uint32_t, std::uint32_t) {
                gpu::unfoldPatches(m_work.recorder(), unfold, in->buffer(), patches->buffer());
            }));
            MatrixProduct product{1, 1, made, places, depth};
            product.a = {group * made * depth, 0, 0, depth, 1};
            product.b = {0, 0, 0, places, 1};
            product.result = {(sample * shape.outputs + group * made) * places, 0, 0, places, 1};
            QSCOPE_CHECK(multiply(product, *kernel, *patches, nullptr, *out));
        }
    if (!bias) return out;
    const Broadcast perOutput{
        {1, shape.batch, shape.outputs, places}, {0, shape.outputs * places, places, 1}, {0, 0, 1, 0}};
    return combine(BinaryFunction::Add, perOutput, out, added);
}

Result<std::unique_ptr<DeviceMath>> makeMath(const gpu::Device& device, const std::stop_token& stop) {
    QSCOPE_TRY(auto work, Submissions::create(device, stop));
    return std::make_unique<VulkanMath>(device, std::move(work), stop);
}

} // namespace qscope::engine::vulkan
