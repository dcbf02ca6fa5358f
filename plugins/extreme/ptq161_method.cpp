// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/extreme/ptq161_method.h"

#include "engine/core/parallel.h"
#include "engine/quant/element_stream.h"
#include "plugins/extreme/extreme_methods.h"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope::engine {

std::uint64_t MaskedSigns::storedBits(const Shape&) const {
    const auto rows = static_cast<std::uint64_t>(matrix.rows), columns = static_cast<std::uint64_t>(matrix.columns);
    const auto inFour = static_cast<std::uint64_t>(kept), others = columns - inFour;
    return rows * (4 * inFour + others) + columns + 16 * others + rows * (2 * 16 + 16 + 4);
}

std::string MaskedSigns::describe() const {
    return fmt::format("signs with scales of rows and columns, {} columns in 4 bits", kept);
}

Result<void> MaskedSigns::dequantize(const Shape&, std::int64_t first, std::span<float> out) const {
    const auto columns = static_cast<std::size_t>(matrix.columns);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto element = static_cast<std::size_t>(first) + i;
        out[i] = valueOf(element / columns, element % columns, codes[element]);
    }
    return {};
}

std::vector<float> MaskedSigns::levels(const Shape&, std::int64_t row, std::int64_t column) const {
    const auto r = static_cast<std::size_t>(row), c = static_cast<std::size_t>(column);
    std::vector<float> found;
    for (std::uint8_t code = 0; code < (isKept[c] != 0 ? 16 : 2); ++code) found.push_back(valueOf(r, c, code));
    return found;
}

namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Amplitudes A and means M of rows and scales r of columns by least squares in turn. With T the weights (in kept
/// columns: their error) and V = A sign + M, the layer's error is the sum over rows of (t - r∘v) H (t - r∘v)ᵀ.
class ScaleFit {
public:
    ScaleFit(const MaskedSigns& codes, std::span<const float> values, Rows moments, const RunContext& context)
        : m_context(context)
        , m_moments(std::move(moments))
        , m_targets(codes.matrix.rows, codes.matrix.columns)
        , m_signs(codes.matrix.rows, codes.matrix.columns)
        , m_amplitudes(codes.matrix.rows)
        , m_means(codes.matrix.rows)
        , m_mask(codes.matrix.columns)
        , m_scales(codes.matrix.columns) {
        for (Eigen::Index c = 0; c < m_mask.size(); ++c) m_mask[c] = codes.isKept[static_cast<std::size_t>(c)] ? 0 : 1;
        m_scales = m_mask;
        for (Eigen::Index r = 0; r < m_targets.rows(); ++r) {
            m_amplitudes[r] = static_cast<double>(codes.amplitudes[static_cast<std::size_t>(r)]);
            m_means[r] = static_cast<double>(codes.means[static_cast<std::size_t>(r)]);
            for (Eigen::Index c = 0; c < m_mask.size(); ++c) {
                const auto row = static_cast<std::size_t>(r), column = static_cast<std::size_t>(c);
                const std::size_t at = row * static_cast<std::size_t>(m_mask.size()) + column;
                m_targets(r, c) = static_cast<double>(values[at]);
                if (m_mask[c] == 0) m_targets(r, c) -= static_cast<double>(codes.valueOf(row, column, codes.codes[at]));
                m_signs(r, c) = m_mask[c] == 0 ? 0 : codes.codes[at] != 0 ? 1 : -1;
            }
        }
    }

    Result<void> run(std::int64_t rounds) {
        Progress unseen;
        const RunContext quiet = quietContext(m_context, unseen);
        m_pull.resize(m_targets.rows(), m_targets.cols());
        QSCOPE_CHECK(
            parallelChunks(m_targets.rows(), 8, quiet, [&](std::int64_t first, std::int64_t last) -> Result<void> {
                m_pull.middleRows(first, last - first) = m_targets.middleRows(first, last - first) * m_moments;
                return {};
            }));
        for (std::int64_t round = 0; round < rounds; ++round) {
            QSCOPE_CHECK(fitRows(quiet));
            QSCOPE_CHECK(fitColumns(quiet));
        }
        return {};
    }

    void store(MaskedSigns& codes) const {
        const auto half = [](double x) {
            return roundedTo(ScaleType::F16, static_cast<float>(std::clamp(x, -65504.0, 65504.0)));
        };
        for (Eigen::Index r = 0; r < m_amplitudes.size(); ++r) {
            codes.amplitudes[static_cast<std::size_t>(r)] = half(m_amplitudes[r]);
            codes.means[static_cast<std::size_t>(r)] = half(m_means[r]);
        }
        for (Eigen::Index c = 0; c < m_scales.size(); ++c)
            codes.columnScales[static_cast<std::size_t>(c)] = half(m_scales[c]);
    }

private:
    /// Two unknowns for each row, scales of columns as they are.
    Result<void> fitRows(const RunContext& quiet) {
        const Eigen::VectorXd flat = m_moments * m_scales;
        const double flatSquare = m_scales.dot(flat);
        return parallelChunks(m_targets.rows(), 8, quiet, [&](std::int64_t first, std::int64_t last) -> Result<void> {
            for (Eigen::Index r = first; r < last; ++r) {
                const Eigen::VectorXd signs = m_signs.row(r).transpose().cwiseProduct(m_scales);
                const double square = signs.dot(m_moments * signs), mixed = signs.dot(flat);
                const double one = m_pull.row(r).dot(signs), other = m_pull.row(r).dot(m_scales);
                const double determinant = square * flatSquare - mixed * mixed;
                if (!(determinant > 1e-9 * square * flatSquare)) continue; // a row of one sign: leave it as it is
                m_amplitudes[r] = (one * flatSquare - other * mixed) / determinant;
                m_means[r] = (other * square - one * mixed) / determinant;
            }
            return {};
        });
    }

    /// (H ∘ VᵀV) r = Σ v ∘ H t, by conjugate gradients from where r is: every step makes the error less.
    Result<void> fitColumns(const RunContext& quiet) {
        const Eigen::Index n = m_targets.cols();
        Rows levels = m_signs;
        for (Eigen::Index r = 0; r < levels.rows(); ++r)
            levels.row(r) = m_amplitudes[r] * m_signs.row(r) + m_means[r] * m_mask.transpose();
        const Eigen::VectorXd right = levels.cwiseProduct(m_pull).colwise().sum().transpose();
        Rows system(n, n);
        QSCOPE_CHECK(parallelChunks(n, 8, quiet, [&](std::int64_t first, std::int64_t last) -> Result<void> {
            system.middleRows(first, last - first) = (levels.middleCols(first, last - first).transpose() * levels)
                                                         .cwiseProduct(m_moments.middleRows(first, last - first));
            return {};
        }));
        Eigen::VectorXd residual = right - system * m_scales, direction = residual;
        double square = residual.squaredNorm();
        const double enough = 1e-16 * right.squaredNorm();
        for (int step = 0; step < 30 && square > enough; ++step) {
            if (m_context.cancelled()) return cancelled();
            const Eigen::VectorXd image = system * direction;
            const double curve = direction.dot(image);
            if (!(curve > 0)) break;
            m_scales += square / curve * direction;
            residual -= square / curve * image;
            const double next = residual.squaredNorm();
            direction = residual + next / square * direction;
            square = next;
        }
        return {};
    }

    const RunContext& m_context;
    Rows m_moments, m_targets, m_signs, m_pull;
    Eigen::VectorXd m_amplitudes, m_means, m_mask, m_scales;
};

MethodInfo describePtq161() {
    MethodInfo info{
        "ptq161",
        "PTQ1.61",
        "Extreme",
        "PTQ1.61: push the real limit of extremely low-bit post-training quantization methods for large language "
        "models, 2025",
        "One bit per column says whether its weights have four bits (columns with the strongest inputs) or a sign "
        "each, with scales for rows and columns. Scales are fitted layer by layer, where the paper trains them "
        "block by block; its preparatory training of the model is left out.",
        {realRow("kept", "Columns kept", 20, 0, 100, "Share of the columns in four bits.", "%"),
         numberRow("rounds", "Rounds", 10, 0, 200,
                   "Of scales of rows and of columns in turn; 0: closed form, columns unscaled."),
         realRow("percdamp", "Damping", 0.01, 0, 10, "Part of the mean of XᵀX's diagonal that is added to it.")}};
    info.needsCalibration = true;
    info.sequential = true;
    info.help = {
        "Least sum over rows of (w - ŵ) XᵀX (w - ŵ)ᵀ with ŵ = r_j (A_o sign(w - m_o) + M_o) outside of the kept "
        "columns.",
        {"Keep the columns of the largest max |x|; round them to 16 levels over the whole row's range.",
         "Of the others, per row: m = M = mean, A = mean |w| over non-zero entries; r = 1.",
         "In turn: A and M of each row by least squares, r by conjugate gradients. Signs stay."},
        "O(rows columns²) per round; six matrices in double precision.",
        "Layer by layer on second moments, with the layers before quantized, in place of AdamW on the block's output "
        "with a cosine term. The factor r1 of rows is taken into A and M, which makes it one number less. The "
        "restorative LoRA training beforehand is not part of it. Ties at the border of the mask are cut by order, so "
        "that the size is known beforehand."};
    return info;
}

class Ptq161 final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override {
        static const MethodInfo info = describePtq161();
        return info;
    }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        return tensorOf(subject.shape, emptyCodes(subject.shape, parameters));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(outline(input.subject, parameters));
        MaskedSigns codes = emptyCodes(input.weight.shape, parameters);
        const Eigen::Index n = codes.matrix.columns;
        const auto columns = static_cast<std::size_t>(n);
        if (input.calibration == nullptr || input.calibration->secondMoments.size() != columns * columns ||
            input.calibration->channelMax.size() != columns)
            return fail(ErrorCode::Unsupported, "nothing is known of the inputs that it gets");
        QSCOPE_TRY(const auto values, finiteValues(input.weight, context));
        chooseColumns(input.calibration->channelMax, codes);
        startRows(values, codes);
        if (const std::int64_t rounds = valueOf<std::int64_t>(parameters, "rounds"); rounds > 0 && codes.kept < n) {
            Rows moments = Eigen::Map<const Rows>(input.calibration->secondMoments.data(), n, n);
            moments.diagonal().array() += valueOf<double>(parameters, "percdamp") * moments.diagonal().mean();
            if (moments.trace() > 0) {
                ScaleFit fit(codes, values, std::move(moments), context);
                QSCOPE_CHECK(fit.run(rounds));
                fit.store(codes);
            }
        }
        context.progress.done.fetch_add(static_cast<std::int64_t>(values.size()), std::memory_order_relaxed);
        return tensorOf(input.weight.shape, std::move(codes));
    }

