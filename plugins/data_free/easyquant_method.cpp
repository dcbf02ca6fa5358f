// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"
#include "engine/quant/level_fit.h"
#include "engine/quant/trace_points.h"
#include "engine/quant/uniform_step.h"
#include "engine/quant/weights_alone.h"
#include "plugins/data_free/methods.h"
#include "plugins/data_free/parts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope::engine {

namespace {

MethodInfo describeEasyQuant() {
    MethodInfo info{"easyquant",
                    "EasyQuant",
                    "Data-free",
                    "Tang et al., EasyQuant: an efficient data-free quantization algorithm for LLMs, 2023",
                    "Keeps the few weights farthest from the mean in 16 bits and looks for the range of each row's "
                    "others that rounds them best. Needs no data. "
                    "The range is searched, where the paper follows its gradient.",
                    {bitsRow(4, 2, 8),
                     groupRow(0),
                     {"outliers",
                      "Weights kept",
                      ParamType::Real,
                      0.3,
                      0,
                      100,
                      {},
                      "Share of the matrix farthest from its mean, kept in 16 bits.",
                      "%"}}};
    info.help.objective =
        "Per group the least sum of (w - s q)^2 over the scale s, with q = clamp(round(w / s)), outliers left out.";
    info.help.steps = {
        "Set aside the share of weights with the largest |w - mean|: those beyond some multiple of the deviation.",
        "For each group, try scales between a fifth of that of its largest magnitude and the whole.",
        "From the best, take s = <w, q> / <q, q> and codes in turn while the error falls.",
        "Round to that scale; outliers are stored beside the codes."};
    info.help.cost = "60 passes over the weights; bits + 16 / group + 0.32 (columns up to 65536) per percent of "
                     "outliers + 32 / columns bits per weight.";
    info.help.differences = "The range comes from a search and least squares in turn, which find an optimum at least "
                            "as good as gradient steps, and the same each time. "
                            "Outliers are told by their share, so that the size is known beforehand, in place of a "
                            "multiple of the deviation (3 deviations of a bell curve: 0.27 %). "
                            "Groups within rows are offered too; the paper has one range per row.";
    return info;
}

/// The range of least squared error for one group on a symmetric grid.
UniformStep searchedStep(std::span<const float> values, int bits) {
    const auto top = static_cast<float>((1 << (bits - 1)) - 1);
    float largest = 0;
    for (const float w : values) largest = std::max(largest, std::abs(w));
    if (!(largest > 0)) return {0, 0, -top, top};
    const auto stepOf = [&](double scale) {
        return UniformStep{storedScale(static_cast<float>(scale), ScaleType::F16), 0, -top, top};
    };
    const auto errorOf = [&](const UniformStep& step) {
        double sum = 0;
        for (const float w : values) {
            const double d = static_cast<double>(w) - static_cast<double>(step.rounded(w));
            sum += d * d;
        }
        return sum;
    };
    constexpr int kCandidates = 60;
    const double whole = static_cast<double>(largest) / static_cast<double>(top);
    UniformStep best = stepOf(whole);
    double least = errorOf(best);
    for (int i = 1; i < kCandidates; ++i) {
        const UniformStep step = stepOf(whole * (1 - 0.8 * i / (kCandidates - 1)));
        if (const double error = errorOf(step); error < least) least = error, best = step;
    }
    for (;;) { // ends: the error falls each time, and there are finitely many stored scales
        double along = 0, square = 0;
        for (const float w : values) {
            const auto q = static_cast<double>(best.code(w));
            along += static_cast<double>(w) * q;
            square += q * q;
        }
        if (!(along > 0)) return best;
        const UniformStep step = stepOf(along / square);
        const double error = errorOf(step);
        if (!(error < least)) return best;
        least = error;
        best = step;
    }
}

class EasyQuant final : public QuantMethod, public WeightsAlone {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        QSCOPE_CHECK(requireElements(subject.shape));
        QuantizedTensor dense{subject.shape, emptyCodes(subject.shape, parameters)};
        const std::int64_t kept = keptOf(elementCount(subject.shape), parameters);
        if (kept == 0) return dense;
        WithOutliers form;
        form.base = std::make_shared<const QuantizedTensor>(std::move(dense));
        form.outlineCount = kept;
        return tensorOf(subject.shape, std::move(form));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(requireElements(input.subject.shape));
        QSCOPE_TRY(auto matrix, finiteValues(input, context));
        GridCodes codes = emptyCodes(input.subject.shape, parameters);
        const auto apart = farthest(matrix, keptOf(static_cast<std::int64_t>(matrix.size()), parameters));
        const auto columns = static_cast<std::size_t>(codes.grouping.columns);
        WithOutliers form;
        form.rowStart.assign(static_cast<std::size_t>(codes.grouping.rows) + 1, 0);
        for (const std::size_t element : apart) {
            ++form.rowStart[element / columns + 1];
            form.columns.push_back(static_cast<std::int32_t>(element % columns));
            form.values.push_back(roundedTo(ScaleType::F16, std::clamp(matrix[element], -65504.0F, 65504.0F)));
            matrix[element] = 0; // code 0, which no range has to grow for
        }
        std::partial_sum(form.rowStart.begin(), form.rowStart.end(), form.rowStart.begin());

        std::vector<UniformStep> steps(static_cast<std::size_t>(codes.grouping.count()));
        QSCOPE_CHECK(eachGroup(matrix, {}, codes.grouping, context, [&](std::int64_t g, const GroupValues& group) {
            steps[static_cast<std::size_t>(g)] = searchedStep(group.values, codes.grid.bits);
        }));
        QSCOPE_CHECK(traceRanges(input.traces, matrix, codes.grouping, codes.grid, steps, context));
        codes.values = roundToSteps(matrix, codes.grouping, codes.grid, steps);
        QuantizedTensor dense{input.subject.shape, std::move(codes)};
        if (apart.empty()) return dense;
        form.base = std::make_shared<const QuantizedTensor>(std::move(dense));
        return tensorOf(input.subject.shape, std::move(form));
    }

private:
    static GridCodes emptyCodes(const Shape& shape, const ParamValues& parameters) {
        return {{bitsOf(parameters), true, ScaleType::F16}, rowGroups(shape, parameters), {}};
    }
    static std::int64_t keptOf(std::int64_t elements, const ParamValues& parameters) {
        return static_cast<std::int64_t>(
            std::floor(static_cast<double>(elements) * valueOf<double>(parameters, "outliers") / 100 + 1e-9));
    }
    /// Places of the values farthest from the mean, ascending; of equally far ones the first.
    static std::vector<std::size_t> farthest(std::span<const float> values, std::int64_t count) {
        const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
        std::vector<std::size_t> order(values.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        const auto distance = [&](std::size_t i) { return std::abs(static_cast<double>(values[i]) - mean); };
        std::nth_element(order.begin(), order.begin() + count, order.end(), [&](std::size_t a, std::size_t b) {
            const double left = distance(a), right = distance(b);
            return left != right ? left > right : a < b;
        });
        order.resize(static_cast<std::size_t>(count));
        std::ranges::sort(order);
        return order;
    }

    MethodInfo m_info = describeEasyQuant();
};

} // namespace

std::unique_ptr<QuantMethod> makeEasyQuant() { return std::make_unique<EasyQuant>(); }

} // namespace qscope::engine
