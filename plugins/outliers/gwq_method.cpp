// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/element_stream.h"
#include "engine/quant/trace_points.h"
#include "engine/quant/uniform_step.h"
#include "plugins/outliers/outlier_methods.h"
#include "plugins/outliers/single_values.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

const MethodInfo& describeGwq() {
    static const MethodInfo info = [] {
        MethodInfo made{
            "gwq",
            "GWQ",
            "Outliers",
            "Shao et al., GWQ: gradient-aware weight quantization for large language models, 2024",
            "Keeps the weights with the largest gradients of the loss in 16 bits and rounds the others in groups. The "
            "gradient is the mean over the calibration text, where the paper takes one sample.",
            {
                {"bits", "Bits", ParamType::Integer, std::int64_t{4}, 2, 8, {}, "Width of one code.", "bit"},
                {"group",
                 "Group size",
                 ParamType::Integer,
                 std::int64_t{128},
                 1,
                 1 << 20,
                 {},
                 "Weights along a row that share a scale and a zero point; a row that is shorter is one group.",
                 "weights"},
                {"share",
                 "Share kept",
                 ParamType::Real,
                 1.0,
                 0,
                 100,
                 {},
                 "Of the weights of a matrix, those kept in 16 bits.",
                 "%"},
            }};
        made.needsCalibration = true;
        made.needsGradients = true;
        made.help = {"Spend 16 bits where the loss is steepest: a weight's score is |dL/dw|.",
                     {"Send the calibration text through the model and its loss back to the weights.",
                      "Keep the share of each matrix with the largest |dL/dw| as it is.",
                      "Round the others group by group: scale (max - min) / (2^bits - 1) and a zero point, over the "
                      "others alone."},
                     "One pass back through the network; one selection per matrix.",
                     "The gradient is averaged over all calibration sequences: one sample's is mostly noise on small "
                     "models. Kept weights do not widen the range of their group, which the paper leaves open; scales "
                     "are 16 bits wide."};
        return made;
    }();
    return info;
}

class Gwq final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeGwq(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        return outlineWithSingleValues({subject.shape, codesFor(subject.shape, parameters)},
                                       kept(subject.shape, parameters));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(outline(input.subject, parameters));
        QSCOPE_TRY(auto values, finiteValues(input.weight, context));
        if (input.gradient.size() != values.size())
            return fail(ErrorCode::Unsupported, "the loss has no gradient with respect to it");
        std::vector<float> scores(input.gradient.begin(), input.gradient.end());
        for (float& score : scores) score = std::abs(score);
        const auto elements = largestOf(scores, kept(input.weight.shape, parameters));
        if (input.traces)
            input.traces->push_back(heldByLargest("Gradient held by the steepest weights", "share of the weights (%)",
                                                  "share of the sum of |dL/dw| (%)", scores));
        const std::vector<float> given = values;
        for (const std::int64_t element : elements)
            values[static_cast<std::size_t>(element)] = 0; // every range holds 0 anyway
        GridCodes codes = codesFor(input.weight.shape, parameters);
        QSCOPE_TRY(const auto steps, fitSteps(values, {}, codes.grouping, codes.grid, {}, context));
        codes.values = roundToSteps(values, codes.grouping, codes.grid, steps);
        context.progress.done.fetch_add(static_cast<std::int64_t>(values.size()), std::memory_order_relaxed);
        return withSingleValues({input.weight.shape, std::move(codes)}, elements, given);
    }

private:
    static std::int64_t kept(const Shape& shape, const ParamValues& parameters) {
        return shareOf(elementCount(shape), valueOf<double>(parameters, "share"));
    }
    static GridCodes codesFor(const Shape& shape, const ParamValues& parameters) {
        const MatrixShape matrix = asMatrix(shape);
        const std::int64_t group = std::min(matrix.columns, valueOf<std::int64_t>(parameters, "group"));
        return {{static_cast<int>(valueOf<std::int64_t>(parameters, "bits")), false, ScaleType::F16},
                {matrix.rows, matrix.columns, 1, group},
                {}};
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeGwq() { return std::make_unique<Gwq>(); }

} // namespace qscope::engine
