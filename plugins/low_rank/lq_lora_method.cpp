// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/optimize/allocation.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/model_access.h"
#include "engine/quant/trace_points.h"
#include "engine/quant/truncated_svd.h"
#include "plugins/low_rank/low_rank_methods.h"
#include "plugins/low_rank/lq_codes.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qscope::engine {

namespace {

const MethodInfo& describeLqLora() {
    static const MethodInfo info = [] {
        MethodInfo made{"lq_lora",
                        "LQ-LoRA",
                        "Low rank",
                        "Guo et al., LQ-LoRA: low-rank plus quantized matrix decomposition for efficient language "
                        "model finetuning, 2023",
                        "Splits each matrix into normal-float codes and a product of low rank by turns, weighted with "
                        "Fisher information, and shares out a budget of bits among the matrices by an integer program. "
                        "The fine-tuning that follows in the paper is not part of it.",
                        {
                            {"budget",
                             "Budget",
                             ParamType::Real,
                             0.0,
                             0,
                             9,
                             {},
                             "Bits per weight of the codes over all matrices together, low-rank factors apart; 0: "
                             "every matrix as below.",
                             "bit"},
                            {"bits",
                             "Bits",
                             ParamType::Integer,
                             std::int64_t{4},
                             2,
                             8,
                             {},
                             "Width of one code, without a budget.",
                             "bit"},
                            {"block",
                             "Block size",
                             ParamType::Integer,
                             std::int64_t{64},
                             1,
                             1 << 20,
                             {},
                             "Weights that share a scale, counted over the flattened tensor.",
                             "weights"},
                            {"scale-bits",
                             "Bits of a scale",
                             ParamType::Integer,
                             std::int64_t{8},
                             2,
                             8,
                             {},
                             "Width of a block's scale.",
                             "bit"},
                            {"run",
                             "Scales per peak",
                             ParamType::Integer,
                             std::int64_t{256},
                             1,
                             1 << 20,
                             {},
                             "Scales that share a 32-bit peak.",
                             ""},
                            {"rank",
                             "Rank",
                             ParamType::Integer,
                             std::int64_t{64},
                             0,
                             4096,
                             {},
                             "Width of the two factors; 0: none.",
                             ""},
                            {"rounds",
                             "Rounds at most",
                             ParamType::Integer,
                             std::int64_t{100},
                             1,
                             1000,
                             {},
                             "Turns between the two parts.",
                             ""},
                            {"weights",
                             "Errors by",
                             ParamType::Choice,
                             std::string("fisher"),
                             0,
                             0,
                             {"fisher", "none"},
                             "fisher: an error counts as much as the loss is sensitive to the weight; none: all alike.",
                             ""},
                        }};
        made.needsCalibration = true;
        made.needsGradients = true;
        made.wholeModel = true;
        made.help = {
            "Per matrix, min over Q and L1 L2 of the sum of F (W - Q - L1 L2)², F the diagonal Fisher information; "
            "over all matrices, min of the sum of these errors over one configuration each, within the budget.",
            {"With Q = 0, take L1 L2 as the nearest product of low rank to diag(a) (W - Q) diag(b), a and b divided "
             "out again; a² and b² are means of F over rows and columns.",
             "Round W - L1 L2 to normal floats in blocks; scales are codes too, with a peak per run of blocks.",
             "Repeat until the error rises, and keep the best.",
             "With a budget: find size and error of every configuration (bits of 2, 3, 4, 8 for codes and for scales, "
             "blocks of 16, 32, 64, runs of 16, 64, 256) for every matrix, and choose by an exact dynamic program."},
            "One singular value decomposition of low rank per round and matrix; with a budget, 144 roundings more.",
            "The errors of configurations are those of the first round, not of the last. Peaks are half floats under a "
            "budget, where the paper also tries bfloat16 and single precision. The pair with the least error is kept, "
            "where the authors' code returns the last."};
        return made;
    }();
    return info;
}

/// A matrix, and how much an error of each of its elements counts.
struct Matrix {
    Shape shape;
    std::vector<float> values;
    std::span<const float> fisher; ///< empty: all alike

