// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/data_free/power_levels.h"

#include "engine/quant/level_fit.h"
#include "engine/quant/trace_points.h"
#include "engine/quant/value_order.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

/// (part of Q)^(1/a).
double magnitudeAt(double q, const PowerLevels& levels) {
    return std::pow(q / levels.top(), 1 / static_cast<double>(levels.exponent));
}

template<class Of>
std::vector<float> byCode(const PowerLevels& levels, Of of) {
    std::vector<float> table(std::size_t{1} << levels.bits);
    for (int q = 0; q <= levels.top(); ++q) {
        const auto value = static_cast<float>(of(q));
        table[static_cast<std::size_t>(levels.top() + q)] = value;
        table[static_cast<std::size_t>(levels.top() - q)] = q == 0 ? value : -value;
    }
    table.back() = table[table.size() - 2];
    return table;
}

} // namespace

std::vector<float> PowerLevels::table() const {
    return byCode(*this, [&](int q) { return magnitudeAt(q, *this); });
}

std::vector<float> PowerLevels::slopes() const {
    const double a = static_cast<double>(exponent);
    return byCode(*this, [&](int q) {
        return q == 0 ? 0.0 : -magnitudeAt(q, *this) * std::log(static_cast<double>(q) / top()) / (a * a);
    });
}

std::vector<float> PowerLevels::borders() const {
    std::vector<float> between;
    for (int q = 0; q < top(); ++q)
        between.push_back(static_cast<float>(nearest ? (magnitudeAt(q, *this) + magnitudeAt(q + 1, *this)) / 2
                                                     : magnitudeAt(q + 0.5, *this)));
    return between;
}

Result<PowerError> PowerError::measure(std::span<const float> magnitudes, std::span<const float> scales,
                                       const RunContext& context) {
    QSCOPE_TRY(const auto order, ascendingOrder(magnitudes, context));
    PowerError error;
    error.m_magnitudes.reserve(order.size());
    for (auto* sums : {&error.m_mass, &error.m_first, &error.m_second}) {
        sums->reserve(order.size() + 1);
        sums->push_back(0);
    }
    for (const std::size_t i : order) {
        if ((error.m_magnitudes.size() & 0xFFFFF) == 0 && context.cancelled()) return cancelled();
        const double u = static_cast<double>(magnitudes[i]),
                     mass = static_cast<double>(scales[i]) * static_cast<double>(scales[i]);
        error.m_magnitudes.push_back(magnitudes[i]);
        error.m_mass.push_back(error.m_mass.back() + mass);
        error.m_first.push_back(error.m_first.back() + mass * u);
        error.m_second.push_back(error.m_second.back() + mass * u * u);
    }
    return error;
}

double PowerError::of(const PowerLevels& levels) const {
    const auto table = levels.table(), borders = levels.borders();
    const auto zero = static_cast<std::size_t>(levels.top());
    double sum = 0;
    std::size_t begin = 0;
    for (std::size_t q = 0; q <= zero; ++q) {
        std::size_t end = m_magnitudes.size();
        if (q < borders.size())
            end = static_cast<std::size_t>(std::upper_bound(m_magnitudes.begin() + static_cast<std::ptrdiff_t>(begin),
                                                            m_magnitudes.end(), borders[q]) -
                                           m_magnitudes.begin());
        const double level = static_cast<double>(table[zero + q]);
        sum += m_second[end] - m_second[begin] - 2 * level * (m_first[end] - m_first[begin]) +
               level * level * (m_mass[end] - m_mass[begin]);
        begin = end;
    }
    return std::max(0.0, sum);
}

