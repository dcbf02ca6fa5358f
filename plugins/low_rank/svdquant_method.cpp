// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/nn/taps/quantize_activations.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "engine/quant/trace_points.h"
#include "engine/quant/truncated_svd.h"
#include "engine/quant/uniform_step.h"
#include "plugins/low_rank/low_rank_methods.h"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <limits>

namespace qscope::engine {

namespace {

using Dense = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using DenseView = Eigen::Map<const Dense>;

const MethodInfo& describeSvdQuant() {
    static const MethodInfo info = [] {
        MethodInfo made{
            "svdquant",
            "SVDQuant",
            "Low rank",
            "Li et al., SVDQuant: absorbing outliers by low-rank components for 4-bit diffusion models, 2024",
            "Weights and inputs in 4 bits: outliers of the inputs move into the weights, the weights' largest singular "
            "directions move into a low-rank part in 16 bits that sees unrounded inputs, and what is left rounds well.",
            {
                {"bits", "Bits", ParamType::Integer, std::int64_t{4}, 2, 8, {}, "Width of one code.", "bit"},
                {"activations",
                 "Bits of activations",
                 ParamType::Integer,
                 std::int64_t{4},
                 0,
                 16,
                 {},
                 "What enters the layers, rounded while the model runs; 0 leaves it as it is.",
                 "bit"},
                {"group",
                 "Group size",
                 ParamType::Integer,
                 std::int64_t{64},
                 1,
                 1 << 20,
                 {},
                 "Weights along a row, and channels of an input, that share a scale.",
                 "weights"},
                {"rank",
                 "Rank",
                 ParamType::Integer,
                 std::int64_t{32},
                 0,
                 4096,
                 {},
                 "Width of the 16-bit part; 0: none.",
                 ""},
                {"smooth",
                 "Smoothing",
                 ParamType::Choice,
                 std::string("search"),
                 0,
                 0,
                 {"search", "none"},
                 "search: the factors of input channels that give the least error of the output, of 39 candidates. "
                 "none: no factors.",
                 ""},
                {"rounds",
                 "Rounds at most",
                 ParamType::Integer,
                 std::int64_t{100},
                 1,
                 1000,
                 {},
                 "Turns between codes and low-rank part.",
                 ""},
            }};
        made.needsCalibration = true;
        made.quantizesActivations = true;
        made.help = {
            "min over factors s, L1 L2 of rank r, and codes Q of |W x - (L1 L2 x' + Q q(x'))|² over the calibration "
            "inputs, where x' = diag(1/s) x, Q rounds W diag(s) - L1 L2, and q rounds inputs per token and group.",
            {"For s_j = max|x_j|^a / max|w_j|^b with a in {1/20 .. 19/20} and b = 0 or 1 - a, and for s = 1: cut off "
             "L1 L2 by singular values, round the rest, and measure the error of the output; take the best. Matrices "
             "that share inputs share s.",
             "By turns: Q from W diag(s) - L1 L2, then L1 L2 from W diag(s) - Q; stop when the output's error rises, "
             "keep the best.",
             "Store L1, L2 and s in 16 bits, codes with a 16-bit scale per group."},
            "About 40 decompositions of low rank, and as many products of the samples with the weight, per matrix.",
            "Matrices that share inputs share the factors but not L2, which the authors' kernels fuse. Inputs are "
            "rounded with signs throughout: no shift for those that are never negative. The error is measured on the "
            "calibration's sampled tokens."};
        return made;
    }();
    return info;
}

/// One matrix behind factors of its columns: what it was, and what its output should be.
struct Reader {
    MatrixShape shape;
    std::vector<float> values;
    Dense output; ///< of the samples, [tokens, rows]
};

struct Settings {
    UniformGrid grid;
    Grouping grouping;
    ActivationGrid inputs;
    bool roundsInputs = true;
    std::int64_t rank = 0;

