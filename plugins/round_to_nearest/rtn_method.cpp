// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/round_to_nearest/rtn_method.h"

#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"
#include "engine/quant/activation_parameters.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/weights_alone.h"

#include <algorithm>
#include <mutex>

namespace qscope::engine {

namespace {

const MethodInfo& describeRoundToNearest() {
    static const MethodInfo info = [] {
        MethodInfo made{
        "rtn", "Round to nearest", "Number formats",
        "Krishnamoorthi, Quantizing deep convolutional networks for efficient inference: a whitepaper, 2018",
        "Rounds every weight to the nearest step of a uniform grid whose range is that of its group; activations, keys and "
        "values too where asked. The paper's batch-norm folding and training are not part of it.",
        {
            {"bits", "Bits", ParamType::Integer, std::int64_t{4}, 2, 8, {}, "Width of one code.", "bit"},
            {"symmetric", "Symmetric", ParamType::Flag, true, 0, 0, {},
             "Signed codes around zero; off: unsigned codes with a zero point per group.", ""},
            {"granularity", "One scale per", ParamType::Choice, std::string("group"), 0, 0,
             {"tensor", "output-channel", "input-channel", "group"},
             "Which weights share a scale: all, one row, one column, or a run along a row.", ""},
            {"group", "Group size", ParamType::Integer, std::int64_t{128}, 1, 1 << 20, {},
             "Weights per group along a row, for granularity group; a row that is shorter is one group.", "weights"},
            {"scale", "Scale type", ParamType::Choice, std::string("f32"), 0, 0, {"f32", "f16"},
             "How scales are stored: 32 or 16 bits each.", ""},
        }};
        for (ParamSpec& row : activationParameters()) made.parameters.push_back(std::move(row));
        made.quantizesActivations = true;
        return made;
    }();
    return info;
}

Grouping groupingOf(const MatrixShape& matrix, const ParamValues& parameters) {
    const auto& granularity = valueOf<std::string>(parameters, "granularity");
    Grouping grouping{matrix.rows, matrix.columns, 1, matrix.columns};
    if (granularity == "tensor" || granularity == "input-channel") grouping.groupRows = matrix.rows;
    if (granularity == "input-channel") grouping.groupColumns = 1;
    if (granularity == "group")
        grouping.groupColumns = std::min(matrix.columns, valueOf<std::int64_t>(parameters, "group"));
    return grouping;
}

UniformGrid gridOf(const ParamValues& parameters) {
    return {static_cast<int>(valueOf<std::int64_t>(parameters, "bits")), valueOf<bool>(parameters, "symmetric"),
            valueOf<std::string>(parameters, "scale") == "f16" ? ScaleType::F16 : ScaleType::F32};
}

template<class T>
void append(std::vector<T>& target, const std::vector<T>& source) {
    target.insert(target.end(), source.begin(), source.end());
}

/// Groups within rows: any run of whole groups can be rounded by itself.
Result<RoundedToGrid> roundRowGroups(const TensorView& tensor, const Grouping& grouping, const UniformGrid& grid,
                                     const RunContext& context) {
    // Where groups tile the rows, the rows' borders do not matter and a long row can be cut.
    const bool tiled = grouping.columns % grouping.groupColumns == 0;
    const std::int64_t columns = tiled ? grouping.groupColumns : grouping.columns;
    const std::int64_t rows = grouping.rows * grouping.columns / columns;
    const std::int64_t rowsPerStep = std::max<std::int64_t>(1, kStreamElements / columns);
    RoundedToGrid rounded;
    rounded.codes.reserve(static_cast<std::size_t>(rows * columns));
    ElementStream stream(tensor);
    for (std::int64_t row = 0; row < rows; row += rowsPerStep) {
        const std::int64_t taken = std::min(rowsPerStep, rows - row);
        QSCOPE_TRY(const auto values, stream.read(row * columns, taken * columns, context));
        QSCOPE_CHECK(requireFinite(values, row * columns, tensor.shape, context));
        QSCOPE_TRY(const auto step, context.backend.roundToGrid(
                                        values, {taken, columns, 1, grouping.groupColumns}, grid, context));
        append(rounded.codes, step.codes);
        append(rounded.scales, step.scales);
        append(rounded.zeros, step.zeros);
        context.progress.done.fetch_add(taken * columns, std::memory_order_relaxed);
    }
    return rounded;
}

/// Two rows of a matrix: the smallest values of the groups, then the largest, each in the first column of its group.
/// Other entries are zero, which every grid holds.
struct Extremes {
    explicit Extremes(const Grouping& grouping)
        : columns(static_cast<std::size_t>(grouping.columns)), perColumn(grouping.groupColumns == 1),
          rows(2 * columns, 0.0f) {}