    [[nodiscard]] double importance(std::size_t i) const {
        return fisher.empty() ? 1.0 : static_cast<double>(fisher[i]);
    }
};

struct Parts {
    LqCodes codes;
    LowRankFactors factors;
    double error = std::numeric_limits<double>::infinity(); ///< sum of F (W - Q - L1 L2)²
    std::vector<double> course = {};                        ///< the error of each round
};

/// Roots of the means of F over the columns of each row, or over the rows of each column; 1 on average, and never so
/// small that dividing by them would blow up a factor.
std::vector<float> rootMeans(const Matrix& matrix, bool ofRows) {
    const auto columns = static_cast<std::size_t>(asMatrix(matrix.shape).columns),
               rows = matrix.values.size() / columns;
    std::vector<double> sums(ofRows ? rows : columns);
    for (std::size_t i = 0; i < matrix.values.size(); ++i)
        sums[ofRows ? i / columns : i % columns] += matrix.importance(i);
    double total = 0;
    for (double& sum : sums) total += sum = std::sqrt(sum);
    const double mean = total / static_cast<double>(sums.size());
    std::vector<float> roots;
    for (const double sum : sums) roots.push_back(mean > 0 ? static_cast<float>(std::max(sum / mean, 1e-3)) : 1.0F);
    return roots;
}

/// The product of low rank nearest to `values` when rows and columns count differently.
Result<LowRankFactors> weightedFactors(const Matrix& matrix, std::vector<float> values, std::int64_t rank,
                                       const RunContext& context) {
    const MatrixShape shape = asMatrix(matrix.shape);
    if (matrix.fisher.empty() || rank == 0) {
        QSCOPE_TRY(auto factors, truncatedSvd(values, shape, rank, context));
        QSCOPE_CHECK(roundToHalves(factors));
        return factors;
    }
    const auto columns = static_cast<std::size_t>(shape.columns);
    const auto a = rootMeans(matrix, true), b = rootMeans(matrix, false);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= a[i / columns] * b[i % columns];
    QSCOPE_TRY(auto factors, truncatedSvd(values, shape, rank, context));
    for (std::size_t i = 0; i < factors.left.size(); ++i)
        factors.left[i] /= a[i / static_cast<std::size_t>(factors.rank)];
    for (std::size_t i = 0; i < factors.right.size(); ++i) factors.right[i] /= b[i % columns];
    QSCOPE_CHECK(roundToHalves(factors));
    return factors;
}

double errorBetween(const Matrix& matrix, std::span<const float> wanted, std::span<const float> found) {
    double error = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const double difference = static_cast<double>(wanted[i]) - static_cast<double>(found[i]);
        error += matrix.importance(i) * difference * difference;
    }
    return error;
}

Result<Parts> decompose(const Matrix& matrix, const LqFormat& format, std::int64_t rank, std::int64_t rounds,
                        const RunContext& context) {
    const MatrixShape shape = asMatrix(matrix.shape);
    Parts best;
    std::vector<double> course;
    std::vector<float> difference = matrix.values, rounded(matrix.values.size());
    for (std::int64_t round = 0; round < rounds; ++round) {
        Parts parts;
        QSCOPE_TRY(parts.factors, weightedFactors(matrix, difference, rank, context));
        std::vector<float> rest = matrix.values;
        QSCOPE_CHECK(addProduct(rest, shape, parts.factors, -1, context));
        QSCOPE_TRY(parts.codes, roundToLevels(rest, format, context));
        QSCOPE_CHECK(parts.codes.dequantize(matrix.shape, 0, rounded));
        parts.error = errorBetween(matrix, rest, rounded);
        course.push_back(parts.error);
        if (!(parts.error < best.error)) break;
        best = std::move(parts);
        if (best.factors.rank == 0) break;
        for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = matrix.values[i] - rounded[i];
    }
    if (best.codes.codes.empty()) return fail(ErrorCode::OutOfRange, "its errors have no finite sum");
    best.course = std::move(course);
    return best;
}

