// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/registry.h"
#include "plugins/sdk/selection.h"
#include "plugins/view_comparison/figures.h"

#include <QString>

#include <functional>
#include <memory>
#include <set>

class QMenu;

namespace qscope {

/// What the pages of the comparison show, as one snapshot.
struct BoardState {
    std::shared_ptr<const engine::Checkpoint> checkpoint;
    std::shared_ptr<const engine::CompareReport> report;
    ComparisonScope scope;
    std::set<QString> pinned; ///< labels, in this scope
    QString baseline;         ///< label; empty: none
    Selection selection;
    const engine::Registries* registries = nullptr;
};

/// What a page asks of the view.
struct BoardActions {
    std::function<void(int method)> choose;
    std::function<void(int method)> exportResult;
    std::function<void(QMenu&, int method)> fillMenu;
    std::function<void(const QString& label)> setBaseline;
    std::function<void()> sweep;
};

} // namespace qscope