    Settings(const Shape& shape, const ParamValues& parameters) {
        const MatrixShape matrix = asMatrix(shape);
        const std::int64_t group = valueOf<std::int64_t>(parameters, "group"),
                           bits = valueOf<std::int64_t>(parameters, "activations");
        grid = {static_cast<int>(valueOf<std::int64_t>(parameters, "bits")), true, ScaleType::F16};
        grouping = {matrix.rows, matrix.columns, 1, std::min(group, matrix.columns)};
        inputs = {std::max(2, static_cast<int>(bits)), true, ActivationScope::Group, group};
        roundsInputs = bits > 0;
        rank = std::min({valueOf<std::int64_t>(parameters, "rank"), matrix.rows, matrix.columns});
    }
};

/// The samples behind factors: exact for the low-rank part, rounded for the codes.
struct Inputs {
    std::vector<float> exact, rounded;
    Eigen::Index tokens, channels;

    Inputs(std::span<const float> samples, std::span<const float> factors, const Settings& settings)
        : exact(samples.begin(), samples.end())
        , tokens(static_cast<Eigen::Index>(samples.size() / factors.size()))
        , channels(static_cast<Eigen::Index>(factors.size())) {
        for (std::size_t i = 0; i < exact.size(); ++i) exact[i] /= factors[i % factors.size()];
        rounded = exact;
        if (settings.roundsInputs) nn::roundActivations(rounded, channels, settings.inputs, nullptr);
    }
};

struct Split {
    LowRankFactors factors;
    RoundedToGrid codes;
    std::vector<float> rounded; ///< what the codes stand for
    double error = std::numeric_limits<double>::infinity();
    std::vector<double> course = {}; ///< the error of each round
};

/// Codes for what the low-rank part leaves of the scaled weight.
Result<Split> splitAt(std::span<const float> scaled, LowRankFactors factors, const MatrixShape& shape,
                      const Settings& settings, const RunContext& context) {
    Split split{std::move(factors), {}, {}};
    QSCOPE_CHECK(roundToHalves(split.factors));
    std::vector<float> rest(scaled.begin(), scaled.end());
    QSCOPE_CHECK(addProduct(rest, shape, split.factors, -1, context));
    Grouping grouping = settings.grouping;
    grouping.rows = shape.rows;
    QSCOPE_TRY(const auto steps, fitSteps(rest, {}, grouping, settings.grid, {}, context));
    split.codes = roundToSteps(rest, grouping, settings.grid, steps);
    split.rounded = std::move(rest);
    for (std::size_t i = 0; i < split.rounded.size(); ++i) {
        const auto group = grouping.indexOf(static_cast<std::int64_t>(i) / shape.columns,
                                            static_cast<std::int64_t>(i) % shape.columns);
        split.rounded[i] = steps[static_cast<std::size_t>(group)].rounded(split.rounded[i]);
    }
    return split;
}

/// Sum of squares between the output of the samples and what the split makes of them.
double outputError(const Split& split, const Reader& reader, const Inputs& inputs) {
    const DenseView codes(split.rounded.data(), reader.shape.rows, reader.shape.columns),
        seen(inputs.rounded.data(), inputs.tokens, inputs.channels);
    Dense difference = reader.output;
    difference.noalias() -= seen * codes.transpose();
    if (split.factors.rank > 0) {
        const DenseView exact(inputs.exact.data(), inputs.tokens, inputs.channels);
        const DenseView left(split.factors.left.data(), reader.shape.rows, split.factors.rank),
            right(split.factors.right.data(), split.factors.rank, reader.shape.columns);
        const Dense middle = exact * right.transpose();
        difference.noalias() -= middle * left.transpose();
    }
    return difference.cast<double>().squaredNorm();
}

std::vector<float> scaledBy(std::span<const float> values, std::span<const float> factors) {
    std::vector<float> scaled(values.begin(), values.end());
    for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] *= factors[i % factors.size()];
    return scaled;
}

/// Factors for all readers of the same inputs, chosen by the error of their outputs.
class Smoothing {
public:
    Smoothing(const InputStatistics& seen, const std::vector<Reader>& readers, const Settings& settings)
        : m_seen(seen)
        , m_readers(readers)
        , m_settings(settings)
        , m_largest(seen.channelMax.size()) {
        for (const Reader& reader : readers)
            for (std::size_t i = 0; i < reader.values.size(); ++i)
                m_largest[i % m_largest.size()] = std::max(m_largest[i % m_largest.size()], std::abs(reader.values[i]));
    }

