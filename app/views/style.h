// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/theme.h"

class QApplication;

namespace qscope {

/// Whether the desktop asks for dark windows; read before any palette of ours is set.
[[nodiscard]] bool systemIsDark(const QApplication& application);

/// "light", "dark" or "system".
[[nodiscard]] Theme themeFor(const QString& choice, bool systemDark);

/// Palette, font and the little style sheet that Fusion needs on top; everything from the theme's roles.
void applyStyle(QApplication& application, const Theme& theme);

} // namespace qscope
