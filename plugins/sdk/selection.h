// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace qscope {

/// The one selection that all views share. -1: none. Indices: tensor in the checkpoint, row and column in the tensor's
/// matrix shape, method in the compare report, qubit in the circuit; `step` counts operations already applied; layer of
/// the network, token of the text that ran through it.
struct Selection {
    std::int64_t tensor = -1;
    std::int64_t row = -1;
    std::int64_t column = -1;
    int method = -1;
    int qubit = -1;
    std::int64_t step = -1;
    int layer = -1;
    std::int64_t token = -1;

    friend bool operator==(const Selection&, const Selection&) = default;
};

} // namespace qscope
