// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/truncated_svd.h"

#include "engine/core/parallel.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <Eigen/SVD>

#include <cmath>
#include <limits>

using namespace qscope;
using namespace qscope::engine;

namespace {

using Dense = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::VectorXd singularValues(const std::vector<float>& matrix, MatrixShape shape) {
    const Eigen::MatrixXd wide = Eigen::Map<const Dense>(matrix.data(), shape.rows, shape.columns).cast<double>();
    return Eigen::JacobiSVD<Eigen::MatrixXd>(wide).singularValues();
}

double residualSquares(std::vector<float> matrix, MatrixShape shape, const LowRankFactors& factors,
                       test::TestRun& run) {
    REQUIRE(addProduct(matrix, shape, factors, -1, run.context));
    double sum = 0;
    for (const float x : matrix) sum += static_cast<double>(x) * static_cast<double>(x);
    return sum;
}

} // namespace

TEST_CASE("A truncated decomposition leaves what the full one leaves", "[low rank]") {
    test::TestRun run;
    for (const MatrixShape shape : {MatrixShape{60, 45}, MatrixShape{45, 60}, MatrixShape{150, 90}}) {
        auto matrix = test::normalValues(static_cast<std::size_t>(shape.rows * shape.columns), 8);
        const auto columns = static_cast<std::size_t>(shape.columns);
        for (std::size_t i = 0; i < matrix.size(); ++i)
            matrix[i] *= 1 + 10 / static_cast<float>(1 + i % columns); // some directions count more
        const Eigen::VectorXd full = singularValues(matrix, shape);
        for (const std::int64_t rank : {1, 5, 20, 40, 45}) {
            const auto found = truncatedSvd(matrix, shape, rank, run.context);
            REQUIRE(found);
            REQUIRE(found->rank == rank);
            REQUIRE(found->left.size() == static_cast<std::size_t>(shape.rows * rank));
            REQUIRE(found->right.size() == static_cast<std::size_t>(shape.columns * rank));
            const double least = full.tail(full.size() - rank).squaredNorm(),
                         left = residualSquares(matrix, shape, *found, run);
            CHECK(left > least * 0.9999 - 1e-6 * full.squaredNorm());
            // The subspace is random unless it is the whole space: three per cent for what it misses of noise.
            const bool whole = rank + 10 >= std::min(shape.rows, shape.columns);
            CHECK(left < least * (whole ? 1.0001 : 1.03) + 1e-9 * full.squaredNorm());
            CHECK(found->values.front() == Approx(full(0)).epsilon(1e-3));
            if (whole)
                for (std::int64_t k = 0; k < rank; ++k)
                    CHECK(found->values[static_cast<std::size_t>(k)] == Approx(full(k)).epsilon(1e-6).margin(1e-6));
        }
    }
}

TEST_CASE("A matrix of low rank is found whole, on any number of threads; one that is not finite is refused",
          "[low rank]") {
    test::TestRun run;
    const MatrixShape shape{200, 130};
    const LowRankFactors source{4, test::normalValues(200 * 4, 1), test::normalValues(4 * 130, 2), {}};
    std::vector<float> matrix(200 * 130, 0);
    REQUIRE(addProduct(matrix, shape, source, 1, run.context));
    const auto found = truncatedSvd(matrix, shape, 4, run.context);
    REQUIRE(found);
    CHECK(residualSquares(matrix, shape, *found, run) < 1e-9 * 200 * 130);
    {
        const ThreadLimit limit(1);
        const auto again = truncatedSvd(matrix, shape, 4, run.context);
        REQUIRE(again);
        CHECK(again->left == found->left);
        CHECK(again->right == found->right);
    }
    CHECK(truncatedSvd(std::vector<float>(12, 0.0F), {3, 4}, 2, run.context)->values == std::vector<double>{0, 0});
    CHECK(truncatedSvd(matrix, shape, 1000, run.context)->rank == 130);
    matrix[5] = std::numeric_limits<float>::infinity();
    CHECK(truncatedSvd(matrix, shape, 4, run.context).error().code == ErrorCode::OutOfRange);
    run.stop.request_stop();
    matrix[5] = 0;
    CHECK(truncatedSvd(matrix, shape, 4, run.context).error().code == ErrorCode::Cancelled);
}
