// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend_gpu/tensor_ops.h"
#include "engine/tensor/blocks.h"
#include "engine/tensor/half.h"
#include "gpu/kernels/fit_blocks.h"
#include "gpu/kernels/scale_blocks.h"
#include "gpu/runtime/transfer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

namespace qscope::engine::vulkan {
namespace {

constexpr std::size_t kLength = gpu::kBlockLength;

/// A block is a half-precision scale followed by its codes.
constexpr std::size_t kScaleBytes = 2;

/// Both types take the scale in single precision for the codes and store it as a half afterwards.
float scaleFor(DType type, float peak) { return type == DType::Q4_0 ? peak / -8 : std::fabs(peak) / 127; }

/// Whole blocks of one slab.
Result<void> encodeSlab(const gpu::Device& device, gpu::Recorder& recorder, DType type, std::span<const float> values,
                        std::span<std::byte> out, const std::stop_token& stop) {
    const std::size_t blocks = values.size() / kLength;
    const auto count = static_cast<std::uint32_t>(blocks);
    QSCOPE_TRY(const auto valueBuffer, gpu::uploaded(device, values, stop));
    QSCOPE_TRY(const auto peakBuffer, device.makeBuffer(blocks * sizeof(float)));
    gpu::blockPeaks(recorder, count, valueBuffer, peakBuffer);
    QSCOPE_CHECK(recorder.submitAndWait());
    std::vector<float> peaks(blocks);
    QSCOPE_CHECK(gpu::download(device, peakBuffer, 0, std::as_writable_bytes(std::span(peaks)), stop));

    std::vector<float> factors(blocks);
    for (std::size_t i = 0; i < blocks; ++i) {
        if (!std::isfinite(peaks[i]))
            return fail(ErrorCode::OutOfRange, "values that are not finite cannot be encoded as {}", info(type).name);
        if (std::fabs(peaks[i]) > kTinyPeak) factors[i] = 1 / scaleFor(type, peaks[i]);
    }
    QSCOPE_CHECK(gpu::upload(device, peakBuffer, 0, std::as_bytes(std::span(factors)), stop));
    const std::size_t blockBytes = out.size() / blocks;
    const std::size_t codeBytes = blockBytes - kScaleBytes;
    QSCOPE_TRY(const auto codeBuffer, device.makeBuffer(blocks * codeBytes));
    if (type == DType::Q4_0)
        gpu::scaleToNibbles(recorder, count, valueBuffer, peakBuffer, codeBuffer);
    else
        gpu::scaleToBytes(recorder, count, valueBuffer, peakBuffer, codeBuffer);
    QSCOPE_CHECK(recorder.submitAndWait());
    std::vector<std::byte> codes(blocks * codeBytes);
    QSCOPE_CHECK(gpu::download(device, codeBuffer, 0, codes, stop));

    for (std::size_t i = 0; i < blocks; ++i) {
        const auto block = out.subspan(i * blockBytes, blockBytes);
        if (peaks[i] != 0 && std::fabs(peaks[i]) <= kTinyPeak) {
            engine::encodeBlocks(type, values.subspan(i * kLength, kLength), {}, block);
            continue;
        }
        const auto scale = floatToHalf(std::clamp(scaleFor(type, peaks[i]), -65504.f, 65504.f));
        std::memcpy(block.data(), &scale, kScaleBytes);
        std::memcpy(block.data() + kScaleBytes, codes.data() + i * codeBytes, codeBytes);
    }
    return {};
}

gpu::Fit fitFor(DType type) {
    return type == DType::Q4_K ? gpu::Fit::Affine : type == DType::Q6_K ? gpu::Fit::Symmetric : gpu::Fit::Single;
}

/// What the device leaves of a block, as it is stored.
void store(gpu::Fit fit, std::span<const std::byte> words, std::span<std::byte> block) {
    if (fit == gpu::Fit::Single) { // the scale comes first
        std::memcpy(block.data(), words.data() + block.size() - kScaleBytes, kScaleBytes);
        std::memcpy(block.data() + kScaleBytes, words.data(), block.size() - kScaleBytes);
        return;
    }
    std::memcpy(block.data(), words.data(), block.size()); // the last word may be half used
}

/// Blocks of one slab by search.
Result<void> fitSlab(const gpu::Device& device, gpu::Recorder& recorder, DType type, std::span<const float> values,
                     const gpu::Buffer* weights, gpu::FitPass pass, std::span<std::byte> out,
                     const std::stop_token& stop) {
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
        return fail(ErrorCode::OutOfRange, "values that are not finite cannot be encoded as {}", info(type).name);
    const auto fit = fitFor(type);
    const auto shape = gpu::shapeOf(fit);
    pass.count = static_cast<std::uint32_t>(values.size() / shape.length);
    const std::size_t bytes = shape.words * sizeof(std::uint32_t);
    QSCOPE_TRY(const auto valueBuffer, gpu::uploaded(device, values, stop));
    QSCOPE_TRY(const auto blockBuffer, device.makeBuffer(pass.count * bytes));
    gpu::fitBlocks(recorder, fit, pass, valueBuffer, weights ? *weights : valueBuffer, blockBuffer);
    QSCOPE_CHECK(recorder.submitAndWait());
    std::vector<std::byte> blocks(pass.count * bytes);
    QSCOPE_CHECK(gpu::download(device, blockBuffer, 0, blocks, stop));
    const std::size_t stored = out.size() / pass.count;
    for (std::size_t i = 0; i < pass.count; ++i)
        store(fit, std::span(blocks).subspan(i * bytes, bytes), out.subspan(i * stored, stored));
    return {};
}

Result<void> fitAll(const gpu::Device& device, DType type, std::span<const float> values, std::int64_t columns,
                    std::span<const float> importance, std::span<std::byte> out, const std::stop_token& stop) {
    std::optional<gpu::Buffer> weights;
    if (!importance.empty()) {
        QSCOPE_TRY(weights, gpu::uploaded(device, importance, stop));
    }
    gpu::FitPass pass;
    pass.columns = static_cast<std::uint32_t>(columns);
    pass.hasWeights = weights ? 1 : 0;
    QSCOPE_TRY(auto recorder, gpu::Recorder::create(device));
    // A search takes many passes over its values: fewer of them at once than elsewhere.
    const std::size_t length = gpu::shapeOf(fitFor(type)).length;
    const auto slab = std::max<std::size_t>(1, static_cast<std::size_t>(slabElements(device)) / 8 / length) * length;
    const auto blockBytes = static_cast<std::size_t>(info(type).blockBits / 8);
    for (std::size_t begin = 0; begin < values.size(); begin += slab) {
        if (stop.stop_requested()) return cancelled();
        const auto count = std::min(slab, values.size() - begin);
        pass.firstColumn = static_cast<std::uint32_t>(begin % static_cast<std::size_t>(columns));
        QSCOPE_CHECK(fitSlab(device, recorder, type, values.subspan(begin, count), weights ? &*weights : nullptr, pass,
                             out.subspan(begin / length * blockBytes, count / length * blockBytes), stop));
    }
    return {};
}

} // namespace

bool encodesBlocks(DType type) {
    return type == DType::Q4_0 || type == DType::Q8_0 || type == DType::Q4_K || type == DType::Q6_K;
}

Result<std::vector<std::byte>> encodeBlocks(const gpu::Device& device, DType type, std::span<const float> values,
                                            std::int64_t columns, std::span<const float> importance,
                                            const std::stop_token& stop) {
    if (!encodesBlocks(type))
        return fail(ErrorCode::Unsupported, "'{}' does not encode {}", device.info().name, info(type).name);
    const std::int64_t length = info(type).blockLength;
    if (columns < 1 || columns > UINT32_MAX || columns % length != 0 ||
        static_cast<std::int64_t>(values.size()) % columns != 0)
        return fail(ErrorCode::OutOfRange, "rows of {} values are no whole number of {} blocks of {}", columns,
                    info(type).name, length);
    if (!importance.empty() && static_cast<std::int64_t>(importance.size()) != columns)
        return fail(ErrorCode::OutOfRange, "{} importance weights for {} columns", importance.size(), columns);
    if (!std::ranges::all_of(importance, [](float weight) { return weight >= 0 && std::isfinite(weight); }))
        return fail(ErrorCode::OutOfRange, "importance weights must be finite and not negative");
    const auto blockBytes = static_cast<std::size_t>(info(type).blockBits / 8);
    std::vector<std::byte> out(values.size() / static_cast<std::size_t>(length) * blockBytes);
    // Q8_0 has one scale that fits; Q4_0 has one unless weights ask for another.
    if (type == DType::Q4_K || type == DType::Q6_K || (type == DType::Q4_0 && !importance.empty())) {
        QSCOPE_CHECK(fitAll(device, type, values, columns, importance, out, stop));
        return out;
    }
    const std::size_t slab = static_cast<std::size_t>(slabElements(device)) / kLength * kLength;
    QSCOPE_TRY(auto recorder, gpu::Recorder::create(device));
    for (std::size_t begin = 0; begin < values.size(); begin += slab) {
        if (stop.stop_requested()) return cancelled();
        const auto count = std::min(slab, values.size() - begin);
        QSCOPE_CHECK(encodeSlab(device, recorder, type, values.subspan(begin, count),
                                std::span(out).subspan(begin / kLength * blockBytes, count / kLength * blockBytes),
                                stop));
    }
    return out;
}

} // namespace qscope::engine::vulkan
