// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/exact_blocks.h"

#include "engine/tensor/half.h"

#include <algorithm>
#include <cstring>

namespace qscope::engine {

namespace {
constexpr std::size_t kLength = 32;
}

std::optional<DType> exactBlockType(const GridCodes& codes) {
    const Grouping& grouping = codes.grouping;
    constexpr auto length = static_cast<std::int64_t>(kLength);
    if (!codes.grid.symmetric || grouping.groupRows != 1 || grouping.groupColumns != length ||
        grouping.columns % length != 0)
        return std::nullopt;
    const auto isHalf = [](float scale) { return halfToFloat(floatToHalf(scale)) == scale; };
    if (!std::ranges::all_of(codes.values.scales, isHalf)) return std::nullopt;
    return codes.grid.bits <= 4 ? DType::Q4_0 : DType::Q8_0;
}

TensorView asExactBlocks(const GridCodes& codes, const Shape& shape) {
    const DType type = *exactBlockType(codes);
    const auto blockBytes = static_cast<std::size_t>(info(type).blockBits / 8);
    std::vector<std::byte> bytes(codes.values.scales.size() * blockBytes);
    for (std::size_t block = 0; block < codes.values.scales.size(); ++block) {
        std::byte* const out = bytes.data() + block * blockBytes;
        const std::uint16_t scale = floatToHalf(codes.values.scales[block]);
        std::memcpy(out, &scale, sizeof scale);
        const std::uint8_t* const code = codes.values.codes.data() + block * kLength;
        if (type == DType::Q8_0) {
            std::memcpy(out + sizeof scale, code, kLength);
            continue;
        }
        for (std::size_t j = 0; j < kLength / 2; ++j) // low nibble: element j, high nibble: element j + 16; offset 8
            out[sizeof scale + j] = static_cast<std::byte>(((code[j] + 8u) & 15u) | ((code[j + kLength / 2] + 8u) & 15u) << 4);
    }
    return makeTensor(type, shape, std::move(bytes));
}

} // namespace qscope::engine
