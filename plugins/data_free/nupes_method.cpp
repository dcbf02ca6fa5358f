// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/level_fit.h"
#include "plugins/data_free/methods.h"
#include "plugins/data_free/parts.h"
#include "plugins/data_free/power_levels.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

MethodInfo describeNupes() {
    MethodInfo info{
        "nupes",
        "NUPES",
        "Data-free",
        "Yvinec, Dapogny, Bailly, NUPES: non-uniform post-training quantization via power exponent search, 2023",
        "Starts as PowerQuant and learns the exponent and the codes, each over its whole range, so that the layer's "
        "outputs stay as they are. "
        "Codes are found one after another, where the paper follows gradients of soft ones.",
        {bitsRow(4, 2, 8),
         groupRow(0),
         {"rounds",
          "Rounds",
          ParamType::Integer,
          std::int64_t{4},
          1,
          50,
          {},
          "Of codes and exponent in turn, at most.",
          ""},
         {"damping",
          "Damping",
          ParamType::Real,
          0.01,
          0,
          1,
          {},
          "Part of the mean of the inputs' squares that is added to each: holds codes near their weights.",
          ""}}};
    info.needsCalibration = true;
    info.help.objective = "Least sum over rows of (ŵ - w) H (ŵ - w)ᵀ over the exponent a and whole codes q, ŵ = "
                          "sign(q) s (|q| / Q)^(1/a), H = XᵀX of the layer's inputs, damped.";
    info.help.steps = {
        "PowerQuant: scales, exponent and codes of least weight error.",
        "For one weight after another, the level that is best while the others stay; until none changes.",
        "The exponent for these codes: a Gauss-Newton step along its gradient, shortened until the error falls.",
        "In turn, until neither helps."};
    info.help.cost = "Some products of rows x columns² in double precision; bits + 16 / group bits per weight and 32 "
                     "for the exponent.";
    info.help.differences = "The paper learns soft codes and the exponent together by gradient steps on samples; here "
                            "they take turns, each exactly, on second moments of the inputs in full "
                            "precision, so that the error never rises. The layer's own output counts. Weights only.";
    return info;
}

/// One matrix while it is learned.
struct Learned {
    std::span<const float> weight;
    std::span<const double> moments; ///< damped
    std::int64_t columns;
    TableCodes& codes;

    [[nodiscard]] float scaleAt(std::size_t element) const {
        const auto size = static_cast<std::size_t>(columns);
        return codes.scales[static_cast<std::size_t>(codes.grouping.indexOf(
            static_cast<std::int64_t>(element / size), static_cast<std::int64_t>(element % size)))];
    }

    /// ŵ - w with these levels by code; without the weight: a direction.
    [[nodiscard]] std::vector<float> values(std::span<const float> table, bool minusWeight) const {
        std::vector<float> made(weight.size());
        for (std::size_t i = 0; i < made.size(); ++i)
            made[i] = table[codes.codes[i]] * scaleAt(i) - (minusWeight ? weight[i] : 0);
        return made;
    }

    /// Moves the codes of a row one by one until none helps, at most so many times over.
    void descend(std::int64_t row, int top, int passes) const {
        const auto size = static_cast<std::size_t>(columns), first = static_cast<std::size_t>(row) * size;
        const std::span<const float> levels(codes.tables.data(), static_cast<std::size_t>(2 * top + 1));
        std::vector<double> pull(size, 0); // H (ŵ - w)
        const auto move = [&](std::size_t j, double by) {
            const double* line = moments.data() + j * size;
            for (std::size_t k = 0; k < size; ++k) pull[k] += line[k] * by;
        };
        for (std::size_t j = 0; j < size; ++j)
            move(j, static_cast<double>(levels[codes.codes[first + j]]) * static_cast<double>(scaleAt(first + j)) -
                        static_cast<double>(weight[first + j]));
        for (bool moved = true; moved && passes > 0; --passes) {
            moved = false;
            for (std::size_t j = 0; j < size; ++j) {
                const double own = moments[j * size + j], scale = static_cast<double>(scaleAt(first + j));
                std::uint8_t& code = codes.codes[first + j];
                if (!(own > 0)) continue;
                const double now = static_cast<double>(levels[code]), wanted = now - pull[j] / own / scale;
                const auto above = std::ranges::lower_bound(levels, static_cast<float>(wanted));
                auto best = static_cast<std::size_t>(std::min<std::ptrdiff_t>(above - levels.begin(), 2 * top));
                if (best > 0 &&
                    wanted - static_cast<double>(levels[best - 1]) < static_cast<double>(levels[best]) - wanted)
                    --best;
                const double then = static_cast<double>(levels[best]);
                if (!(std::abs(then - wanted) < std::abs(now - wanted) * (1 - 1e-9)))
                    continue; // no walking in circles on ties
                move(j, (then - now) * scale);
                code = static_cast<std::uint8_t>(best);
                moved = true;
            }
        }
    }
};

