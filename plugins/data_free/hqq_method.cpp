// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"
#include "engine/quant/level_fit.h"
#include "engine/quant/weights_alone.h"
#include "plugins/data_free/methods.h"
#include "plugins/data_free/parts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace qscope::engine {

namespace {

MethodInfo describeHqq() {
    MethodInfo info{"hqq",
                    "HQQ",
                    "Data-free",
                    "Badri, Shaji, Half-quadratic quantization of large machine learning models, 2023",
                    "Keeps the scale of each group's range and moves its zero point, a free number, until the error is "
                    "as sparse as it can "
                    "be: few large errors are forgiven. Needs no data.",
                    {bitsRow(4, 1, 8),
                     groupRow(64),
                     choiceRow("axis", "Groups along", {"input", "output"},
                               "input: runs within a row; output: runs down a column, for one input channel each."),
                     {"p",
                      "Power of the error",
                      ParamType::Real,
                      0.7,
                      0.1,
                      1,
                      {},
                      "Errors count as |e|^p: the smaller, the more a few large ones are forgiven.",
                      ""},
                     {"beta",
                      "Tie of errors",
                      ParamType::Real,
                      10.0,
                      1e-3,
                      1e6,
                      {},
                      "How closely the auxiliary error follows the real one.",
                      ""},
                     {"iterations",
                      "Iterations",
                      ParamType::Integer,
                      std::int64_t{20},
                      0,
                      1000,
                      {},
                      "At most; it stops where the mean error does not fall.",
                      ""}}};
    info.help.objective = "Least sum of |w - ŵ|^p over the zero point z of each group, ŵ = (c - z) s with codes c = "
                          "round(w / s + z) and s = (max - min) / (2^bits - 1), "
                          "split with an error e of its own: |e|^p + beta/2 (e - (w - ŵ))^2.";
    info.help.steps = {"z = -min / s, whole at 4 bits; codes.",
                       "d = w - ŵ; e = sign(d) max(0, |d| - |d|^(p-1) / beta).",
                       "z = mean over the group of c - (w - e) / s.",
                       "Again while the mean of |w - ŵ| over the tensor falls; the best z stays.",
                       "Codes anew for s and the offset -z s as they are stored."};
    info.help.cost = "A few passes over the weights; bits + 32 / group bits per weight.";
    info.help.differences = "The zero point of the least error is kept, where the authors' first solver keeps the one "
                            "after it. The offset -z s is stored in 16 bits in place of z. "
                            "Scales of groups with a tiny range are not limited. Groups down a column are consecutive "
                            "rows; the authors' are spread over all rows. "
                            "Of weights much below 0.2 the shrinkage with the standard beta leaves no error over, and "
                            "z is then the least-squares one; so it is in the authors' code.";
    return info;
}

class Hqq final : public QuantMethod, public WeightsAlone {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        QSCOPE_CHECK(requireElements(subject.shape));
        return tensorOf(subject.shape, emptyCodes(subject.shape, parameters));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(requireElements(input.subject.shape));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        AffineCodes codes = emptyCodes(input.subject.shape, parameters);
        const auto groups = static_cast<std::size_t>(codes.grouping.count());
        const float top = static_cast<float>((1 << codes.bits) - 1);
        const float power = static_cast<float>(valueOf<double>(parameters, "p")) - 1;
        const float tie = 1 / static_cast<float>(valueOf<double>(parameters, "beta"));
        codes.scales.resize(groups);
        codes.offsets.resize(groups);
        std::vector<float> zeros(groups), best;
        std::vector<double> errors(groups);

        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        QSCOPE_CHECK(eachGroup(matrix, {}, codes.grouping, quiet, [&](std::int64_t g, const GroupValues& group) {
            const auto at = static_cast<std::size_t>(g);
            const auto [low, high] = std::ranges::minmax(group.values);
            codes.scales[at] = high > low ? storedScale((high - low) / top, ScaleType::F16) : 1;
            zeros[at] = -low / codes.scales[at];
            if (codes.bits == 4 && high > low) zeros[at] = std::rint(zeros[at]);
        }));

        double least = std::numeric_limits<double>::infinity();
        std::vector<double> course;
        for (std::int64_t i = valueOf<std::int64_t>(parameters, "iterations"); i >= 0; --i) {
            std::vector<float> next(groups);
            QSCOPE_CHECK(eachGroup(matrix, {}, codes.grouping, quiet, [&](std::int64_t g, const GroupValues& group) {
                const auto at = static_cast<std::size_t>(g);
                const float scale = codes.scales[at], zero = zeros[at];
                double error = 0, sum = 0;
                for (const float w : group.values) {
                    const float code = std::clamp(std::rint(w / scale + zero), 0.0F, top);
                    const float d = w - (code - zero) * scale, size = std::abs(d);
                    const float kept =
                        size > 0 ? std::copysign(std::max(0.0F, size - std::pow(size, power) * tie), d) : 0;
                    error += static_cast<double>(size);
                    sum += static_cast<double>(code - (w - kept) / scale);
                }
                errors[at] = error;
                next[at] = static_cast<float>(sum / static_cast<double>(group.values.size()));
            }));
            const double error = std::accumulate(errors.begin(), errors.end(), 0.0);
            course.push_back(error / static_cast<double>(matrix.size()));
            if (!(error < least)) break;
            least = error;
            best = std::move(zeros);
            zeros = std::move(next);
        }
        if (input.traces)
            input.traces->push_back({"Error while zero points move", "step", "mean of |w - ŵ|", {}, std::move(course)});

        codes.codes.resize(matrix.size());
        QSCOPE_CHECK(eachGroup(matrix, {}, codes.grouping, context, [&](std::int64_t g, const GroupValues& group) {
            const auto at = static_cast<std::size_t>(g);
            const float scale = codes.scales[at];
            const float offset = roundedTo(ScaleType::F16, std::clamp(-best[at] * scale, -65504.0F, 65504.0F));
            codes.offsets[at] = offset;
            for (std::size_t k = 0; k < group.values.size(); ++k)
                codes.codes[static_cast<std::size_t>(group.elements[k])] =
                    static_cast<std::uint8_t>(std::clamp(std::rint((group.values[k] - offset) / scale), 0.0F, top));
        }));
        return tensorOf(input.subject.shape, std::move(codes));
    }

private:
    static AffineCodes emptyCodes(const Shape& shape, const ParamValues& parameters) {
        AffineCodes codes;
        codes.bits = bitsOf(parameters);
        codes.grouping = rowGroups(shape, parameters);
        if (valueOf<std::string>(parameters, "axis") == "output") {
            const std::int64_t asked = valueOf<std::int64_t>(parameters, "group");
            codes.grouping.groupRows = asked == 0 ? codes.grouping.rows : std::min(asked, codes.grouping.rows);
            codes.grouping.groupColumns = 1;
        }
        return codes;
    }

    MethodInfo m_info = describeHqq();
};

} // namespace

std::unique_ptr<QuantMethod> makeHqq() { return std::make_unique<Hqq>(); }

} // namespace qscope::engine
