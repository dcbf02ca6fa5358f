// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/quant/forms.h"

namespace qscope::engine {

/// Sizes of LQ-LoRA's two-level form: codes of so many bits in blocks counted over the flattened tensor, a scale code
/// per block, and a 16- or 32-bit peak per run of blocks.
struct LqFormat {
    int bits = 4;            ///< 2 to 8
    int scaleBits = 8;       ///< 2 to 8
    std::int64_t block = 64; ///< weights that share a scale
    std::int64_t run = 256;  ///< scales that share a peak
    ScaleType peakType = ScaleType::F32;

    /// Of the codes of so many weights, without the one offset per tensor.
    [[nodiscard]] std::uint64_t storedBits(std::int64_t count) const;
};

/// The levels of a normal float: quantiles of a normal distribution from -1 to 1, 0 among them, one more above than
/// below (Guo et al., LQ-LoRA, 2023, section 3; with four bits that of QLoRA). Ascending, 2^bits.
[[nodiscard]] std::vector<float> normalFloatLevels(int bits);

/// ŵ = level * (offset + scale code * peak / (2^scaleBits - 1)): the scales of blocks are stored as their distance from
/// the smallest of the tensor.
class LqCodes final : public CodeForm {
public:
    LqFormat format;
    std::vector<float> table;             ///< levels, 2^bits
    std::vector<std::uint8_t> codes;      ///< row-major
    std::vector<std::uint8_t> scaleCodes; ///< one per block
    std::vector<float> peaks;             ///< one per run of blocks
    float offset = 0;
    double outlineBits = 0; ///< per weight, in an outline whose format a budget will choose

    [[nodiscard]] float scaleOf(std::size_t block) const;
    [[nodiscard]] std::uint64_t storedBits(const Shape& shape) const override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const override;
    [[nodiscard]] std::vector<float> levels(const Shape& shape, std::int64_t row, std::int64_t column) const override;
};

/// Every value divided by the scale that its block will have when it is read again, to the nearest level. Finite
/// values. On all cores; leaves progress alone.
[[nodiscard]] Result<LqCodes> roundToLevels(std::span<const float> values, const LqFormat& format,
                                            const RunContext& context);

} // namespace qscope::engine