class Nupes final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        QSCOPE_CHECK(requireMatrix(subject.shape));
        return tensorOf(subject.shape, emptyCodes(subject.shape, parameters));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(requireMatrix(input.subject.shape));
        TableCodes codes = emptyCodes(input.subject.shape, parameters);
        const std::int64_t rows = codes.grouping.rows, columns = codes.grouping.columns;
        QSCOPE_TRY(const auto given, momentsOf(input, columns));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        const std::vector<double> moments = damped(given, columns, valueOf<double>(parameters, "damping"));

        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        PowerLevels levels{codes.bits, 0, true};
        QSCOPE_CHECK(roundToPower(matrix, levels, codes, input.traces, quiet));
        const Learned learned{matrix, moments, columns, codes};
        QSCOPE_TRY(double error, outputError(learned.values(codes.tables, true), moments, columns, context));
        std::vector<double> course{error};
        for (std::int64_t round = valueOf<std::int64_t>(parameters, "rounds"); round > 0; --round) {
            const double before = error;
            QSCOPE_CHECK(eachRow(rows, 1, context, [&](std::int64_t row) { learned.descend(row, levels.top(), 8); }));
            QSCOPE_TRY(error, outputError(learned.values(codes.tables, true), moments, columns, context));
            course.push_back(error);
            QSCOPE_TRY(error, moveExponent(learned, levels, error, context));
            course.push_back(error);
            if (!(error < before * (1 - 1e-4))) break;
        }
        if (input.traces)
            input.traces->push_back({"Output error while codes and exponent take turns",
                                     "step",
                                     "sum of (ŵ - w) H (ŵ - w)ᵀ over rows",
                                     {},
                                     std::move(course)});
        context.progress.done.fetch_add(rows * columns, std::memory_order_relaxed);
        return tensorOf(input.subject.shape, std::move(codes));
    }

private:
    /// The error behind a step of the exponent, or as it was where no step helps.
    static Result<double> moveExponent(const Learned& learned, PowerLevels& levels, double error,
                                       const RunContext& context) {
        const auto slopes = levels.slopes();
        const auto difference = learned.values(learned.codes.tables, true);
        auto direction = learned.values(slopes, false);
        QSCOPE_TRY(const double curvature, outputError(direction, learned.moments, learned.columns, context));
        if (!(curvature > 0)) return error;
        for (std::size_t i = 0; i < direction.size(); ++i) direction[i] += difference[i];
        QSCOPE_TRY(const double both, outputError(direction, learned.moments, learned.columns, context));
        double step = -(both - error - curvature) / 2 / curvature;
        for (int tries = 0; tries < 6; ++tries, step /= 2) {
            PowerLevels moved = levels;
            moved.exponent = std::clamp(static_cast<float>(static_cast<double>(levels.exponent) + step), kLeastExponent,
                                        kLargestExponent);
            auto table = moved.table();
            QSCOPE_TRY(const double then,
                       outputError(learned.values(table, true), learned.moments, learned.columns, context));
            if (!(then < error)) continue;
            levels = moved;
            learned.codes.tables = std::move(table);
            return then;
        }
        return error;
    }

    static std::vector<double> damped(std::span<const double> moments, std::int64_t columns, double part) {
        std::vector<double> made(moments.begin(), moments.end());
        const auto size = static_cast<std::size_t>(columns);
        double mean = 0;
        for (std::size_t c = 0; c < size; ++c) mean += made[c * size + c] / static_cast<double>(columns);
        for (std::size_t c = 0; c < size; ++c) made[c * size + c] += part * mean;
        return made;
    }

    static TableCodes emptyCodes(const Shape& shape, const ParamValues& parameters) {
        return emptyPowerCodes("levels of a learned power", bitsOf(parameters), rowGroups(shape, parameters));
    }

    MethodInfo m_info = describeNupes();
};

} // namespace

std::unique_ptr<QuantMethod> makeNupes() { return std::make_unique<Nupes>(); }

} // namespace qscope::engine
