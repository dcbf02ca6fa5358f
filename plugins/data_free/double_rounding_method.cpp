// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/level_fit.h"
#include "engine/quant/quantized_tensor.h"
#include "engine/quant/weights_alone.h"
#include "plugins/data_free/methods.h"
#include "plugins/data_free/parts.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qscope::engine {

namespace {

MethodInfo describeDoubleRounding() {
    MethodInfo info{
        "double_rounding",
        "Double Rounding",
        "Data-free",
        "Huang et al., Nearly lossless adaptive bit switching, 2025",
        "One stored integer of 8 bits serves 6, 4 and 2 as well: its lower bits are rounded away, with the same scale. "
        "The result is what runs at the chosen width. "
        "Only the format of the paper, without its training.",
        {bitsRow(4, 2, 8),
         {"stored",
          "Stored bits",
          ParamType::Integer,
          std::int64_t{8},
          2,
          8,
          {},
          "Width of the integer that all widths come from.",
          "bit"},
         {"lowest",
          "Least bits",
          ParamType::Integer,
          std::int64_t{4},
          2,
          8,
          {},
          "The least of the widths, two apart, for which the range is fitted.",
          "bit"},
         groupRow(0),
         choiceRow("range", "Range", {"fitted", "largest"},
                   "fitted: of least squared error summed over the stored width and every second one down to the "
                   "least; largest: to the largest magnitude."),
         choiceRow("rounding", "Switching", {"double", "truncate"},
                   "double: rounds the stored integer again; truncate: cuts its lower bits off, to compare with.")}};
    info.help.objective = "One integer for all widths: q_h = clamp(round(w / s)) in h bits; in l bits q_l = "
                          "clamp(round(q_h / 2^D)), D = h - l, and ŵ = q_l s 2^D.";
    info.help.steps = {"The scale s of each row, the same for all widths.",
                       "Round to the stored width, ties to even, codes from -2^(h-1).",
                       "Round these integers again to the chosen width."};
    info.help.cost = "Up to 40 passes over the weights for each width. The file for all widths takes h + 16 / group "
                     "bits per weight; what is counted is the chosen width's share: "
                     "bits + (16 + bits) / group.";
    info.help.differences = "The paper trains the shared weights with all widths in turn and learns the scales; here "
                            "there is no training, and ranges are fitted to the weights. Codes are kept unsigned "
                            "with the zero point 2^(l-1) per group, which is counted.";
    return info;
}

struct Widths {
    int stored, used;
    bool truncate;

    /// The code at the used width.
    [[nodiscard]] float code(float w, float scale) const {
        const auto half = [](int bits) { return static_cast<float>(1 << (bits - 1)); };
        const float whole =
            std::clamp(std::rint(w / scale), -half(stored), half(stored) - 1) * std::ldexp(1.0F, used - stored);
        return std::clamp(truncate ? std::floor(whole) : std::rint(whole), -half(used), half(used) - 1);
    }
    [[nodiscard]] float step(float scale) const { return std::ldexp(scale, stored - used); }
};

/// The stored width's scale for one group.
float scaleOf(std::span<const float> values, const Widths& widths, int lowest, bool fitted) {
    float largest = 0;
    for (const float w : values) largest = std::max(largest, std::abs(w));
    if (!(largest > 0)) return 1;
    const float whole = largest / static_cast<float>((1 << (widths.stored - 1)) - 1);
    float best = storedScale(whole, ScaleType::F16);
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; fitted && i < 40; ++i) {
        const float scale = storedScale(whole * (1.1F - 0.02F * static_cast<float>(i)), ScaleType::F16);
        double sum = 0;
        for (int used = widths.stored; used >= lowest; used -= 2) {
            const Widths at{widths.stored, used, widths.truncate};
            for (const float w : values) {
                const double d = static_cast<double>(w) - static_cast<double>(at.code(w, scale) * at.step(scale));
                sum += d * d;
            }
        }
        if (sum < least) least = sum, best = scale;
    }
    return best;
}

class DoubleRounding final : public QuantMethod, public WeightsAlone {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        QSCOPE_CHECK(requireElements(subject.shape));
        const std::int64_t stored = valueOf<std::int64_t>(parameters, "stored"),
                           lowest = valueOf<std::int64_t>(parameters, "lowest");
        if (bitsOf(parameters) > stored)
            return fail(ErrorCode::OutOfRange, "{} bits do not come out of {} stored ones", bitsOf(parameters), stored);
        if (lowest > stored)
            return fail(ErrorCode::OutOfRange, "the least width, {} bits, is more than the {} stored ones", lowest,
                        stored);
        return QuantizedTensor{subject.shape, emptyCodes(subject.shape, parameters)};
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(outline(input.subject, parameters));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        GridCodes codes = emptyCodes(input.subject.shape, parameters);
        const Widths widths{static_cast<int>(valueOf<std::int64_t>(parameters, "stored")), codes.grid.bits,
                            valueOf<std::string>(parameters, "rounding") == "truncate"};
        const int lowest = static_cast<int>(valueOf<std::int64_t>(parameters, "lowest"));
        const bool fitted = valueOf<std::string>(parameters, "range") == "fitted";
        const int zero = 1 << (codes.grid.bits - 1);
        const auto groups = static_cast<std::size_t>(codes.grouping.count());
        codes.values.codes.resize(matrix.size());
        codes.values.scales.resize(groups);
        codes.values.zeros.assign(groups, static_cast<std::uint8_t>(zero));
        QSCOPE_CHECK(eachGroup(matrix, {}, codes.grouping, context, [&](std::int64_t g, const GroupValues& group) {
            const float scale = scaleOf(group.values, widths, lowest, fitted);
            codes.values.scales[static_cast<std::size_t>(g)] = widths.step(scale);
            for (std::size_t i = 0; i < group.values.size(); ++i)
                codes.values.codes[static_cast<std::size_t>(group.elements[i])] =
                    static_cast<std::uint8_t>(static_cast<int>(widths.code(group.values[i], scale)) + zero);
        }));
        return QuantizedTensor{input.subject.shape, std::move(codes)};
    }

private:
    static GridCodes emptyCodes(const Shape& shape, const ParamValues& parameters) {
        return {{bitsOf(parameters), false, ScaleType::F16}, rowGroups(shape, parameters), {}};
    }

    MethodInfo m_info = describeDoubleRounding();
};

} // namespace

std::unique_ptr<QuantMethod> makeDoubleRounding() { return std::make_unique<DoubleRounding>(); }

} // namespace qscope::engine
