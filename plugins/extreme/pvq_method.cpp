// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/extreme/pvq_method.h"

#include "engine/core/parallel.h"
#include "engine/quant/element_stream.h"
#include "plugins/extreme/extreme_methods.h"
#include "plugins/extreme/pyramid.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

std::uint64_t PyramidCodes::storedBits(const Shape&) const {
    const auto groups = static_cast<std::uint64_t>(grouping.count());
    const std::uint64_t gains16 = gainBits == 0 ? groups : static_cast<std::uint64_t>(grouping.rows);
    return groups * static_cast<std::uint64_t>(indexBits + gainBits) + 16 * gains16;
}

std::string PyramidCodes::describe() const {
    return fmt::format("pyramid vectors of {}, {} pulses, {} bits", grouping.groupColumns, pulses, indexBits);
}

Result<void> PyramidCodes::dequantize(const Shape&, std::int64_t first, std::span<float> out) const {
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::int64_t element = first + static_cast<std::int64_t>(i);
        const auto group =
            static_cast<std::size_t>(grouping.indexOf(element / grouping.columns, element % grouping.columns));
        out[i] = gains[group] * (static_cast<float>(points[static_cast<std::size_t>(element)]) / lengths[group]);
    }
    return {};
}

// The density of u = |w_group| / |w_row| is u^(group-1) (1 - u²)^((row-group)/2 - 1); summed over fine steps.
std::vector<double> gainLevels(std::int64_t group, std::int64_t row, int bits) {
    const std::size_t count = std::size_t{1} << bits;
    if (group >= row) return std::vector<double>(count, 1);
    constexpr int kSteps = 1 << 16;
    std::vector<double> below(kSteps + 1, 0);
    const auto rise = static_cast<double>(group - 1), fall = static_cast<double>(row - group) / 2 - 1;
    const double peak = rise + 2 * fall > 0 ? std::sqrt(std::clamp(rise / (rise + 2 * fall), 1e-9, 1 - 1e-9)) : 0.5;
    const auto logDensity = [&](double u) { return rise * std::log(u) + fall * std::log1p(-u * u); };
    for (int i = 0; i < kSteps; ++i) // relative to the largest: powers of a few thousand underflow
        below[static_cast<std::size_t>(i) + 1] =
            below[static_cast<std::size_t>(i)] + std::exp(logDensity((i + 0.5) / kSteps) - logDensity(peak));
    std::vector<double> levels;
    for (std::size_t i = 0; i < count; ++i) {
        const double wanted = below.back() * (static_cast<double>(i) + 0.5) / static_cast<double>(count);
        const auto after = std::ranges::upper_bound(below, wanted);
        const auto step = static_cast<double>(after - below.begin() - 1);
        levels.push_back((step + (wanted - *(after - 1)) / (*after - *(after - 1))) / kSteps);
    }
    return levels;
}

