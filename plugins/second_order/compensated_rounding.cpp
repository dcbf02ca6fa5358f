// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/second_order/compensated_rounding.h"

#include "engine/quant/activation_parameters.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/trace_points.h"
#include "engine/quant/uniform_step.h"
#include "plugins/second_order/column_loop.h"

#include <algorithm>

namespace qscope::engine {

namespace {

bool flag(const ParamValues& parameters, std::string_view key) { return valueOf<bool>(parameters, key); }

UniformGrid gridOf(const ParamValues& parameters) {
    return {static_cast<int>(valueOf<std::int64_t>(parameters, "bits")), flag(parameters, "symmetric"),
            valueOf<std::string>(parameters, "scale") == "f16" ? ScaleType::F16 : ScaleType::F32};
}

ColumnOrder::Rule ruleOf(const ParamValues& parameters) {
    if (flag(parameters, "act_order")) return ColumnOrder::Rule::Descending;
    return flag(parameters, "group_aware_order") ? ColumnOrder::Rule::GroupAware : ColumnOrder::Rule::Natural;
}

std::vector<double> diagonalOf(std::span<const double> moments, std::int64_t columns) {
    std::vector<double> diagonal;
    for (std::int64_t c = 0; c < columns; ++c) diagonal.push_back(moments[static_cast<std::size_t>(c * columns + c)]);
    return diagonal;
}

/// A number that not all of these methods have; 0: this one has not.
double strength(const ParamValues& parameters, std::string_view key) {
    const auto found = parameters.find(key);
    return found == parameters.end() ? 0 : std::get<double>(found->second);
}

/// Where the groups of a scattered order lie among the columns as they are.
std::vector<std::int32_t> columnGroups(const ColumnOrder& order) {
    std::vector<std::int32_t> groups(order.column.size());
    for (std::size_t place = 0; place < groups.size(); ++place)
        groups[static_cast<std::size_t>(order.column[place])] = order.group[place];
    return groups;
}

/// How strong the inputs are, what of each channel those behind it cannot make up for (1 / U_ii²), and what rounding
/// cost the outputs.
void leaveTraces(std::vector<Trace>& traces, std::span<const double> moments, const ColumnOrder& order,
                 const SquareMatrix& factor, std::vector<double> losses, double tokens) {
    const auto columns = order.column.size();
    std::vector<std::pair<double, double>> channels; // mean square, what is left of it
    for (std::size_t place = 0; place < columns; ++place) {
        const auto column = static_cast<std::size_t>(order.column[place]);
        const double own = factor.values[place * columns + place];
        channels.emplace_back(moments[column * columns + column] / tokens, 1 / (own * own * tokens));
    }
    std::ranges::sort(channels, std::greater<>());
    const std::string chart = "Diagonal of the inputs' second moments, largest first: ", x = "rank of the channel",
                      y = "mean square";
    Trace all{chart + "H / tokens", x, y, {}, {}}, left{chart + "damped, given the columns behind", x, y, {}, {}};
    for (const std::size_t rank : drawnRanks(columns)) {
        for (Trace* trace : {&all, &left}) trace->x.push_back(static_cast<double>(rank) + 1);
        all.y.push_back(channels[rank].first);
        left.y.push_back(channels[rank].second);
    }
    traces.push_back(std::move(all));
    traces.push_back(std::move(left));
    for (double& loss : losses) loss /= tokens;
    traces.push_back(rankedOf("Error of each output on the text, largest first", "rank of the output channel",
                              "squared error per token", std::move(losses)));
}

} // namespace

std::vector<ParamSpec> compensatedParameters(std::vector<ParamSpec> own) {
    std::vector<ParamSpec> rows{
        {"bits", "Bits", ParamType::Integer, std::int64_t{4}, 2, 8, {}, "Width of one code.", "bit"},
        {"symmetric",
         "Symmetric",
         ParamType::Flag,
         true,
         0,
         0,
         {},
         "Signed codes around zero; off: unsigned codes with a zero point per group, better at 2 and 3 bits.",
         ""},
        {"group",
         "Group size",
         ParamType::Integer,
         std::int64_t{128},
         0,
         1 << 20,
         {},
         "Weights of a row that share a scale; 0 or more than there are: the whole row.",
         "weights"},
        {"scale",
         "Scale type",
         ParamType::Choice,
         std::string("f16"),
         0,
         0,
         {"f32", "f16"},
         "How scales are stored: 16 bits, as the files of GPTQ have them, or 32.",
         ""},
        {"mse",
         "Search ranges",
         ParamType::Flag,
         false,
         0,
         0,
         {},
         "Shrink each group's range to where the sum of |w - ŵ|^2.4 is least, instead of taking its smallest and "
         "largest value.",
         ""},
        {"act_order",
         "Activation order",
         ParamType::Flag,
         false,
         0,
         0,
         {},
         "Round the columns with the strongest inputs first. With groups that are not static, each column stores its "
         "group.",
         ""},
        {"group_aware_order",
         "Group-aware order",
         ParamType::Flag,
         false,
         0,
         0,
         {},
         "The same order inside groups and of groups, which needs no list of groups.",
         ""},
        {"static_groups",
         "Static groups",
         ParamType::Flag,
         false,
         0,
         0,
         {},
         "Fit all scales to the weights as they are, before any is corrected.",
         ""},
        {"true_sequential",
         "Truly sequential",
         ParamType::Flag,
         true,
         0,
         0,
         {},
         "Within a block, let later layers see what earlier ones became: query, key and value; output; gate and up; "
         "down.",
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
         "Columns after which the rest of the matrix is corrected, in one product. A matter of speed alone.",
         "columns"},
    };
    for (auto* more : {&own}) std::ranges::move(*more, std::back_inserter(rows));
    for (ParamSpec& row : activationParameters()) rows.push_back(std::move(row));
    return rows;
}

bool CompensatedRounding::readsBothStreams(const ParamValues& parameters) const {
    return strength(parameters, "alpha") != 0;
}

std::optional<ActivationQuantization> CompensatedRounding::activations(const ParamValues& parameters,
                                                                       const Calibration* calibration) const {
    return activationsFrom(parameters, calibration);
}

Result<QuantizedTensor> CompensatedRounding::outline(const Subject& subject, const ParamValues& parameters) const {
    if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
    if (subject.shape.size() != 2)
        return fail(ErrorCode::Unsupported, "it has {} axes, and only a matrix multiplies inputs",
                    subject.shape.size());
    if (!subject.hasCalibration) return fail(ErrorCode::Unsupported, "the calibration text sends no inputs into it");
    if (flag(parameters, "act_order") && flag(parameters, "group_aware_order"))
        return fail(ErrorCode::OutOfRange, "act_order and group_aware_order are two orders: choose one");
    const std::int64_t rows = subject.shape[0], columns = subject.shape[1],
                       asked = valueOf<std::int64_t>(parameters, "group");
    const std::int64_t group = asked == 0 ? columns : std::min(asked, columns);
    GridCodes codes{gridOf(parameters), {rows, columns, 1, group}, {}};
    if (flag(parameters, "act_order") && !flag(parameters, "static_groups") && group < columns)
        codes.columnGroup.assign(static_cast<std::size_t>(columns), 0); // its size counts
    return QuantizedTensor{subject.shape, std::move(codes)};
}

Result<std::span<const double>> momentsFor(const QuantInput& input, std::int64_t columns) {
    if (!input.calibration || input.calibration->secondMoments.empty())
        return fail(ErrorCode::Unsupported, "the calibration text sends no inputs into it");
    if (input.calibration->channels != columns)
        return fail(ErrorCode::Unsupported, "its inputs have {} channels and it has {} columns",
                    input.calibration->channels, columns);
    return std::span<const double>(input.calibration->secondMoments);
}

Result<QuantizedTensor> CompensatedRounding::quantize(const QuantInput& input, const ParamValues& parameters,
                                                      std::uint64_t, const RunContext& context) const {
    Subject subject = input.subject;
    subject.hasCalibration = input.calibration != nullptr;
    QSCOPE_TRY(auto quantized, outline(subject, parameters));
    auto& codes = std::get<GridCodes>(quantized.codes);
    const std::int64_t rows = codes.grouping.rows, columns = codes.grouping.columns;
    QSCOPE_TRY(const auto moments, momentsFor(input, columns));
    std::vector<float> weight(static_cast<std::size_t>(rows * columns));
    QSCOPE_CHECK(decodeParallel(input.weight, 0, weight, context));
    QSCOPE_CHECK(requireFinite(weight, 0, subject.shape, context));

    const bool fixed = flag(parameters, "static_groups");
    const ColumnOrder order =
        columnOrder(ruleOf(parameters), diagonalOf(moments, columns), codes.grouping.groupColumns, fixed);
    QSCOPE_TRY(
        const SquareMatrix factor,
        dampedInverseFactor(moments, order.column, valueOf<double>(parameters, "percdamp"), subject.name, context));
    const double alpha = strength(parameters, "alpha");
    std::vector<float> carry;
    if (alpha != 0 && !input.crossMoments.empty()) {
        QSCOPE_TRY(carry, mismatchCarry(input.crossMoments, order.column, factor, alpha, context));
    } else if (alpha != 0) {
        context.notes.note(
            "it lies outside of the blocks, where inputs are those of full precision: rounded as GPTQ does",
            subject.name);
    }
    Clipping clipping;
    if (flag(parameters, "mse")) clipping = {Clipping::Rule::MeanSquares, 0, 2.4, 80};
    std::vector<UniformStep> steps;
    if (fixed) {
        QSCOPE_TRY(steps, fitSteps(weight, {}, codes.grouping, codes.grid, clipping, context));
    }
    ColumnLoop<UniformStep> loop{rows,
                                 weight,
                                 order,
                                 factor,
                                 carry,
                                 static_cast<float>(strength(parameters, "beta")),
                                 valueOf<std::int64_t>(parameters, "blocksize"),
                                 steps};
    if (!fixed) loop.fit = [&](std::span<const float> values) { return fitStep(values, {}, codes.grid, clipping); };
    QSCOPE_TRY(const auto rounded, runColumnLoop(loop, context));

    codes.values = withoutCodes(codes.grid, steps);
    codes.values.codes.reserve(rounded.codes.size());
    for (const float code : rounded.codes) codes.values.codes.push_back(storedCode(codes.grid, code));
    if (order.scattered)
        codes.columnGroup = columnGroups(order);
    else if (flag(parameters, "mse"))
        QSCOPE_CHECK(traceRanges(input.traces, weight, codes.grouping, codes.grid, steps, context));
    if (input.traces)
        leaveTraces(*input.traces, moments, order, factor, rounded.losses,
                    static_cast<double>(std::max<std::int64_t>(1, input.calibration->tokens)));
    context.progress.done.fetch_add(rows * columns, std::memory_order_relaxed);
    return quantized;
}

} // namespace qscope::engine
