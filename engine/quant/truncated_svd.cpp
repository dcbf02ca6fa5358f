// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/truncated_svd.h"

#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "engine/quant/forms.h"

#include <Eigen/QR>
#include <Eigen/SVD>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::engine {

namespace {

using Eigen::Index;
using Given = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

constexpr Index kMoreDimensions = 10;
constexpr int kTurns = 2;
constexpr std::int64_t kLinesPerChunk = 64;

/// matrix · other, or matrixᵀ · other; the border of chunks depends on the sizes alone.
Result<Eigen::MatrixXd> product(const Given& matrix, bool transposed, const Eigen::MatrixXd& other,
                                const RunContext& context) {
    Eigen::MatrixXd result(transposed ? matrix.cols() : matrix.rows(), other.cols());
    QSCOPE_CHECK(parallelChunks(
        result.rows(), kLinesPerChunk, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            const Index count = end - begin;
            if (transposed)
                result.middleRows(begin, count).noalias() =
                    matrix.middleCols(begin, count).transpose().cast<double>() * other;
            else
                result.middleRows(begin, count).noalias() = matrix.middleRows(begin, count).cast<double>() * other;
            return {};
        }));
    return result;
}

/// Orthonormal columns that span those of the matrix.
Eigen::MatrixXd basisOf(const Eigen::MatrixXd& matrix) {
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(matrix);
    return qr.householderQ() * Eigen::MatrixXd::Identity(matrix.rows(), matrix.cols());
}

Eigen::MatrixXd normalNumbers(Index rows, Index columns) {
    Eigen::MatrixXd numbers(rows, columns);
    for (Index i = 0; i < numbers.size(); ++i) {
        const auto index = static_cast<std::uint64_t>(i);
        const double radius = std::sqrt(-2 * std::log(1 - uniform(0, 0, index)));
        numbers.data()[i] = radius * std::cos(2 * std::numbers::pi * uniform(0, 1, index));
    }
    return numbers;
}

} // namespace

Result<LowRankFactors> truncatedSvd(std::span<const float> matrix, MatrixShape shape, std::int64_t rank,
                                    const RunContext& given) {
    Progress unseen;
    const RunContext context{given.stop, unseen, given.notes, given.backend};
    const std::int64_t smaller = std::min(shape.rows, shape.columns);
    rank = std::clamp<std::int64_t>(rank, 0, smaller);
    LowRankFactors factors{rank, {}, {}, {}};
    if (rank == 0) return factors;
    if (!std::ranges::all_of(matrix, [](float x) { return std::isfinite(x); }))
        return fail(ErrorCode::OutOfRange,
                    "a matrix with infinite values or values that are not numbers has no singular values");
    const Given a(matrix.data(), shape.rows, shape.columns);
    const Index width = std::min<Index>(rank + kMoreDimensions, smaller);
    QSCOPE_TRY(Eigen::MatrixXd image, product(a, false, normalNumbers(shape.columns, width), context));
    Eigen::MatrixXd left = basisOf(image);
    for (int turn = 0; turn < kTurns && width < smaller; ++turn) {
        QSCOPE_TRY(image, product(a, true, left, context));
        const Eigen::MatrixXd right = basisOf(image);
        QSCOPE_TRY(image, product(a, false, right, context));
        left = basisOf(image);
    }
    // a ≈ left (leftᵀ a); of the narrow transpose leftᵀ a = (right triangle)ᵀ only the small triangle needs singular
    // values.
    QSCOPE_TRY(image, product(a, true, left, context));
    const Eigen::MatrixXd right = basisOf(image);
    const Eigen::MatrixXd small = image.transpose() * right; // [width, width]
    const Eigen::BDCSVD<Eigen::MatrixXd> svd(small, Eigen::ComputeFullU | Eigen::ComputeFullV);
    const Eigen::VectorXd roots = svd.singularValues().head(rank).cwiseSqrt();
    const Eigen::MatrixXd first = left * svd.matrixU().leftCols(rank) * roots.asDiagonal();
    const Eigen::MatrixXd second = right * svd.matrixV().leftCols(rank) * roots.asDiagonal();
    for (Index row = 0; row < first.rows(); ++row)
        for (Index k = 0; k < rank; ++k) factors.left.push_back(static_cast<float>(first(row, k)));
    for (Index k = 0; k < rank; ++k)
        for (Index column = 0; column < second.rows(); ++column)
            factors.right.push_back(static_cast<float>(second(column, k)));
    factors.values.assign(svd.singularValues().data(), svd.singularValues().data() + rank);
    return factors;
}

Result<void> roundToHalves(LowRankFactors& factors) {
    for (auto* side : {&factors.left, &factors.right})
        for (float& x : *side) {
            x = roundedTo(ScaleType::F16, x);
            if (!std::isfinite(x))
                return fail(ErrorCode::OutOfRange, "a low-rank factor is too large for half precision");
        }
    return {};
}

Result<void> addProduct(std::span<float> matrix, MatrixShape shape, const LowRankFactors& factors, float sign,
                        const RunContext& given) {
    Progress unseen;
    const RunContext context{given.stop, unseen, given.notes, given.backend};
    const auto columns = static_cast<std::size_t>(shape.columns), rank = static_cast<std::size_t>(factors.rank);
    return parallelChunks(
        shape.rows, kLinesPerChunk, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row)
                for (std::size_t k = 0; k < rank; ++k) {
                    const float by = sign * factors.left[row * rank + k];
                    const float* line = factors.right.data() + k * columns;
                    for (std::size_t c = 0; c < columns; ++c) matrix[row * columns + c] += by * line[c];
                }
            return {};
        });
}

} // namespace qscope::engine