namespace {

MethodInfo describePvq() {
    MethodInfo info{
        "pvq",
        "Pyramid vectors",
        "Extreme",
        "van der Ouderaa, Croci, Hilmkil, Hensman, Pyramid vector quantization for LLMs, 2024",
        "Cuts rows into groups and stores each as a direction, an integer point whose magnitudes add up to K, "
        "and a gain. The data-free form; rotate before it if weights are far from normal.",
        {numberRow("group", "Group size", 16, 2, 128, "Weights that make one vector.", "weights"),
         numberRow("pulses", "Pulses", 24, 1, 127,
                   "Sum of the magnitudes of a vector's integers, K. In groups of 16, K = 24 takes 2.8 bits a "
                   "weight, 16 takes 2.3, 8 takes 1.6."),
         numberRow("gain_bits", "Bits of a gain", 6, 0, 10,
                   "Code of a gain as a part of the row's norm; 0: 16 bits for each gain.", "bit")}};
    info.help = {
        "Per group: the integer y with sum |y_i| = K of the largest <w, y> / |y|, and the gain s = <w, y> / |y|; "
        "ŵ = s y / |y|.",
        {"y = floor(K |w| / sum |w|), then pulse after pulse where it raises <|w|, y>² / |y|² the most.",
         "Single pulses move for as long as a move raises it; signs come back.",
         "Norm of the row in 16 bits; each gain the nearest of the levels that a Beta law of squared parts gives.",
         "An index of ceil(log2 N(D, K)) bits names y among all points."},
        "O(D²) per group and move, a few moves each; no calibration.",
        "Without the rotation and without the correction by second moments of the paper. Levels of gains are the "
        "middle quantiles of Beta(D/2, (n - D)/2), nearest to the least-squares gain; the paper's rule for them is not "
        "known to us. Indices are counted group by group, not joined before rounding up."};
    return info;
}

class Pvq final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override {
        static const MethodInfo info = describePvq();
        return info;
    }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        QSCOPE_TRY(auto codes, emptyCodes(subject.shape, parameters));
        return tensorOf(subject.shape, std::move(codes));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(auto codes, emptyCodes(input.weight.shape, parameters));
        QSCOPE_TRY(const auto values, finiteValues(input.weight, context));
        codes.points.resize(values.size());
        codes.gains.resize(static_cast<std::size_t>(codes.grouping.count()));
        codes.lengths.resize(codes.gains.size());
        const std::vector<double> levels =
            gainLevels(codes.grouping.groupColumns, codes.grouping.columns, codes.gainBits);
        const std::int64_t columns = codes.grouping.columns;
        Progress unseen;
        const RunContext quiet = quietContext(context, unseen);
        QSCOPE_CHECK(parallelChunks(codes.grouping.rows, std::max<std::int64_t>(1, 4096 / columns), quiet,
                                    [&](std::int64_t first, std::int64_t last) -> Result<void> {
                                        for (std::int64_t row = first; row < last; ++row)
                                            encodeRow(values, row, levels, codes);
                                        context.progress.done.fetch_add((last - first) * columns,
                                                                        std::memory_order_relaxed);
                                        return {};
                                    }));
        return tensorOf(input.weight.shape, std::move(codes));
    }

private:
    static Result<PyramidCodes> emptyCodes(const Shape& shape, const ParamValues& parameters) {
        const MatrixShape matrix = asMatrix(shape);
        const std::int64_t group = valueOf<std::int64_t>(parameters, "group");
        if (elementCount(shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        if (matrix.columns % group != 0)
            return fail(ErrorCode::Unsupported, "vectors of {} do not divide rows of {}", group, matrix.columns);
        PyramidCodes codes;
        codes.pulses = static_cast<int>(valueOf<std::int64_t>(parameters, "pulses"));
        codes.indexBits = Pyramid(static_cast<int>(group), codes.pulses).indexBits();
        codes.gainBits = static_cast<int>(valueOf<std::int64_t>(parameters, "gain_bits"));
        codes.grouping = {matrix.rows, matrix.columns, 1, group};
        return codes;
    }

    static void encodeRow(std::span<const float> values, std::int64_t row, std::span<const double> levels,
                          PyramidCodes& codes) {
        const std::int64_t columns = codes.grouping.columns;
        const auto size = static_cast<std::size_t>(codes.grouping.groupColumns);
        double square = 0;
        for (const float w : values.subspan(static_cast<std::size_t>(row * columns), static_cast<std::size_t>(columns)))
            square += static_cast<double>(w) * static_cast<double>(w);
        const float norm = roundedTo(ScaleType::F16, std::min(65504.0F, static_cast<float>(std::sqrt(square))));
        for (std::int64_t column = 0; column < columns; column += codes.grouping.groupColumns) {
            const auto at = static_cast<std::size_t>(row * columns + column);
            const auto group = static_cast<std::size_t>(codes.grouping.indexOf(row, column));
            const auto point = std::span(codes.points).subspan(at, size);
            nearestDirection(values.subspan(at, size), codes.pulses, point);
            double along = 0, length = 0;
            for (std::size_t i = 0; i < size; ++i) {
                along += static_cast<double>(values[at + i]) * point[i];
                length += static_cast<double>(point[i]) * point[i];
            }
            length = std::sqrt(length);
            const double gain = along / length;
            codes.lengths[group] = static_cast<float>(length);
            if (codes.gainBits == 0) {
                codes.gains[group] = roundedTo(ScaleType::F16, std::min(65504.0F, static_cast<float>(gain)));
                continue;
            }
            const auto nearest = std::ranges::min_element(
                levels, {}, [&](double level) { return std::abs(level * static_cast<double>(norm) - gain); });
            codes.gains[group] = static_cast<float>(*nearest * static_cast<double>(norm));
        }
    }
};

} // namespace

std::unique_ptr<QuantMethod> makePvq() { return std::make_unique<Pvq>(); }

} // namespace qscope::engine
