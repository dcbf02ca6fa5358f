// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/number_formats/min_max.h"

#include "engine/quant/activation_parameters.h"
#include "engine/quant/level_fit.h"
#include "plugins/number_formats/methods.h"

#include <cmath>

namespace qscope::engine {

std::vector<ParamSpec> minMaxParameters() {
    std::vector<ParamSpec> rows{
        {"bits", "Bits", ParamType::Integer, std::int64_t{8}, 2, 8, {}, "Width of one code.", "bit"},
        {"granularity",
         "One scale per",
         ParamType::Choice,
         std::string("channel"),
         0,
         0,
         {"channel", "layer"},
         "Output channel (the first axis), or the whole layer.",
         ""},
        {"symmetric",
         "Symmetric",
         ParamType::Flag,
         true,
         0,
         0,
         {},
         "Signed codes around zero; off: unsigned codes with a zero point, so that 0 is exact.",
         ""},
        {"scale",
         "Scale type",
         ParamType::Choice,
         std::string("f32"),
         0,
         0,
         {"f32", "f16"},
         "How scales are stored.",
         ""}};
    for (ParamSpec& row : activationParameters()) rows.push_back(std::move(row));
    return rows;
}

GridCodes minMaxOutline(const Shape& shape, const ParamValues& parameters) {
    const std::int64_t rows = shape.size() < 2 ? 1 : shape.front(),
                       columns = elementCount(shape) / std::max<std::int64_t>(1, rows);
    GridCodes codes;
    codes.grid = {static_cast<int>(valueOf<std::int64_t>(parameters, "bits")), valueOf<bool>(parameters, "symmetric"),
                  valueOf<std::string>(parameters, "scale") == "f16" ? ScaleType::F16 : ScaleType::F32};
    codes.grouping = {rows, columns, valueOf<std::string>(parameters, "granularity") == "layer" ? rows : 1, columns};
    return codes;
}

Result<GridCodes> minMaxIntegers(std::span<const float> values, const Shape& shape, const ParamValues& parameters,
                                 const RunContext& context) {
    GridCodes codes = minMaxOutline(shape, parameters);
    QSCOPE_TRY(codes.values, context.backend.roundToGrid(values, codes.grouping, codes.grid, context));
    return codes;
}

Result<void> RowsScaled::dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const {
    QSCOPE_CHECK(qscope::engine::dequantize(*base, first, out));
    const std::int64_t columns = elementCount(shape) / static_cast<std::int64_t>(factors.size());
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] *= factors[static_cast<std::size_t>((first + static_cast<std::int64_t>(i)) / columns)];
    return {};
}

std::vector<float> RowsScaled::levels(const Shape&, std::int64_t row, std::int64_t column) const {
    auto found = gridLevels(*base, row, column);
    for (float& level : found) level *= factors[static_cast<std::size_t>(row)];
    return found;
}

std::vector<float> equalizingFactors(std::span<const float> first, std::int64_t rows, std::span<const float> second,
                                     std::int64_t columns, const std::vector<std::int64_t>& rowOf) {
    const auto m = static_cast<std::size_t>(rows), inner = first.size() / m, wide = static_cast<std::size_t>(columns);
    std::vector<float> mine(m), theirs(m), factors(m, 1);
    for (std::size_t i = 0; i < first.size(); ++i) mine[i / inner] = std::max(mine[i / inner], std::abs(first[i]));
    for (std::size_t i = 0; i < second.size(); ++i) {
        float& range = theirs[static_cast<std::size_t>(rowOf[i % wide])];
        range = std::max(range, std::abs(second[i]));
    }
    for (std::size_t r = 0; r < m; ++r) {
        const float factor = std::sqrt(mine[r] / theirs[r]);
        if (std::isfinite(factor) && factor > 0) factors[r] = factor;
    }
    return factors;
}

namespace {

class MinMaxMethod final : public QuantMethod {
public:
    MinMaxMethod() {
        m_info = {"minmax",
                  "Min-max integers",
                  "Number formats",
                  "Krishnamoorthi, Quantizing deep convolutional networks for efficient inference: a whitepaper, 2018",
                  "Integers from the smallest to the largest weight of each output channel, kernels of convolutions "
                  "included. Batch norms must have been folded by whoever wrote the file; biases are "
                  "not corrected and nothing is trained.",
                  minMaxParameters()};
        m_info.quantizesActivations = true;
        m_info.help = {"Nothing is searched: steps cover the range.",
                       {"Weights [outputs, inputs, kernel...]: each output a channel with its own scale, or one scale "
                        "for the layer.",
                        "Symmetric: s = max|w| / (2^(b-1) - 1). Otherwise s = (max - min) / (2^b - 1) over the range "
                        "and 0, z = round(-min / s), w^ = s (q - z)."},
                       "One pass. bits + scale bits / (inputs * kernel) per weight.",
                       "Folding batch norms needs the graph around a weight, which methods do not see. Correcting "
                       "biases needs a place for a bias, which a result does not have (and transformers mostly have "
                       "none). Cross-layer equalization is the method `cle`."};
    }
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        return QuantizedTensor{subject.shape, minMaxOutline(subject.shape, parameters)};
    }
    [[nodiscard]] bool runsOn(const ComputeBackend& backend, const ParamValues&) const override {
        return backend.supports(Capability::RoundToGrid);
    }
    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration* calibration) const override {
        return activationsFrom(parameters, calibration);
    }
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(outline(input.subject, parameters));
        QSCOPE_TRY(const auto values, finiteValues(input, context));
        QSCOPE_TRY(auto codes, minMaxIntegers(values, input.subject.shape, parameters, context));
        context.progress.done.fetch_add(static_cast<std::int64_t>(values.size()), std::memory_order_relaxed);
        return QuantizedTensor{input.subject.shape, std::move(codes)};
    }

private:
    MethodInfo m_info;
};

} // namespace

std::unique_ptr<QuantMethod> makeMinMax() { return std::make_unique<MinMaxMethod>(); }

} // namespace qscope::engine
