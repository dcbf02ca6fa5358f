// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "engine/quant/named_grids.h"
#include "plugins/number_formats/grid_rounding.h"
#include "plugins/number_formats/methods.h"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace qscope::engine {

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<const Matrix>;

constexpr std::size_t kShortlist = 5;

MethodInfo describeLlmFp4() {
    MethodInfo info{
        "llmfp4",
        "LLM-FP4",
        "Number formats",
        "Liu, Liu, Huang, Dong, Cheng, LLM-FP4: 4-bit floating-point quantized transformers, 2023",
        "Floats whose split, ranges per row and range of activations are searched by the error of the layer's output, "
        "with exponents of activations' channels "
        "pre-shifted into the weights. Ranges are searched, not exponent biases, and the split of activations is "
        "given, one for the model.",
        {{"bits", "Bits", ParamType::Integer, std::int64_t{4}, 3, 8, {}, "Width of a weight's code.", "bit"},
         {"activations",
          "Bits of activations",
          ParamType::Integer,
          std::int64_t{4},
          0,
          8,
          {},
          "What enters linear layers, 3 to 8 bits; 0 leaves it as it is.",
          "bit"},
         {"activation-exponent",
          "Exponent bits of activations",
          ParamType::Integer,
          std::int64_t{2},
          1,
          7,
          {},
          "At most activations - 1.",
          "bit"},
         {"pre-shift",
          "Pre-shifted exponents",
          ParamType::Flag,
          true,
          0,
          0,
          {},
          "Channels of activations have scales that are powers of two below the tensor's; off: one scale for all.",
          ""},
         {"candidates",
          "Ranges tried",
          ParamType::Integer,
          std::int64_t{100},
          2,
          1000,
          {},
          "Per row and split, and for the activations a fifth of that.",
          ""},
         {"rounds",
          "Rounds",
          ParamType::Integer,
          std::int64_t{2},
          1,
          10,
          {},
          "Of weights, then activations; the weights come once more at the end.",
          ""},
         {"scale",
          "Scale type",
          ParamType::Choice,
          std::string("f32"),
          0,
          0,
          {"f32", "f16"},
          "How the scale of a row is stored: 32 or 16 bits.",
          ""}}};
    info.needsCalibration = true;
    info.quantizesActivations = true;
    info.help = {"The squared error of the layer's output over the tokens that calibration kept, |X W^T - X^ W^^T|^2.",
                 {"Start: ranges from largest magnitudes, for each row of W and for all activations.",
                  "Weights: for every split of the bits (M = 0 to bits - 2), every row takes the range, among "
                  "`candidates` from 0.2 to 1.2 of its largest magnitude, of least output error with "
                  "inputs as they are quantized now; the split of least error over all rows stays.",
                  "Activations: bias b_t of the tensor from the range, b_c of every channel from its largest "
                  "magnitude, k_c = clamp(round b_c, round b_t, round b_t + 2^E - 1) - round b_t; channel c "
                  "has the scale of the tensor times 2^-k_c, and column c of the weights that factor in their "
                  "exponents. The range of least output error stays.",
                  "Both in turn, `rounds` times."},
                 "rows x candidates x splits look-ups, and products of the kept tokens with five candidates of each "
                 "row; bits + scale bits / columns + E / rows bits per weight.",
                 "The authors' grid multiplies the bias, a logarithm, which collapses near 0; here it multiplies the "
                 "range and contains 1. Of a row's candidates, those five are compared by the output "
                 "that are best by its diagonal (mean squares of the channels). The split of activations is one for "
                 "the model and not searched. Embeddings are left alone."};
    return info;
}

/// What the inputs of a layer are divided by so that one range, that of the calibration, fits all their channels.
struct InputScales {
    float reach = 0;         ///< the calibration's largest magnitude: the static range
    std::vector<float> with; ///< x * with is rounded on [-reach, reach]
};

InputScales inputScales(const InputStatistics& inputs, int exponentBits, int fractionBits, float part, bool shift) {
    InputScales scales;
    for (const float most : inputs.channelMax) scales.reach = std::max(scales.reach, most);
    scales.with.assign(inputs.channelMax.size(), 1);
    if (!(scales.reach > 0)) return scales;
    const auto bias = [&](double most) { return std::rint(Minifloat::biasReaching(exponentBits, fractionBits, most)); };
    const double whole = bias(static_cast<double>(scales.reach * part));
    for (std::size_t c = 0; c < scales.with.size(); ++c) {
        const double top = (1 << exponentBits) - 1;
        const double steps = inputs.channelMax[c] > 0
                                 ? std::clamp(bias(static_cast<double>(inputs.channelMax[c])) - whole, 0.0, top)
                                 : top;
        scales.with[c] = static_cast<float>(std::exp2(shift ? steps : 0.0)) / part;
    }
    return scales;
}

