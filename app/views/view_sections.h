// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/views/view_area.h"

class QMenu;

namespace qscope {

/// What a view is about, as a heading in lists of views: "Weights". Views of others come under "More".
[[nodiscard]] QString sectionOf(const QString& viewId);
/// Brings views of one section together, sections in their own order; within one the order stays.
void sortBySection(std::vector<OfferedView>& views);
/// Adds the heading of `view` where it differs from that of the view before; `before` is null for the first.
void addSection(QMenu& menu, const OfferedView& view, const OfferedView* before);

} // namespace qscope
