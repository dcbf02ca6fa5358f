// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/board_columns.h"

#include <algorithm>
#include <set>

namespace qscope {

std::vector<BoardColumn> boardColumns(const engine::CompareReport* report, const engine::Checkpoint& checkpoint,
                                      const std::vector<PinnedColumn>& pinned, ComparisonScope scope) {
    std::vector<BoardColumn> columns;
    std::set<std::pair<int, std::int64_t>> shown;
    for (std::size_t pin = 0; pin < pinned.size(); ++pin) {
        BoardColumn column{-1, -1, static_cast<int>(pin), pinned[pin].label, pinned[pin].tensor};
        if (!column.tensorName.isEmpty()) {
            const auto tensor = checkpoint.find(column.tensorName.toStdString());
            if (!tensor) continue;
            column.tensor = static_cast<std::int64_t>(*tensor);
        }
        for (std::size_t i = 0; report && i < report->methods.size(); ++i)
            if (QString::fromStdString(report->methods[i].label) == column.label) column.method = static_cast<int>(i);
        if (column.label.isEmpty()) column.label = QString::fromStdString(engine::toText(pinned[pin].spec));
        if (column.method >= 0) shown.emplace(column.method, column.tensor);
        columns.push_back(std::move(column));
    }
    const std::int64_t tensor = scope.value_or(-1);
    for (std::size_t i = 0; report && i < report->methods.size(); ++i) {
        const int method = static_cast<int>(i);
        if (shown.contains({method, tensor})) continue;
        columns.push_back(
            {method, tensor, -1, QString::fromStdString(report->methods[i].label),
             scope ? QString::fromStdString(checkpoint.tensors[static_cast<std::size_t>(tensor)].name) : QString()});
    }
    return columns;
}

std::vector<PinnedColumn> withToggled(std::vector<PinnedColumn> pinned, const BoardColumn& column,
                                      const engine::CompareReport* report) {
    if (column.pin >= 0)
        pinned.erase(pinned.begin() + column.pin);
    else if (report && column.method >= 0)
        pinned.push_back(
            {report->methods[static_cast<std::size_t>(column.method)].spec, column.label, column.tensorName});
    return pinned;
}

std::vector<PinnedColumn> withMoved(std::vector<PinnedColumn> pinned, int from, int to) {
    if (from < 0 || from >= static_cast<int>(pinned.size())) return pinned;
    PinnedColumn moved = pinned[static_cast<std::size_t>(from)];
    pinned.erase(pinned.begin() + from);
    const int place = std::clamp(to > from ? to - 1 : to, 0, static_cast<int>(pinned.size()));
    pinned.insert(pinned.begin() + place, std::move(moved));
    return pinned;
}

} // namespace qscope
