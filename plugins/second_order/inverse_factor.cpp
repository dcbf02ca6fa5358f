// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/second_order/inverse_factor.h"

#include "engine/core/parallel.h"
#include "engine/nn/kernels/matmul.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <algorithm>

namespace qscope::engine {

namespace {

using kernels::MatrixOperand;
using kernels::MatrixProduct;
using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Place = Eigen::Map<Block, 0, Eigen::OuterStride<>>;

constexpr std::int64_t kBlock = 128; ///< rows that Eigen factors by itself
constexpr std::int64_t kStrip = 512; ///< columns of one product; what lies beside the triangle costs at most this much

/// A part of a matrix that lies in rows of `stride`.
std::span<double> partOf(SquareMatrix& m, std::int64_t row, std::int64_t column) {
    return std::span(m.values).subspan(static_cast<std::size_t>(row * m.size + column));
}
Place placeOf(SquareMatrix& m, std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns) {
    return {partOf(m, row, column).data(), rows, columns, Eigen::OuterStride<>(m.size)};
}

/// L with L Lᵀ = m, in its lower triangle; zeros above.
Result<void> factorLower(SquareMatrix& m, const RunContext& context) {
    const std::int64_t n = m.size;
    std::vector<double> panel;
    for (std::int64_t k = 0; k < n; k += kBlock) {
        const std::int64_t height = std::min(kBlock, n - k), below = k + height, rest = n - below;
        const Eigen::LLT<Eigen::MatrixXd> llt(placeOf(m, k, k, height, height));
        const Eigen::MatrixXd lower = llt.matrixL();
        if (llt.info() != Eigen::Success || !lower.allFinite())
            return fail(ErrorCode::OutOfRange, "not positive definite");
        placeOf(m, k, k, height, n - k).setZero();
        placeOf(m, k, k, height, height) = lower;
        if (rest == 0) break;
        const Block inverse = lower.triangularView<Eigen::Lower>().solve(Eigen::MatrixXd::Identity(height, height));
        panel.resize(static_cast<std::size_t>(rest * height));
        QSCOPE_CHECK(kernels::multiply(
            MatrixProduct<double>{.rows = rest,
                                  .columns = height,
                                  .inner = height,
                                  .left = {partOf(m, below, k), n},
                                  .right = {{inverse.data(), static_cast<std::size_t>(inverse.size())}, height, true},
                                  .result = panel,
                                  .resultStride = height},
            context));
        placeOf(m, below, k, rest, height) = Eigen::Map<const Block>(panel.data(), rest, height);
        for (std::int64_t c = 0; c < rest; c += kStrip) {
            const auto rows = std::span<const double>(panel).subspan(static_cast<std::size_t>(c * height));
            QSCOPE_CHECK(kernels::multiply(MatrixProduct<double>{.rows = rest - c,
                                                                 .columns = std::min(kStrip, rest - c),
                                                                 .inner = height,
                                                                 .left = {rows, height},
                                                                 .right = {rows, height, true},
                                                                 .result = partOf(m, below + c, below + c),
                                                                 .resultStride = n,
                                                                 .scale = -1,
                                                                 .accumulate = true},
                                           context));
        }
    }
    return {};
}

/// The inverse of a lower triangle, in its place, row of blocks after row of blocks: X_i = -L_ii⁻¹ (L_i,<i X_<i).
Result<void> invertLower(SquareMatrix& m, const RunContext& context) {
    const std::int64_t n = m.size;
    Block left, product;
    for (std::int64_t k = 0; k < n; k += kBlock) {
        const std::int64_t height = std::min(kBlock, n - k);
        const Block inverse = Block(placeOf(m, k, k, height, height))
                                  .triangularView<Eigen::Lower>()
                                  .solve(Block::Identity(height, height));
        left = placeOf(m, k, 0, height, k);
        for (std::int64_t c = 0; c < k; c += kStrip) {
            const std::int64_t width = std::min(kStrip, k - c);
            product.resize(height, width);
            const std::span<double> values(product.data(), static_cast<std::size_t>(product.size()));
            QSCOPE_CHECK(kernels::multiply(
                MatrixProduct<double>{
                    .rows = height,
                    .columns = width,
                    .inner = k - c,
                    .left = {std::span<const double>(left.data() + c, static_cast<std::size_t>(left.size() - c)), k},
                    .right = {partOf(m, c, c), n},
                    .result = values,
                    .resultStride = width},
                context));
            QSCOPE_CHECK(kernels::multiply(
                MatrixProduct<double>{.rows = height,
                                      .columns = width,
                                      .inner = height,
                                      .left = {{inverse.data(), static_cast<std::size_t>(inverse.size())}, height},
                                      .right = {values, width},
                                      .result = partOf(m, k, c),
                                      .resultStride = n,
                                      .scale = -1},
                context));
        }
        placeOf(m, k, k, height, height) = inverse;
    }
    return {};
}

RunContext quietOf(const RunContext& context, Progress& unseen) {
    return {context.stop, unseen, context.notes, context.backend};
}

} // namespace

Result<SquareMatrix> inverseFactor(SquareMatrix matrix, const RunContext& given) {
    Progress unseen;
    const RunContext context = quietOf(given, unseen);
    // Read from the last row up, a lower factor is an upper one: H = R Rᵀ, and U is R's inverse.
    std::ranges::reverse(matrix.values);
    QSCOPE_CHECK(factorLower(matrix, context));
    QSCOPE_CHECK(invertLower(matrix, context));
    std::ranges::reverse(matrix.values);
    return matrix;
}

SquareMatrix dampedMoments(std::span<const double> moments, std::span<const std::int32_t> order, double damping) {
    const std::size_t n = order.size();
    SquareMatrix damped{static_cast<std::int64_t>(n), std::vector<double>(n * n)};
    double trace = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const auto row = moments.subspan(static_cast<std::size_t>(order[i]) * n, n);
        for (std::size_t j = 0; j < n; ++j) damped.values[i * n + j] = row[static_cast<std::size_t>(order[j])];
        double& own = damped.values[i * n + i];
        if (own == 0) own = 1;
        trace += own;
    }
    for (std::size_t i = 0; i < n; ++i) damped.values[i * n + i] += damping * trace / static_cast<double>(n);
    return damped;
}

