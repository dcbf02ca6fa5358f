// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

class QWidget;

namespace qscope {

[[nodiscard]] QWidget* makeProbabilityView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeCountsView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeAmplitudeView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeBlochView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeDensityView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeQSphereView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeWignerView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeMutualView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeCompareView(ViewContext& context, QWidget* parent);
[[nodiscard]] QWidget* makeEntropyView(ViewContext& context, QWidget* parent);

} // namespace qscope
