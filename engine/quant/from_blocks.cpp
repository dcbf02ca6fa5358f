// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/from_blocks.h"

#include "engine/tensor/half.h"
#include "engine/tensor/small_floats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace qscope::engine {

namespace {

/// Where a block of a grid has its half-precision scale and, when the values do not lie around zero, the lowest of them.
struct GridBlock {
    DType type;
    int bits;
    std::size_t scaleAt;
    std::optional<std::size_t> lowestAt;
    int zero; ///< of all groups; 0: symmetric, or by the lowest value
};

constexpr std::array kGridBlocks{
    GridBlock{DType::Q4_0, 4, 0, {}, 0}, GridBlock{DType::Q5_0, 5, 0, {}, 0}, GridBlock{DType::Q8_0, 8, 0, {}, 0},
    GridBlock{DType::Q4_1, 4, 0, 2, 0},  GridBlock{DType::Q5_1, 5, 0, 2, 0},  GridBlock{DType::Q2_0, 2, 0, {}, 1},
    GridBlock{DType::TQ1_0, 2, 52, {}, 1}, GridBlock{DType::TQ2_0, 2, 64, {}, 1}};

constexpr std::uint16_t kHalfOne = 0x3C00;

std::uint16_t halfAt(const std::byte* place) {
    std::uint16_t half = 0;
    std::memcpy(&half, place, sizeof half);
    return half;
}

std::size_t bytesOf(DType type) { return static_cast<std::size_t>(info(type).blockBits / 8); }

/// Groups of a block each, or of a part of one.
Grouping groupsOf(const Shape& shape, std::int64_t length) {
    const MatrixShape matrix = asMatrix(shape);
    return {matrix.rows, matrix.columns, 1, length};
}

/// The zero point that puts the lowest value of a block where it is; nothing when none does.
std::optional<std::uint8_t> zeroFor(float scale, float lowest, int bits) {
    if (lowest == 0) return std::uint8_t{0};
    const float zero = std::round(-lowest / scale);
    if (!(zero >= 0 && zero < static_cast<float>(1 << bits)) || -zero * scale != lowest) return std::nullopt;
    return static_cast<std::uint8_t>(zero);
}

/// Codes of all elements: the blocks' values with a scale of 1 and no offset are the codes, but for a constant.
Result<std::vector<std::uint8_t>> gridCodes(const TensorView& blocks, const GridBlock& form) {
    constexpr std::size_t kPiece = 256;
    const std::size_t size = bytesOf(form.type), count = blocks.bytes.size() / size;
    const auto length = static_cast<std::size_t>(info(form.type).blockLength);
    std::vector<std::uint8_t> codes;
    codes.reserve(count * length);
    std::vector<std::byte> piece;
    std::vector<float> values;
    for (std::size_t first = 0; first < count; first += kPiece) {
        const std::size_t here = std::min(kPiece, count - first);
        const auto stored = blocks.bytes.subspan(first * size, here * size);
        piece.assign(stored.begin(), stored.end());
        for (std::size_t block = 0; block < here; ++block) {
            std::memcpy(piece.data() + block * size + form.scaleAt, &kHalfOne, sizeof kHalfOne);
            if (form.lowestAt) std::memset(piece.data() + block * size + *form.lowestAt, 0, sizeof kHalfOne);
        }
        values.resize(here * length);
        QSCOPE_CHECK(decode({form.type, {std::ssize(values)}, piece, nullptr}, 0, std::span<float>(values)));
        for (const float value : values) codes.push_back(static_cast<std::uint8_t>(static_cast<int>(value) + form.zero));
    }
    return codes;
}

Result<GridCodes> gridFrom(const TensorView& blocks, const GridBlock& form, CodedValues wanted) {
    const bool symmetric = form.zero == 0 && !form.lowestAt;
    GridCodes grid{{form.bits, symmetric, ScaleType::F16}, groupsOf(blocks.shape, info(form.type).blockLength), {}, {}};
    std::vector<float> scales;
    std::vector<std::uint8_t> zeros;
    const std::size_t size = bytesOf(form.type);
    for (std::size_t at = 0; at < blocks.bytes.size(); at += size) {
        const std::byte* const block = blocks.bytes.data() + at;
        scales.push_back(halfToFloat(halfAt(block + form.scaleAt)));
        if (!std::isfinite(scales.back())) return fail(ErrorCode::Unsupported, "a scale that is not finite");
        if (symmetric) continue;
        const auto zero = form.lowestAt ? zeroFor(scales.back(), halfToFloat(halfAt(block + *form.lowestAt)), form.bits)
                                        : std::optional(static_cast<std::uint8_t>(form.zero));
        if (!zero)
            return fail(ErrorCode::Unsupported, "the lowest value of a {} block is no whole multiple of its scale, which zero points need",
                        info(form.type).name);
        zeros.push_back(*zero);
    }
    if (wanted == CodedValues::None) return grid;
    grid.values.scales = std::move(scales);
    grid.values.zeros = std::move(zeros);
    if (wanted == CodedValues::All) {
        QSCOPE_TRY(grid.values.codes, gridCodes(blocks, form));
    }
    return grid;
}

/// MXFP4: one exponent for 32 codes. NVFP4: four scales for 16 codes each. Codes j and j + half share a byte.
Result<LevelCodes> levelsFrom(const TensorView& blocks, CodedValues wanted) {
    const bool nv = blocks.dtype == DType::NVFP4;
    const std::size_t group = nv ? 16 : 32, scales = nv ? 4 : 1, size = bytesOf(blocks.dtype);
    LevelCodes codes;
    codes.levelSet = "E2M1";
    codes.levels.assign(kE2M1.begin(), kE2M1.end());
    codes.grouping = groupsOf(blocks.shape, static_cast<std::int64_t>(group));
    codes.scaleType = nv ? DType::F8_E4M3 : DType::F8_E8M0;
    if (wanted == CodedValues::None) return codes;
    if (wanted == CodedValues::All) codes.codes.resize(static_cast<std::size_t>(elementCount(blocks.shape)));
    for (std::size_t at = 0, element = 0; at < blocks.bytes.size(); at += size) {
        const std::byte* const block = blocks.bytes.data() + at;
        for (std::size_t s = 0; s < scales; ++s, element += group) {
            const auto code = static_cast<unsigned>(block[s]);
            if (!nv && code == 0xFF) return fail(ErrorCode::Unsupported, "an MXFP4 scale of 2^128");
            codes.scales.push_back(!nv ? kE8M0[code] : (code & 0x7Fu) == 0x7F ? 0 : kE4M3[code & 0x7Fu]); // no sign; the top code is 0
            if (wanted != CodedValues::All) continue;
            for (std::size_t j = 0; j < group / 2; ++j) {
                const auto pair = static_cast<unsigned>(block[scales + s * group / 2 + j]);
                codes.codes[element + j] = static_cast<std::uint8_t>(pair & 15u);
                codes.codes[element + j + group / 2] = static_cast<std::uint8_t>(pair >> 4);
            }
        }
    }
    return codes;
}

} // namespace

