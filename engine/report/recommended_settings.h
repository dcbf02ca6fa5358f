// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string_view>

namespace qscope::engine {

/// A setting worth starting from.
struct RecommendedSetting {
    std::string_view spec; ///< as on the command line, with what is chained to it: "smooth+rtn:bits=8"
    std::string_view why;  ///< what it is for and who uses it so
};

/// What a method's paper or its authors' code runs with, in the words of this studio's parameters. Empty for methods
/// whose name is the setting (block types of GGUF) and for those that are not built in.
[[nodiscard]] std::span<const RecommendedSetting> recommendedSettings(std::string_view method);

} // namespace qscope::engine