private:
    static MaskedSigns emptyCodes(const Shape& shape, const ParamValues& parameters) {
        MaskedSigns codes;
        codes.matrix = asMatrix(shape);
        const double share = valueOf<double>(parameters, "kept") / 100;
        // As the authors' code: all that reach the value at place int(share * columns) of the falling order.
        if (share > 0)
            codes.kept = std::min(codes.matrix.columns,
                                  static_cast<std::int64_t>(share * static_cast<double>(codes.matrix.columns)) + 1);
        return codes;
    }

    static void chooseColumns(std::span<const float> strength, MaskedSigns& codes) {
        std::vector<std::size_t> order(strength.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return strength[a] > strength[b]; });
        codes.isKept.resize(strength.size());
        for (std::size_t i = 0; i < static_cast<std::size_t>(codes.kept); ++i) codes.isKept[order[i]] = 1;
        codes.columnScales.assign(strength.size(), 1);
    }

    /// Codes of all columns, and the closed form of amplitudes and means.
    static void startRows(std::span<const float> values, MaskedSigns& codes) {
        const auto columns = static_cast<std::size_t>(codes.matrix.columns);
        codes.codes.resize(values.size());
        for (std::size_t row = 0; row < static_cast<std::size_t>(codes.matrix.rows); ++row) {
            const auto line = values.subspan(row * columns, columns);
            const auto [least, most] = std::ranges::minmax(line);
            const float low = std::min(least, 0.0F), range = std::max(most, 0.0F) - low;
            const float scale = std::max(0x1p-24F, roundedTo(ScaleType::F16, std::min(range / 15, 65504.0F)));
            const float zero = std::clamp(std::nearbyint(-low / scale), 0.0F, 15.0F);
            codes.scales.push_back(scale);
            codes.zeros.push_back(static_cast<std::uint8_t>(zero));
            double sum = 0, magnitudes = 0;
            std::size_t others = 0, nonzeros = 0;
            for (std::size_t c = 0; c < columns; ++c) {
                if (codes.isKept[c] != 0) continue;
                sum += static_cast<double>(line[c]);
                magnitudes += static_cast<double>(std::abs(line[c]));
                ++others;
                if (line[c] != 0) ++nonzeros;
            }
            const float mean = others == 0 ? 0 : static_cast<float>(sum / static_cast<double>(others));
            const float amplitude = nonzeros == 0 ? 0 : static_cast<float>(magnitudes / static_cast<double>(nonzeros));
            codes.means.push_back(roundedTo(ScaleType::F16, mean));
            codes.amplitudes.push_back(roundedTo(ScaleType::F16, amplitude));
            for (std::size_t c = 0; c < columns; ++c) {
                const float code = codes.isKept[c] != 0
                                       ? std::clamp(std::nearbyint(line[c] / scale) + zero, 0.0F, 15.0F)
                                   : line[c] >= mean ? 1.0F
                                                     : 0.0F;
                codes.codes[row * columns + c] = static_cast<std::uint8_t>(code);
            }
        }
    }
};

} // namespace

std::unique_ptr<QuantMethod> makePtq161() { return std::make_unique<Ptq161>(); }

} // namespace qscope::engine