    /// `traces`: gets the error over the powers that were tried; may be null.
    Result<std::vector<float>> best(std::vector<Trace>* traces, const RunContext& context) const {
        constexpr int kParts = 20;
        std::vector<std::pair<float, float>> powers{{0.0F, 0.0F}};
        for (int i = 1; i < kParts; ++i)
            for (const bool both : {false, true}) {
                const float a = static_cast<float>(i) / kParts;
                powers.emplace_back(a, both ? 1 - a : 0);
            }
        std::vector<double> errors(powers.size());
        QSCOPE_CHECK(parallelChunks(
            static_cast<std::int64_t>(powers.size()), 1, context, [&](std::int64_t at, std::int64_t) -> Result<void> {
                const auto [a, b] = powers[static_cast<std::size_t>(at)];
                QSCOPE_TRY(errors[static_cast<std::size_t>(at)], errorWith(factors(a, b), context));
                return {};
            }));
        const auto chosen = static_cast<std::size_t>(std::ranges::min_element(errors) - errors.begin());
        const auto [a, b] = powers[chosen];
        if (traces) leaveTraces(*traces, powers, errors, chosen);
        return factors(a, b);
    }

private:
    static void leaveTraces(std::vector<Trace>& traces, const std::vector<std::pair<float, float>>& powers,
                            const std::vector<double>& errors, std::size_t chosen) {
        const std::string chart = "Output error over the power of the smoothing: ", x = "power a of max|x|",
                          y = "squared error on the samples";
        Trace inputs{chart + "b = 0", x, y, {}, {}}, both{chart + "b = 1 - a", x, y, {}, {}};
        for (std::size_t i = 0; i < powers.size(); ++i) {
            Trace& trace = powers[i].second > 0 ? both : inputs;
            trace.x.push_back(static_cast<double>(powers[i].first));
            trace.y.push_back(errors[i]);
        }
        traces.push_back(std::move(inputs));
        traces.push_back(std::move(both));
        traces.push_back(choiceOf(chart + "chosen", x, y, static_cast<double>(powers[chosen].first), errors[chosen]));
    }

    std::vector<float> factors(float a, float b) const {
        std::vector<float> made;
        for (std::size_t c = 0; c < m_largest.size(); ++c) {
            const float x = m_seen.channelMax[c], w = std::max(m_largest[c], 1e-5F);
            const float factor = x > 0 ? std::pow(x, a) / std::pow(w, b) : 1;
            made.push_back(roundedTo(ScaleType::F16, std::clamp(factor, 1e-4F, 6e4F)));
        }
        return made;
    }

    Result<double> errorWith(const std::vector<float>& by, const RunContext& context) const {
        const Inputs inputs(m_seen.samples, by, m_settings);
        double error = 0;
        for (const Reader& reader : m_readers) {
            const auto scaled = scaledBy(reader.values, by);
            QSCOPE_TRY(auto factors,
                       truncatedSvd(scaled, reader.shape, std::min(m_settings.rank, reader.shape.rows), context));
            QSCOPE_TRY(const Split split, splitAt(scaled, std::move(factors), reader.shape, m_settings, context));
            error += outputError(split, reader, inputs);
        }
        return error;
    }