Result<QuantizedTensor> fromBlocks(const TensorView& blocks, CodedValues values) {
    QuantizedTensor tensor{blocks.shape, BlockCodes{}};
    const auto form = std::ranges::find(kGridBlocks, blocks.dtype, &GridBlock::type);
    if (form != kGridBlocks.end()) {
        QSCOPE_TRY(tensor.codes, gridFrom(blocks, *form, values));
    } else if (blocks.dtype == DType::MXFP4 || blocks.dtype == DType::NVFP4) {
        QSCOPE_TRY(tensor.codes, levelsFrom(blocks, values));
    } else {
        return fail(ErrorCode::Unsupported, "{} blocks, which are no codes with one scale and zero point", info(blocks.dtype).name);
    }
    return tensor;
}

Result<QuantizedTensor> fromBlocks(const ScaledBlocks& weight, CodedValues values) {
    if (weight.scales.size() != 1) return fail(ErrorCode::Unsupported, "a scale for every expert");
    QSCOPE_TRY(auto tensor, fromBlocks(weight.blocks, values));
    auto& levels = std::get<LevelCodes>(tensor.codes);
    levels.hasTensorScale = true;
    levels.tensorScaleDivides = weight.divides;
    levels.tensorScale = weight.scales.front();
    return tensor;
}

} // namespace qscope::engine
