// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace qscope::engine::qasm {

/// The name among `known` that `word` most probably meant (a few slips of the finger away), or an empty text.
[[nodiscard]] std::string closestName(std::string_view word, std::span<const std::string_view> known);

} // namespace qscope::engine::qasm
