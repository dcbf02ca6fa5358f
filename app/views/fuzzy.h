// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <optional>

namespace qscope {

/// How well `pattern` fits `text`, letter by letter in order, any case; more is better, nothing when it does not. Letters at
/// the start of words and in unbroken runs count more. Spaces in the pattern are ignored.
[[nodiscard]] std::optional<int> fuzzyScore(const QString& pattern, const QString& text);

} // namespace qscope
