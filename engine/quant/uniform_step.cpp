// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/uniform_step.h"

#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "engine/quant/step_error.h"

#include <array>
#include <limits>

namespace qscope::engine {

namespace {

UniformStep stepOver(float low, float high, const UniformGrid& grid) {
    UniformStep step = UniformStep::covering(low, high, grid.bits, grid.symmetric);
    const float scale = grid.scaleType == ScaleType::F16 && step.scale > 0
                            ? std::clamp(step.scale, 0x1p-24F, 65504.0F) : step.scale;
    step.scale = roundedTo(grid.scaleType, scale);
    if (!grid.symmetric && step.scale > 0) step.zero = std::clamp(std::rint(-std::min(low, 0.0F) / step.scale), step.least, step.most);
    return step;
}

float percentileOf(std::span<const float> values, double percent) {
    std::vector<float> magnitudes(values.begin(), values.end());
    for (float& x : magnitudes) x = std::abs(x);
    const auto at = static_cast<std::size_t>(std::lround(percent / 100 * static_cast<double>(magnitudes.size() - 1)));
    std::nth_element(magnitudes.begin(), magnitudes.begin() + static_cast<std::ptrdiff_t>(at), magnitudes.end());
    return magnitudes[at];
}

/// KL(histogram of the values || histogram of what they round to), both over the bins of the values' range. A rounded
/// level's mass is spread over the bins that hold values which round to it, as in the calibration of TensorRT (Migacz,
/// 8-bit inference with TensorRT, 2017).
double divergenceOf(std::span<const float> values, float low, float high, const UniformStep& step) {
    constexpr std::size_t kBins = 512;
    std::array<double, kBins> mass{};
    std::array<float, kBins> level{};
    const float width = (high - low) / kBins;
    if (!(width > 0)) return 0;
    for (const float x : values) mass[std::min(kBins - 1, static_cast<std::size_t>(std::max(0.0F, (x - low) / width)))] += 1;
    // The values beyond the range count where the range ends, in the reference too.
    std::array<double, kBins> clipped{};
    const float least = step.value(step.least), most = step.value(step.most);
    for (std::size_t b = 0; b < kBins; ++b) {
        const float centre = low + (static_cast<float>(b) + 0.5F) * width;
        const float inside = std::clamp(centre, std::min(least, most), std::max(least, most));
        const auto to = std::min(kBins - 1, static_cast<std::size_t>(std::max(0.0F, (inside - low) / width)));
        clipped[to] += mass[b];
        level[b] = step.code(centre);
    }
    double divergence = 0;
    const auto total = static_cast<double>(values.size());
    for (std::size_t begin = 0; begin < kBins;) {
        std::size_t end = begin, filled = 0;
        double sum = 0;
        for (; end < kBins && level[end] == level[begin]; ++end) {
            sum += mass[end];
            filled += mass[end] > 0 ? 1 : 0;
        }
        for (std::size_t b = begin; b < end; ++b) {
            if (clipped[b] <= 0) continue;
            const double spread = mass[b] > 0 ? sum / static_cast<double>(filled) : 1e-6;
            divergence += clipped[b] / total * std::log(clipped[b] / spread);
        }
        begin = end;
    }
    return divergence;
}

} // namespace

UniformStep fitStep(std::span<const float> values, std::span<const float> weights, const UniformGrid& grid, const Clipping& clipping) {
    if (values.empty()) return stepOver(0, 0, grid);
    const auto [least, most] = std::ranges::minmax(values);
    const float low = std::min(least, 0.0F), high = std::max(most, 0.0F);
    if (clipping.rule == Clipping::Rule::Max || low == high) return stepOver(low, high, grid);
    if (clipping.rule == Clipping::Rule::Percentile) {
        const float reach = percentileOf(values, clipping.percentile);
        return stepOver(std::max(low, -reach), std::min(high, reach), grid);
    }
    const float unit = 1 / std::max(high, -low);
    UniformStep best;
    double smallest = std::numeric_limits<double>::infinity();
    for (int i = 0; i < clipping.candidates; ++i) {
        const float part = 1.0F - static_cast<float>(i) / 100;
        if (part <= 0) break;
        const UniformStep step = stepOver(low * part, high * part, grid);
        const double error = clipping.rule == Clipping::Rule::Entropy ? divergenceOf(values, low, high, step)
                                                                      : stepError(values, weights, step, clipping.power, std::isfinite(unit) ? unit : 1.0F);
        if (!(error < smallest)) continue;
        smallest = error;
        best = step;
    }
    return best;
}

Result<std::vector<UniformStep>> fitSteps(std::span<const float> matrix, std::span<const float> columnWeights, const Grouping& grouping,
                                          const UniformGrid& grid, const Clipping& clipping, const RunContext& context) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    std::vector<UniformStep> steps(static_cast<std::size_t>(grouping.count()));
    const std::int64_t size = grouping.groupRows * grouping.groupColumns;
    QSCOPE_CHECK(parallelChunks(grouping.count(), std::max<std::int64_t>(1, (1 << 14) / std::max<std::int64_t>(1, size)), quiet,
                                [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        std::vector<float> values, weights;
        for (std::int64_t g = begin; g < end; ++g) {
            const std::int64_t top = g / grouping.groupsAcross() * grouping.groupRows, left = g % grouping.groupsAcross() * grouping.groupColumns;
            const std::int64_t right = std::min(grouping.columns, left + grouping.groupColumns);
            values.clear();
            weights.clear();
            for (std::int64_t row = top; row < std::min(grouping.rows, top + grouping.groupRows); ++row) {
                const auto line = matrix.subspan(static_cast<std::size_t>(row * grouping.columns + left), static_cast<std::size_t>(right - left));
                values.insert(values.end(), line.begin(), line.end());
                if (columnWeights.empty()) continue;
                const auto part = columnWeights.subspan(static_cast<std::size_t>(left), static_cast<std::size_t>(right - left));
                weights.insert(weights.end(), part.begin(), part.end());
            }
            steps[static_cast<std::size_t>(g)] = fitStep(values, weights, grid, clipping);
        }
        return {};
    }));
    return steps;
}

std::uint8_t storedCode(const UniformGrid& grid, float code) {
    return grid.symmetric ? static_cast<std::uint8_t>(static_cast<std::int8_t>(code)) : static_cast<std::uint8_t>(code);
}

RoundedToGrid withoutCodes(const UniformGrid& grid, std::span<const UniformStep> steps) {
    RoundedToGrid rounded;
    for (const UniformStep& step : steps) {
        rounded.scales.push_back(step.scale);
        if (!grid.symmetric) rounded.zeros.push_back(static_cast<std::uint8_t>(step.zero));
    }
    return rounded;
}

RoundedToGrid roundToSteps(std::span<const float> matrix, const Grouping& grouping, const UniformGrid& grid, std::span<const UniformStep> steps) {
    RoundedToGrid rounded = withoutCodes(grid, steps);
    rounded.codes.resize(matrix.size());
    for (std::int64_t row = 0; row < grouping.rows; ++row)
        for (std::int64_t column = 0; column < grouping.columns; ++column) {
            const auto element = static_cast<std::size_t>(row * grouping.columns + column);
            rounded.codes[element] = storedCode(grid, steps[static_cast<std::size_t>(grouping.indexOf(row, column))].code(matrix[element]));
        }
    return rounded;
}

} // namespace qscope::engine
