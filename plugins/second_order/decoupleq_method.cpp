// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/activation_parameters.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "plugins/second_order/compensated_rounding.h"
#include "plugins/second_order/decoupled_matrix.h"
#include "plugins/second_order/methods.h"

#include <algorithm>
#include <numeric>

namespace qscope::engine {

namespace {

MethodInfo describeDecoupleQ() {
    MethodInfo info{"decoupleq",
                    "decoupleQ",
                    "Second order",
                    "Guo, Kong, Zhang, Wu, decoupleQ: Towards 2-bit Post-Training Uniform Quantization via decoupling "
                    "Parameters into Integer and Floating Points, 2024",
                    "Treats codes and their scales as two problems in turn: codes by GPTQ's loop for given scales and "
                    "offsets, then the scales and offsets that "
                    "are best for these codes, exactly. The step over a layer; 'decoupleq_block' behind it is the step "
                    "over a block.",
                    {
                        {"bits", "Bits", ParamType::Integer, std::int64_t{2}, 2, 8, {}, "Width of one code.", "bit"},
                        {"group",
                         "Group size",
                         ParamType::Integer,
                         std::int64_t{64},
                         0,
                         1 << 20,
                         {},
                         "Weights of a row that share a scale and an offset; 0 or more than there are: the whole row.",
                         "weights"},
                        {"scale",
                         "Scale type",
                         ParamType::Choice,
                         std::string("f16"),
                         0,
                         0,
                         {"f32", "f16", "bf16"},
                         "How scales and offsets are stored.",
                         ""},
                        {"iterations",
                         "Iterations",
                         ParamType::Integer,
                         std::int64_t{4},
                         1,
                         50,
                         {},
                         "Of codes and scales in turn, at most; 1: GPTQ on an affine grid.",
                         ""},
                        {"candidates",
                         "Ranges tried",
                         ParamType::Integer,
                         std::int64_t{20},
                         2,
                         200,
                         {},
                         "Shrunken ranges among which the second iteration begins.",
                         ""},
                        {"act_order",
                         "Activation order",
                         ParamType::Flag,
                         true,
                         0,
                         0,
                         {},
                         "Round the columns with the strongest inputs first.",
                         ""},
                        {"true_sequential",
                         "Truly sequential",
                         ParamType::Flag,
                         true,
                         0,
                         0,
                         {},
                         "Within a block, let later layers see what earlier ones became.",
                         ""},
                        {"percdamp",
                         "Damping",
                         ParamType::Real,
                         0.01,
                         0,
                         1,
                         {},
                         "Part of the mean of XᵀX's diagonal that is added to it.",
                         ""},
                        {"blocksize",
                         "Block size",
                         ParamType::Integer,
                         std::int64_t{128},
                         1,
                         1 << 14,
                         {},
                         "Columns after which the rest is corrected; a matter of speed alone.",
                         "columns"},
                    }};
    for (ParamSpec& row : activationParameters()) info.parameters.push_back(std::move(row));
    info.needsCalibration = true;
    info.quantizesActivations = true;
    info.sequential = true;
    info.help.objective = "Least (Ŵ - W) H (Ŵ - W)ᵀ for each row over whole codes c and free numbers s and z of each "
                          "group, Ŵ = c s + z, with H = XᵀX of the "
                          "layer's inputs as the quantized layers before send them, damped.";
    info.help.steps = {
        "Scales and offsets over the groups' ranges; codes rounded to nearest, then by GPTQ's loop. Each step is kept "
        "for the rows in which it helps.",
        "Search a shrinkage of each row's ranges by the objective, and solve for scales and offsets.",
        "In turn: codes by GPTQ's loop for given scales and offsets; scales and offsets for given codes, a linear "
        "system of two unknowns per group.",
        "Stop when fewer than one row in 10,000 improves.",
    };
    info.help.cost = "About 2 (candidates + 3 iterations) products of rows x columns² in double precision, and per row "
                     "and iteration a system of 2 x groups unknowns.";
    info.help.differences = "Codes are found by GPTQ's loop only (the authors' other way, gradient steps between "
                            "roundings, is slower and not offered). Scales and offsets "
                            "are rounded to their stored type before a step is judged. 20 shrunken ranges between 1 "
                            "and 0.2 are tried where the authors try 160. Only with an offset.";
    return info;
}

ScaleType typeOf(const ParamValues& parameters) {
    const auto& name = valueOf<std::string>(parameters, "scale");
    return name == "f32" ? ScaleType::F32 : name == "bf16" ? ScaleType::BF16 : ScaleType::F16;
}

class DecoupleQ final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        QSCOPE_CHECK(requireMatrix(subject));
        return tensorOf(subject.shape, emptyCodes(subject.shape, parameters));
    }

    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration* calibration) const override {
        return activationsFrom(parameters, calibration);
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        Subject subject = input.subject;
        subject.hasCalibration = input.calibration != nullptr;
        QSCOPE_CHECK(requireMatrix(subject));
        AffineCodes codes = emptyCodes(subject.shape, parameters);
        const std::int64_t rows = subject.shape[0], columns = subject.shape[1];
        QSCOPE_TRY(const auto moments, momentsFor(input, columns));
        std::vector<float> weight(static_cast<std::size_t>(rows * columns));
        QSCOPE_CHECK(decodeParallel(input.weight, 0, weight, context));
        QSCOPE_CHECK(requireFinite(weight, 0, subject.shape, context));

        const double damping = valueOf<double>(parameters, "percdamp");
        std::vector<std::int32_t> natural(static_cast<std::size_t>(columns));
        std::iota(natural.begin(), natural.end(), 0);
        const SquareMatrix damped = dampedMoments(moments, natural, damping);
        const bool descending = valueOf<bool>(parameters, "act_order");
        std::vector<double> diagonal;
        for (std::int64_t c = 0; c < columns; ++c) diagonal.push_back(damped.at(c, c));
        const ColumnOrder order = columnOrder(descending ? ColumnOrder::Rule::Descending : ColumnOrder::Rule::Natural,
                                              diagonal, codes.grouping.groupColumns, true);
        QSCOPE_TRY(const SquareMatrix factor,
                   dampedInverseFactor(damped.values, order.column, damping, subject.name, context));
        const DecoupledMatrix matrix(weight, codes.grouping, codes.bits, codes.type, damped, factor, order, context);
        std::vector<double> course;
        QSCOPE_TRY(auto best, solve(matrix, rows, parameters, course));
        if (input.traces)
            input.traces->push_back({"Output error while codes and scales take turns",
                                     "step",
                                     "sum of (ŵ - w) H (ŵ - w)ᵀ over rows",
                                     {},
                                     std::move(course)});

        for (const float code : best.codes) codes.codes.push_back(static_cast<std::uint8_t>(code));
        for (const AffineStep& step : best.steps) {
            codes.scales.push_back(step.scale);
            codes.offsets.push_back(step.offset);
        }
        context.progress.done.fetch_add(rows * columns, std::memory_order_relaxed);
        return tensorOf(subject.shape, std::move(codes));
    }

