// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/named_grids.h"
#include "plugins/number_formats/grid_rounding.h"
#include "plugins/number_formats/learned_rounding.h"
#include "plugins/number_formats/methods.h"

#include <algorithm>
#include <limits>

namespace qscope::engine {

namespace {

std::vector<ParamSpec> learningRows(double rate) {
    return {
        {"iterations",
         "Iterations",
         ParamType::Integer,
         std::int64_t{600},
         0,
         100000,
         {},
         "Steps of Adam; 0: nearest rounding.",
         ""},
        {"rate", "Learning rate", ParamType::Real, rate, 1e-7, 1, {}, "Of Adam, on the variables of the rounding.", ""},
        {"regularizer",
         "Regularizer",
         ParamType::Real,
         30.0,
         0,
         10000,
         {},
         "Weight of sum (1 - |2h - 1|^beta), in units of the error per weight that nearest rounding makes.",
         ""},
        {"activations",
         "Bits of activations",
         ParamType::Integer,
         std::int64_t{0},
         0,
         8,
         {},
         "What enters linear layers, a float of 4 to 8 bits with one scale per token; 0 leaves it as it is.",
         "bit"},
        {"activation-exponent",
         "Exponent bits of activations",
         ParamType::Integer,
         std::int64_t{3},
         1,
         6,
         {},
         "At most activations - 1.",
         "bit"}};
}

Result<void> checkActivations(const ParamValues& parameters) {
    const int bits = integerOf(parameters, "activations"), exponent = integerOf(parameters, "activation-exponent");
    if (bits == 0 || (bits >= 4 && exponent < bits)) return {};
    return fail(ErrorCode::OutOfRange,
                "activations of {} bits with {} of exponent: 4 to 8 bits with at most one less for the exponent", bits,
                exponent);
}

LearnedRounding learningFrom(const ParamValues& parameters, bool scaleAware) {
    return {integerOf(parameters, "iterations"), valueOf<double>(parameters, "rate"),
            valueOf<double>(parameters, "regularizer"), scaleAware};
}

const std::string kLayerWise =
    "The objective is the layer's own output, by the second moments of its inputs in full "
    "precision; the papers also go by blocks, on inputs as the quantized layers before "
    "give them, over steps of denoising, which this studio does not run. It is measured in "
    "units of nearest rounding's error, in which the paper's weight of 0.01 of the regularizer would leave most "
    "choices open; fewer, larger steps are taken.";

const std::vector<std::string> kLearningSteps{
    "s(w): the distance of neighbouring numbers around w; w / s = floor + rest.",
    "w^ = clip(s (floor + h)), h = clip(1.2 sigmoid(V) - 0.1), V such that h = rest at first.",
    "Adam on V: tr (W^ - W) X^T X (W^ - W)^T + lambda sum (1 - |2h - 1|^beta), beta from 20 to 2 after a fifth of the "
    "steps without that term.",
    "In the end h = 1 where V >= 0, else 0."};

/// What both have in common: floats with learned rounding, activations per token.
class LearnedFloat : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration*) const override {
        const int bits = integerOf(parameters, "activations"), exponent = integerOf(parameters, "activation-exponent");
        if (bits == 0 || !checkActivations(parameters)) return std::nullopt;
        const Grid grid = minifloatGrid(exponent, bits - 1 - exponent);
        ActivationQuantization what;
        what.linearInputs = true;
        what.inputGrid.levels.assign(grid.ascending().begin(), grid.ascending().end());
        what.inputGrid.scope = ActivationScope::Token;
        return what;
    }

protected:
    MethodInfo m_info;
};

class FpDiffusion final : public LearnedFloat {
public:
    FpDiffusion() {
        m_info = {"fpdiffusion",
                  "Float with learned rounding",
                  "Number formats",
                  "Chen, Giannoula, Moshovos, Low-bitwidth floating point quantization for efficient high-quality "
                  "diffusion models, 2024",
                  "Floats whose split and ranges per channel are searched by squared error, then learned rounding up "
                  "or down. The learning goes by each layer's output, not by blocks of a "
                  "diffusion model.",
                  {{"bits", "Bits", ParamType::Integer, std::int64_t{4}, 3, 8, {}, "Width of one code.", "bit"},
                   {"scale",
                    "Scale type",
                    ParamType::Choice,
                    std::string("f32"),
                    0,
                    0,
                    {"f32", "f16"},
                    "How the scale of a channel is stored.",
                    ""}}};
        for (ParamSpec& row : learningRows(1e-2)) m_info.parameters.push_back(std::move(row));
        m_info.needsCalibration = m_info.quantizesActivations = true;
        m_info.help = {"First the squared error of the weights, then that of the layer's output.",
                       {"For M = 1 to bits - 2 (3 bits: M = 1) and every output channel: the largest number among 111 "
                        "from 0.1 to 1.2 of the largest magnitude, by squared error.",
                        "Every channel votes for its best M; the M with most votes is the tensor's, and each channel "
                        "keeps its best range for it."},
                       "iterations x rows x columns^2.",
                       kLayerWise + " The paper's learning rate and number of steps are not known to us."};
        m_info.help.steps.insert(m_info.help.steps.end(), kLearningSteps.begin(), kLearningSteps.end());
    }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        QSCOPE_CHECK(checkActivations(parameters));
        const MatrixShape matrix = asMatrix(subject.shape);
        auto codes = outlineOn(gridOf(parameters, 1), {matrix.rows, matrix.columns, 1, matrix.columns},
                               scaleTypeFrom(parameters));
        codes.levelSet = fmt::format("a float of {} bits", codes.bits);
        return QuantizedTensor{subject.shape, std::move(codes)};
    }
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(auto made, outline(input.subject, parameters));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        if (!input.calibration) return fail(ErrorCode::Unsupported, "the calibration text did not reach it");
        const Grouping grouping = std::get<LevelCodes>(made.codes).grouping;
        const ScaleType type = scaleTypeFrom(parameters);
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        const int most = std::max(1, integerOf(parameters, "bits") - 2);
        std::vector<int> bestOf(static_cast<std::size_t>(grouping.rows), 1), votes(static_cast<std::size_t>(most) + 1);
        QSCOPE_CHECK(eachGroup(matrix, {}, grouping, quiet, [&](std::int64_t row, const GroupValues& group) {
            const GroupError error(group.values);
            double least = std::numeric_limits<double>::infinity();
            for (int fraction = 1; fraction <= most; ++fraction) {
                const double its = fitScale(error, gridOf(parameters, fraction), kSearch, type).error;
                if (its < least) least = its, bestOf[static_cast<std::size_t>(row)] = fraction;
            }
        }));
        for (const int fraction : bestOf) ++votes[static_cast<std::size_t>(fraction)];
        const Grid grid = gridOf(parameters, static_cast<int>(std::ranges::max_element(votes) - votes.begin()));
        LevelCodes codes = outlineOn(grid, grouping, type);
        QSCOPE_CHECK(roundOn(grid, matrix, {}, kSearch, codes, quiet));
        QSCOPE_CHECK(learnRounding(grid, matrix, *input.calibration, learningFrom(parameters, false), codes,
                                   input.traces, context));
        context.progress.done.fetch_add(static_cast<std::int64_t>(matrix.size()), std::memory_order_relaxed);
        made.codes = std::move(codes);
        return made;
    }

