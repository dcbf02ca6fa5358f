// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/taps/quantize_activations.h"

#include "engine/backend/uniform_step.h"
#include "engine/nn/taps/input_recorder.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope::engine::nn {

namespace {

/// Rounds what shares one scale.
class Rounder {
public:
    Rounder(float low, float high, const ActivationGrid& grid)
        : m_levels(grid.levels) {
        if (m_levels.empty()) {
            m_step = UniformStep::covering(low, high, grid.bits, grid.symmetric);
            return;
        }
        const float largest = std::max(std::abs(m_levels.front()), std::abs(m_levels.back()));
        m_scale = std::max(std::abs(low), std::abs(high)) / largest;
    }
    [[nodiscard]] float rounded(float x) const {
        if (m_levels.empty()) return m_step.rounded(x);
        if (!(m_scale > 0)) return 0;
        const float target = x / m_scale;
        const auto above = std::ranges::lower_bound(m_levels, target);
        if (above == m_levels.begin()) return *above * m_scale;
        if (above == m_levels.end()) return m_levels.back() * m_scale;
        const float below = *(above - 1);
        return (*above - target < target - below ? *above : below) * m_scale;
    }

private:
    std::span<const float> m_levels;
    float m_scale = 0;
    UniformStep m_step;
};

void roundRun(std::span<float> values, const ActivationGrid& grid) {
    const auto [low, high] = std::ranges::minmax(values);
    const Rounder step(low, high, grid);
    for (float& x : values) x = step.rounded(x);
}

void roundChannels(std::span<float> values, std::size_t columns, const ActivationGrid& grid,
                   const ActivationRange* range) {
    ActivationRange own;
    if (!range) {
        own.low.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(columns));
        own.high = own.low;
        for (std::size_t i = columns; i < values.size(); ++i) {
            own.low[i % columns] = std::min(own.low[i % columns], values[i]);
            own.high[i % columns] = std::max(own.high[i % columns], values[i]);
        }
        range = &own;
    }
    std::vector<Rounder> steps;
    for (std::size_t c = 0; c < columns; ++c) steps.emplace_back(range->low[c], range->high[c], grid);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = steps[i % columns].rounded(values[i]);
}

void roundAll(std::span<float> values, std::int64_t columns, const ActivationGrid& grid,
                      const ActivationRange* range) {
    if (values.empty()) return;
    const auto width = static_cast<std::size_t>(columns);
    if (grid.scope == ActivationScope::Channel) {
        roundChannels(values, width, grid, range);
    } else if (grid.scope == ActivationScope::Tensor) {
        if (!range) return roundRun(values, grid);
        const Rounder step(range->low[0], range->high[0], grid);
        for (float& x : values) x = step.rounded(x);
    } else {
        const std::size_t group = grid.scope == ActivationScope::Token ? width : static_cast<std::size_t>(grid.group);
        for (std::size_t row = 0; row < values.size(); row += width)
            for (std::size_t c = 0; c < width; c += group)
                roundRun(values.subspan(row + c, std::min(group, width - c)), grid);
    }
}

/// Channels with a value of at least the threshold.
std::vector<bool> outlierChannels(std::span<const float> values, std::size_t columns, float threshold) {
    std::vector<bool> found(columns);
    for (std::size_t i = 0; i < values.size(); ++i)
        if (std::abs(values[i]) >= threshold) found[i % columns] = true;
    return found;
}

/// y [rows, outputs] += left right d for each row d of the differences [rows, channels].
void addBypass(std::span<float> y, std::span<const float> differences, std::int64_t channels, const ActivationBypass& bypass) {
    const auto rank = static_cast<std::size_t>(bypass.rank), width = static_cast<std::size_t>(channels);
    const std::size_t rows = differences.size() / width, outputs = y.size() / std::max<std::size_t>(1, rows);
    std::vector<float> middle(rank);
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t k = 0; k < rank; ++k)
            middle[k] = std::inner_product(differences.begin() + static_cast<std::ptrdiff_t>(row * width),
                                           differences.begin() + static_cast<std::ptrdiff_t>((row + 1) * width),
                                           bypass.right.begin() + static_cast<std::ptrdiff_t>(k * width), 0.0F);
        for (std::size_t o = 0; o < outputs; ++o)
            y[row * outputs + o] += std::inner_product(middle.begin(), middle.end(), bypass.left.begin() + static_cast<std::ptrdiff_t>(o * rank), 0.0F);
    }
}

} // namespace

void roundActivations(std::span<float> values, std::int64_t columns, const ActivationGrid& grid, const ActivationRange* range) {
    if (grid.outlierThreshold <= 0) return roundAll(values, columns, grid, range);
    const auto width = static_cast<std::size_t>(columns);
    const std::vector<bool> kept = outlierChannels(values, width, grid.outlierThreshold);
    const std::vector<float> given(values.begin(), values.end());
    for (std::size_t i = 0; i < values.size(); ++i)
        if (kept[i % width]) values[i] = 0; // must not widen the others' range
    roundAll(values, columns, grid, range);
    for (std::size_t i = 0; i < values.size(); ++i)
        if (kept[i % width]) values[i] = given[i];
}

