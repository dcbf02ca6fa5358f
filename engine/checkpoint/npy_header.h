// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/read_limits.h"
#include "engine/tensor/tensor.h"

#include <optional>
#include <string>
#include <string_view>

namespace qscope::engine {

/// What a NumPy file says about its one array.
struct NpyHeader {
    DType dtype = DType::F32;
    Shape shape;
    bool bigEndian = false;
    bool fortranOrder = false;  ///< the first axis varies fastest
    std::uint64_t dataOffset = 0;
    std::uint64_t dataBytes = 0;
};

/// The longest header that is read, with what stands before it; NumPy too refuses longer ones.
inline constexpr std::size_t kMostNpyHeaderBytes = 10'000;

[[nodiscard]] bool looksLikeNpy(std::span<const std::byte> start);

/// Reads the header of versions 1.0 to 3.0 at the front of `file`, which may end after it. Structured types, objects,
/// text and times are Unsupported by their name. Source: NumPy Enhancement Proposal 1 and numpy.lib.format.
[[nodiscard]] Result<NpyHeader> readNpyHeader(std::span<const std::byte> file, const ReadLimits& limits);

/// NumPy's word for a little-endian type, "<f4", or nothing when it has none.
[[nodiscard]] std::optional<std::string> npyType(DType type);

/// What stands before an array in C order, in a file of version 1.0: a multiple of 64 bytes. `type` as NumPy calls it.
[[nodiscard]] std::string npyHeader(std::string_view type, const Shape& shape);

/// The array's bytes as stored (without the header), put into little-endian and C order.
[[nodiscard]] std::vector<std::byte> arrangeNpy(const NpyHeader& header, std::vector<std::byte> array);

} // namespace qscope::engine
