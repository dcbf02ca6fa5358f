// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/random.h"
#include "engine/quant/forms.h"
#include "engine/quant/named_grids.h"
#include "plugins/number_formats/grid_rounding.h"
#include "plugins/number_formats/methods.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

MethodInfo describeLevels() {
    MethodInfo info{
        "levels",
        "Any grid of levels",
        "Number formats",
        "Li, Dong, Wang, Additive powers-of-two quantization, 2020; Miyashita, Lee, Murmann, Convolutional neural "
        "networks using logarithmic data representation, 2016; Dettmers et al., QLoRA, 2023",
        "Scales a grid to each group and takes the nearest level: integers, powers of two, their sums, powers of the "
        "square root of two, logarithms, quantiles of "
        "the normal distribution, bitsandbytes' tables, or levels learned from the tensor. The papers' training is not "
        "part of it.",
        {{"grid",
          "Grid",
          ParamType::Choice,
          std::string("apot"),
          0,
          0,
          {"int", "int-full", "pot", "apot", "post", "log2", "log-sqrt2", "nf", "af4", "fp4", "dynamic", "learned"},
          "Integers without and with the lowest code; (additive) powers of two; powers of sqrt 2; the same two rounded "
          "in the log domain; normal quantiles; "
          "tables of bitsandbytes (4, 4 and 8 bits); 2^bits levels of least squared error for this tensor.",
          ""},
         {"bits",
          "Bits",
          ParamType::Integer,
          std::int64_t{4},
          2,
          8,
          {},
          "Width of one code; af4 and fp4 have 4, dynamic has 8.",
          "bit"},
         {"rounding",
          "Rounding",
          ParamType::Choice,
          std::string("nearest"),
          0,
          0,
          {"nearest", "stochastic", "towards-zero"},
          "To the nearest level; to a neighbour by chance so that the mean is right; never away from zero.",
          ""}}};
    for (ParamSpec& row : groupParameters("group", "absmax")) info.parameters.push_back(std::move(row));
    info.help = {
        "The squared error of the weights on a scaled grid, sum (w - s v)^2.",
        {"A scale per group: largest magnitude / largest level, or the best of 81 around it.",
         "PoT: 0, ±2^-k, k = 0 to 2^(b-1) - 2. POST: 0, ±2^(-k/2), same k. APoT: sign and a sum of one term from each "
         "of (b - 1) / 2 sets. NF: normal quantiles, 2^(b-1) - 1 below and "
         "2^(b-1) above 0. log2, log-sqrt2: levels of PoT and POST, nearest exponent instead of nearest number.",
         "learned: the weights divided by their group's largest magnitude, counted in 4096 bins (with the importance "
         "of their columns where it is known), "
         "k-means of these by dynamic programming; the levels are stored in 16 bits each.",
         "Each weight to its level; stochastic: up with probability (w - below) / (above - below)."},
        "A sort of each group and a search among the levels per weight.",
        "The papers train: clip and scale are learned there, after normalization by mean and deviation, and here "
        "chosen by the largest magnitude or by search. RepQ-ViT's and Miyashita's "
        "log grids are for what is not negative; here they have a sign."};
    return info;
}

Grid gridNamed(const std::string& name, int bits) {
    if (name == "int") return integerGrid(bits, IntegerRange::Symmetric);
    if (name == "int-full") return integerGrid(bits, IntegerRange::Full);
    if (name == "pot") return powersGrid(bits, 1);
    if (name == "post") return powersGrid(bits, 2);
    if (name == "log2") return powersGrid(bits, 1, Grid::Border::Geometric);
    if (name == "log-sqrt2") return powersGrid(bits, 2, Grid::Border::Geometric);
    if (name == "nf") return normalFloatGrid(bits);
    if (name == "af4") return abnormalFloatGrid();
    if (name == "fp4") return bitsandbytesGrid();
    if (name == "dynamic") return dynamicGrid(true);
    return additivePowersGrid(bits);
}

/// Levels in [-1, 1] of least squared error for weights divided by their group's largest magnitude, in half precision.
Result<std::vector<float>> learnedLevels(std::span<const float> matrix, std::span<const float> importance,
                                         const Grouping& grouping, int bits, const RunContext& context) {
    constexpr int kBins = 4096;
    std::vector<float> largest(static_cast<std::size_t>(grouping.count()));
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    QSCOPE_CHECK(eachGroup(matrix, {}, grouping, quiet, [&](std::int64_t g, const GroupValues& group) {
        for (const float x : group.values)
            largest[static_cast<std::size_t>(g)] = std::max(largest[static_cast<std::size_t>(g)], std::abs(x));
    }));
    std::vector<double> mass(kBins), sums(kBins);
    for (std::int64_t row = 0; row < grouping.rows; ++row) {
        if (context.cancelled()) return cancelled();
        for (std::int64_t column = 0; column < grouping.columns; ++column) {
            const float peak = largest[static_cast<std::size_t>(grouping.indexOf(row, column))];
            if (!(peak > 0)) continue;
            const float x = matrix[static_cast<std::size_t>(row * grouping.columns + column)] / peak;
            const auto bin = static_cast<std::size_t>(std::clamp(static_cast<int>((x + 1) / 2 * kBins), 0, kBins - 1));
            // The error counts in the weight's own unit.
            const double weight =
                static_cast<double>(peak) * static_cast<double>(peak) *
                (importance.empty() ? 1.0 : static_cast<double>(importance[static_cast<std::size_t>(column)]));
            mass[bin] += weight;
            sums[bin] += weight * static_cast<double>(x);
        }
    }
    std::vector<float> values, weights;
    const double most = *std::ranges::max_element(mass);
    for (std::size_t bin = 0; bin < mass.size(); ++bin) {
        if (!(mass[bin] > 0)) continue;
        values.push_back(static_cast<float>(sums[bin] / mass[bin]));
        weights.push_back(static_cast<float>(mass[bin] / most));
    }
    auto levels = optimalLevels(values, weights, 1 << bits);
    for (float& level : levels) level = roundedTo(ScaleType::F16, level);
    return levels;
}

