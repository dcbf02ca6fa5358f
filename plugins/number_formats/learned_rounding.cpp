// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/number_formats/learned_rounding.h"

#include "engine/core/parallel.h"
#include "engine/optimize/optimizers.h"
#include "engine/quant/trace_points.h"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr float kStretch = 1.2F, kOffset = 0.1F; // of the sigmoid, so that 0 and 1 are reached

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

/// Exponent of the regularizer: from 20 down to 2 after a fifth of the time, in which it is off.
double exponentAt(double time) { return 20 - 18 * (time - 0.2) / 0.8; }

float scaleOf(const LevelCodes& codes, std::size_t element) {
    const auto at = static_cast<std::int64_t>(element);
    return codes.scales[static_cast<std::size_t>(
        codes.grouping.indexOf(at / codes.grouping.columns, at % codes.grouping.columns))];
}

} // namespace

float SoftRounding::share(std::size_t i) const {
    return std::clamp(kStretch * sigmoid(variable[i] / unit[i]) - kOffset, 0.0F, 1.0F);
}

SoftRounding softRounding(const Minifloat& format, std::span<const float> matrix, const LevelCodes& codes,
                          bool scaleAware) {
    SoftRounding soft;
    for (std::size_t i = 0; i < matrix.size(); ++i) {
        const float scale = scaleOf(codes, i);
        const float step = static_cast<float>(format.step(static_cast<double>(matrix[i] / scale))) * scale;
        soft.steps.push_back(step);
        soft.down.push_back(std::floor(matrix[i] / step));
        const float rest = std::clamp(matrix[i] / step - soft.down.back(), 0.0F, 1.0F);
        soft.unit.push_back(scaleAware ? step : 1.0F);
        soft.variable.push_back(-std::log(kStretch / (rest + kOffset) - 1) * soft.unit.back());
    }
    return soft;
}

Result<void> learnRounding(const Grid& grid, std::span<const float> matrix, const InputStatistics& inputs,
                           const LearnedRounding& how, LevelCodes& codes, std::vector<Trace>* traces,
                           const RunContext& context) {
    const auto* format = std::get_if<Minifloat>(&grid.closedForm());
    const Eigen::Index rows = codes.grouping.rows, columns = codes.grouping.columns;
    if (!format || inputs.channels != columns ||
        inputs.secondMoments.size() != static_cast<std::size_t>(columns * columns))
        return fail(ErrorCode::Unsupported, "the calibration text has no second moments of {} channels", columns);
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    SoftRounding soft = softRounding(*format, matrix, codes, how.scaleAware);
    Matrix moments = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
                         inputs.secondMoments.data(), columns, columns)
                         .cast<float>();
    // In units of the error per weight that nearest rounding makes, so that the regularizer weighs the same in every
    // layer.
    Matrix error(rows, columns), product(rows, columns);
    for (std::size_t i = 0; i < matrix.size(); ++i)
        error.data()[i] = grid.value(codes.codes[i]) * scaleOf(codes, i) - matrix[i];
    product.noalias() = error * moments;
    const double nearest = error.cwiseProduct(product).cast<double>().sum() / static_cast<double>(matrix.size());
    if (!(nearest > 0)) return {};
    moments *= static_cast<float>(1 / nearest);

    std::vector<float> gradient(matrix.size());
    std::vector<double> course;
    optimize::Adam adam;
    for (int iteration = 0; iteration < how.iterations; ++iteration) {
        if (context.cancelled()) return cancelled();
        const double time = static_cast<double>(iteration) / how.iterations, power = exponentAt(time);
        const float weight = time < 0.2 ? 0.0F : static_cast<float>(how.regularizer * power);
        QSCOPE_CHECK(parallelChunks(rows, 16, quiet, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (std::size_t i = static_cast<std::size_t>(begin * columns); i < static_cast<std::size_t>(end * columns);
                 ++i) {
                const float top = grid.largest() * scaleOf(codes, i);
                error.data()[i] = std::clamp(soft.steps[i] * (soft.down[i] + soft.share(i)), -top, top) - matrix[i];
            }
            product.middleRows(begin, end - begin).noalias() = error.middleRows(begin, end - begin) * moments;
            for (std::size_t i = static_cast<std::size_t>(begin * columns); i < static_cast<std::size_t>(end * columns);
                 ++i) {
                const float slope = sigmoid(soft.variable[i] / soft.unit[i]), share = kStretch * slope - kOffset;
                const float top = grid.largest() * scaleOf(codes, i), value = soft.steps[i] * (soft.down[i] + share);
                float by = std::abs(value) > top ? 0.0F : 2 * product.data()[i] * soft.steps[i];
                const float middle = 2 * share - 1;
                if (weight > 0)
                    by -= std::copysign(2 * weight * std::pow(std::abs(middle), static_cast<float>(power - 1)), middle);
                gradient[i] = share < 0 || share > 1 ? 0.0F : by * kStretch * slope * (1 - slope) / soft.unit[i];
            }
            return {};
        }));
        if (traces)
            course.push_back(static_cast<double>(error.cwiseProduct(product).sum()) /
                             static_cast<double>(matrix.size()));
        const optimize::Parameter parameter{"rounding", soft.variable, gradient};
        QSCOPE_CHECK(adam.step(std::span(&parameter, 1), how.rate, quiet));
    }
    RoundingDecisions decisions;
    for (std::size_t i = 0; i < matrix.size(); ++i) {
        const bool up = soft.variable[i] >= 0;
        const float scale = scaleOf(codes, i), hard = soft.steps[i] * (soft.down[i] + (up ? 1.0F : 0.0F));
        decisions.add(matrix[i] / soft.steps[i] - soft.down[i], up);
        codes.codes[i] = grid.nearest(hard / scale);
    }
    if (traces) {
        traces->push_back(courseOf("Loss while it is learned: soft weights", "step",
                                   "output error, that of nearest rounding = 1", course));
        std::ranges::move(decisions.traces(), std::back_inserter(*traces));
    }
    return {};
}

} // namespace qscope::engine