Matrix roundedInputs(const View& inputs, const InputScales& scales, const Grid& grid) {
    Matrix rounded = inputs;
    const float unit = scales.reach / grid.largest();
    if (!(unit > 0)) return rounded;
    for (Eigen::Index c = 0; c < rounded.cols(); ++c) {
        const float with = scales.with[static_cast<std::size_t>(c)];
        for (Eigen::Index t = 0; t < rounded.rows(); ++t)
            rounded(t, c) = grid.rounded(rounded(t, c) * with / unit) * unit / with;
    }
    return rounded;
}

class LlmFp4Method final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        const int activations = integerOf(parameters, "activations"),
                  exponent = integerOf(parameters, "activation-exponent");
        if (activations != 0 && (activations < 3 || exponent > activations - 1))
            return fail(
                ErrorCode::OutOfRange,
                "activations of {} bits with {} of exponent: 3 to 8 bits with at most one less for the exponent",
                activations, exponent);
        const MatrixShape matrix = asMatrix(subject.shape);
        auto codes = outlineOn(weightGrid(parameters, 1), {matrix.rows, matrix.columns, 1, matrix.columns},
                               scaleTypeFrom(parameters));
        codes.levelSet = fmt::format("a float of {} bits", codes.bits);
        return shifted(QuantizedTensor{subject.shape, std::move(codes)}, {}, parameters);
    }

    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration* calibration) const override {
        if (integerOf(parameters, "activations") == 0) return std::nullopt;
        const Grid grid = inputGrid(parameters);
        ActivationQuantization what;
        what.linearInputs = true;
        what.inputGrid.scope = ActivationScope::Tensor;
        what.inputGrid.levels.assign(grid.ascending().begin(), grid.ascending().end());
        if (calibration) what.ranges = staticRanges(*calibration, ActivationScope::Tensor);
        return what;
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(const auto outlined, outline(input.subject, parameters));
        QSCOPE_TRY(const auto weights, finiteValues(input, context));
        const MatrixShape shape = asMatrix(input.subject.shape);
        if (!input.calibration || input.calibration->channels != shape.columns || input.calibration->sampleRows == 0)
            return fail(ErrorCode::Unsupported, "the calibration text kept no inputs of {} channels", shape.columns);
        const InputStatistics& statistics = *input.calibration;
        const View inputs(statistics.samples.data(), statistics.sampleRows, shape.columns),
            matrix(weights.data(), shape.rows, shape.columns);
        const Matrix target = inputs * matrix.transpose();
        const bool quantizes = integerOf(parameters, "activations") > 0, shift = valueOf<bool>(parameters, "pre-shift");
        const int exponent = integerOf(parameters, "activation-exponent"),
                  fraction = integerOf(parameters, "activations") - 1 - exponent;
        const Grid grid = inputGrid(parameters);
        Matrix seen = inputs;
        InputScales scales;
        if (quantizes) {
            scales = inputScales(statistics, exponent, fraction, 1, shift);
            seen = roundedInputs(inputs, scales, grid);
        }
        LevelCodes codes;
        for (int round = 0; round <= integerOf(parameters, "rounds"); ++round) {
            QSCOPE_TRY(codes, roundWeights(weights, statistics, seen, target, parameters, context));
            if (round == integerOf(parameters, "rounds") || !quantizes) break;
            std::vector<float> values(weights.size());
            QSCOPE_CHECK(dequantize(QuantizedTensor{input.subject.shape, codes}, 0, values));
            const View now(values.data(), shape.rows, shape.columns);
            double least = std::numeric_limits<double>::infinity();
            const int parts = std::max(2, integerOf(parameters, "candidates") / 5);
            for (int i = -1; i < parts; ++i) { // the whole range first
                if (context.cancelled()) return cancelled();
                const auto tried = inputScales(
                    statistics, exponent, fraction,
                    i < 0 ? 1.0F : 0.1F + 1.1F * static_cast<float>(i) / static_cast<float>(parts - 1), shift);
                const Matrix rounded = roundedInputs(inputs, tried, grid);
                const double error = (target - rounded * now.transpose()).cast<double>().squaredNorm();
                if (!(error < least)) continue;
                least = error;
                scales = tried;
                seen = rounded;
            }
        }
        context.progress.done.fetch_add(static_cast<std::int64_t>(weights.size()), std::memory_order_relaxed);
        return shifted(QuantizedTensor{input.subject.shape, std::move(codes)}, scales.with, parameters);
    }

