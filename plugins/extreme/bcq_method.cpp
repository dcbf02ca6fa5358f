// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"
#include "engine/quant/level_fit.h"
#include "plugins/extreme/extreme_methods.h"

#include <Eigen/Cholesky>

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

/// A group as a sum of signs times scales: bit i of a code is the sign of alpha_i.
struct BinarySum {
    std::vector<double> alphas;
    double offset = 0;
    std::vector<std::uint8_t> codes;
    double error = 0;
};

class BinarySolver {
public:
    BinarySolver(const GroupValues& group, int bits, bool offset)
        : m_values(group.values)
        , m_weights(group.weights)
        , m_bits(static_cast<std::size_t>(bits))
        , m_offset(offset) {
        double mass = 0;
        for (std::size_t j = 0; j < m_values.size(); ++j) mass += weight(j);
        if (!(mass > 0)) m_weights = {}; // nothing counts: all alike
    }

    /// What is left of the values, sign and mean magnitude in turn.
    [[nodiscard]] BinarySum greedy() const {
        BinarySum made;
        double mass = 0;
        std::vector<double> left(m_values.begin(), m_values.end());
        for (std::size_t j = 0; j < left.size(); ++j) {
            mass += weight(j);
            made.offset += m_offset ? weight(j) * left[j] : 0;
        }
        made.offset /= mass;
        for (double& value : left) value -= made.offset;
        for (std::size_t i = 0; i < m_bits; ++i) {
            double sum = 0;
            for (std::size_t j = 0; j < left.size(); ++j) sum += weight(j) * std::abs(left[j]);
            made.alphas.push_back(sum / mass);
            for (double& value : left) value -= value < 0 ? -made.alphas[i] : made.alphas[i];
        }
        return coded(std::move(made));
    }

    /// The uniform grid over the group's range, which is a binary code: alpha_i = step 2^i / 2.
    [[nodiscard]] BinarySum uniform() const {
        const auto [least, most] = std::ranges::minmax(m_values);
        const auto low = static_cast<double>(least), high = static_cast<double>(most);
        BinarySum made;
        made.offset = m_offset ? (low + high) / 2 : 0;
        const double range = m_offset ? high - low : 2 * std::max(std::abs(low), std::abs(high));
        const double step = range / static_cast<double>((std::size_t{1} << m_bits) - 1);
        for (std::size_t i = m_bits; i-- > 0;) made.alphas.push_back(step * std::exp2(static_cast<double>(i)) / 2);
        return coded(std::move(made));
    }

    /// Scales of least error for the signs, then the nearest sum for each value, for as long as that helps.
    [[nodiscard]] BinarySum refined(BinarySum from, std::int64_t rounds) const {
        for (std::int64_t round = 0; round < rounds; ++round) {
            BinarySum next = coded(rescaled(from));
            if (!(next.error < from.error * (1 - 1e-9))) break;
            from = std::move(next);
        }
        return from;
    }

    /// As stored: scales in half precision and the codes that are nearest then.
    [[nodiscard]] BinarySum stored(BinarySum from) const {
        for (double& alpha : from.alphas) alpha = half(alpha);
        from.offset = half(from.offset);
        return coded(std::move(from));
    }

private:
    static double half(double value) {
        return static_cast<double>(roundedTo(ScaleType::F16, static_cast<float>(std::clamp(value, -65504.0, 65504.0))));
    }
    [[nodiscard]] double weight(std::size_t j) const {
        return m_weights.empty() ? 1.0 : static_cast<double>(m_weights[j]);
    }

    /// The codes of the nearest sums, and their error.
    [[nodiscard]] BinarySum coded(BinarySum sum) const {
        std::vector<std::pair<double, std::uint8_t>> sums;
        for (std::size_t code = 0; code < std::size_t{1} << m_bits; ++code) {
            double value = sum.offset;
            for (std::size_t i = 0; i < m_bits; ++i) value += (code >> i & 1U) ? sum.alphas[i] : -sum.alphas[i];
            sums.emplace_back(value, static_cast<std::uint8_t>(code));
        }
        std::ranges::sort(sums);
        sum.codes.resize(m_values.size());
        sum.error = 0;
        for (std::size_t j = 0; j < m_values.size(); ++j) {
            const auto w = static_cast<double>(m_values[j]);
            auto found = std::ranges::lower_bound(sums, w, {}, &std::pair<double, std::uint8_t>::first);
            if (found == sums.end() || (found != sums.begin() && w - (found - 1)->first < found->first - w)) --found;
            sum.codes[j] = found->second;
            sum.error += weight(j) * (found->first - w) * (found->first - w);
        }
        return sum;
    }

    /// (BᵀFB) alpha = BᵀFw, with a column of ones for the offset; columns that coincide are kept apart by a little on
    /// the diagonal.
    [[nodiscard]] BinarySum rescaled(const BinarySum& sum) const {
        const auto size = static_cast<Eigen::Index>(m_bits + (m_offset ? 1 : 0));
        Eigen::MatrixXd system = Eigen::MatrixXd::Zero(size, size);
        Eigen::VectorXd right = Eigen::VectorXd::Zero(size), signs(size);
        for (std::size_t j = 0; j < m_values.size(); ++j) {
            for (std::size_t i = 0; i < m_bits; ++i)
                signs[static_cast<Eigen::Index>(i)] = (sum.codes[j] >> i & 1U) ? 1 : -1;
            if (m_offset) signs[size - 1] = 1;
            system += weight(j) * signs * signs.transpose();
            right += weight(j) * static_cast<double>(m_values[j]) * signs;
        }
        system.diagonal().array() += 1e-9 * system.diagonal().mean();
        const Eigen::VectorXd solved = system.ldlt().solve(right);
        if (!solved.allFinite()) return sum;
        BinarySum made;
        for (std::size_t i = 0; i < m_bits; ++i) made.alphas.push_back(std::abs(solved[static_cast<Eigen::Index>(i)]));
        std::ranges::sort(made.alphas, std::greater<>());
        if (m_offset) made.offset = solved[size - 1];
        return made;
    }