    void widen(std::span<const float> values) {
        float* lowest = rows.data();
        float* highest = rows.data() + columns;
        for (std::size_t begin = 0; begin < values.size(); begin += columns)
            for (std::size_t column = 0; column < columns; ++column) {
                const std::size_t group = perColumn ? column : 0;
                lowest[group] = std::min(lowest[group], values[begin + column]);
                highest[group] = std::max(highest[group], values[begin + column]);
            }
    }

    std::size_t columns;
    bool perColumn;
    std::vector<float> rows;
};

Result<std::vector<float>> findExtremes(const TensorView& tensor, const Grouping& grouping, std::int64_t rowsPerStep,
                                        const RunContext& context) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    Extremes all(grouping);
    ElementStream stream(tensor);
    for (std::int64_t row = 0; row < grouping.rows; row += rowsPerStep) {
        const std::int64_t taken = std::min(rowsPerStep, grouping.rows - row);
        QSCOPE_TRY(const auto values, stream.read(row * grouping.columns, taken * grouping.columns, context));
        QSCOPE_CHECK(requireFinite(values, row * grouping.columns, tensor.shape, context));
        std::mutex mutex;
        const auto columns = static_cast<std::size_t>(grouping.columns);
        QSCOPE_CHECK(parallelChunks(taken, ceilDiv(taken, std::int64_t{16}), quiet,
                                    [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            Extremes part(grouping);
            part.widen(values.subspan(static_cast<std::size_t>(begin) * columns,
                                      static_cast<std::size_t>(end - begin) * columns));
            const std::lock_guard lock(mutex);
            all.widen(part.rows); // smallest and largest do not depend on the order
            return {};
        }));
    }
    return std::move(all.rows);
}

/// Groups that span all rows: a first pass finds their extremes, a second rounds a few rows at a time together with the
/// two rows of extremes, which gives every step the scale of the whole group.
Result<RoundedToGrid> roundColumnGroups(const TensorView& tensor, const Grouping& grouping, const UniformGrid& grid,
                                        const RunContext& context) {
    const std::int64_t rowsPerStep = std::max<std::int64_t>(1, kStreamElements / grouping.columns);
    QSCOPE_TRY(const auto extremes, findExtremes(tensor, grouping, rowsPerStep, context));
    RoundedToGrid rounded;
    rounded.codes.reserve(static_cast<std::size_t>(grouping.rows * grouping.columns));
    std::vector<float> values;
    for (std::int64_t row = 0; row < grouping.rows; row += rowsPerStep) {
        const std::int64_t taken = std::min(rowsPerStep, grouping.rows - row);
        const std::int64_t count = taken * grouping.columns;
        values.resize(static_cast<std::size_t>(count));
        QSCOPE_CHECK(decodeParallel(tensor, row * grouping.columns, values, context));
        append(values, extremes);
        QSCOPE_TRY(auto step, context.backend.roundToGrid(
                                  values, {taken + 2, grouping.columns, taken + 2, grouping.groupColumns}, grid, context));
        step.codes.resize(static_cast<std::size_t>(count));
        append(rounded.codes, step.codes);
        rounded.scales = std::move(step.scales);
        rounded.zeros = std::move(step.zeros);
        context.progress.done.fetch_add(count, std::memory_order_relaxed);
    }
    return rounded;
}

class RoundToNearest final : public QuantMethod, public WeightsAlone {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeRoundToNearest(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        return QuantizedTensor{subject.shape, GridCodes{gridOf(parameters), groupingOf(asMatrix(subject.shape), parameters), {}}};
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
        QSCOPE_TRY(auto quantized, outline(input.subject, parameters));
        auto& codes = std::get<GridCodes>(quantized.codes);
        QSCOPE_TRY(codes.values, codes.grouping.groupRows == 1
                                     ? roundRowGroups(input.weight, codes.grouping, codes.grid, context)
                                     : roundColumnGroups(input.weight, codes.grouping, codes.grid, context));
        return quantized;
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeRoundToNearest() { return std::make_unique<RoundToNearest>(); }

} // namespace qscope::engine
