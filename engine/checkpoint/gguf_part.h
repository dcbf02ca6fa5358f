// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/gguf_metadata.h"

#include <string_view>

namespace qscope::engine {

inline constexpr std::string_view kGgufMagic = "GGUF";

/// One GGUF file: a whole model, or one part of it.
struct GgufPart {
    std::shared_ptr<const MappedFile> file;
    Metadata metadata;
    std::vector<TensorInfo> tensors; ///< placed in the file
    std::uint64_t trailingBytes = 0; ///< after the last tensor and its padding
};

/// Reads the header of one file of version 2 or 3 and checks that every tensor lies in the file.
[[nodiscard]] Result<GgufPart> readGgufPart(const std::filesystem::path& place, const ReadLimits& limits,
                                            MetadataBudget& budget);

} // namespace qscope::engine