/// All configurations that a budget chooses from.
const std::vector<LqFormat>& formats() {
    static const std::vector<LqFormat> all = [] {
        std::vector<LqFormat> made;
        for (const int bits : {2, 3, 4, 8})
            for (const int scaleBits : {2, 3, 4, 8})
                for (const std::int64_t block : {16, 32, 64})
                    for (const std::int64_t run : {16, 64, 256})
                        made.push_back({bits, scaleBits, block, run, ScaleType::F16});
        return made;
    }();
    return all;
}

/// What each configuration takes and costs when the low-rank part stays that of the matrix itself.
Result<std::vector<Choice>> choicesOf(const Matrix& matrix, std::int64_t rank, const RunContext& given) {
    Progress unseen;
    const RunContext context{given.stop, unseen, given.notes, given.backend};
    QSCOPE_TRY(const auto factors, weightedFactors(matrix, matrix.values, rank, context));
    std::vector<float> rest = matrix.values;
    QSCOPE_CHECK(addProduct(rest, asMatrix(matrix.shape), factors, -1, context));
    std::vector<Choice> choices(formats().size());
    QSCOPE_CHECK(parallelChunks(
        static_cast<std::int64_t>(choices.size()), 1, context, [&](std::int64_t at, std::int64_t) -> Result<void> {
            const LqFormat& format = formats()[static_cast<std::size_t>(at)];
            QSCOPE_TRY(const LqCodes codes, roundToLevels(rest, format, context));
            std::vector<float> rounded(rest.size());
            QSCOPE_CHECK(codes.dequantize(matrix.shape, 0, rounded));
            choices[static_cast<std::size_t>(at)] = {format.storedBits(static_cast<std::int64_t>(rest.size())),
                                                     errorBetween(matrix, rest, rounded)};
            return {};
        }));
    return choices;
}

LqFormat formatFrom(const ParamValues& parameters) {
    return {static_cast<int>(valueOf<std::int64_t>(parameters, "bits")),
            static_cast<int>(valueOf<std::int64_t>(parameters, "scale-bits")),
            valueOf<std::int64_t>(parameters, "block"), valueOf<std::int64_t>(parameters, "run"), ScaleType::F32};
}

QuantizedTensor joined(const Shape& shape, LqCodes codes, std::int64_t rank, LowRankFactors factors) {
    QuantizedTensor base = tensorOf(shape, std::move(codes));
    const MatrixShape matrix = asMatrix(shape);
    LowRankSum form;
    form.rank = std::min({rank, matrix.rows, matrix.columns});
    if (form.rank == 0) return base;
    form.base = std::make_shared<const QuantizedTensor>(std::move(base));
    form.left = std::move(factors.left);
    form.right = std::move(factors.right);
    return tensorOf(shape, std::move(form));
}

class LqLora final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeLqLora(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        LqCodes codes;
        codes.format = formatFrom(parameters);
        codes.outlineBits = valueOf<double>(parameters, "budget");
        return joined(subject.shape, std::move(codes), valueOf<std::int64_t>(parameters, "rank"), {});
    }

    /// One matrix by itself; a budget is its own.
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(const Matrix matrix, matrixOf(input, parameters, context));
        LqFormat format = formatFrom(parameters);
        if (const double budget = valueOf<double>(parameters, "budget"); budget > 0) {
            QSCOPE_TRY(auto choices, choicesOf(matrix, valueOf<std::int64_t>(parameters, "rank"), context));
            QSCOPE_TRY(const auto chosen,
                       share({std::move(choices)}, static_cast<double>(matrix.values.size()) * budget, context));
            format = formats()[chosen[0]];
        }
        return finished(matrix, format, parameters, input.traces, context);
    }

    [[nodiscard]] Result<void> quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t,
                                             const RunContext& context) const override {
        const double budget = valueOf<double>(parameters, "budget");
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        std::vector<std::size_t> taken;
        std::vector<std::vector<Choice>> choices;
        double elements = 0;
        context.progress.done = 0;
        context.progress.total = static_cast<std::int64_t>(model.weights().size()) * (budget > 0 ? 2 : 1);
        for (std::size_t w = 0; w < model.weights().size(); ++w) {
            QSCOPE_TRY(const bool takes, choose(model, w, parameters, choices, elements, quiet));
            if (takes) taken.push_back(w);
            if (budget > 0) ++context.progress.done;
        }
        std::vector<std::size_t> chosen;
        if (budget > 0) {
            QSCOPE_TRY(chosen, share(choices, elements * budget, quiet));
        }
        for (std::size_t i = 0; i < taken.size(); ++i) {
            QSCOPE_TRY(const Matrix matrix,
                       matrixOf(inputOf(model.weights()[taken[i]], model.calibration()), parameters, quiet));
            std::vector<Trace> traces;
            QSCOPE_TRY(auto result, finished(matrix, budget > 0 ? formats()[chosen[i]] : formatFrom(parameters),
                                             parameters, &traces, quiet));
            model.install(taken[i], std::make_shared<const QuantizedTensor>(std::move(result)));
            for (Trace& trace : traces) model.addTrace(taken[i], std::move(trace));
            ++context.progress.done;
        }
        return {};
    }

