// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/taps/quantize_activations.h"

#include "engine/nn/taps/input_recorder.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine::nn {

namespace {

/// The uniform grid of `UniformGrid`, wide enough for 16 bits.
struct Step {
    float scale = 0;
    float zero = 0;
    float least = 0;
    float most = 0;

    Step(float low, float high, const ActivationGrid& grid) {
        const auto levels = static_cast<float>((std::int64_t{1} << (grid.symmetric ? grid.bits - 1 : grid.bits)) - 1);
        low = std::min(low, 0.0F);
        high = std::max(high, 0.0F);
        most = levels;
        least = grid.symmetric ? -levels : 0.0F;
        scale = (grid.symmetric ? std::max(high, -low) : high - low) / levels;
        if (!grid.symmetric && scale > 0) zero = std::clamp(std::rint(-low / scale), least, most);
    }
    [[nodiscard]] float rounded(float x) const {
        return scale > 0 ? (std::clamp(std::rint(x / scale) + zero, least, most) - zero) * scale : 0.0F;
    }
};

void roundRun(std::span<float> values, const ActivationGrid& grid) {
    const auto [low, high] = std::ranges::minmax(values);
    const Step step(low, high, grid);
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
    std::vector<Step> steps;
    for (std::size_t c = 0; c < columns; ++c) steps.emplace_back(range->low[c], range->high[c], grid);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = steps[i % columns].rounded(values[i]);
}

} // namespace

void roundActivations(std::span<float> values, std::int64_t columns, const ActivationGrid& grid,
                      const ActivationRange* range) {
    if (values.empty()) return;
    const auto width = static_cast<std::size_t>(columns);
    if (grid.scope == ActivationScope::Channel) {
        roundChannels(values, width, grid, range);
    } else if (grid.scope == ActivationScope::Tensor) {
        if (!range) return roundRun(values, grid);
        const Step step(range->low[0], range->high[0], grid);
        for (float& x : values) x = step.rounded(x);
    } else {
        const std::size_t group = grid.scope == ActivationScope::Token ? width : static_cast<std::size_t>(grid.group);
        for (std::size_t row = 0; row < values.size(); row += width)
            for (std::size_t c = 0; c < width; c += group)
                roundRun(values.subspan(row + c, std::min(group, width - c)), grid);
    }
}

QuantizeActivations::QuantizeActivations(const Graph& graph, ActivationQuantization what)
    : m_what(std::move(what)) {
    for (const Node& node : graph.nodes) {
        if (node.op->name != "Linear") continue;
        for (const std::string& weight : weightsBehind(graph, node.inputs[1]))
            if (const auto range = m_what.ranges.find(weight); range != m_what.ranges.end())
                m_ranges.emplace(&node, &range->second);
    }
}

bool QuantizeActivations::wantsUse(const Graph&, const Node& node, std::size_t input) {
    if (node.op->name == "Linear") return m_what.linearInputs && input == 0;
    return node.op->name == "Attention" && m_what.cache && (input == 1 || input == 2);
}

Result<Value> QuantizeActivations::use(const Graph&, const Node& node, std::size_t, Value value) {
    const bool linear = node.op->name == "Linear";
    const ActivationGrid& grid = linear ? m_what.inputGrid : m_what.cacheGrid;
    const ActivationRange* range = nullptr;
    if (const auto known = m_ranges.find(&node); linear && known != m_ranges.end()) range = known->second;
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
    // The cache of one sequence and head is a matrix of its own; inputs of a linear layer are one matrix.
    const bool apart = !linear && grid.scope == ActivationScope::Channel && shape.size() >= 2;
    const std::size_t part = apart ? static_cast<std::size_t>(shape[shape.size() - 2] * columns) : rounded.size();
    for (std::size_t first = 0; first < rounded.size(); first += part)
        roundActivations(std::span(rounded).subspan(first, part), columns, grid, range);
    return converted(makeValue(shape, std::move(rounded)), value.dtype());
}

} // namespace qscope::engine::nn
