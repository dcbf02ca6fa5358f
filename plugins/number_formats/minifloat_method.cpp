// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/activation_parameters.h"
#include "engine/quant/named_grids.h"
#include "plugins/number_formats/grid_rounding.h"
#include "plugins/number_formats/hardware_cost.h"
#include "plugins/number_formats/methods.h"

#include <limits>

namespace qscope::engine {

namespace {

MethodInfo describeMinifloat() {
    MethodInfo info{
        "minifloat",
        "Minifloat",
        "Number formats",
        "Aggarwal, Damsgaard, Gordon-Ross et al., Post-training quantization with low-precision minifloats and "
        "integers on FPGAs, 2023",
        "Floats of 3 to 8 bits with any split into exponent and fraction, subnormals and no infinities; the integers "
        "of equal width are the split with one "
        "bit of exponent. The paper's hardware model is not published: `cost` gives a proxy of our own.",
        {{"bits",
          "Bits",
          ParamType::Integer,
          std::int64_t{4},
          3,
          8,
          {},
          "Width of one code: sign, exponent and fraction.",
          "bit"},
         {"exponent",
          "Exponent bits",
          ParamType::Integer,
          std::int64_t{2},
          0,
          7,
          {},
          "At most bits - 1; 1: evenly spaced as integers are; 0: the split of least squared error, for each tensor.",
          "bit"}}};
    for (ParamSpec& row : groupParameters("output-channel", "absmax")) info.parameters.push_back(std::move(row));
    const std::vector<ParamSpec> more{
        {"activations",
         "Bits of activations",
         ParamType::Integer,
         std::int64_t{0},
         0,
         8,
         {},
         "What enters linear layers, 3 to 8 bits, rounded while the model runs; 0 leaves it as it is.",
         "bit"},
        {"activation-exponent",
         "Exponent bits of activations",
         ParamType::Integer,
         std::int64_t{2},
         1,
         7,
         {},
         "At most activations - 1; 1: evenly spaced.",
         "bit"},
        {"activation-scale",
         "One activation scale per",
         ParamType::Choice,
         std::string("token"),
         0,
         0,
         {"token", "tensor"},
         "Which activations share a scale.",
         ""},
        {"activation-fit",
         "Activation scale from",
         ParamType::Choice,
         std::string("batch"),
         0,
         0,
         {"batch", "absmax", "mse"},
         "Each batch's largest magnitude, or (per tensor, from the calibration text) the largest one or the least "
         "squared error.",
         ""},
        {"cost",
         "Note the hardware cost",
         ParamType::Flag,
         false,
         0,
         0,
         {},
         "Adds to the messages what a multiply-accumulate takes by our proxy: (M_w + 1)(M_a + 1) for the product, "
         "max(E_w, E_a) + 1 for the exponents, "
         "2^E_w + 2^E_a + M_w + M_a + log2(columns) for an exact accumulator, in one-bit adders.",
         ""}};
    info.parameters.insert(info.parameters.end(), more.begin(), more.end());
    info.quantizesActivations = true;
    info.help = {
        "The squared error of the weights, sum (w - s v)^2 with v among ±(m / 2^M) 2^(1-B) and ±(1 + m / 2^M) 2^(e-B).",
        {"The grid of the split, bias B = 2^(E-1) - 1 (the scale takes up any other).",
         "Per group the scale: largest magnitude / largest number, or the best of 81 scales.",
         "With exponent 0: the split whose error over the tensor is least; on a tie, fewer bits of exponent.",
         "Each weight to the nearest number, ties to the even code."},
        "A sort of each group; with search 81 x levels look-ups in it, per split. bits + scale bits / group bits per "
        "weight.",
        "Equalization, bias correction and learned rounding on top are methods of their own (chains, `fp4dit`). The "
        "cost is our proxy."};
    return info;
}

class MinifloatMethod final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        QSCOPE_CHECK(check(parameters));
        const auto bits = integerOf(parameters, "bits"), exponent = integerOf(parameters, "exponent");
        auto codes = outlineOn(gridOf(bits, exponent == 0 ? 1 : exponent), groupingFrom(subject.shape, parameters),
                               scaleTypeFrom(parameters));
        if (exponent == 0) codes.levelSet = fmt::format("a float of {} bits", bits);
        return QuantizedTensor{subject.shape, std::move(codes)};
    }

    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration* calibration) const override {
        const int bits = integerOf(parameters, "activations"), exponent = integerOf(parameters, "activation-exponent");
        if (bits == 0 || !check(parameters)) return std::nullopt;
        const Grid grid = gridOf(bits, exponent);
        ActivationQuantization what;
        what.linearInputs = true;
        what.inputGrid.bits = bits;
        what.inputGrid.levels.assign(grid.ascending().begin(), grid.ascending().end());
        const auto& fit = valueOf<std::string>(parameters, "activation-fit");
        const bool tensor = valueOf<std::string>(parameters, "activation-scale") == "tensor";
        what.inputGrid.scope = tensor || fit != "batch" ? ActivationScope::Tensor : ActivationScope::Token;
        if (fit == "absmax" && calibration) what.ranges = staticRanges(*calibration, ActivationScope::Tensor);
        if (fit == "mse" && calibration)
            for (const auto& [name, inputs] : calibration->inputs)
                if (auto range = searchedRange(*inputs, grid, {0.05, 1, 96}))
                    what.ranges.emplace(name, std::move(*range));
        return what;
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(auto made, outline(input.subject, parameters));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        const int bits = integerOf(parameters, "bits"), asked = integerOf(parameters, "exponent");
        const auto grouping = groupingFrom(input.subject.shape, parameters);
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        double least = std::numeric_limits<double>::infinity();
        int chosen = asked;
        for (int exponent = asked == 0 ? 1 : asked; exponent <= (asked == 0 ? bits - 1 : asked); ++exponent) {
            const Grid grid = gridOf(bits, exponent);
            LevelCodes codes = outlineOn(grid, grouping, scaleTypeFrom(parameters));
            QSCOPE_TRY(const double error,
                       roundOn(grid, matrix, input.importance, searchFrom(parameters), codes, quiet));
            if (!(error < least)) continue;
            least = error;
            chosen = exponent;
            made.codes = std::move(codes);
        }
        if (valueOf<bool>(parameters, "cost"))
            noteCost(input.subject, bits, chosen, parameters, grouping.columns, context);
        context.progress.done.fetch_add(static_cast<std::int64_t>(matrix.size()), std::memory_order_relaxed);
        return made;
    }

