// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/grid_choice.h"

#include "engine/quant/element_stream.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

std::vector<ParamSpec> joined(std::vector<std::vector<ParamSpec>> tables) {
    std::vector<ParamSpec> all;
    for (auto& table : tables) std::move(table.begin(), table.end(), std::back_inserter(all));
    return all;
}

std::vector<ParamSpec> gridParameters(bool withSymmetric) {
    std::vector<ParamSpec> rows{
        {"bits", "Bits", ParamType::Integer, std::int64_t{4}, 2, 8, {}, "Width of one code.", "bit"},
        {"group",
         "Group size",
         ParamType::Integer,
         std::int64_t{128},
         0,
         1 << 20,
         {},
         "Weights along a row that share a scale; 0: the whole row.",
         "weights"},
        {"scale",
         "Scale type",
         ParamType::Choice,
         std::string("f16"),
         0,
         0,
         {"f16", "f32"},
         "How scales are stored: 16 or 32 bits each.",
         ""}};
    if (withSymmetric)
        rows.push_back({"symmetric",
                        "Symmetric",
                        ParamType::Flag,
                        false,
                        0,
                        0,
                        {},
                        "Signed codes around zero; off: unsigned codes with a zero point per group.",
                        ""});
    return rows;
}

std::vector<ParamSpec> rangeParameters(const std::string& defaultRange) {
    return {
        {"range",
         "Range",
         ParamType::Choice,
         defaultRange,
         0,
         0,
         {"max", "mse"},
         "How far the grid reaches: to the largest weight, or as far as makes the rounding error of the group least.",
         ""},
        {"power",
         "Power of the error",
         ParamType::Real,
         2.4,
         0.5,
         8,
         {},
         "Exponent of the distances that range mse adds up.",
         ""}};
}

UniformGrid gridOf(const ParamValues& parameters) {
    const auto symmetric = parameters.find("symmetric");
    return {static_cast<int>(valueOf<std::int64_t>(parameters, "bits")),
            symmetric != parameters.end() && std::get<bool>(symmetric->second),
            valueOf<std::string>(parameters, "scale") == "f16" ? ScaleType::F16 : ScaleType::F32};
}

Clipping clippingOf(const ParamValues& parameters) {
    Clipping clipping;
    if (valueOf<std::string>(parameters, "range") == "mse") clipping.rule = Clipping::Rule::MeanSquares;
    clipping.power = valueOf<double>(parameters, "power");
    return clipping;
}

Result<QuantizedTensor> outlineOnGrid(const Subject& subject, const ParamValues& parameters) {
    if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
    const MatrixShape matrix = asMatrix(subject.shape);
    const std::int64_t asked = valueOf<std::int64_t>(parameters, "group");
    const std::int64_t group = asked == 0 ? matrix.columns : std::min(matrix.columns, asked);
    if (matrix.columns % group != 0)
        return fail(ErrorCode::Unsupported, "group {} does not divide {} columns", group, matrix.columns);
    return QuantizedTensor{subject.shape, GridCodes{gridOf(parameters), {matrix.rows, matrix.columns, 1, group}, {}}};
}

Result<std::vector<float>> finiteValues(const TensorView& weight, const RunContext& context) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(weight.shape)));
    QSCOPE_CHECK(decodeParallel(weight, 0, values, context));
    QSCOPE_CHECK(requireFinite(values, 0, weight.shape, context));
    return values;
}

Folding foldingOf(const Subject& subject) {
    const auto is = [&](std::string_view part) { return subject.commonName.find(part) != std::string::npos; };
    if (is(".o_proj.")) return subject.model.heads == subject.model.kvHeads ? Folding::Free : Folding::Never;
    constexpr std::array kFree{".q_proj.",    ".k_proj.",  ".v_proj.",       ".qkv_proj.",
                               ".gate_proj.", ".up_proj.", ".gate_up_proj.", ".down_proj."};
    return std::ranges::any_of(kFree, is) ? Folding::Free : Folding::Stored;
}

} // namespace qscope::engine
