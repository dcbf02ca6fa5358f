// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "plugins/extreme/extreme_methods.h"
#include "plugins/extreme/ternary_dictionary.h"

#include <Eigen/Cholesky>

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Ternary digits with two levels per row, stored in words of QMoE's dictionary: 16 bits each, and per row 32 bits of
/// where its words begin and two levels in bfloat16.
class DictionaryCodes final : public CodeForm {
public:
    MatrixShape matrix;
    std::vector<std::uint8_t> digits; ///< 0: zero, 1: the low level, 2: the high one
    std::vector<float> levelsOfRows;  ///< [rows, 2]: low, high
    std::int64_t words = 0;           ///< of an outline: what digits of the dictionary's own statistics would take

    [[nodiscard]] std::uint64_t storedBits(const Shape&) const override {
        return 16 * static_cast<std::uint64_t>(words) + 64 * static_cast<std::uint64_t>(matrix.rows);
    }
    [[nodiscard]] std::string describe() const override { return "ternary, in words of a fixed dictionary"; }
    [[nodiscard]] Result<void> dequantize(const Shape&, std::int64_t first, std::span<float> out) const override {
        for (std::size_t i = 0; i < out.size(); ++i) {
            const auto element = static_cast<std::size_t>(first) + i;
            const std::size_t row = element / static_cast<std::size_t>(matrix.columns);
            out[i] = digits[element] == 0 ? 0 : levelsOfRows[2 * row + digits[element] - 1];
        }
        return {};
    }
    [[nodiscard]] std::vector<float> levels(const Shape&, std::int64_t row, std::int64_t) const override {
        return {levelsOfRows[static_cast<std::size_t>(2 * row)], 0,
                levelsOfRows[static_cast<std::size_t>(2 * row + 1)]};
    }
};

MethodInfo describeQmoe() {
    MethodInfo info{
        "qmoe",
        "QMoE",
        "Extreme",
        "Frantar, Alistarh, QMoE: practical sub-1-bit compression of trillion-parameter models, 2023",
        "Rounds each row to its least value, zero and its largest with GPTQ's correction, then stores the digits, "
        "most of them zero, in words of a fixed dictionary. The real length is counted. Made for large "
        "mixtures of experts; small dense models suffer.",
        {realRow("percdamp", "Damping", 0.1, 0, 10, "Part of the mean of XᵀX's diagonal that is added to it.")}};
    info.needsCalibration = true;
    info.sequential = true;
    info.help = {
        "Least (w - ŵ) XᵀX (w - ŵ)ᵀ with ŵ in {lo, 0, hi} per row, by one pass of GPTQ; then the fewest 16-bit "
        "words that greedy matching finds.",
        {"lo = min(w, 0), hi = max(w, 0) of a row; hi above hi/2, lo below lo/2, else 0.",
         "Column after column; its error goes to those behind by the Cholesky factor of (XᵀX + damping)⁻¹.",
         "Dictionary: the 65536 most probable sequences of up to 14 pairs of digits at 88.5 % zeros.",
         "Each row: the longest word that matches, again and again."},
        "O(columns³) per layer and O(rows columns²).",
        "The ternary option alone, not the 2-bit one. Layers of a dense model are taken one by one; experts in the "
        "order in which the text reaches them are the same code without batches. The size before the run is what "
        "digits of 88.5 % zeros would take; after it, what these take."};
    return info;
}

