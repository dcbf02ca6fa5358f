// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/activation_grid.h"
#include "engine/analysis/statistics.h"

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qscope::engine {

/// What flowed into one linear layer: vectors x of `channels` numbers, one per token. Layers that read the same edge
/// (query, key and value) share one of these.
struct InputStatistics {
    std::int64_t channels = 0;
    std::int64_t tokens = 0;        ///< that reached the layer
    std::vector<float> channelMax;  ///< max |x| of each channel
    std::vector<float> channelLow;  ///< min(x, 0) of each channel
    std::vector<float> channelHigh; ///< max(x, 0) of each channel
    std::vector<float> meanSquares; ///< of each channel: its importance
    std::vector<float> means;       ///< of each channel
    std::vector<float> tokenMax;    ///< max |x| of each token, in the order of the text
    std::vector<double>
        secondMoments; ///< XᵀX, the sum over tokens of x xᵀ: [channels, channels], symmetric; empty unless asked for
    std::vector<float> samples; ///< [sampleRows, channels]: tokens chosen at random, every token with the same chance
    std::int64_t sampleRows = 0;
    Histogram histogram; ///< of the samples

    /// Channels in which nothing but zeros arrived: their weights are not measured by this text.
    [[nodiscard]] std::int64_t silentChannels() const;
};

/// What calibration does with a text.
struct CalibrationSettings {
    std::string text = {};          ///< path
    std::int64_t sequences = 128;   ///< at most
    std::int64_t length = 0;        ///< tokens of a sequence; 0: the model's context, at most 2048
    std::string secondMoments = {}; ///< glob over weights' common names ("*": all) whose XᵀX is kept; empty: none
    std::int64_t samples = 256;     ///< tokens kept of each layer's inputs

    friend bool operator==(const CalibrationSettings&, const CalibrationSettings&) = default;
};

/// A text as the layers of one model saw it. Immutable once built; shared by all methods that run on it.
struct Calibration {
    CalibrationSettings settings;
    std::int64_t sequences = 0;
    std::int64_t length = 0;         ///< tokens of a sequence
    std::int64_t vocabulary = 0;     ///< tokens there are
    std::int64_t distinctTokens = 0; ///< tokens that occurred
    /// By the weight's common name: "model.layers.3.mlp.up_proj.weight".
    std::map<std::string, std::shared_ptr<const InputStatistics>, std::less<>> inputs;

    /// What flowed into this weight, or null.
    [[nodiscard]] const InputStatistics* find(std::string_view weight) const;
};

/// Gradients of a language model's loss (cross entropy per token) with respect to one weight as stored, over the sequences
/// of a calibration text, row-major.
struct WeightGradients {
    std::vector<float> mean;
    std::vector<float> meanSquares; ///< of the sequences' gradients: diagonal Fisher information
};

/// Static grids for what enters each layer: one range of all channels (Tensor) or one per channel (Channel); the other
/// scopes follow the values and have none.
[[nodiscard]] std::map<std::string, ActivationRange, std::less<>> staticRanges(const Calibration& calibration,
                                                                               ActivationScope scope);

} // namespace qscope::engine
