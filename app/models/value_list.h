// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/parameters.h"

#include <QString>

#include <string>
#include <vector>

namespace qscope {

/// Values of a parameter as a person lists them: "2, 3, 4", "2..8" (whole numbers), "32..512 x2" (each the one before
/// times two), or several of these separated by commas. In the order given, each once. OutOfRange says which part is
/// wrong and what the parameter takes.
[[nodiscard]] Result<std::vector<std::string>> parseValueList(const engine::ParamSpec& param, const QString& text);

/// What a parameter takes, for people: "2 to 8, default 4".
[[nodiscard]] QString describeRange(const engine::ParamSpec& param);

} // namespace qscope
