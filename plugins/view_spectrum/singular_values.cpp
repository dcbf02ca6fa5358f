// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_spectrum/singular_values.h"

#include "engine/core/parallel.h"
#include "engine/quant/truncated_svd.h"

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace qscope {

namespace {

using Eigen::Index;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr Index kPanel = 2048;      // of the long side, summed at a time
constexpr std::int64_t kLines = 32; // of the result, per chunk
constexpr double kMostProducts = 4294967296.0;

/// A Aᵀ or Aᵀ A, whichever is smaller.
Result<Eigen::MatrixXd> smallerGram(std::span<const float> matrix, Index rows, Index columns,
                                    const RunContext& context) {
    const Eigen::Map<const RowMajor> a(matrix.data(), rows, columns);
    const bool wide = rows <= columns;
    const Index side = std::min(rows, columns), length = std::max(rows, columns);
    Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(side, side);
    for (Index first = 0; first < length; first += kPanel) {
        const Index count = std::min(kPanel, length - first);
        Eigen::MatrixXd panel(side, count);
        if (wide)
            panel = a.middleCols(first, count).cast<double>();
        else
            panel = a.middleRows(first, count).transpose().cast<double>();
        QSCOPE_CHECK(parallelChunks(side, kLines, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            // Up to the diagonal: the rest is its mirror image.
            gram.block(begin, 0, end - begin, end).noalias() +=
                panel.middleRows(begin, end - begin) * panel.topRows(end).transpose();
            return {};
        }));
    }
    return gram;
}

/// Of a symmetric matrix of which the lower triangle is looked at, ascending.
Result<Eigen::VectorXd> eigenvalues(Eigen::MatrixXd a, const RunContext& context) {
    const Index n = a.rows();
    Eigen::VectorXd diagonal(n), below(std::max<Index>(0, n - 1));
    for (Index k = 0; k + 1 < n; ++k) {
        if (context.cancelled()) return cancelled();
        const Index rest = n - k - 1;
        Eigen::VectorXd mirror(rest), essential(rest - 1);
        double factor = 0, length = 0;
        const Eigen::VectorXd column = a.col(k).tail(rest);
        column.makeHouseholder(essential, factor, length);
        mirror << 1, essential;
        diagonal(k) = a(k, k);
        below(k) = length;
        if (factor == 0) continue;
        auto block = a.bottomRightCorner(rest, rest);
        Eigen::VectorXd image = factor * (block.selfadjointView<Eigen::Lower>() * mirror);
        image -= factor / 2 * image.dot(mirror) * mirror;
        block.selfadjointView<Eigen::Lower>().rankUpdate(mirror, image, -1.0);
    }
    if (n > 0) diagonal(n - 1) = a(n - 1, n - 1);
    Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
    solver.computeFromTridiagonal(diagonal, below, Eigen::EigenvaluesOnly);
    if (solver.info() != Eigen::Success) return fail(ErrorCode::OutOfRange, "the singular values do not converge");
    return Eigen::VectorXd(solver.eigenvalues());
}

Result<std::vector<double>> squaredValues(std::span<const float> matrix, Index rows, Index columns,
                                          const RunContext& context) {
    QSCOPE_TRY(auto gram, smallerGram(matrix, rows, columns, context));
    QSCOPE_TRY(const auto values, eigenvalues(std::move(gram), context));
    std::vector<double> squares;
    for (Index i = values.size(); i-- > 0;) squares.push_back(std::max(0.0, values(i)));
    return squares;
}

double entropyBits(std::span<const double> squares) {
    const double all = std::accumulate(squares.begin(), squares.end(), 0.0);
    double bits = 0;
    for (const double square : squares)
        if (square > 0) bits -= square / all * std::log2(square / all);
    return std::max(0.0, bits);
}

std::vector<std::int64_t> primeFactors(std::int64_t number) {
    std::vector<std::int64_t> factors;
    for (std::int64_t prime = 2; prime * prime <= number; ++prime)
        for (; number % prime == 0; number /= prime) factors.push_back(prime);
    if (number > 1) factors.push_back(number);
    return factors;
}

Result<double> finiteSquares(std::span<const float> matrix) {
    double sum = 0;
    for (const float value : matrix) sum += static_cast<double>(value) * static_cast<double>(value);
    if (!std::isfinite(sum)) return fail(ErrorCode::OutOfRange, "the matrix holds values that are not finite");
    return sum;
}

} // namespace