private:
    [[nodiscard]] static Grid weightGrid(const ParamValues& parameters, int fraction) {
        return minifloatGrid(integerOf(parameters, "bits") - 1 - fraction, fraction);
    }
    [[nodiscard]] static Grid inputGrid(const ParamValues& parameters) {
        const int exponent = integerOf(parameters, "activation-exponent");
        return minifloatGrid(exponent, std::max(0, integerOf(parameters, "activations") - 1 - exponent));
    }

    /// The codes with what the inputs are multiplied by: the weights hold the inverse in their exponents, and the
    /// columns as they are for inputs as they were.
    [[nodiscard]] static QuantizedTensor shifted(QuantizedTensor codes, const std::vector<float>& with,
                                                 const ParamValues& parameters) {
        if (integerOf(parameters, "activations") == 0) return codes;
        const Shape shape = codes.shape;
        ColumnTransformed inside, outside;
        inside.outlineHasFactors = outside.outlineHasFactors = true;
        for (const float factor : with) inside.factors.push_back(1 / factor);
        outside.factors = with;
        outside.factorBits = valueOf<bool>(parameters, "pre-shift") ? integerOf(parameters, "activation-exponent") : 0;
        inside.base = std::make_shared<const QuantizedTensor>(std::move(codes));
        outside.base = std::make_shared<const QuantizedTensor>(tensorOf(shape, std::move(inside)));
        return tensorOf(shape, std::move(outside));
    }

    /// The split and the rows' scales of least output error for these inputs.
    [[nodiscard]] static Result<LevelCodes> roundWeights(std::span<const float> weights,
                                                         const InputStatistics& statistics, const Matrix& seen,
                                                         const Matrix& target, const ParamValues& parameters,
                                                         const RunContext& context) {
        const Eigen::Index rows = target.cols(), columns = seen.cols();
        const int candidates = integerOf(parameters, "candidates"), bits = integerOf(parameters, "bits");
        const ScaleType type = scaleTypeFrom(parameters);
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        double least = std::numeric_limits<double>::infinity();
        LevelCodes best;
        for (int fraction = 0; fraction <= bits - 2; ++fraction) {
            const Grid grid = weightGrid(parameters, fraction);
            LevelCodes codes = outlineOn(grid, {rows, columns, 1, columns}, type);
            codes.codes.resize(weights.size());
            codes.scales.resize(static_cast<std::size_t>(rows));
            std::vector<double> errors(static_cast<std::size_t>(rows));
            QSCOPE_CHECK(parallelChunks(rows, 8, quiet, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                for (std::int64_t row = begin; row < end; ++row) {
                    const auto values =
                        weights.subspan(static_cast<std::size_t>(row * columns), static_cast<std::size_t>(columns));
                    const GroupError group(values, statistics.meanSquares);
                    std::vector<std::pair<double, float>> tried;
                    for (int i = -1; i < candidates; ++i) {
                        const float part =
                            i < 0 ? 1.0F : 0.2F + static_cast<float>(i) / static_cast<float>(candidates - 1);
                        const float scale =
                            group.largest() > 0 ? storedScale(group.largest() / grid.largest() * part, type) : 1.0F;
                        if (scale > 0) tried.emplace_back(group.of(grid, scale), scale);
                    }
                    if (tried.empty()) tried.emplace_back(0.0, 1.0F); // a row below what scales can be
                    std::ranges::stable_sort(tried, {}, &std::pair<double, float>::first);
                    tried.resize(std::min(tried.size(), kShortlist));
                    Matrix rounded(static_cast<Eigen::Index>(tried.size()), columns);
                    for (Eigen::Index i = 0; i < rounded.rows(); ++i)
                        for (Eigen::Index c = 0; c < columns; ++c) {
                            const float scale = tried[static_cast<std::size_t>(i)].second;
                            rounded(i, c) =
                                grid.value(grid.nearest(values[static_cast<std::size_t>(c)] / scale)) * scale;
                        }
                    Matrix outputs = rounded * seen.transpose();
                    outputs.rowwise() -= target.col(row).transpose();
                    Eigen::Index chosen = 0;
                    errors[static_cast<std::size_t>(row)] =
                        outputs.rowwise().squaredNorm().cast<double>().minCoeff(&chosen);
                    const float scale = tried[static_cast<std::size_t>(chosen)].second;
                    codes.scales[static_cast<std::size_t>(row)] = scale;
                    for (std::int64_t c = 0; c < columns; ++c)
                        codes.codes[static_cast<std::size_t>(row * columns + c)] =
                            grid.nearest(values[static_cast<std::size_t>(c)] / scale);
                }
                return {};
            }));
            const double error = std::accumulate(errors.begin(), errors.end(), 0.0);
            if (!(error < least)) continue;
            least = error;
            best = std::move(codes);
        }
        return best;
    }

    MethodInfo m_info = describeLlmFp4();
};

} // namespace

std::unique_ptr<QuantMethod> makeLlmFp4() { return std::make_unique<LlmFp4Method>(); }

} // namespace qscope::engine
