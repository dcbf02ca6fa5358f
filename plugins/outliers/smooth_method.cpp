// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "plugins/outliers/outlier_methods.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr float kLeast = 1e-5F; ///< of a factor and of a column's largest weight, as in the authors' code

const MethodInfo& describeSmooth() {
    static const MethodInfo info = [] {
        MethodInfo made{"smooth",
                        "SmoothQuant",
                        "Outliers",
                        "Xiao et al., SmoothQuant: accurate and efficient post-training quantization for large "
                        "language models, 2023",
                        "Divides every input channel by a factor and multiplies its weight column by it, so that "
                        "outlying channels lose range where weights have range to spare. Goes in front of a method "
                        "that rounds both: smooth+rtn:bits=8,activations=8.",
                        {
                            {"alpha",
                             "Share moved",
                             ParamType::Real,
                             0.5,
                             0,
                             1,
                             {},
                             "0: inputs stay as they are; 1: all of the inputs' range goes into the weights.",
                             ""},
                            {"layers",
                             "Layers",
                             ParamType::Choice,
                             std::string("norms"),
                             0,
                             0,
                             {"norms", "all"},
                             "norms: those that read a normalization, which takes up the factors at no cost. all: the "
                             "others too, with a 16-bit factor stored for each of their channels.",
                             ""},
                        }};
        made.needsCalibration = true;
        made.stage = Stage::Transform;
        made.help = {
            "Weights and inputs that round equally well: s_j = max|x_j|^alpha / max|w_j|^(1-alpha) for every input "
            "channel j; W diag(s) and diag(1/s) x compute what W and x did.",
            {"Take max|x_j| over the calibration text.",
             "Take max|w_j| over all matrices that read the same inputs (query, key and value; gate and up).",
             "Divide the inputs by s and multiply the columns by it; the factors go into the normalization in front."},
            "One pass over the weights.",
            "Channels that the text leaves silent keep the factor 1 (the authors' code: 1e-5). Layers behind a "
            "normalization are told by their names; with layers=all the others are treated too, which the paper leaves "
            "alone."};
        return made;
    }();
    return info;
}

/// Whether the layer reads what a normalization wrote, going by Hugging Face's names.
bool readsNorm(const std::string& name) {
    static constexpr std::array kNames{".q_proj.",          ".k_proj.", ".v_proj.",    ".qkv_proj.",
                                       ".query_key_value.", ".c_attn.", ".gate_proj.", ".up_proj.",
                                       ".gate_up_proj.",    ".fc1.",    ".c_fc.",      ".dense_h_to_4h."};
    return std::ranges::any_of(kNames, [&](const char* part) { return name.find(part) != std::string::npos; });
}

bool wanted(const Subject& subject, const ParamValues& parameters) {
    return readsNorm(subject.commonName) || valueOf<std::string>(parameters, "layers") == "all";
}

class Smooth final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeSmooth(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        ColumnTransformed form;
        form.base = std::make_shared<const QuantizedTensor>(QuantizedTensor{subject.shape, GridCodes{}});
        form.outlineHasFactors = wanted(subject, parameters);
        form.factorBits = form.outlineHasFactors && !readsNorm(subject.commonName) ? 16 : 0;
        return tensorOf(subject.shape, std::move(form));
    }

    [[nodiscard]] Result<InputTransform> transform(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        if (!wanted(input.subject, parameters)) return InputTransform{};
        if (!input.calibration) return fail(ErrorCode::Unsupported, "the calibration text sent nothing into it");
        const auto columns = static_cast<std::size_t>(asMatrix(input.weight.shape).columns);
        const std::vector<float>& reach = input.calibration->channelMax;
        if (reach.size() != columns)
            return fail(ErrorCode::Unsupported, "its {} columns read {} channels", columns, reach.size());
        std::vector<float> largest(columns, 0);
        const std::span<const TensorView> readers = input.sharing.empty() ? std::span(&input.weight, 1) : input.sharing;
        for (const TensorView& reader : readers) {
            QSCOPE_TRY(const auto values, finiteValues(reader, context));
            for (std::size_t i = 0; i < values.size(); ++i)
                largest[i % columns] = std::max(largest[i % columns], std::abs(values[i]));
        }
        const auto alpha = static_cast<float>(valueOf<double>(parameters, "alpha"));
        InputTransform made;
        made.factorBits = readsNorm(input.subject.commonName) ? 0 : 16;
        for (std::size_t j = 0; j < columns; ++j) {
            float factor =
                reach[j] > 0 ? std::pow(reach[j], alpha) / std::pow(std::max(largest[j], kLeast), 1 - alpha) : 1;
            factor = std::max(factor, kLeast);
            if (made.factorBits > 0) factor = roundedTo(ScaleType::F16, std::min(factor, 65504.0F));
            made.factors.push_back(factor);
        }
        return made;
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeSmooth() { return std::make_unique<Smooth>(); }

} // namespace qscope::engine
