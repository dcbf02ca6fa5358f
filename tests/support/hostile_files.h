// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/reader.h"

#include <string>
#include <vector>

namespace qscope::test {

/// Files, by name, of which the first is opened; the others lie beside it.
struct HostileFile {
    std::string what;                                            ///< what it has too much of
    std::unique_ptr<engine::CheckpointReader> (*reader)() = nullptr;
    std::vector<std::pair<std::string, std::string>> files;
    bool opens = false;                                          ///< or is refused, for what it would take
};

/// For each format, files of some megabytes that ask for as much memory or work per byte as the format lets them: as many
/// of the smallest entries as fit, counts and shapes far beyond the bytes, shared parts, streams that unpack to far more.
[[nodiscard]] std::vector<HostileFile (*)()> hostileFiles();

} // namespace qscope::test
