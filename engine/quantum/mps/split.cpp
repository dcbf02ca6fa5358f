// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/mps/split.h"

#include <Eigen/QR>
#include <Eigen/SVD>

#include <cmath>

namespace qscope::engine {

namespace {

/// Relative size of singular values that are rounding alone.
constexpr double kNoise = 1e-15;

template<class Svd>
Split kept(const Svd& svd, int most, double cutoff) {
    const Eigen::VectorXd& values = svd.singularValues();
    const double total = values.squaredNorm();
    Eigen::Index count = values.size();
    double dropped = 0;
    while (count > 1) {
        const double last = values(count - 1);
        const double more = dropped + last * last;
        if (count <= most && last > kNoise * values(0) && more > cutoff * total) break;
        dropped = more;
        --count;
    }
    Split result;
    result.left = svd.matrixU().leftCols(count);
    const double scale = std::sqrt(total / (total - dropped));
    result.right = (values.head(count) * scale).asDiagonal() * svd.matrixV().leftCols(count).adjoint();
    result.dropped = dropped / total;
    return result;
}

} // namespace

Split split(const Eigen::MatrixXcd& matrix, int most, double cutoff) {
    constexpr unsigned kThin = Eigen::ComputeThinU | Eigen::ComputeThinV;
    const Eigen::BDCSVD<Eigen::MatrixXcd> svd(matrix, kThin);
    if (svd.info() == Eigen::Success) return kept(svd, most, cutoff);
    return kept(Eigen::JacobiSVD<Eigen::MatrixXcd>(matrix, kThin), most, cutoff); // slower, and always converges
}

Orthogonal orthogonal(const Eigen::MatrixXcd& matrix) {
    const Eigen::HouseholderQR<Eigen::MatrixXcd> qr(matrix);
    const Eigen::Index rank = std::min(matrix.rows(), matrix.cols());
    Orthogonal result;
    result.q = qr.householderQ() * Eigen::MatrixXcd::Identity(matrix.rows(), rank);
    result.r = qr.matrixQR().topRows(rank).triangularView<Eigen::Upper>();
    return result;
}

} // namespace qscope::engine