class Qmoe final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override {
        static const MethodInfo info = describeQmoe();
        return info;
    }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues&) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        DictionaryCodes codes;
        codes.matrix = asMatrix(subject.shape);
        codes.words = codes.matrix.rows *
                      static_cast<std::int64_t>(std::ceil(0.739 * static_cast<double>(codes.matrix.columns) / 16));
        return tensorOf(subject.shape, std::move(codes));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(outline(input.subject, parameters));
        QSCOPE_TRY(const auto values, finiteValues(input.weight, context));
        DictionaryCodes codes;
        codes.matrix = asMatrix(input.weight.shape);
        codes.digits.resize(values.size());
        codes.levelsOfRows.resize(static_cast<std::size_t>(2 * codes.matrix.rows));
        QSCOPE_TRY(const Rows factor, inverseFactorOf(input, valueOf<double>(parameters, "percdamp"), context));
        const TernaryDictionary dictionary;
        std::vector<std::int64_t> words(static_cast<std::size_t>(codes.matrix.rows));
        Progress unseen;
        const std::int64_t columns = codes.matrix.columns;
        QSCOPE_CHECK(parallelChunks(
            codes.matrix.rows, 4, quietContext(context, unseen),
            [&](std::int64_t first, std::int64_t last) -> Result<void> {
                for (std::int64_t row = first; row < last; ++row) {
                    roundRow(values, row, factor, codes);
                    words[static_cast<std::size_t>(row)] = dictionary.wordsFor(
                        std::span(codes.digits)
                            .subspan(static_cast<std::size_t>(row * columns), static_cast<std::size_t>(columns)));
                }
                context.progress.done.fetch_add((last - first) * columns, std::memory_order_relaxed);
                return {};
            }));
        for (const std::int64_t count : words) codes.words += count;
        return tensorOf(input.weight.shape, std::move(codes));
    }

private:
    /// The upper triangular U with UᵀU the inverse of the damped moments; the identity where nothing arrived, and where
    /// the moments are not positive definite, with a note.
    static Result<Rows> inverseFactorOf(const QuantInput& input, double damping, const RunContext& context) {
        const Eigen::Index n = asMatrix(input.weight.shape).columns;
        if (input.calibration == nullptr ||
            input.calibration->secondMoments.size() != static_cast<std::size_t>(n) * static_cast<std::size_t>(n))
            return fail(ErrorCode::Unsupported, "nothing is known of the inputs that it gets");
        Eigen::MatrixXd moments = Eigen::Map<const Rows>(input.calibration->secondMoments.data(), n, n);
        const Rows identity = Rows::Identity(n, n);
        if (input.calibration->tokens == 0 || !(moments.trace() > 0)) {
            context.notes.note("no token reached it: rounded without correction", input.subject.name);
            return identity;
        }
        moments.diagonal().array() += std::max(1e-6, damping * moments.diagonal().mean());
        if (context.cancelled()) return cancelled();
        const Eigen::LLT<Eigen::MatrixXd> solver(moments);
        if (context.cancelled()) return cancelled();
        if (solver.info() == Eigen::Success) {
            const Eigen::LLT<Eigen::MatrixXd> inverse(Eigen::MatrixXd(solver.solve(Eigen::MatrixXd::Identity(n, n))));
            if (inverse.info() == Eigen::Success) return Rows(inverse.matrixU());
        }
        context.notes.note("second moments are not positive definite: rounded without correction", input.subject.name);
        return identity;
    }

    static void roundRow(std::span<const float> values, std::int64_t row, const Rows& factor, DictionaryCodes& codes) {
        const Eigen::Index n = codes.matrix.columns;
        const auto start = static_cast<std::size_t>(row * n);
        Eigen::VectorXd w = Eigen::Map<const Eigen::VectorXf>(values.data() + start, n).cast<double>();
        float low = roundedTo(ScaleType::BF16, static_cast<float>(std::min(w.minCoeff(), 0.0)));
        float high = roundedTo(ScaleType::BF16, static_cast<float>(std::max(w.maxCoeff(), 0.0)));
        if (low == 0 && high == 0) low = -1, high = 1;
        codes.levelsOfRows[static_cast<std::size_t>(2 * row)] = low;
        codes.levelsOfRows[static_cast<std::size_t>(2 * row + 1)] = high;
        const auto least = static_cast<double>(low), most = static_cast<double>(high);
        for (Eigen::Index c = 0; c < n; ++c) {
            std::uint8_t digit = 0;
            if (most > 0 && w[c] > most / 2) digit = 2;
            if (least < 0 && w[c] < least / 2) digit = 1;
            codes.digits[start + static_cast<std::size_t>(c)] = digit;
            const double level = digit == 0 ? 0 : digit == 1 ? least : most;
            const double error = (w[c] - level) / factor(c, c);
            w.tail(n - c - 1) -= error * factor.row(c).tail(n - c - 1).transpose();
        }
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeQmoe() { return std::make_unique<Qmoe>(); }

} // namespace qscope::engine