private:
    /// Whether the method takes the weight; with a budget, adds its choices.
    static Result<bool> choose(const ModelAccess& model, std::size_t weight, const ParamValues& parameters,
                               std::vector<std::vector<Choice>>& choices, double& elements, const RunContext& context) {
        const ModelWeight& subject = model.weights()[weight];
        const auto matrix = matrixOf(inputOf(subject, model.calibration()), parameters, context);
        if (!matrix && !concernsTensorAlone(matrix.error().code)) return tl::unexpected<Error>(matrix.error());
        if (!matrix) {
            context.notes.warn(fmt::format("left out: {}", qscope::describe(matrix.error())), subject.subject.name);
            return false;
        }
        elements += static_cast<double>(matrix->values.size());
        if (valueOf<double>(parameters, "budget") > 0) {
            QSCOPE_TRY(auto made, choicesOf(*matrix, valueOf<std::int64_t>(parameters, "rank"), context));
            choices.push_back(std::move(made));
        }
        return true;
    }

    static Result<std::vector<std::size_t>> share(const std::vector<std::vector<Choice>>& choices, double bits,
                                                  const RunContext& context) {
        const double offsets = 32.0 * static_cast<double>(choices.size());
        return allocate(choices, static_cast<std::uint64_t>(std::max(0.0, bits - offsets)), context);
    }

    static Result<Matrix> matrixOf(const QuantInput& input, const ParamValues& parameters, const RunContext& context) {
        Matrix matrix{input.weight.shape, {}, {}};
        if (elementCount(matrix.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        QSCOPE_TRY(matrix.values, finiteValues(input.weight, context));
        if (valueOf<std::string>(parameters, "weights") == "none") return matrix;
        if (input.fisher.size() != matrix.values.size())
            return fail(ErrorCode::Unsupported, "the loss has no gradient with respect to it");
        matrix.fisher = input.fisher;
        return matrix;
    }

    static Result<QuantizedTensor> finished(const Matrix& matrix, const LqFormat& format, const ParamValues& parameters,
                                            std::vector<Trace>* traces, const RunContext& context) {
        const std::int64_t rank = valueOf<std::int64_t>(parameters, "rank");
        QSCOPE_TRY(auto parts, decompose(matrix, format, rank, valueOf<std::int64_t>(parameters, "rounds"), context));
        context.progress.done.fetch_add(static_cast<std::int64_t>(matrix.values.size()), std::memory_order_relaxed);
        if (traces) {
            traces->push_back(courseOf("Error while codes and low-rank part take turns", "round",
                                       matrix.fisher.empty() ? "squared error" : "squared error weighted with F",
                                       parts.course));
            traces->push_back(
                courseOf("Singular values that are kept", "rank", "singular value", parts.factors.values));
        }
        return joined(matrix.shape, std::move(parts.codes), rank, std::move(parts.factors));
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeLqLora() { return std::make_unique<LqLora>(); }

} // namespace qscope::engine
