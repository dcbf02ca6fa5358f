// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"

#include <QString>

#include <cstdint>
#include <vector>

namespace qscope {

/// One field of the map and the tensors that share it: one, or the experts of a layer.
struct MapCell {
    std::int64_t row = 0;
    std::int64_t column = 0;
    std::vector<std::size_t> tensors; ///< indices in the checkpoint, ascending
};

/// The whole tensors of a checkpoint as layers (down) by modules (across). Only fields that hold a tensor are kept.
struct ModuleMap {
    std::vector<QString> rows;    ///< the layers' numbers; the last is "outside" where tensors lie outside the blocks
    std::vector<QString> columns; ///< short names, in the order in which values pass, then what the order does not know
    std::vector<MapCell> cells;   ///< ascending by row, then column
    std::vector<std::int64_t> cellOf; ///< by tensor; -1: it is a part of another

    /// The field at a place, or null.
    [[nodiscard]] const MapCell* at(std::int64_t row, std::int64_t column) const;
};

[[nodiscard]] ModuleMap moduleMap(const engine::Checkpoint& checkpoint);

} // namespace qscope
