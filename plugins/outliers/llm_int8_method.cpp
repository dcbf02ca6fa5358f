// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "engine/quant/trace_points.h"
#include "engine/quant/uniform_step.h"
#include "plugins/outliers/kept_columns.h"
#include "plugins/outliers/outlier_methods.h"

#include <algorithm>

namespace qscope::engine {

namespace {

const MethodInfo& describeLlmInt8() {
    static const MethodInfo info = [] {
        MethodInfo made{
            "llm_int8",
            "LLM.int8()",
            "Outliers",
            "Dettmers et al., LLM.int8(): 8-bit matrix multiplication for transformers at scale, 2022",
            "Weights in 8 bits with a scale per row, inputs in 8 bits with a scale per token; input channels with a "
            "value of at least the threshold are multiplied in 16 bits.",
            {
                {"threshold",
                 "Outlier threshold",
                 ParamType::Real,
                 6.0,
                 0,
                 1e6,
                 {},
                 "Magnitude from which on a value makes its channel an outlier in this batch; 0: none, plain 8 bits.",
                 ""},
                {"columns16",
                 "16-bit weight columns",
                 ParamType::Flag,
                 false,
                 0,
                 0,
                 {},
                 "Also stores the weight columns of channels that were outliers in the calibration text in 16 bits; "
                 "off: they are in 8 bits like the others, and only multiplied in 16.",
                 ""},
            }};
        made.quantizesActivations = true;
        made.help = {
            "y = the product of 8-bit inputs and weights over usual channels, times the scales of token and row, plus "
            "the product in 16 bits over the channels in which some token of the batch has |x| >= threshold.",
            {"Per row of the weight: scale = max|w| / 127, codes to the nearest.",
             "While the model runs, find the channels with outliers in the batch; they are left as they are.",
             "Per token: scale = max|x| / 127 over the other channels, codes to the nearest."},
            "One pass over the weights; nothing to calibrate.",
            "Outlying channels follow the batch, as in the paper. Their weights are stored in 8 bits and multiplied in "
            "16, as in the authors' library; with 16-bit weight columns, as in the paper, the columns must be known "
            "beforehand and are those of the calibration text, in which many more channels have an outlier than in one "
            "batch. Entries below the threshold in an outlying channel do not count towards a token's scale; in the "
            "library they do."};
        return made;
    }();
    return info;
}

bool keepsColumns(const Subject& subject, const ParamValues& parameters) {
    return subject.hasCalibration && valueOf<bool>(parameters, "columns16") &&
           valueOf<double>(parameters, "threshold") > 0;
}

GridCodes codesFor(const Shape& shape) {
    const MatrixShape matrix = asMatrix(shape);
    return {{8, true, ScaleType::F32}, {matrix.rows, matrix.columns, 1, matrix.columns}, {}};
}

class LlmInt8 final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeLlmInt8(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        QuantizedTensor codes{subject.shape, codesFor(subject.shape)};
        if (!keepsColumns(subject, parameters)) return codes;
        KeptColumns form; // which columns is not known before the text has been seen
        form.base = std::make_shared<const QuantizedTensor>(std::move(codes));
        return tensorOf(subject.shape, std::move(form));
    }

    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration*) const override {
        ActivationQuantization what;
        what.linearInputs = true;
        what.inputGrid = {8, true, ActivationScope::Token,
                          0, {},   static_cast<float>(valueOf<double>(parameters, "threshold"))};
        return what;
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(outline(input.subject, parameters));
        QSCOPE_TRY(auto values, finiteValues(input.weight, context));
        const auto columns = static_cast<std::size_t>(asMatrix(input.weight.shape).columns);
        KeptColumns form;
        const bool keeps = keepsColumns(input.subject, parameters) && input.calibration;
        const auto threshold = static_cast<float>(valueOf<double>(parameters, "threshold"));
        for (std::size_t c = 0; keeps && c < std::min(columns, input.calibration->channelMax.size()); ++c)
            if (input.calibration->channelMax[c] >= threshold) form.columns.push_back(static_cast<std::int32_t>(c));
        for (std::size_t row = 0; row < values.size(); row += columns)
            for (const std::int32_t c : form.columns) {
                float& value = values[row + static_cast<std::size_t>(c)];
                form.values.push_back(roundedTo(ScaleType::F16, std::clamp(value, -65504.0F, 65504.0F)));
                value = 0; // must not widen the row's range
            }
        if (input.traces && input.calibration && threshold > 0) {
            const std::string chart = "Largest input of each channel, largest first: ", x = "rank of the channel",
                              y = "magnitude";
            const auto& reach = input.calibration->channelMax;
            const auto count = static_cast<double>(std::max<std::size_t>(1, reach.size()));
            input.traces->push_back(rankedOf(chart + "channels", x, y, {reach.begin(), reach.end()}));
            input.traces->push_back({chart + "threshold", x, y, {1, count}, {threshold, threshold}});
        }
        GridCodes codes = codesFor(input.weight.shape);
        QSCOPE_TRY(const auto steps, fitSteps(values, {}, codes.grouping, codes.grid, {}, context));
        codes.values = roundToSteps(values, codes.grouping, codes.grid, steps);
        context.progress.done.fetch_add(static_cast<std::int64_t>(values.size()), std::memory_order_relaxed);
        QuantizedTensor rounded{input.weight.shape, std::move(codes)};
        if (!keepsColumns(input.subject, parameters)) return rounded;
        form.base = std::make_shared<const QuantizedTensor>(std::move(rounded));
        return tensorOf(input.weight.shape, std::move(form));
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeLlmInt8() { return std::make_unique<LlmInt8>(); }

} // namespace qscope::engine