private:
    [[nodiscard]] static Grid gridOf(int bits, int exponent) { return minifloatGrid(exponent, bits - 1 - exponent); }

    [[nodiscard]] static Result<void> check(const ParamValues& parameters) {
        const int bits = integerOf(parameters, "bits"), exponent = integerOf(parameters, "exponent");
        if (exponent > bits - 1)
            return fail(ErrorCode::OutOfRange, "{} bits leave no more than {} for the exponent, {} asked", bits,
                        bits - 1, exponent);
        const int activations = integerOf(parameters, "activations"),
                  theirs = integerOf(parameters, "activation-exponent");
        if (activations != 0 && (activations < 3 || theirs > activations - 1))
            return fail(
                ErrorCode::OutOfRange,
                "activations of {} bits with {} of exponent: 3 to 8 bits with at most one less for the exponent",
                activations, theirs);
        return {};
    }

    static void noteCost(const Subject& subject, int bits, int exponent, const ParamValues& parameters,
                         std::int64_t columns, const RunContext& context) {
        const int activations = integerOf(parameters, "activations"),
                  theirs = integerOf(parameters, "activation-exponent");
        if (activations == 0) return context.notes.warn("no cost: activations are not quantized", subject.name);
        const auto cost = multiplyCost(exponent, bits - 1 - exponent, theirs, activations - 1 - theirs, columns);
        context.notes.note(fmt::format("E{}M{} by E{}M{}: {} one-bit adders per multiply-accumulate by our own proxy "
                                       "(product {}, exponents {}, accumulator {})",
                                       exponent, bits - 1 - exponent, theirs, activations - 1 - theirs, cost.total(),
                                       cost.multiplier, cost.exponents, cost.accumulator),
                           subject.name);
    }

    MethodInfo m_info = describeMinifloat();
};

} // namespace

std::unique_ptr<QuantMethod> makeMinifloat() { return std::make_unique<MinifloatMethod>(); }

} // namespace qscope::engine
