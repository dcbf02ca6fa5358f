// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/level_fit.h"
#include "engine/quant/uniform_step.h"
#include "engine/quant/weights_alone.h"
#include "plugins/data_free/methods.h"
#include "plugins/data_free/parts.h"

#include <algorithm>

namespace qscope::engine {

namespace {

MethodInfo describeFineQuant() {
    MethodInfo info{"finequant",
                    "FineQuant",
                    "Data-free",
                    "Kim, Henry, Fahim, Awadalla, FineQuant: unlocking efficiency with fine-grained weight-only "
                    "quantization for LLMs, 2023",
                    "One scale per row to begin with; groups are halved for as long as that makes ranges shrink "
                    "enough, matrix by matrix. Needs no data. "
                    "The rule by which a halving counts is ours.",
                    {bitsRow(4, 2, 8),
                     {"symmetric",
                      "Symmetric",
                      ParamType::Flag,
                      true,
                      0,
                      0,
                      {},
                      "Signed codes around zero; off: unsigned codes with a zero point per group.",
                      ""},
                     {"smallest",
                      "Smallest group",
                      ParamType::Integer,
                      std::int64_t{64},
                      1,
                      1 << 20,
                      {},
                      "Groups are not halved below this.",
                      "weights"},
                     {"shrinkage",
                      "Shrinkage that counts",
                      ParamType::Real,
                      0.9,
                      0,
                      1,
                      {},
                      "A halving is made while the mean squared range of groups falls below this part of what it was.",
                      ""}}};
    info.help.objective = "As few scales as do: the error of rounding goes with the square of a group's range, so the "
                          "mean of squared ranges says what a halving brings.";
    info.help.steps = {"One group per row.",
                       "Halve the groups in thought; where the mean over weights of their group's squared range falls "
                       "below the given part, halve them, and go on.",
                       "Stop at the smallest size, or where the size is odd.", "Round to nearest in these groups."};
    info.help.cost = "One pass over the weights per halving; bits + 16 / group bits per weight, and the zero points.";
    info.help.differences = "The paper's exact test for halving was not available to us: the mean of squared ranges "
                            "and its standard threshold 0.9 are ours. "
                            "Before the work, the size is that of the smallest groups: the most it may become.";
    return info;
}

class FineQuant final : public QuantMethod, public WeightsAlone {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        QSCOPE_CHECK(requireElements(subject.shape));
        GridCodes codes = emptyCodes(subject.shape, parameters);
        while (halvable(codes.grouping, parameters)) codes.grouping.groupColumns /= 2;
        return QuantizedTensor{subject.shape, std::move(codes)};
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(requireElements(input.subject.shape));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        GridCodes codes = emptyCodes(input.subject.shape, parameters);
        const double shrinkage = valueOf<double>(parameters, "shrinkage");
        QSCOPE_TRY(double squares, squaredRanges(matrix, codes, context));
        while (halvable(codes.grouping, parameters)) {
            GridCodes halved = codes;
            halved.grouping.groupColumns /= 2;
            QSCOPE_TRY(const double less, squaredRanges(matrix, halved, context));
            if (!(less < shrinkage * squares)) break;
            codes.grouping = halved.grouping;
            squares = less;
        }
        QSCOPE_TRY(const auto steps, fitSteps(matrix, {}, codes.grouping, codes.grid, {}, context));
        codes.values = roundToSteps(matrix, codes.grouping, codes.grid, steps);
        context.progress.done.fetch_add(static_cast<std::int64_t>(matrix.size()), std::memory_order_relaxed);
        return QuantizedTensor{input.subject.shape, std::move(codes)};
    }

private:
    static GridCodes emptyCodes(const Shape& shape, const ParamValues& parameters) {
        const MatrixShape matrix = asMatrix(shape);
        return {{bitsOf(parameters), valueOf<bool>(parameters, "symmetric"), ScaleType::F16},
                {matrix.rows, matrix.columns, 1, matrix.columns},
                {}};
    }

    static bool halvable(const Grouping& grouping, const ParamValues& parameters) {
        return grouping.groupColumns % 2 == 0 &&
               grouping.groupColumns / 2 >= valueOf<std::int64_t>(parameters, "smallest");
    }

    /// The mean over groups, all of one size, of the square of the range that a scale has to cover.
    static Result<double> squaredRanges(std::span<const float> matrix, const GridCodes& codes,
                                        const RunContext& context) {
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        std::vector<double> ofGroups(static_cast<std::size_t>(codes.grouping.count()));
        QSCOPE_CHECK(eachGroup(matrix, {}, codes.grouping, quiet, [&](std::int64_t g, const GroupValues& group) {
            const auto [low, high] = std::ranges::minmax(group.values);
            const double below = -std::min(0.0, static_cast<double>(low)),
                         above = std::max(0.0, static_cast<double>(high));
            const double range = codes.grid.symmetric ? 2 * std::max(below, above) : above + below;
            ofGroups[static_cast<std::size_t>(g)] = range * range;
        }));
        double sum = 0;
        for (const double square : ofGroups) sum += square;
        return sum / static_cast<double>(ofGroups.size());
    }

    MethodInfo m_info = describeFineQuant();
};

} // namespace

std::unique_ptr<QuantMethod> makeFineQuant() { return std::make_unique<FineQuant>(); }

} // namespace qscope::engine
