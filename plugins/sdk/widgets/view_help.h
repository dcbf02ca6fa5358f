// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/panel.h"

namespace qscope {

/// Adds a "?" to a view's header: what its numbers mean, with formulas and sources, as rich text. Hovering or pressing
/// shows it.
void addHelp(PanelHeader& header, const QString& text);

} // namespace qscope
