// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/recorder.h"

#include <bit>

namespace qscope::gpu {

/// A matrix of less than 2^32 elements cut into groups, the last ones of an axis may be smaller.
struct GroupShape {
    std::uint32_t rows = 0;
    std::uint32_t columns = 0;
    std::uint32_t groupRows = 0;
    std::uint32_t groupColumns = 0;

    [[nodiscard]] std::uint32_t elements() const { return rows * columns; }
    [[nodiscard]] std::uint32_t groupsAcross() const { return (columns + groupColumns - 1) / groupColumns; }
    [[nodiscard]] std::uint32_t groups() const { return (rows + groupRows - 1) / groupRows * groupsAcross(); }
};

/// Laid out like the shader's push constants: how groups are dealt out to invocations.
struct ExtremaPass {
    GroupShape shape;
    std::uint32_t groupsAcross = 0;
    std::uint32_t groups = 0;
    std::uint32_t parts = 0;
    std::uint32_t partLength = 0;
    std::uint32_t lanes = 0;

    /// How many pairs of extrema come out: pair `part * groups + group`.
    [[nodiscard]] std::uint32_t outputs() const { return groups * parts; }
};
static_assert(sizeof(ExtremaPass) == 36);

/// Enough invocations for any device, large groups in several parts.
[[nodiscard]] ExtremaPass planExtrema(const GroupShape& shape);

/// A value as a whole number that sorts like it, and back.
[[nodiscard]] constexpr std::uint32_t orderedKey(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
[[nodiscard]] constexpr float fromOrderedKey(std::uint32_t key) {
    return std::bit_cast<float>(key & 0x80000000u ? key & 0x7FFFFFFFu : ~key);
}

struct ExtremaKeys {
    std::uint32_t lowest = 0xFFFFFFFFu;
    std::uint32_t highest = 0;
};

/// Keys of the smallest and largest value of each part of each group, as `ExtremaKeys`.
void groupExtrema(Recorder& recorder, const ExtremaPass& pass, const Buffer& values, const Buffer& extrema);

} // namespace qscope::gpu
