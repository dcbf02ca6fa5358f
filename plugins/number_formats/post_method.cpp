// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/activation_parameters.h"
#include "engine/quant/named_grids.h"
#include "plugins/number_formats/grid_rounding.h"
#include "plugins/number_formats/methods.h"

#include <Eigen/Core>

#include <algorithm>
#include <limits>

namespace qscope::engine {

namespace {

MethodInfo describePowerOfSqrt2() {
    MethodInfo info{
        "post",
        "POST (weights of ASQ)",
        "Number formats",
        "Zhou, Chen et al., Improving quantization-aware training of low-precision network via adaptive step size and "
        "power-of-square-root-of-two, 2025",
        "Weights on 0 and powers of the square root of two, whose products are shifts of two mantissas, with a scale "
        "per row fitted to the layer's output. The paper trains; its module that "
        "adapts the step of activations to each input is not part of it, a scale per token takes its place.",
        {{"bits", "Bits", ParamType::Integer, std::int64_t{4}, 2, 6, {}, "Width of one code.", "bit"},
         {"iterations",
          "Iterations",
          ParamType::Integer,
          std::int64_t{20},
          0,
          1000,
          {},
          "Of the fit of the scale, at most.",
          ""}}};
    for (ParamSpec& row : groupParameters("output-channel", "mse")) info.parameters.push_back(std::move(row));
    for (ParamSpec& row : activationParameters()) info.parameters.push_back(std::move(row));
    info.needsCalibration = true;
    info.quantizesActivations = true;
    info.help = {"The squared error of the layer's output, (w - s v)^T M (w - s v) for every row, M the second moments "
                 "of its inputs, v among 0 and ±2^(-k/2), k = 0 to 2^(b-1) - 2.",
                 {"Start: each group's scale from its largest magnitude or by squared error.",
                  "With one scale per row, alternately: every weight to its nearest level (as a number); s = <v, w>_M "
                  "/ <v, v>_M. "
                  "The best of all steps stays."},
                 "iterations x columns^2 per row.",
                 "Quantization-aware training in the paper, where gradients teach the scale (straight-through in the "
                 "normalized domain). Its adapter pools the input through two small layers into a factor of the step; "
                 "its details differ between sources, and it is not built. Groups and single scales for the tensor are "
                 "not fitted beyond the start."};
    return info;
}

class PowerOfSqrt2 final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        return QuantizedTensor{subject.shape, outlineOn(gridFrom(parameters), groupingFrom(subject.shape, parameters),
                                                        scaleTypeFrom(parameters))};
    }
    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration* calibration) const override {
        return activationsFrom(parameters, calibration);
    }
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(auto made, outline(input.subject, parameters));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        const MatrixShape shape = asMatrix(input.subject.shape);
        if (!input.calibration ||
            input.calibration->secondMoments.size() != static_cast<std::size_t>(shape.columns * shape.columns))
            return fail(ErrorCode::Unsupported, "the calibration text has no second moments of {} channels",
                        shape.columns);
        const Grid grid = gridFrom(parameters);
        auto& codes = std::get<LevelCodes>(made.codes);
        QSCOPE_CHECK(roundOn(grid, matrix, input.calibration->meanSquares, searchFrom(parameters), codes, context));
        if (codes.grouping.groupRows != 1 || codes.grouping.groupColumns < shape.columns) return made;
        const Eigen::Map<const Eigen::MatrixXd> moments(input.calibration->secondMoments.data(), shape.columns,
                                                        shape.columns);
        const auto iterations = valueOf<std::int64_t>(parameters, "iterations");
        const ScaleType type = scaleTypeFrom(parameters);
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        QSCOPE_CHECK(parallelChunks(shape.rows, 4, quiet, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (std::int64_t row = begin; row < end; ++row) {
                const Eigen::VectorXd w =
                    Eigen::Map<const Eigen::VectorXf>(matrix.data() + row * shape.columns, shape.columns)
                        .cast<double>();
                const Eigen::VectorXd weighted = moments * w;
                Eigen::VectorXd levels(shape.columns);
                std::vector<std::uint8_t> tried(static_cast<std::size_t>(shape.columns));
                float& kept = codes.scales[static_cast<std::size_t>(row)];
                double least = std::numeric_limits<double>::infinity();
                float scale = kept;
                for (std::int64_t i = 0; i < iterations; ++i) {
                    for (std::size_t c = 0; c < tried.size(); ++c) {
                        tried[c] = grid.nearest(matrix[static_cast<std::size_t>(row * shape.columns) + c] / scale);
                        levels[static_cast<Eigen::Index>(c)] = static_cast<double>(grid.value(tried[c]));
                    }
                    const double cross = levels.dot(weighted), square = levels.dot(moments * levels);
                    if (!(square > 0) || !(cross > 0)) break;
                    scale = storedScale(static_cast<float>(cross / square), type);
                    const double s = static_cast<double>(scale), error = s * s * square - 2 * s * cross;
                    if (!(error < least)) break; // from here on it repeats itself, or leads away
                    least = error;
                    kept = scale;
                    std::ranges::copy(tried, codes.codes.begin() + row * shape.columns);
                }
            }
            return {};
        }));
        return made;
    }

private:
    [[nodiscard]] static Grid gridFrom(const ParamValues& parameters) {
        return powersGrid(static_cast<int>(valueOf<std::int64_t>(parameters, "bits")), 2);
    }
    MethodInfo m_info = describePowerOfSqrt2();
};

} // namespace

std::unique_ptr<QuantMethod> makePowerOfSqrt2() { return std::make_unique<PowerOfSqrt2>(); }

} // namespace qscope::engine