class LevelsMethod final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        const auto& name = valueOf<std::string>(parameters, "grid");
        const int bits = static_cast<int>(valueOf<std::int64_t>(parameters, "bits")),
                  own = name == "dynamic"                ? 8
                        : name == "af4" || name == "fp4" ? 4
                                                         : bits;
        if (bits != own) return fail(ErrorCode::OutOfRange, "grid '{}' has {} bits, {} asked", name, own, bits);
        if (bits == 8 && (name == "pot" || name == "post" || name == "log2" || name == "log-sqrt2"))
            return fail(ErrorCode::OutOfRange, "grid '{}' of 8 bits has levels below single precision; 2 to 7 bits",
                        name);
        const Grouping grouping = groupingFrom(subject.shape, parameters);
        if (name != "learned")
            return QuantizedTensor{subject.shape,
                                   outlineOn(gridNamed(name, bits), grouping, scaleTypeFrom(parameters))};
        TableCodes codes;
        codes.name = "learned levels";
        codes.bits = bits;
        codes.grouping = grouping;
        codes.bitsPerTable = std::uint64_t{16} << bits;
        codes.tableCount = 1;
        codes.bitsPerGroup = bitsOf(scaleTypeFrom(parameters));
        return tensorOf(subject.shape, std::move(codes));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t seed, const RunContext& context) const override {
        QSCOPE_TRY(auto made, outline(input.subject, parameters));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        const auto& name = valueOf<std::string>(parameters, "grid");
        const int bits = static_cast<int>(valueOf<std::int64_t>(parameters, "bits"));
        const Grouping grouping = groupingFrom(input.subject.shape, parameters);
        if (name != "learned") {
            const Grid grid = gridNamed(name, bits);
            auto& codes = std::get<LevelCodes>(made.codes);
            QSCOPE_CHECK(roundOn(grid, matrix, input.importance, searchFrom(parameters), codes, context));
            QSCOPE_CHECK(direct(grid, matrix, parameters, seed, codes, context));
            return made;
        }
        QSCOPE_TRY(const auto levels, learnedLevels(matrix, importanceOf(input), grouping, bits, context));
        const Grid grid("learned levels", levels, Grid::Ties::LowerLevel);
        LevelCodes codes = outlineOn(grid, grouping, scaleTypeFrom(parameters));
        // Levels need not reach 1: a group's scale is its largest magnitude all the same.
        const double reach = static_cast<double>(grid.largest());
        ScaleSearch search = searchFrom(parameters);
        if (search.candidates == 1) search = {reach, reach, 2};
        QSCOPE_CHECK(roundOn(grid, matrix, importanceOf(input), search, codes, context));
        QSCOPE_CHECK(direct(grid, matrix, parameters, seed, codes, context));
        TableCodes table = *formOf<TableCodes>(made);
        table.tables = grid.table();
        table.tables.resize(std::size_t{1} << bits, -0.0F);
        table.tableOf.assign(static_cast<std::size_t>(grouping.count()), 0);
        table.scales = std::move(codes.scales);
        table.codes = std::move(codes.codes);
        return tensorOf(input.subject.shape, std::move(table));
    }

private:
    /// Codes of the other roundings, with the scales that are there.
    [[nodiscard]] static Result<void> direct(const Grid& grid, std::span<const float> matrix,
                                             const ParamValues& parameters, std::uint64_t seed, LevelCodes& codes,
                                             const RunContext& context) {
        const auto& rounding = valueOf<std::string>(parameters, "rounding");
        if (rounding == "nearest") return {};
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        return eachGroup(matrix, {}, codes.grouping, quiet, [&](std::int64_t g, const GroupValues& group) {
            const float scale = codes.scales[static_cast<std::size_t>(g)];
            for (std::size_t i = 0; i < group.values.size(); ++i) {
                const float x = group.values[i] / scale;
                const auto element = static_cast<std::size_t>(group.elements[i]);
                codes.codes[element] =
                    rounding == "stochastic" ? grid.stochastic(x, uniform(seed, 0, element)) : grid.towardsZero(x);
            }
        });
    }

    MethodInfo m_info = describeLevels();
};

} // namespace

std::unique_ptr<QuantMethod> makeLevels() { return std::make_unique<LevelsMethod>(); }

} // namespace qscope::engine
