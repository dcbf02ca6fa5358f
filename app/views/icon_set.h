// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/theme.h"

#include <QIcon>
#include <QString>

class QAction;

namespace qscope {

/// An icon of the drawn set in the theme's colours; names without a drawing give the plain "view" one.
[[nodiscard]] QIcon icon(const QString& name, const Theme& theme);
/// The application's own icon, in its own colours.
[[nodiscard]] QIcon applicationIcon();

/// Remembers which icon an action shows, so that `recolorIcons` can draw it again for another theme.
void setIcon(QAction& action, const QString& name, const Theme& theme);
/// Draws the icons of all actions and buttons below `root` that were set with `setIcon`.
void recolorIcons(QObject& root, const Theme& theme);

} // namespace qscope
