// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/panel.h"

namespace qscope {

/// Adds a "?" to a header that shows what the panel's numbers are: formula, unit, source. `text` is plain, its
/// paragraphs separated by empty lines; it is the header's What's this, too.
void addAbout(PanelHeader& header, const QString& text);

} // namespace qscope
