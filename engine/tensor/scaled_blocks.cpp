// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/scaled_blocks.h"

#include "engine/tensor/small_floats.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

constexpr std::int64_t kBlock = 64, kBlockBytes = 36, kSub = 16;

class ScaledSource final : public TensorSource {
public:
    ScaledSource(ScaledBlocks weight, std::int64_t perScale) : m_weight(std::move(weight)), m_perScale(perScale) {}

    const ScaledBlocks& weight() const { return m_weight; }
    DType plainType() const override { return DType::F32; }

    Result<void> decode(std::int64_t first, std::span<float> out) const override { return decodeAs(first, out); }
    Result<void> decode(std::int64_t first, std::span<double> out) const override { return decodeAs(first, out); }

    Result<TensorView> contiguous(const Shape& shape) const override {
        std::vector<float> values(static_cast<std::size_t>(elementCount(shape)));
        QSCOPE_CHECK(decodeAs(0, std::span<float>(values)));
        return makeTensor(shape, std::move(values));
    }

private:
    template<class Number>
    Result<void> decodeAs(std::int64_t first, std::span<Number> out) const {
        for (std::size_t done = 0; done < out.size();) {
            const std::int64_t element = first + static_cast<std::int64_t>(done), sub = element % kBlock / kSub;
            const std::byte* const block = m_weight.blocks.bytes.data() + element / kBlock * kBlockBytes;
            const float scale = factor(static_cast<unsigned>(block[sub]), m_weight.scales[static_cast<std::size_t>(element / m_perScale)]);
            for (std::int64_t at = element % kSub; at < kSub && done < out.size(); ++at, ++done) {
                const auto pair = static_cast<unsigned>(block[4 + 8 * sub + at % 8]);
                out[done] = kE2M1[at < 8 ? pair & 15u : pair >> 4] * scale;
            }
        }
        return {};
    }

    float factor(unsigned code, float second) const {
        const float scale = (code & 0x7Fu) == 0x7F ? 0 : kE4M3[code & 0x7Fu]; // no sign; the top code is 0
        return m_weight.divides ? scale / second : scale * second;
    }

    ScaledBlocks m_weight;
    std::int64_t m_perScale; ///< elements
};

} // namespace

Result<TensorView> scaledTensor(ScaledBlocks weight) {
    const std::int64_t rows = asMatrix(weight.blocks.shape).rows, count = elementCount(weight.blocks.shape);
    const auto parts = std::ssize(weight.scales);
    if (weight.blocks.dtype != DType::NVFP4 || count == 0 || parts == 0 || rows % parts != 0)
        return fail(ErrorCode::Malformed, "{} scales do not fit NVFP4 blocks of {} rows", parts, rows);
    Shape shape = weight.blocks.shape;
    return makeTensor(std::move(shape), std::make_shared<const ScaledSource>(std::move(weight), count / parts));
}

const ScaledBlocks* scaledBlocks(const TensorSource* source) {
    const auto* scaled = dynamic_cast<const ScaledSource*>(source);
    return scaled ? &scaled->weight() : nullptr;
}

} // namespace qscope::engine
