// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/awq_method.h"

#include "engine/core/parallel.h"
#include "engine/quant/trace_points.h"
#include "plugins/search_and_learning/grid_choice.h"

#include <Eigen/Core>

#include <algorithm>
#include <limits>

namespace qscope::engine {

namespace {

const MethodInfo& describeAwqClip() {
    static const MethodInfo info = [] {
        MethodInfo made{"awq_clip",
                        "AWQ clip",
                        "Search and learning",
                        "Lin et al., AWQ: activation-aware weight quantization for on-device LLM compression and "
                        "acceleration, 2024",
                        "Round to nearest with the range of every group cut as far as makes the error of what it adds "
                        "to the output the "
                        "least. The second half of AWQ; chain it behind awq for the whole.",
                        joined({gridParameters(),
                                {{"shrink",
                                  "Largest cut",
                                  ParamType::Real,
                                  0.5,
                                  0.05,
                                  0.95,
                                  {},
                                  "Part of the range that may be cut off.",
                                  ""},
                                 {"steps",
                                  "Steps of a whole cut",
                                  ParamType::Integer,
                                  std::int64_t{20},
                                  1,
                                  1000,
                                  {},
                                  "Ranges tried: 1, 1 - 1/n, ... while less than the largest cut is off.",
                                  ""},
                                 {"skip-qk",
                                  "Leave query and key alone",
                                  ParamType::Flag,
                                  true,
                                  0,
                                  0,
                                  {},
                                  "Queries and keys meet in a product, where cutting does more harm.",
                                  ""}}})};
        made.needsCalibration = true;
        made.help.objective =
            "per row and group: min over c of E ((Q(clip(w, -c, c)) - w) x_g)^2, c = max|w| (1 - k/n).";
        made.help.steps = {"Take the group's block of the inputs' second moments H_g.",
                           "For each c: clip, fit the grid, round; error e H_g e^T.",
                           "Keep the grid with the least error and round the clipped weights on it."};
        made.help.cost = "rows x columns x group per range tried.";
        made.help.differences = "The paper samples about 512 tokens and multiplies them out; the second moments of all "
                                "tokens give the same sums.";
        return made;
    }();
    return info;
}

using Block = Eigen::MatrixXf;

/// Errors of one row, its groups added up.
struct RowErrors {
    std::vector<double> alike; ///< by range tried, the same for all groups
    std::vector<int> chosen;   ///< how many groups took it
    double least = 0;          ///< each group with the range it took
};

/// The step for one group, and the group as it is rounded, clipped. Adds to `errors`, which hold one entry per range
/// tried.
UniformStep searched(std::span<const float> values, const Block& moments, const UniformGrid& grid, int steps,
                     RowErrors& errors, std::vector<float>& clipped) {
    float peak = 0;
    for (const float w : values) peak = std::max(peak, std::abs(w));
    UniformStep best;
    double least = std::numeric_limits<double>::infinity();
    std::vector<float> tried(values.size());
    Eigen::RowVectorXf error(static_cast<Eigen::Index>(values.size()));
    std::size_t taken = 0;
    for (std::size_t k = 0; k < errors.alike.size(); ++k) {
        const float reach = peak * (1 - static_cast<float>(k) / static_cast<float>(steps));
        std::ranges::transform(values, tried.begin(), [&](float w) { return std::clamp(w, -reach, reach); });
        const UniformStep step = fitStep(tried, {}, grid);
        for (std::size_t i = 0; i < values.size(); ++i)
            error[static_cast<Eigen::Index>(i)] = step.rounded(tried[i]) - values[i];
        const auto sum = static_cast<double>((error * moments).dot(error));
        errors.alike[k] += sum;
        if (!(sum < least)) continue;
        least = sum;
        taken = k;
        best = step;
        clipped = tried;
    }
    errors.least += least;
    ++errors.chosen[taken];
    return best;
}

/// The error over the ranges tried, and how often each was taken.
void leaveTraces(std::vector<Trace>& traces, const std::vector<RowErrors>& rows, int steps, double tokens) {
    RowErrors all = rows.front();
    for (std::size_t row = 1; row < rows.size(); ++row) {
        for (std::size_t k = 0; k < all.alike.size(); ++k) all.alike[k] += rows[row].alike[k];
        for (std::size_t k = 0; k < all.chosen.size(); ++k) all.chosen[k] += rows[row].chosen[k];
        all.least += rows[row].least;
    }
    const std::string chart = "Output error over the range kept: ", x = "part of each group's range",
                      y = "squared error per token, groups apart";
    Trace alike{chart + "all groups alike", x, y, {}, {}}, taken{"Groups by the range they keep", x, "groups", {}, {}};
    double mean = 0, groups = 0;
    const std::size_t every = (all.alike.size() + kTracePoints - 1) / kTracePoints;
    for (std::size_t k = 0; k < all.alike.size(); ++k) {
        const double part = 1 - static_cast<double>(k) / static_cast<double>(steps);
        mean += part * all.chosen[k];
        groups += all.chosen[k];
        if (k % every != 0) continue;
        alike.x.push_back(part);
        alike.y.push_back(all.alike[k] / tokens);
        taken.x.push_back(part);
        taken.y.push_back(all.chosen[k]);
    }
    traces.push_back(std::move(alike));
    traces.push_back(choiceOf(chart + "each its own, at the mean part", x, y, mean / groups, all.least / tokens));
    traces.push_back(std::move(taken));
}

class AwqClip final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeAwqClip(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        return outlineOnGrid(subject, parameters);
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(auto quantized, outline(input.subject, parameters));
        auto& codes = std::get<GridCodes>(quantized.codes);
        const Grouping& grouping = codes.grouping;
        const InputStatistics* seen = input.calibration;
        if (!seen || seen->channels != grouping.columns || seen->secondMoments.empty())
            return fail(ErrorCode::Unsupported, "the calibration text did not reach this weight");
        QSCOPE_TRY(const auto weight, finiteValues(input.weight, context));
        const std::int64_t group = grouping.groupColumns;
        std::vector<Block> moments;
        const Eigen::Map<const Eigen::MatrixXd> all(seen->secondMoments.data(), grouping.columns, grouping.columns);
        for (std::int64_t first = 0; first < grouping.columns; first += group)
            moments.push_back(all.block(first, first, group, group).cast<float>());
        const int steps = static_cast<int>(valueOf<std::int64_t>(parameters, "steps"));
        int candidates = std::max(1, static_cast<int>(valueOf<double>(parameters, "shrink") * steps));
        const auto& name = input.subject.commonName;
        const auto is = [&](std::string_view part) { return name.find(part) != std::string::npos; };
        if (valueOf<bool>(parameters, "skip-qk") &&
            (is("q_proj") || is("k_proj") || is("qkv_proj") || is("query") || is("key")))
            candidates = 1;

        std::vector<UniformStep> found(static_cast<std::size_t>(grouping.count()));
        codes.values.codes.resize(weight.size());
        const auto tried = static_cast<std::size_t>(candidates);
        std::vector<RowErrors> errors(static_cast<std::size_t>(grouping.rows),
                                      {std::vector<double>(tried), std::vector<int>(tried)});
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        QSCOPE_CHECK(parallelChunks(grouping.rows, 4, quiet, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            std::vector<float> clipped;
            for (std::int64_t row = begin; row < end; ++row)
                for (std::int64_t first = 0; first < grouping.columns; first += group) {
                    const auto at = static_cast<std::size_t>(row * grouping.columns + first);
                    const UniformStep step = searched(std::span(weight).subspan(at, static_cast<std::size_t>(group)),
                                                      moments[static_cast<std::size_t>(first / group)], codes.grid,
                                                      steps, errors[static_cast<std::size_t>(row)], clipped);
                    found[static_cast<std::size_t>(grouping.indexOf(row, first))] = step;
                    for (std::size_t i = 0; i < clipped.size(); ++i)
                        codes.values.codes[at + i] = storedCode(codes.grid, step.code(clipped[i]));
                }
            context.progress.done.fetch_add((end - begin) * grouping.columns, std::memory_order_relaxed);
            return {};
        }));
        RoundedToGrid kept = withoutCodes(codes.grid, found);
        kept.codes = std::move(codes.values.codes);
        codes.values = std::move(kept);
        if (input.traces && tried > 1)
            leaveTraces(*input.traces, errors, steps, static_cast<double>(std::max<std::int64_t>(1, seen->tokens)));
        return quantized;
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeAwqClip() { return std::make_unique<AwqClip>(); }

} // namespace qscope::engine
