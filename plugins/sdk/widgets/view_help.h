// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/panel.h"

namespace qscope {

/// Adds a "?" to a view's header: what its numbers mean, with formulas and sources. Hovering or pressing shows it, and it is
/// the header's What's this. Rich text, or plain paragraphs separated by empty lines.
void addHelp(PanelHeader& header, const QString& text);

} // namespace qscope
