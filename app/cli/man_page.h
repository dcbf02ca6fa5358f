// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace qscope::cli {

/// The manual page of section 1 in the form of man(7), made from what the commands say in their help.
[[nodiscard]] std::string manPage(const CLI::App& program, const std::string& version);

} // namespace qscope::cli
