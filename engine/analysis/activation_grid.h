// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
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
    /// Levels up to a scale, ascending, in place of the uniform grid: the largest magnitude of what shares a scale becomes
    /// the largest level, every value the nearest. Empty: uniform.
    std::vector<float> levels = {};
    /// Channels in which some value of the batch has at least this magnitude are left as they are (LLM.int8()). 0: none.
    float outlierThreshold = 0;

    friend bool operator==(const ActivationGrid&, const ActivationGrid&) = default;
};

/// Smallest and largest values that a static grid covers: one of each (Tensor) or one per channel (Channel).
struct ActivationRange {
    std::vector<float> low;
    std::vector<float> high;
};

/// What of a layer bypasses the rounding of its inputs: y += left right (x - x̂).
struct ActivationBypass {
    std::int64_t rank = 0;
    std::vector<float> left;  ///< [outputs, rank]
    std::vector<float> right; ///< [rank, channels]
};

/// How a method quantizes what flows while the model runs. Without a static range the grid follows each batch.
struct ActivationQuantization {
    bool linearInputs = false; ///< what enters linear layers
    bool cache = false;        ///< keys and values as attention reads them
    ActivationGrid inputGrid;
    ActivationGrid cacheGrid;
    /// Weights, by common name, whose inputs are rounded; nothing: all.
    std::optional<std::set<std::string, std::less<>>> layers = {};
    /// Static ranges of linear inputs by the weight's common name; layers that are not named follow the batch.
    std::map<std::string, ActivationRange, std::less<>> ranges = {};
    /// By the weight's common name, filled in from a method's results: what inputs are divided by before they are rounded
    /// (and multiplied by again: the results' weights are those for inputs as they were), and low-rank parts that see
    /// inputs before rounding.
    std::map<std::string, std::vector<float>, std::less<>> factors = {};
    std::map<std::string, ActivationBypass, std::less<>> bypasses = {};
    bool bypassLowRank = false; ///< whether `LowRankSum` results of this method are such parts
};

} // namespace qscope::engine
