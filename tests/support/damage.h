// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/reader.h"

namespace qscope::test {

/// Which bytes of a file to damage, and how.
struct Damage {
    std::size_t length = 0;  ///< only the first so many bytes
    std::size_t step = 1;    ///< only every so-manieth of them
    bool everyBit = false;   ///< one bit after the other, else one of them; and all together
};

/// Changes these bytes one at a time, then cuts the file at each of them: every time the reader must open something
/// consistent or refuse with one line, as Malformed or Unsupported.
void sweep(const engine::CheckpointReader& reader, const std::string& bytes, const Damage& damage);

[[nodiscard]] std::string contentsOf(const std::filesystem::path& path);

} // namespace qscope::test