private:
    static constexpr ScaleSearch kSearch{0.1, 1.2, 111};
    [[nodiscard]] static Grid gridOf(const ParamValues& parameters, int fraction) {
        return minifloatGrid(integerOf(parameters, "bits") - 1 - fraction, fraction);
    }
};

class Fp4Dit final : public LearnedFloat {
public:
    Fp4Dit() {
        m_info = {
            "fp4dit",
            "FP4DiT",
            "Number formats",
            "Chen, Mills, Niu, FP4DiT: towards effective floating point quantization for diffusion transformers, 2025",
            "Floats in groups with learned rounding whose variables are in units of each weight's own step. The "
            "learning goes by each layer's output, not by blocks of a diffusion "
            "transformer.",
            {{"bits", "Bits", ParamType::Integer, std::int64_t{4}, 3, 8, {}, "Width of one code.", "bit"},
             {"exponent", "Exponent bits", ParamType::Integer, std::int64_t{2}, 1, 7, {}, "At most bits - 1.", "bit"},
             {"scale-aware",
              "Aware of steps",
              ParamType::Flag,
              true,
              0,
              0,
              {},
              "V in units of the step: h = clip(1.2 sigmoid(V / s) - 0.1), the paper's contribution; off: plain "
              "AdaRound, whose rate should "
              "be about 0.01.",
              ""}}};
        for (ParamSpec& row : groupParameters("group", "absmax")) m_info.parameters.push_back(std::move(row));
        for (ParamSpec& row : learningRows(5e-4)) m_info.parameters.push_back(std::move(row));
        m_info.needsCalibration = m_info.quantizesActivations = true;
        m_info.help = {"The squared error of the layer's output.",
                       {"Groups of 128 with the scale max|w| / largest number."},
                       "iterations x rows x columns^2.",
                       kLayerWise + " The paper takes 20,000 steps with a rate of 1e-4."};
        m_info.help.steps.insert(m_info.help.steps.end(), kLearningSteps.begin(), kLearningSteps.end());
        m_info.help.steps.emplace_back("Scale-aware: V starts at s times the plain start and h takes V / s, so that "
                                       "one step of Adam moves weights with small steps more.");
    }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        QSCOPE_CHECK(checkActivations(parameters));
        const int bits = integerOf(parameters, "bits"), exponent = integerOf(parameters, "exponent");
        if (exponent > bits - 1)
            return fail(ErrorCode::OutOfRange, "{} bits leave no more than {} for the exponent, {} asked", bits,
                        bits - 1, exponent);
        return QuantizedTensor{subject.shape,
                               outlineOn(minifloatGrid(exponent, bits - 1 - exponent),
                                         groupingFrom(subject.shape, parameters), scaleTypeFrom(parameters))};
    }
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(auto made, outline(input.subject, parameters));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        if (!input.calibration) return fail(ErrorCode::Unsupported, "the calibration text did not reach it");
        const int exponent = integerOf(parameters, "exponent");
        const Grid grid = minifloatGrid(exponent, integerOf(parameters, "bits") - 1 - exponent);
        auto& codes = std::get<LevelCodes>(made.codes);
        Progress unseen;
        QSCOPE_CHECK(roundOn(grid, matrix, {}, searchFrom(parameters), codes,
                             {context.stop, unseen, context.notes, context.backend}));
        QSCOPE_CHECK(learnRounding(grid, matrix, *input.calibration,
                                   learningFrom(parameters, valueOf<bool>(parameters, "scale-aware")), codes,
                                   input.traces, context));
        context.progress.done.fetch_add(static_cast<std::int64_t>(matrix.size()), std::memory_order_relaxed);
        return made;
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeFpDiffusion() { return std::make_unique<FpDiffusion>(); }
std::unique_ptr<QuantMethod> makeFp4Dit() { return std::make_unique<Fp4Dit>(); }

} // namespace qscope::engine
