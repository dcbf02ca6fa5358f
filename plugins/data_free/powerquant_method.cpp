// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/level_fit.h"
#include "engine/quant/weights_alone.h"
#include "plugins/data_free/methods.h"
#include "plugins/data_free/parts.h"
#include "plugins/data_free/power_levels.h"

namespace qscope::engine {

namespace {

MethodInfo describePowerQuant() {
    MethodInfo info{"powerquant",
                    "PowerQuant",
                    "Data-free",
                    "Yvinec, Dapogny, Cord, Bailly, PowerQuant: automorphism search for non-uniform quantization, 2023",
                    "Rounds a power of the weights uniformly: below 1, the exponent makes levels denser around zero. "
                    "The exponent of least weight error is searched for each matrix. Needs no data.",
                    {bitsRow(4, 2, 8),
                     groupRow(0),
                     {"exponent",
                      "Exponent",
                      ParamType::Real,
                      0.0,
                      0,
                      static_cast<double>(kLargestExponent),
                      {},
                      "Of the power; 0: the one of least error; 1: a uniform grid.",
                      ""},
                     choiceRow("rounding", "Rounding", {"power", "nearest"},
                               "power: to the nearest power, as published; nearest: to the nearest level.")}};
    info.help.objective = "Least sum of (w - ŵ)^2 over the exponent a, where q = round(Q |w|^a / max|w|^a), Q = "
                          "2^(bits-1) - 1, and ŵ = sign(w) max|w| (q / Q)^(1/a).";
    info.help.steps = {"Scale of each group: its largest magnitude.",
                       "Walk over exponents 0.1 to 2, then golden section around the best.",
                       "Codes by rounding powers; a table of 2^bits levels serves the matrix."};
    info.help.cost = "One sort of the matrix; an exponent costs a search per level. bits + 16 / group bits per weight "
                     "and 32 for the exponent.";
    info.help.differences = "One exponent per matrix. The walk and golden section find the same each time, in place of "
                            "a simplex search. Products of powers as "
                            "integer arithmetic are for hardware; here levels become numbers again. Weights only.";
    return info;
}

class PowerQuant final : public QuantMethod, public WeightsAlone {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        QSCOPE_CHECK(requireElements(subject.shape));
        const double exponent = valueOf<double>(parameters, "exponent");
        if (exponent != 0 && exponent < static_cast<double>(kLeastExponent))
            return fail(ErrorCode::OutOfRange, "the exponent is 0 (searched) or at least {}", kLeastExponent);
        return tensorOf(subject.shape, emptyCodes(subject.shape, parameters));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(outline(input.subject, parameters));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        TableCodes codes = emptyCodes(input.subject.shape, parameters);
        PowerLevels levels{codes.bits, static_cast<float>(valueOf<double>(parameters, "exponent")),
                           valueOf<std::string>(parameters, "rounding") == "nearest"};
        QSCOPE_CHECK(roundToPower(matrix, levels, codes, input.traces, context));
        return tensorOf(input.subject.shape, std::move(codes));
    }

private:
    static TableCodes emptyCodes(const Shape& shape, const ParamValues& parameters) {
        return emptyPowerCodes("levels of a power", bitsOf(parameters), rowGroups(shape, parameters));
    }

    MethodInfo m_info = describePowerQuant();
};

} // namespace

std::unique_ptr<QuantMethod> makePowerQuant() { return std::make_unique<PowerQuant>(); }

} // namespace qscope::engine