Result<SquareMatrix> dampedInverseFactor(std::span<const double> moments, std::span<const std::int32_t> order,
                                         double damping, const std::string& subject, const RunContext& context) {
    for (double tried = damping;; tried += 0.01) {
        auto factor = inverseFactor(dampedMoments(moments, order, tried), context);
        if (factor && tried > damping)
            context.notes.note(
                fmt::format("its inputs are too few or too much alike for a damping of {}: it was raised to {}",
                            damping, tried),
                subject);
        if (factor || factor.error().code != ErrorCode::OutOfRange) return factor;
        if (tried >= 1)
            return fail(ErrorCode::OutOfRange, "the second moments of its inputs stay singular with a damping of 1");
    }
}

Result<std::vector<float>> mismatchCarry(std::span<const double> cross, std::span<const std::int32_t> order,
                                         const SquareMatrix& factor, double alpha, const RunContext& given) {
    Progress unseen;
    const RunContext context = quietOf(given, unseen);
    const std::int64_t n = factor.size;
    const auto size = static_cast<std::size_t>(n);
    // In single precision, which is what the loop over columns takes.
    const std::vector<float> single(factor.values.begin(), factor.values.end());
    const std::span<const float> u(single);
    std::vector<float> mismatch(size * size), above(size * size);
    QSCOPE_CHECK(parallelChunks(n, 64, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
            for (std::size_t j = 0; j < size; ++j)
                mismatch[i * size + j] = static_cast<float>(
                    cross[static_cast<std::size_t>(order[i]) * size + static_cast<std::size_t>(order[j])]);
        return {};
    }));
    const auto at = [n](std::int64_t row, std::int64_t column) { return static_cast<std::size_t>(row * n + column); };
    for (std::int64_t c = 0; c < n; c += kStrip) { // D Uᵀ, as far as it lies above the diagonal
        const std::int64_t width = std::min(kStrip, n - c), rows = c + width;
        QSCOPE_CHECK(
            kernels::multiply(MatrixProduct<float>{.rows = rows,
                                                   .columns = width,
                                                   .inner = n - c,
                                                   .left = {std::span<const float>(mismatch).subspan(at(0, c)), n},
                                                   .right = {u.subspan(at(c, c)), n, true},
                                                   .result = std::span(above).subspan(at(0, c)),
                                                   .resultStride = n,
                                                   .scale = static_cast<float>(alpha)},
                              context));
        for (std::int64_t i = c; i < rows; ++i)
            std::fill(above.begin() + i * n + c, above.begin() + i * n + i + 1, 0.0F);
    }
    for (std::int64_t c = 0; c < n; c += kStrip) {
        const std::int64_t width = std::min(kStrip, n - c), rows = c + width;
        QSCOPE_CHECK(kernels::multiply(MatrixProduct<float>{.rows = rows,
                                                            .columns = width,
                                                            .inner = rows,
                                                            .left = {above, n},
                                                            .right = {u.subspan(at(0, c)), n},
                                                            .result = std::span(mismatch).subspan(at(0, c)),
                                                            .resultStride = n},
                                       context));
    }
    for (std::size_t i = 0; i < size; ++i)
        std::fill_n(mismatch.begin() + static_cast<std::ptrdiff_t>(i * size), i + 1, 0.0F);
    return mismatch;
}

} // namespace qscope::engine