QuantizeActivations::QuantizeActivations(const Graph& graph, ActivationQuantization what)
    : m_what(std::move(what)) {
    const auto in = [](const auto& map, const std::string& weight) {
        const auto found = map.find(weight);
        return found == map.end() ? nullptr : &found->second;
    };
    for (const Node& node : graph.nodes) {
        if (node.op->name != "Linear") continue;
        for (const std::string& weight : weightsBehind(graph, node.inputs[1])) {
            Layer layer{!m_what.layers || m_what.layers->contains(weight), in(m_what.ranges, weight), in(m_what.factors, weight),
                        in(m_what.bypasses, weight), {}};
            if (layer.rounds && !layer.range && !layer.factors && !layer.bypass) continue;
            if (layer.bypass) m_bypassed.emplace(node.outputs[0], &node);
            m_layers.emplace(&node, std::move(layer));
        }
    }
}

bool QuantizeActivations::wants(const Graph&, ValueId edge) { return m_what.linearInputs && m_bypassed.contains(edge); }

Result<Value> QuantizeActivations::value(const Graph&, ValueId edge, Value value) {
    Layer& layer = m_layers.at(m_bypassed.at(edge));
    const auto channels = static_cast<std::int64_t>(layer.bypass->right.size()) / std::max<std::int64_t>(1, layer.bypass->rank);
    QSCOPE_TRY(const Value single, converted(value, DType::F32));
    std::vector<float> sum(elements<float>(single).begin(), elements<float>(single).end());
    const std::size_t outputs = layer.bypass->left.size() / static_cast<std::size_t>(std::max<std::int64_t>(1, layer.bypass->rank));
    if (channels == 0 || sum.size() / outputs != layer.lost.size() / static_cast<std::size_t>(channels))
        return fail(ErrorCode::OutOfRange, "a low-rank part does not fit the layer it bypasses");
    addBypass(sum, layer.lost, channels, *layer.bypass);
    return converted(makeValue(single.shape(), std::move(sum)), value.dtype());
}

bool QuantizeActivations::wantsUse(const Graph&, const Node& node, std::size_t input) {
    if (node.op->name == "Linear") {
        const auto known = m_layers.find(&node);
        return m_what.linearInputs && input == 0 && (known == m_layers.end() || known->second.rounds);
    }
    return node.op->name == "Attention" && m_what.cache && (input == 1 || input == 2);
}

Result<Value> QuantizeActivations::use(const Graph&, const Node& node, std::size_t, Value value) {
    const bool linear = node.op->name == "Linear";
    const ActivationGrid& grid = linear ? m_what.inputGrid : m_what.cacheGrid;
    const auto known = linear ? m_layers.find(&node) : m_layers.end();
    Layer* layer = known == m_layers.end() ? nullptr : &known->second;
    const ActivationRange* range = layer ? layer->range : nullptr;
    QSCOPE_TRY(const Value single, converted(value, DType::F32));
    const auto given = elements<float>(single);
    if (given.empty()) return value;
    const Shape& shape = single.shape();
    const std::int64_t columns = shape.empty() ? 1 : shape.back();
    const auto scales = static_cast<std::size_t>(grid.scope == ActivationScope::Channel ? columns : 1);
    if (range && (range->low.size() != scales || range->high.size() != scales))
        return fail(ErrorCode::OutOfRange, "the static range of '{}' has {} entries and not {}", node.name,
                    range->low.size(), scales);
    std::vector<float> rounded(given.begin(), given.end());
    const std::vector<float>* factors = layer ? layer->factors : nullptr;
    if (factors && factors->size() != static_cast<std::size_t>(columns))
        return fail(ErrorCode::OutOfRange, "the inputs of '{}' are {} and have {} factors", node.name, columns, factors->size());
    const auto scaled = [&](bool back) {
        for (std::size_t i = 0; factors && i < rounded.size(); ++i) {
            const float factor = (*factors)[i % factors->size()];
            rounded[i] = back ? rounded[i] * factor : rounded[i] / factor;
        }
    };
    scaled(false);
    // The cache of one sequence and head is a matrix of its own; inputs of a linear layer are one matrix.
    const bool apart = !linear && grid.scope == ActivationScope::Channel && shape.size() >= 2;
    const std::size_t part = apart ? static_cast<std::size_t>(shape[shape.size() - 2] * columns) : rounded.size();
    for (std::size_t first = 0; first < rounded.size(); first += part)
        roundActivations(std::span(rounded).subspan(first, part), columns, grid, range);
    scaled(true);
    if (layer && layer->bypass) {
        layer->lost.resize(rounded.size());
        for (std::size_t i = 0; i < rounded.size(); ++i) layer->lost[i] = given[i] - rounded[i];
    }
    return converted(makeValue(shape, std::move(rounded)), value.dtype());
}

} // namespace qscope::engine::nn
