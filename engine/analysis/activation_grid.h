// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace qscope::engine {

/// What shares one scale among activations [tokens, channels].
enum class ActivationScope : std::uint8_t { Tensor, Token, Channel, Group };

/// A uniform grid for what flows through a network; arithmetic as in `UniformGrid` (round_to_grid.h).
struct ActivationGrid {
    int bits = 8; ///< 2 to 16
    bool symmetric = true;
    ActivationScope scope = ActivationScope::Token;
    std::int64_t group = 128; ///< channels, when the scope is Group

    friend bool operator==(const ActivationGrid&, const ActivationGrid&) = default;
};

/// Smallest and largest values that a static grid covers: one of each (Tensor) or one per channel (Channel).
struct ActivationRange {
    std::vector<float> low;
    std::vector<float> high;
};

/// How a method quantizes what flows while the model runs. Without a static range the grid follows each batch.
struct ActivationQuantization {
    bool linearInputs = false; ///< what enters linear layers
    bool cache = false;        ///< keys and values as attention reads them
    ActivationGrid inputGrid;
    ActivationGrid cacheGrid;
    /// Static ranges of linear inputs by the weight's common name; layers that are not named follow the batch.
    std::map<std::string, ActivationRange, std::less<>> ranges = {};
};

} // namespace qscope::engine
