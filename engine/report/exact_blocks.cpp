// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/exact_blocks.h"

#include "engine/checkpoint/gguf_scales.h"
#include "engine/tensor/half.h"
#include "engine/tensor/small_floats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace qscope::engine {

namespace {

constexpr std::array<float, 8> kE2M1{0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
constexpr std::size_t kNvfp4Group = 16;

bool isHalf(float value) { return halfToFloat(floatToHalf(value)) == value; }

/// Whether runs of `length` elements each lie in one row and one group.
bool fits(const Grouping& grouping, const Shape& shape, std::int64_t length) {
    return !shape.empty() && shape.back() % length == 0 && grouping.columns % length == 0 &&
           (grouping.groupColumns % length == 0 || grouping.groupColumns >= grouping.columns);
}

std::int64_t groupAt(const Grouping& grouping, std::size_t element) {
    const auto index = static_cast<std::int64_t>(element);
    return grouping.indexOf(index / grouping.columns, index % grouping.columns);
}

template<class... Args>
tl::unexpected<Error> refuse(fmt::format_string<Args...> why, Args&&... args) {
    return fail(ErrorCode::Unsupported, "no GGUF type holds it exactly: {}", fmt::format(why, std::forward<Args>(args)...));
}

DType symmetricType(int bits) { return bits <= 4 ? DType::Q4_0 : bits == 5 ? DType::Q5_0 : DType::Q8_0; }

bool lowestAreHalves(const RoundedToGrid& values) {
    for (std::size_t i = 0; i < values.scales.size(); ++i)
        if (!isHalf(-static_cast<float>(values.zeros[i]) * values.scales[i])) return false;
    return true;
}

Result<ExactType> typeOf(const GridCodes& codes, const Shape& shape) {
    const UniformGrid& grid = codes.grid;
    if (!codes.columnGroup.empty()) return refuse("its groups are scattered over the columns (act-order)");
    if (!fits(codes.grouping, shape, 32)) return refuse("its groups are no multiple of 32 columns, or its rows none");
    if (!grid.symmetric && grid.bits > 7) return refuse("GGUF has no asymmetric grid of {} bits", grid.bits);
    // Scales are judged by what they are; those of an outline, by what they may be.
    if (codes.values.scales.empty() && grid.scaleType != ScaleType::F16) return refuse("its scales are not in half precision");
    if (!std::ranges::all_of(codes.values.scales, isHalf)) return refuse("a scale is not a number of half precision");
    if (!grid.symmetric && grid.bits <= 5 && lowestAreHalves(codes.values)) return ExactType{grid.bits <= 4 ? DType::Q4_1 : DType::Q5_1};
    return ExactType{symmetricType(grid.symmetric ? grid.bits : grid.bits + 1)};
}

/// GGUF's code of every level, or nothing when they are not those of E2M1.
std::optional<std::vector<std::uint8_t>> e2m1Codes(const std::vector<float>& levels) {
    std::vector<std::uint8_t> codes;
    for (const float level : levels) {
        const auto place = std::ranges::find(kE2M1, std::abs(level));
        if (place == kE2M1.end()) return std::nullopt;
        codes.push_back(static_cast<std::uint8_t>((place - kE2M1.begin()) | (std::signbit(level) ? 8 : 0)));
    }
    return codes;
}

/// The exponent byte of a scale that is a power of two, or nothing.
std::optional<std::uint8_t> e8m0Byte(float scale) {
    if (!(scale > 0) || !std::isfinite(scale)) return std::nullopt;
    const int exponent = std::ilogb(scale);
    if (exponent < -127 || std::ldexp(1.f, exponent) != scale) return std::nullopt;
    return static_cast<std::uint8_t>(exponent + 127);
}

/// The byte of an E4M3 number without sign, or nothing. The top code is not a number there and 0 in GGUF.
std::optional<std::uint8_t> e4m3Byte(float scale) {
    static constexpr SmallFloat kE4M3{4, 3, 7, SmallFloat::Special::TopCodeNan};
    static const auto kTable = tableOf<256>(kE4M3);
    const auto end = kTable.begin() + 127, place = std::find(kTable.begin(), end, scale);
    if (place == end) return std::nullopt;
    return static_cast<std::uint8_t>(place - kTable.begin());
}

Result<ExactType> typeOf(const LevelCodes& codes, const Shape& shape) {
    if (codes.levelSet != "E2M1" || codes.bits != 4 || (!codes.levels.empty() && !e2m1Codes(codes.levels)))
        return refuse("of its levels, {} of {} bits, GGUF knows none but E2M1", codes.levelSet, codes.bits);
    if (codes.nested) return refuse("its scales are codes themselves");
    // Scales are judged by what they are; those of an outline, by their type.
    const auto scalesAre = [&](DType type, const auto& byteOf) {
        if (codes.scales.empty()) return codes.scaleType == type;
        return std::ranges::all_of(codes.scales, [&](float scale) { return byteOf(scale).has_value(); });
    };
    if (codes.scaleType != DType::F8_E4M3 && !codes.hasTensorScale && fits(codes.grouping, shape, 32) && scalesAre(DType::F8_E8M0, e8m0Byte))
        return ExactType{DType::MXFP4};
    if (codes.scaleType == DType::F8_E8M0) {
        if (codes.hasTensorScale) return refuse("MXFP4 has no scale of the whole tensor");
        if (!fits(codes.grouping, shape, 32)) return refuse("MXFP4 has groups of a multiple of 32 columns");
        return refuse("a scale is not a number");
    }
    if (!scalesAre(DType::F8_E4M3, e4m3Byte))
        return refuse("its scales, of type {}, are no powers of two in groups of 32 (MXFP4) and no E4M3 numbers from 0 (NVFP4)", info(codes.scaleType).name);
    if (!fits(codes.grouping, shape, kNvfp4Group) || shape.back() % 64 != 0)
        return refuse("NVFP4 has groups of a multiple of 16 columns and rows of a multiple of 64");
    ExactType made{DType::NVFP4};
    if (!codes.hasTensorScale || codes.tensorScale == 1) return made; // without a scale it is 1
    made.tensorScale = codes.tensorScaleDivides ? ggufScaleOf(codes.tensorScale) : codes.tensorScale;
    if (codes.tensorScaleDivides) made.divisor = codes.tensorScale;
    return made;
}

Result<ExactType> typeOf(const BlockCodes& codes, const Shape&) { return ExactType{codes.type}; }

Result<ExactType> typeOf(const std::shared_ptr<const CodeForm>& form, const Shape&) {
    return fail(ErrorCode::Unsupported, "no GGUF type holds {}", form->describe());
}

std::byte nibbles(unsigned low, unsigned high) { return static_cast<std::byte>((low & 15u) | (high & 15u) << 4); }

void storeScale(std::byte* at, float scale) {
    const std::uint16_t stored = floatToHalf(scale);
    std::memcpy(at, &stored, sizeof stored);
}

/// One block of 32. Types without a lowest value have codes around zero: those of an asymmetric grid less their zero
/// point. All stored numbers but those of Q8_0 count from 0; five bits have the fifth in a word before.
void gridBlock(DType type, const GridCodes& codes, std::size_t first, std::byte* out) {
    const auto group = static_cast<std::size_t>(groupAt(codes.grouping, first));
    const float scale = codes.values.scales[group];
    const bool hasLowest = type == DType::Q4_1 || type == DType::Q5_1, five = type == DType::Q5_0 || type == DType::Q5_1;
    const unsigned zero = codes.grid.symmetric || hasLowest ? 0 : codes.values.zeros[group];
    std::array<unsigned, 32> code;
    for (std::size_t e = 0; e < code.size(); ++e) code[e] = codes.values.codes[first + e] - zero;
    storeScale(out, scale);
    out += 2;
    if (type == DType::Q8_0) {
        for (std::size_t e = 0; e < code.size(); ++e) out[e] = static_cast<std::byte>(code[e] & 0xFFu);
        return;
    }
    if (hasLowest) {
        storeScale(out, -static_cast<float>(codes.values.zeros[group]) * scale);
        out += 2;
    }
    const unsigned offset = hasLowest ? 0 : five ? 16 : 8;
    if (five) {
        std::uint32_t top = 0;
        for (std::uint32_t e = 0; e < 32; ++e) top |= ((code[e] + offset) >> 4 & 1u) << e;
        std::memcpy(out, &top, sizeof top);
        out += sizeof top;
    }
    for (std::size_t j = 0; j < 16; ++j) out[j] = nibbles(code[j] + offset, code[j + 16] + offset);
}

void levelBlock(DType type, const LevelCodes& codes, const std::vector<std::uint8_t>& code, std::size_t first, std::byte* out) {
    const auto nibble = [&](std::size_t element) { return code[codes.codes[element]]; };
    const auto scaleAt = [&](std::size_t element) { return codes.scales[static_cast<std::size_t>(groupAt(codes.grouping, element))]; };
    if (type == DType::MXFP4) {
        out[0] = static_cast<std::byte>(*e8m0Byte(scaleAt(first)));
        for (std::size_t j = 0; j < 16; ++j) out[1 + j] = nibbles(nibble(first + j), nibble(first + j + 16));
        return;
    }
    for (std::size_t s = 0; s < 4; ++s) {
        const std::size_t begin = first + kNvfp4Group * s;
        out[s] = static_cast<std::byte>(*e4m3Byte(scaleAt(begin)));
        for (std::size_t j = 0; j < 8; ++j) out[4 + 8 * s + j] = nibbles(nibble(begin + j), nibble(begin + j + 8));
    }
}

} // namespace

Result<ExactType> exactGgufType(const QuantizedTensor& tensor) {
    return std::visit([&](const auto& codes) { return typeOf(codes, tensor.shape); }, tensor.codes);
}

TensorView asExactBlocks(const QuantizedTensor& tensor) {
    if (const auto* blocks = std::get_if<BlockCodes>(&tensor.codes)) return makeTensor(blocks->type, tensor.shape, blocks->bytes);
    const DType type = exactGgufType(tensor)->type;
    const auto length = static_cast<std::size_t>(info(type).blockLength), bytes = static_cast<std::size_t>(info(type).blockBits / 8);
    const std::size_t blocks = static_cast<std::size_t>(elementCount(tensor.shape)) / length;
    std::vector<std::byte> out(blocks * bytes);
    const auto* levels = std::get_if<LevelCodes>(&tensor.codes);
    const auto codes = levels ? *e2m1Codes(levels->levels) : std::vector<std::uint8_t>();
    for (std::size_t block = 0; block < blocks; ++block) {
        if (levels) levelBlock(type, *levels, codes, block * length, out.data() + block * bytes);
        else gridBlock(type, std::get<GridCodes>(tensor.codes), block * length, out.data() + block * bytes);
    }
    return makeTensor(type, tensor.shape, std::move(out));
}

} // namespace qscope::engine
