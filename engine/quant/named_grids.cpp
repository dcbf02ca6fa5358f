// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/named_grids.h"

#include "engine/tensor/level_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace qscope::engine {

namespace {

/// Codes with the sign first: magnitudes, then their negatives; -0 is a code of its own.
std::vector<float> withSigns(std::vector<float> magnitudes) {
    const std::size_t count = magnitudes.size();
    for (std::size_t i = 0; i < count; ++i) magnitudes.push_back(-magnitudes[i]);
    return magnitudes;
}

double normalQuantile(double probability) {
    double low = -10, high = 10;
    for (int step = 0; step < 100; ++step) {
        const double middle = (low + high) / 2;
        (std::erfc(-middle / std::sqrt(2.0)) / 2 < probability ? low : high) = middle;
    }
    return (low + high) / 2;
}

} // namespace

Grid integerGrid(int bits, IntegerRange range) {
    const int half = 1 << (bits - 1), codes = 1 << bits;
    std::vector<float> levels;
    for (int code = 0; code < codes; ++code) {
        const int value = range == IntegerRange::Unsigned || code < half ? code : code - codes;
        levels.push_back(range == IntegerRange::Symmetric && value == -half ? -0.0F : static_cast<float>(value));
    }
    const auto [least, most] = std::ranges::minmax(levels);
    return {fmt::format("{}INT{}", range == IntegerRange::Unsigned ? "U" : "", bits), std::move(levels),
            Grid::Ties::EvenCode, UniformStep{1, 0, least, most}};
}

Grid minifloatGrid(const SmallFloat& format, std::string name) {
    if (name.empty()) name = fmt::format("E{}M{}", format.exponentBits, format.fractionBits);
    std::vector<float> levels;
    float largest = 0;
    for (int code = 0; code < 2 << (format.exponentBits + format.fractionBits); ++code) {
        levels.push_back(valueOf(format, code));
        if (std::isfinite(levels.back())) largest = std::max(largest, levels.back());
    }
    return {std::move(name), std::move(levels), Grid::Ties::EvenCode,
            Minifloat{format.exponentBits, format.fractionBits, static_cast<double>(format.bias),
                      static_cast<double>(largest)}};
}

Grid minifloatGrid(int exponentBits, int fractionBits) {
    // The names of eight bits are those of OCP's types, whose highest codes are no numbers.
    const std::string name = exponentBits + fractionBits == 7
                                 ? fmt::format("E{}M{} of numbers only", exponentBits, fractionBits)
                                 : std::string();
    return minifloatGrid({exponentBits, fractionBits, (1 << (exponentBits - 1)) - 1, SmallFloat::Special::None}, name);
}

Grid powersGrid(int bits, int perOctave, Grid::Border border) {
    const int least = (1 << (bits - 1)) - 2;
    std::vector<float> magnitudes{0};
    for (int k = least; k >= 0; --k)
        magnitudes.push_back(static_cast<float>(std::exp2(-static_cast<double>(k) / perOctave)));
    const bool logarithmic = border == Grid::Border::Geometric;
    return {fmt::format("{}{}{}", perOctave == 1 ? "PoT" : "POST", bits, logarithmic ? " in the log domain" : ""),
            withSigns(std::move(magnitudes)), Grid::Ties::EvenCode, Powers{perOctave, least, logarithmic}, border};
}

Grid logGrid(int bits, int perOctave) {
    const int least = (1 << bits) - 2;
    std::vector<float> levels;
    for (int k = 0; k <= least; ++k)
        levels.push_back(static_cast<float>(std::exp2(-static_cast<double>(k) / perOctave)));
    levels.push_back(0);
    return {fmt::format("{}-{}", perOctave == 1 ? "log2" : "log-sqrt2", bits),
            std::move(levels),
            Grid::Ties::EvenCode,
            {},
            Grid::Border::Geometric};
}

Grid additivePowersGrid(int bits) {
    // Two bits of a code choose from a set of 0 and three powers, an odd bit from 0 and one. The powers 1/2, 1/4, ...
    // go round the sets; the odd set's turn comes once, before the last round.
    const int magnitudeBits = bits - 1, sets = magnitudeBits / 2;
    std::vector<std::vector<double>> terms(static_cast<std::size_t>(sets), {0});
    int exponent = 1;
    const auto round = [&] {
        for (auto& set : terms) set.push_back(std::exp2(-exponent++));
    };
    round();
    round();
    std::vector<double> odd{0};
    if (magnitudeBits % 2 != 0) odd.push_back(std::exp2(-exponent++));
    round();
    if (odd.size() > 1) terms.push_back(odd);
    std::vector<double> sums{0};
    for (const auto& set : terms) {
        std::vector<double> next;
        for (const double sum : sums)
            for (const double term : set) next.push_back(sum + term);
        sums = std::move(next);
    }
    std::ranges::sort(sums);
    std::vector<float> magnitudes;
    for (const double sum : sums) magnitudes.push_back(static_cast<float>(sum / sums.back()));
    return {fmt::format("APoT{}", bits), withSigns(std::move(magnitudes)), Grid::Ties::EvenCode};
}

