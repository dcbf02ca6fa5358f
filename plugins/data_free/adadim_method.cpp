// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/level_fit.h"
#include "engine/quant/uniform_step.h"
#include "plugins/data_free/methods.h"
#include "plugins/data_free/parts.h"

namespace qscope::engine {

namespace {

MethodInfo describeAdaDim() {
    MethodInfo info{
        "adadim",
        "AdaDim",
        "Data-free",
        "Heo et al., Rethinking channel dimensions to isolate outliers for low-bit weight quantization of large "
        "language models, 2024",
        "Groups run along a row or down a column, whichever leaves the layer's outputs closer to what they were: down "
        "a column, a channel of strong inputs has scales of its own. "
        "Judged on the layer's own output.",
        {bitsRow(4, 2, 8),
         {"group",
          "Group size",
          ParamType::Integer,
          std::int64_t{128},
          1,
          1 << 20,
          {},
          "Weights that share a scale and a zero point; divides rows and columns.",
          "weights"},
         choiceRow(
             "dimension", "Groups along", {"adaptive", "output-channel", "input-channel"},
             "adaptive: by output error; output-channel: runs within a row; input-channel: runs down a column.")}};
    info.needsCalibration = true;
    info.help.objective = "The smaller of two sums over rows of (ŵ - w) H (ŵ - w)ᵀ, H = XᵀX of the layer's inputs.";
    info.help.steps = {"Round to nearest in groups within rows, with zero points.",
                       "The same in groups of as many rows within one column.",
                       "Keep the one with the smaller output error."};
    info.help.cost = "Two products of rows x columns² in double precision; bits + (16 + bits) / group bits per weight, "
                     "whichever way groups run.";
    info.help.differences = "The authors judge query, key and value on the attention block's output and gate and up on "
                            "the feed-forward part's, run on text; here every layer is judged "
                            "on its own output, by second moments of inputs in full precision. Their pairing with GPTQ "
                            "is not here. Scales have 16 bits.";
    return info;
}

class AdaDim final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        QSCOPE_CHECK(requireMatrix(subject.shape));
        const std::int64_t group = valueOf<std::int64_t>(parameters, "group");
        if (subject.shape[0] % group != 0 || subject.shape[1] % group != 0)
            return fail(ErrorCode::Unsupported, "group {} does not divide {} rows and {} columns", group,
                        subject.shape[0], subject.shape[1]);
        return QuantizedTensor{
            subject.shape,
            emptyCodes(subject.shape, parameters, valueOf<std::string>(parameters, "dimension") == "input-channel")};
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(outline(input.subject, parameters));
        const std::int64_t columns = input.subject.shape[1];
        QSCOPE_TRY(const auto moments, momentsOf(input, columns));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        const auto& dimension = valueOf<std::string>(parameters, "dimension");
        std::vector<double> errors;
        QuantizedTensor best;
        for (const bool down : {false, true}) {
            if (dimension == (down ? "output-channel" : "input-channel")) continue;
            GridCodes codes = emptyCodes(input.subject.shape, parameters, down);
            QSCOPE_TRY(const auto steps, fitSteps(matrix, {}, codes.grouping, codes.grid, {}, context));
            codes.values = roundToSteps(matrix, codes.grouping, codes.grid, steps);
            std::vector<float> difference(matrix.size());
            for (std::int64_t row = 0; row < codes.grouping.rows; ++row)
                for (std::int64_t column = 0; column < columns; ++column) {
                    const auto at = static_cast<std::size_t>(row * columns + column);
                    difference[at] =
                        steps[static_cast<std::size_t>(codes.grouping.indexOf(row, column))].rounded(matrix[at]) -
                        matrix[at];
                }
            QSCOPE_TRY(const double error, outputError(difference, moments, columns, context));
            if (errors.empty() || error < errors.front()) best = {input.subject.shape, std::move(codes)};
            errors.push_back(error);
        }
        if (input.traces && errors.size() == 2)
            input.traces->push_back({"Output error along rows, down columns",
                                     "choice",
                                     "sum of (ŵ - w) H (ŵ - w)ᵀ over rows",
                                     {},
                                     std::move(errors)});
        context.progress.done.fetch_add(static_cast<std::int64_t>(matrix.size()), std::memory_order_relaxed);
        return best;
    }

private:
    static GridCodes emptyCodes(const Shape& shape, const ParamValues& parameters, bool down) {
        const std::int64_t group = valueOf<std::int64_t>(parameters, "group");
        return {
            {bitsOf(parameters), false, ScaleType::F16}, {shape[0], shape[1], down ? group : 1, down ? 1 : group}, {}};
    }

    MethodInfo m_info = describeAdaDim();
};

} // namespace

std::unique_ptr<QuantMethod> makeAdaDim() { return std::make_unique<AdaDim>(); }

} // namespace qscope::engine
