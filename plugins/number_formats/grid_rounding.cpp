// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/number_formats/grid_rounding.h"

#include <algorithm>
#include <numeric>

namespace qscope::engine {

std::vector<ParamSpec> groupParameters(std::string granularity, std::string fit) {
    return {
        {"granularity",
         "One scale per",
         ParamType::Choice,
         std::move(granularity),
         0,
         0,
         {"tensor", "output-channel", "group"},
         "Which weights share a scale: all, one row, or a run along a row.",
         ""},
        {"group",
         "Group size",
         ParamType::Integer,
         std::int64_t{128},
         1,
         1 << 20,
         {},
         "Weights per group along a row, for granularity group; a row that is shorter is one group.",
         "weights"},
        {"fit",
         "Scale from",
         ParamType::Choice,
         std::move(fit),
         0,
         0,
         {"absmax", "mse"},
         "The largest magnitude, or the least squared error among 81 scales from 0.3 to 1.1 times that.",
         ""},
        {"scale",
         "Scale type",
         ParamType::Choice,
         std::string("f32"),
         0,
         0,
         {"f32", "f16"},
         "How scales are stored: 32 or 16 bits each.",
         ""},
    };
}

Grouping groupingFrom(const Shape& shape, const ParamValues& parameters) {
    const MatrixShape matrix = asMatrix(shape);
    const auto& granularity = valueOf<std::string>(parameters, "granularity");
    if (granularity == "tensor") return {matrix.rows, matrix.columns, matrix.rows, matrix.columns};
    if (granularity == "output-channel") return {matrix.rows, matrix.columns, 1, matrix.columns};
    return {matrix.rows, matrix.columns, 1, std::min(matrix.columns, valueOf<std::int64_t>(parameters, "group"))};
}

ScaleSearch searchFrom(const ParamValues& parameters) {
    return valueOf<std::string>(parameters, "fit") == "mse" ? ScaleSearch{0.3, 1.1, 81} : ScaleSearch{};
}

ScaleType scaleTypeFrom(const ParamValues& parameters) {
    return valueOf<std::string>(parameters, "scale") == "f16" ? ScaleType::F16 : ScaleType::F32;
}

LevelCodes outlineOn(const Grid& grid, const Grouping& grouping, ScaleType type) {
    LevelCodes codes;
    codes.levelSet = grid.name();
    codes.bits = grid.bits();
    codes.levels = grid.table();
    codes.grouping = grouping;
    codes.scaleType = type == ScaleType::F16 ? DType::F16 : DType::F32;
    return codes;
}

Result<double> roundOn(const Grid& grid, std::span<const float> matrix, std::span<const float> columnWeights,
                       const ScaleSearch& search, LevelCodes& codes, const RunContext& context) {
    const ScaleType type = codes.scaleType == DType::F16 ? ScaleType::F16 : ScaleType::F32;
    codes.codes.resize(matrix.size());
    codes.scales.resize(static_cast<std::size_t>(codes.grouping.count()));
    std::vector<double> errors(codes.scales.size());
    QSCOPE_CHECK(
        eachGroup(matrix, columnWeights, codes.grouping, context, [&](std::int64_t g, const GroupValues& group) {
            const auto fitted = fitScale(GroupError(group.values, group.weights), grid, search, type);
            codes.scales[static_cast<std::size_t>(g)] = fitted.scale;
            errors[static_cast<std::size_t>(g)] = fitted.error;
            for (std::size_t i = 0; i < group.values.size(); ++i)
                codes.codes[static_cast<std::size_t>(group.elements[i])] = grid.nearest(group.values[i] / fitted.scale);
        }));
    return std::accumulate(errors.begin(), errors.end(), 0.0); // in the order of groups, whoever computed them
}

std::optional<ActivationRange> searchedRange(const InputStatistics& inputs, const Grid& grid,
                                             const ScaleSearch& search) {
    if (inputs.samples.empty()) return std::nullopt;
    const float reach = fitScale(GroupError(inputs.samples), grid, search, ScaleType::F32).scale * grid.largest();
    return ActivationRange{{-reach}, {reach}};
}

} // namespace qscope::engine