    const InputStatistics& m_seen;
    const std::vector<Reader>& m_readers;
    const Settings& m_settings;
    std::vector<float> m_largest; ///< of each column, over all readers
};

class SvdQuant final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeSvdQuant(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        return joined(subject.shape, Settings(subject.shape, parameters), parameters, {}, {});
    }

    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration*) const override {
        const Settings settings({1, 1}, parameters);
        if (!settings.roundsInputs) return std::nullopt;
        ActivationQuantization what;
        what.linearInputs = true;
        what.inputGrid = settings.inputs;
        what.bypassLowRank = true;
        return what;
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& given) const override {
        QSCOPE_CHECK(outline(input.subject, parameters));
        const InputStatistics* seen = input.calibration;
        const auto columns = static_cast<std::size_t>(asMatrix(input.weight.shape).columns);
        if (!seen || seen->samples.empty())
            return fail(ErrorCode::Unsupported, "the calibration text sent nothing into it");
        if (seen->channelMax.size() != columns)
            return fail(ErrorCode::Unsupported, "its {} columns read {} channels", columns, seen->channelMax.size());
        Progress unseen;
        const RunContext context{given.stop, unseen, given.notes, given.backend};
        const Settings settings(input.weight.shape, parameters);
        std::vector<float> factors(columns, 1.0F);
        if (valueOf<std::string>(parameters, "smooth") == "search") {
            std::vector<Reader> readers;
            for (const TensorView& weight : input.sharing.empty() ? std::span(&input.weight, 1) : input.sharing) {
                QSCOPE_TRY(auto reader, readerOf(weight, seen->samples, context));
                readers.push_back(std::move(reader));
            }
            QSCOPE_TRY(factors, Smoothing(*seen, readers, settings).best(input.traces, context));
        }
        QSCOPE_TRY(const Reader own, readerOf(input.weight, seen->samples, context));
        QSCOPE_TRY(Split split, bestSplit(own, factors, seen->samples, settings,
                                          valueOf<std::int64_t>(parameters, "rounds"), context));
        given.progress.done.fetch_add(static_cast<std::int64_t>(own.values.size()), std::memory_order_relaxed);
        if (input.traces) {
            input.traces->push_back(courseOf("Output error while codes and low-rank part take turns", "round",
                                             "squared error on the samples", split.course));
            input.traces->push_back(
                courseOf("Singular values that are kept", "rank", "singular value", split.factors.values));
        }
        return joined(input.weight.shape, settings, parameters, std::move(split), std::move(factors));
    }

private:
    static Result<Reader> readerOf(const TensorView& weight, std::span<const float> samples,
                                   const RunContext& context) {
        Reader reader{asMatrix(weight.shape), {}, {}};
        QSCOPE_TRY(reader.values, finiteValues(weight, context));
        const DenseView inputs(samples.data(), static_cast<Eigen::Index>(samples.size()) / reader.shape.columns,
                               reader.shape.columns);
        reader.output = inputs * DenseView(reader.values.data(), reader.shape.rows, reader.shape.columns).transpose();
        return reader;
    }

    static Result<Split> bestSplit(const Reader& reader, std::span<const float> by, std::span<const float> samples,
                                   const Settings& settings, std::int64_t rounds, const RunContext& context) {
        const Inputs inputs(samples, by, settings);
        const std::vector<float> scaled = scaledBy(reader.values, by);
        Split best;
        std::vector<double> course;
        std::vector<float> difference = scaled;
        for (std::int64_t round = 0; round < rounds; ++round) {
            QSCOPE_TRY(auto factors, truncatedSvd(difference, reader.shape, settings.rank, context));
            QSCOPE_TRY(Split split, splitAt(scaled, std::move(factors), reader.shape, settings, context));
            split.error = outputError(split, reader, inputs);
            course.push_back(split.error);
            if (round > 0 && !(split.error < best.error)) break;
            best = std::move(split);
            if (settings.rank == 0) break;
            for (std::size_t i = 0; i < scaled.size(); ++i) difference[i] = scaled[i] - best.rounded[i];
        }
        best.course = std::move(course);
        return best;
    }

    static QuantizedTensor joined(const Shape& shape, const Settings& settings, const ParamValues& parameters,
                                  Split split, std::vector<float> factors) {
        QuantizedTensor made{shape, GridCodes{settings.grid, settings.grouping, std::move(split.codes)}};
        if (settings.rank > 0) {
            LowRankSum sum;
            sum.base = std::make_shared<const QuantizedTensor>(std::move(made));
            sum.rank = settings.rank;
            sum.left = std::move(split.factors.left);
            sum.right = std::move(split.factors.right);
            made = tensorOf(shape, std::move(sum));
        }
        if (valueOf<std::string>(parameters, "smooth") == "none") return made;
        ColumnTransformed form;
        form.base = std::make_shared<const QuantizedTensor>(std::move(made));
        form.factorBits = 16;
        form.outlineHasFactors = true;
        for (const float factor : factors) form.factors.push_back(1 / factor);
        return tensorOf(shape, std::move(form));
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeSvdQuant() { return std::make_unique<SvdQuant>(); }

} // namespace qscope::engine