private:
    static Result<void> requireMatrix(const Subject& subject) {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        if (subject.shape.size() != 2)
            return fail(ErrorCode::Unsupported, "it has {} axes, and only a matrix multiplies inputs",
                        subject.shape.size());
        if (!subject.hasCalibration)
            return fail(ErrorCode::Unsupported, "the calibration text sends no inputs into it");
        return {};
    }

    static AffineCodes emptyCodes(const Shape& shape, const ParamValues& parameters) {
        AffineCodes codes;
        codes.bits = static_cast<int>(valueOf<std::int64_t>(parameters, "bits"));
        codes.type = typeOf(parameters);
        const std::int64_t asked = valueOf<std::int64_t>(parameters, "group");
        codes.grouping = {shape[0], shape[1], 1, asked == 0 ? shape[1] : std::min(asked, shape[1])};
        return codes;
    }

    /// Codes and scales in turn; `course` takes the error behind each.
    static Result<DecoupledCodes> solve(const DecoupledMatrix& matrix, std::int64_t rows, const ParamValues& parameters,
                                        std::vector<double>& course) {
        const std::int64_t iterations = valueOf<std::int64_t>(parameters, "iterations"),
                           block = valueOf<std::int64_t>(parameters, "blocksize");
        const std::vector<float> whole(static_cast<std::size_t>(rows), 1.0F);
        QSCOPE_TRY(auto best, matrix.nearest(matrix.rangeSteps(whole)));
        const auto note = [&] { course.push_back(std::accumulate(best.losses.begin(), best.losses.end(), 0.0)); };
        const auto take = [&](const DecoupledCodes& tried) {
            const std::int64_t taken = matrix.takeBetter(best, tried);
            note();
            return taken;
        };
        note();
        QSCOPE_TRY(auto tried, matrix.compensated(best.steps, block));
        static_cast<void>(take(tried));
        for (std::int64_t i = 1; i < iterations; ++i) {
            std::vector<AffineStep> steps = best.steps;
            if (i == 1) {
                QSCOPE_TRY(const auto ranges,
                           matrix.shrunken(static_cast<int>(valueOf<std::int64_t>(parameters, "candidates"))));
                QSCOPE_TRY(auto fitted, matrix.rescaled(ranges));
                steps = std::move(fitted.steps);
            }
            QSCOPE_TRY(tried, matrix.compensated(std::move(steps), block));
            std::int64_t improved = take(tried);
            QSCOPE_TRY(tried, matrix.rescaled(best));
            improved = std::max(improved, take(tried));
            if (improved * 10'000 < rows) break;
        }
        return best;
    }

    MethodInfo m_info = describeDecoupleQ();
};

} // namespace

std::unique_ptr<QuantMethod> makeDecoupleQ() { return std::make_unique<DecoupleQ>(); }

} // namespace qscope::engine
