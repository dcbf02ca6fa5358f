// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/panel.h"

namespace qscope {

/// Adds a "?" to a view's header: what its numbers mean, with formulas and sources. Hovering or pressing shows it; it is
/// also the What's this of the whole view, from which the window's help takes it. Rich text, or plain paragraphs separated
/// by empty lines.
void addHelp(PanelHeader& header, const QString& text);

/// The same without a button.
void setViewHelp(PanelHeader& header, const QString& text);

} // namespace qscope