float PowerError::bestExponent(PowerLevels levels) const {
    const auto errorAt = [&](double exponent) {
        levels.exponent = static_cast<float>(exponent);
        return of(levels);
    };
    constexpr double kStep = 0.05;
    double best = 1, least = errorAt(1);
    for (int i = 2; i <= 40; ++i)
        if (const double error = errorAt(kStep * i); error < least) least = error, best = kStep * i;
    const double ratio = (std::sqrt(5.0) - 1) / 2;
    double low = std::max(best - kStep, static_cast<double>(kLeastExponent)), high = best + kStep;
    while (high - low > 1e-4) {
        const double left = high - ratio * (high - low), right = low + ratio * (high - low);
        if (errorAt(left) <= errorAt(right))
            high = right;
        else
            low = left;
    }
    return errorAt((low + high) / 2) < least ? static_cast<float>((low + high) / 2) : static_cast<float>(best);
}

TableCodes emptyPowerCodes(std::string name, int bits, const Grouping& grouping) {
    TableCodes codes;
    codes.name = std::move(name);
    codes.bits = bits;
    codes.grouping = grouping;
    codes.bitsPerTable = 32; // the exponent
    codes.tableCount = 1;
    codes.bitsPerGroup = 16;
    return codes;
}

namespace {

/// The error over the exponents of the coarse walk, and the one that was chosen.
void leaveTraces(std::vector<Trace>& traces, const PowerError& error, const PowerLevels& chosen,
                 std::span<const float> matrix) {
    double squares = 0;
    for (const float w : matrix) squares += static_cast<double>(w) * static_cast<double>(w);
    if (!(squares > 0)) return;
    const std::string chart = "Error over the exponent: ", x = "exponent a", y = "relative squared error";
    Trace curve{chart + "one for the matrix", x, y, {}, {}};
    PowerLevels tried = chosen;
    for (int i = 2; i <= 40; ++i) {
        tried.exponent = 0.05F * static_cast<float>(i);
        curve.x.push_back(static_cast<double>(tried.exponent));
        curve.y.push_back(error.of(tried) / squares);
    }
    traces.push_back(std::move(curve));
    traces.push_back(
        choiceOf(chart + "chosen", x, y, static_cast<double>(chosen.exponent), error.of(chosen) / squares));
}

} // namespace

Result<void> roundToPower(std::span<const float> matrix, PowerLevels& levels, TableCodes& codes,
                          std::vector<Trace>* traces, const RunContext& context) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    codes.scales.assign(static_cast<std::size_t>(codes.grouping.count()), 1);
    std::vector<float> magnitudes(matrix.size()), scales(matrix.size());
    QSCOPE_CHECK(eachGroup(matrix, {}, codes.grouping, quiet, [&](std::int64_t g, const GroupValues& group) {
        float largest = 0;
        for (const float w : group.values) largest = std::max(largest, std::abs(w));
        const float scale = largest > 0 ? storedScale(largest, ScaleType::F16) : 1;
        codes.scales[static_cast<std::size_t>(g)] = scale;
        for (std::size_t i = 0; i < group.values.size(); ++i) {
            magnitudes[static_cast<std::size_t>(group.elements[i])] = std::abs(group.values[i]) / scale;
            scales[static_cast<std::size_t>(group.elements[i])] = scale;
        }
    }));
    if (!(levels.exponent > 0)) {
        QSCOPE_TRY(const auto error, PowerError::measure(magnitudes, scales, context));
        levels.exponent = error.bestExponent(levels);
        if (traces) leaveTraces(*traces, error, levels, matrix);
    }
    if (context.cancelled()) return cancelled();
    const auto borders = levels.borders();
    codes.tables = levels.table();
    codes.tableOf.assign(codes.scales.size(), 0);
    codes.codes.resize(matrix.size());
    return eachGroup(matrix, {}, codes.grouping, context, [&](std::int64_t, const GroupValues& group) {
        for (const std::int64_t element : group.elements) {
            const auto at = static_cast<std::size_t>(element);
            const auto q = static_cast<int>(std::ranges::lower_bound(borders, magnitudes[at]) - borders.begin());
            codes.codes[at] = static_cast<std::uint8_t>(levels.top() + (matrix[at] < 0 ? -q : q));
        }
    });
}

} // namespace qscope::engine