Grid normalFloatGrid(int bits) {
    constexpr double kOffset = 1 - (1.0 / 30 + 1.0 / 32) / 2;
    const int half = 1 << (bits - 1);
    std::vector<float> levels;
    const double largest = normalQuantile(kOffset);
    for (int i = 0; i < half; ++i) // the last of these is 0
        levels.push_back(static_cast<float>(
            i == half - 1 ? 0 : normalQuantile(1 - kOffset + (kOffset - 0.5) * i / (half - 1)) / largest));
    for (int i = 1; i <= half; ++i)
        levels.push_back(static_cast<float>(normalQuantile(0.5 + (kOffset - 0.5) * i / half) / largest));
    return {fmt::format("NF{}", bits), std::move(levels), Grid::Ties::LowerLevel};
}

Grid abnormalFloatGrid() {
    return {"AF4",
            {-1.0F, -0.69441008F, -0.51243739F, -0.3736951F, -0.25607552F, -0.14982478F, -0.04934812F, 0.0F,
             0.04273164F, 0.12934483F, 0.21961274F, 0.31675666F, 0.42563882F, 0.55496234F, 0.72424863F, 1.0F},
            Grid::Ties::LowerLevel};
}

Grid bitsandbytesGrid() { return {"FP4", {kBitsandbytesFp4.begin(), kBitsandbytesFp4.end()}, Grid::Ties::LowerLevel}; }

Grid dynamicGrid(bool isSigned) {
    if (isSigned) return {"dynamic 8-bit", dynamicLevels(), Grid::Ties::LowerLevel};
    std::vector<float> levels{0, 1};
    for (int decade = 0; decade < 7; ++decade)
        for (int i = 0; i < 2 << decade; ++i)
            levels.push_back(static_cast<float>((0.1 + 0.9 * (i + 0.5) / (2 << decade)) * std::pow(10.0, decade - 6)));
    std::ranges::sort(levels);
    return {"unsigned dynamic 8-bit", std::move(levels), Grid::Ties::LowerLevel};
}

Grid e8m0Grid() { return {"E8M0", {kE8M0.begin(), kE8M0.end()}, Grid::Ties::EvenCode}; }
Grid e4m3Grid() { return minifloatGrid({4, 3, 7, SmallFloat::Special::TopCodeNan}); }

Grid ue5m3Grid() {
    std::vector<float> levels;
    for (int code = 0; code < 256; ++code)
        levels.push_back(valueOf(SmallFloat{5, 3, 15, SmallFloat::Special::None}, code));
    return {"UE5M3", std::move(levels), Grid::Ties::EvenCode};
}

std::vector<float> optimalLevels(std::span<const float> values, std::span<const float> weights, int count) {
    std::vector<std::pair<float, double>> sorted; // distinct values and their weights
    for (std::size_t i = 0; i < values.size(); ++i)
        sorted.emplace_back(values[i], weights.empty() ? 1.0 : static_cast<double>(weights[i]));
    std::ranges::sort(sorted);
    std::size_t n = 0;
    for (const auto& [value, weight] : sorted) {
        if (n > 0 && sorted[n - 1].first == value)
            sorted[n - 1].second += weight;
        else
            sorted[n++] = {value, weight};
    }
    if (n == 0) return {0};
    // Prefix sums make the cost of a cluster of neighbours [begin, end) a matter of two look-ups.
    std::vector<double> mass(n + 1), first(n + 1), second(n + 1);
    const double middle = static_cast<double>(sorted[n / 2].first); // keeps the sums of squares small
    for (std::size_t i = 0; i < n; ++i) {
        const double x = static_cast<double>(sorted[i].first) - middle, w = sorted[i].second;
        mass[i + 1] = mass[i] + w;
        first[i + 1] = first[i] + w * x;
        second[i + 1] = second[i] + w * x * x;
    }
    const auto cost = [&](std::size_t begin, std::size_t end) {
        const double w = mass[end] - mass[begin], sum = first[end] - first[begin];
        return w > 0 ? std::max(0.0, second[end] - second[begin] - sum * sum / w) : 0.0;
    };
    const std::size_t clusters = std::min(n, static_cast<std::size_t>(count));
    std::vector<double> before(n + 1, std::numeric_limits<double>::infinity()), now(n + 1);
    before[0] = 0;
    std::vector<std::vector<std::uint32_t>> cuts(clusters, std::vector<std::uint32_t>(n + 1));
    for (std::size_t k = 0; k < clusters; ++k) {
        // The best place of the last cut never moves left as the end moves right: halve the ends, narrow the cuts.
        const auto solve = [&](const auto& self, std::size_t low, std::size_t high, std::size_t from,
                               std::size_t to) -> void {
            if (low > high) return;
            const std::size_t end = (low + high) / 2;
            double best = std::numeric_limits<double>::infinity();
            std::size_t place = from;
            for (std::size_t cut = from; cut <= std::min(to, end); ++cut) {
                const double sum = before[cut] + cost(cut, end);
                if (sum < best) best = sum, place = cut;
            }
            now[end] = best;
            cuts[k][end] = static_cast<std::uint32_t>(place);
            if (end > low) self(self, low, end - 1, from, place);
            self(self, end + 1, high, place, to);
        };
        solve(solve, 0, n, 0, n);
        std::swap(before, now);
    }
    std::vector<float> levels;
    std::size_t end = n;
    for (std::size_t k = clusters; k-- > 0;) {
        const std::size_t begin = cuts[k][end];
        const double w = mass[end] - mass[begin];
        if (end > begin)
            levels.push_back(w > 0 ? static_cast<float>((first[end] - first[begin]) / w + middle)
                                   : sorted[begin].first);
        end = begin;
    }
    std::ranges::sort(levels);
    return levels;
}

} // namespace qscope::engine
