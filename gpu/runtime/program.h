// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace qscope::gpu {

/// A compute shader with its specialisation constants. Binding k of set 0 is storage buffer k. Constant 0 is the
/// workgroup size; `constants[i]` is constant i + 1.
struct Program {
    std::string_view name; ///< for error messages
    std::span<const std::uint32_t> spirv;
    std::uint32_t bindings = 0;
    std::uint32_t pushBytes = 0; ///< at most 128
    std::uint32_t workgroupSize = 64;
    std::vector<std::uint32_t> constants;
};

} // namespace qscope::gpu
