// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

class QWidget;

namespace qscope {

[[nodiscard]] QWidget* makeHistoryView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeNoiseView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeBondsView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeTableauView(ViewContext& context, QWidget* parent);

} // namespace qscope
