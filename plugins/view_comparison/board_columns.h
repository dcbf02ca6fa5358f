// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/result_board.h"
#include "plugins/view_comparison/figures.h"

#include <QMetaType>

#include <vector>

namespace qscope {

/// One column of the board.
struct BoardColumn {
    int method = -1;          ///< in the report; -1: a pinned one whose result is not in memory
    std::int64_t tensor = -1; ///< in the checkpoint; -1: the whole model
    int pin = -1;             ///< place in the list of pinned columns; -1: not pinned
    QString label;
    QString tensorName; ///< empty: the whole model

    [[nodiscard]] ComparisonScope scope() const { return tensor < 0 ? ComparisonScope() : ComparisonScope(tensor); }
    friend bool operator==(const BoardColumn&, const BoardColumn&) = default;
};

/// Pinned columns in their order, then every other result of the report in the scope. A pinned tensor that the
/// checkpoint lacks is left out. `report` may be null.
[[nodiscard]] std::vector<BoardColumn> boardColumns(const engine::CompareReport* report,
                                                    const engine::Checkpoint& checkpoint,
                                                    const std::vector<PinnedColumn>& pinned, ComparisonScope scope);

/// The pins with this column added at the end, or without it.
[[nodiscard]] std::vector<PinnedColumn> withToggled(std::vector<PinnedColumn> pinned, const BoardColumn& column,
                                                    const engine::CompareReport* report);
/// The pins with one moved in front of the place `to` (0 to their number).
[[nodiscard]] std::vector<PinnedColumn> withMoved(std::vector<PinnedColumn> pinned, int from, int to);

} // namespace qscope

Q_DECLARE_METATYPE(qscope::BoardColumn)