double SingularValues::stableRank() const {
    return values.empty() || !(values[0] > 0) ? 0 : sumOfSquares / (values[0] * values[0]);
}

double SingularValues::effectiveRank() const {
    const double all = std::accumulate(values.begin(), values.end(), 0.0);
    if (!complete || !(all > 0)) return std::numeric_limits<double>::quiet_NaN();
    double entropy = 0;
    for (const double value : values)
        if (value > 0) entropy -= value / all * std::log(value / all);
    return std::exp(entropy);
}

std::vector<double> SingularValues::held() const {
    std::vector<double> shares;
    double sum = 0;
    for (const double value : values)
        shares.push_back(sumOfSquares > 0 ? std::min(100.0, 100 * (sum += value * value) / sumOfSquares) : 0);
    return shares;
}

std::size_t SingularValues::rankHolding(double part) const {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
        // What is left out of a complete list is rounding.
        if ((sum += values[i] * values[i]) >= part * sumOfSquares || (complete && i + 1 == values.size())) return i + 1;
    return 0;
}

Result<SingularValues> singularValues(std::span<const float> matrix, const engine::MatrixShape& shape,
                                      const RunContext& given) {
    Progress unseen;
    const RunContext context{given.stop, unseen, given.notes, given.backend};
    SingularValues found;
    QSCOPE_TRY(found.sumOfSquares, finiteSquares(matrix));
    if (std::min(shape.rows, shape.columns) > kExactSide) {
        QSCOPE_TRY(auto factors, engine::truncatedSvd(matrix, shape, kLargestValues, context));
        found.values = std::move(factors.values);
        found.complete = false;
        return found;
    }
    QSCOPE_TRY(found.values, squaredValues(matrix, shape.rows, shape.columns, context));
    for (double& value : found.values) value = std::sqrt(value);
    return found;
}

Result<CutEntropies> cutEntropies(std::span<const float> matrix, const engine::MatrixShape& shape,
                                  const RunContext& given) {
    Progress unseen;
    const RunContext context{given.stop, unseen, given.notes, given.backend};
    QSCOPE_TRY(const double squares, finiteSquares(matrix));
    if (!(squares > 0)) return fail(ErrorCode::OutOfRange, "the matrix is zero, which is no state");
    CutEntropies cuts;
    std::vector<std::int64_t> sites = primeFactors(shape.rows);
    cuts.rowsEnd = sites.size();
    for (const std::int64_t site : primeFactors(shape.columns)) sites.push_back(site);
    const std::int64_t count = shape.rows * shape.columns;
    std::int64_t left = 1;
    for (std::size_t cut = 0; cut <= sites.size(); ++cut) {
        if (cut > 0) left *= sites[cut - 1];
        const std::int64_t right = count / left;
        const auto smaller = static_cast<double>(std::min(left, right)),
                   larger = static_cast<double>(std::max(left, right));
        cuts.levels.push_back(std::log2(static_cast<double>(left)));
        cuts.most.push_back(std::log2(smaller));
        cuts.random.push_back(smaller > 1 ? std::log2(smaller) - smaller / (2 * larger * std::numbers::ln2) : 0);
        if (smaller == 1) {
            cuts.bits.push_back(0);
        } else if (smaller * static_cast<double>(count) > kMostProducts) {
            cuts.bits.push_back(std::numeric_limits<double>::quiet_NaN());
            ++cuts.leftOut;
        } else {
            QSCOPE_TRY(const auto values, squaredValues(matrix, left, right, context));
            cuts.bits.push_back(entropyBits(values));
        }
    }
    return cuts;
}

} // namespace qscope