    std::span<const float> m_values, m_weights;
    std::size_t m_bits;
    bool m_offset;
};

MethodInfo describeBcq() {
    MethodInfo info{
        "bcq",
        "Binary codes",
        "Extreme",
        "Park et al., LUT-GEMM: quantized matrix multiplication based on LUTs for efficient inference in "
        "large-scale generative language models, 2022",
        "Each group is a sum of q sign vectors with a free scale each, and an offset if wanted; scales and signs "
        "in turn until neither helps.",
        {numberRow("bits", "Bits", 3, 1, 8, "Sign vectors, q.", "bit"),
         numberRow("group", "Group size", 128, 0, 1 << 20, "Weights of a row that share scales; 0: the whole row.",
                   "weights"),
         {"offset", "Offset", ParamType::Flag, false, 0, 0, {}, "One more number of 16 bits per group.", ""},
         numberRow("rounds", "Rounds", 15, 0, 200, "At most, of scales and signs in turn; 0: the start alone."),
         {"weights",
          "Errors by",
          ParamType::Choice,
          std::string("none"),
          0,
          0,
          {"none", "inputs"},
          "none: all alike; inputs: by the mean square of a column's input (importance or calibration).",
          ""}}};
    info.help = {
        "Per group the least sum over j of f_j (w_j - z - Σ alpha_i b_ij)², b in {-1, 1}.",
        {"Two starts: greedy (b_i the sign of what is left, alpha_i its mean magnitude) and the uniform grid.",
         "Scales and offset by least squares for the signs; then for each weight the nearest of the 2^q sums.",
         "Repeat until the error stays; keep the better end; round scales to 16 bits and choose signs again."},
        "O(group q² rounds) per group.",
        "Least squares are solved exactly, where the authors' code takes q steps of conjugate gradients. The second "
        "start is ours: with it the result is never worse than the grid over the range that it starts from, up to "
        "rounding of scales. No pruning, and importance from inputs in place of powers of magnitudes. The product "
        "by look-up tables is not part of this."};
    return info;
}

class Bcq final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override {
        static const MethodInfo info = describeBcq();
        return info;
    }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        if (byInputs(parameters) && !subject.hasImportance && !subject.hasCalibration)
            return fail(ErrorCode::Unsupported, "weights=inputs takes an importance matrix or a calibration text");
        return tensorOf(subject.shape, emptyCodes(subject.shape, parameters));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        TableCodes codes = emptyCodes(input.weight.shape, parameters);
        QSCOPE_TRY(const auto values, finiteValues(input, context));
        std::span<const float> columnWeights;
        if (byInputs(parameters)) columnWeights = importanceOf(input);
        if (byInputs(parameters) && columnWeights.size() != static_cast<std::size_t>(codes.grouping.columns))
            return fail(ErrorCode::Unsupported, "weights=inputs finds no importance for its columns");
        const std::int64_t rounds = valueOf<std::int64_t>(parameters, "rounds");
        const bool offset = valueOf<bool>(parameters, "offset");
        const std::size_t size = std::size_t{1} << codes.bits;
        codes.codes.resize(values.size());
        codes.tables.resize(static_cast<std::size_t>(codes.grouping.count()) * size);
        QSCOPE_CHECK(eachGroup(
            values, columnWeights, codes.grouping, context, [&](std::int64_t group, const GroupValues& members) {
                const BinarySolver solver(members, codes.bits, offset);
                const BinarySum one = solver.stored(solver.refined(solver.greedy(), rounds)),
                                other = solver.stored(solver.refined(solver.uniform(), rounds));
                const BinarySum& best = rounds == 0 || one.error <= other.error ? one : other;
                for (std::size_t code = 0; code < size; ++code) {
                    double level = best.offset;
                    for (std::size_t i = 0; i < best.alphas.size(); ++i)
                        level += (code >> i & 1U) ? best.alphas[i] : -best.alphas[i];
                    codes.tables[static_cast<std::size_t>(group) * size + code] = static_cast<float>(level);
                }
                for (std::size_t j = 0; j < members.elements.size(); ++j)
                    codes.codes[static_cast<std::size_t>(members.elements[j])] = best.codes[j];
            }));
        return tensorOf(input.weight.shape, std::move(codes));
    }

private:
    static bool byInputs(const ParamValues& parameters) {
        return valueOf<std::string>(parameters, "weights") == "inputs";
    }

    static TableCodes emptyCodes(const Shape& shape, const ParamValues& parameters) {
        const MatrixShape matrix = asMatrix(shape);
        const std::int64_t group = valueOf<std::int64_t>(parameters, "group");
        TableCodes codes;
        codes.name = "sums of signs";
        codes.bits = static_cast<int>(valueOf<std::int64_t>(parameters, "bits"));
        codes.grouping = {matrix.rows, matrix.columns, 1,
                          group == 0 ? matrix.columns : std::min(group, matrix.columns)};
        // Of a table, its scales and offset are stored.
        codes.bitsPerTable =
            16 * static_cast<std::uint64_t>(codes.bits + (valueOf<bool>(parameters, "offset") ? 1 : 0));
        codes.tableCount = static_cast<std::uint64_t>(codes.grouping.count());
        return codes;
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeBcq() { return std::make_unique<Bcq>(); }

} // namespace qscope::engine
