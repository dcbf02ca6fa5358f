// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/second_order_start.h"

#include "engine/core/parallel.h"

#include <Eigen/Cholesky>

#include <algorithm>

namespace qscope::engine {

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::int64_t kRows = 32; // at a time: independent of one another

/// U, upper triangular, with UᵀU the inverse of the damped moments.
Result<Matrix> inverseFactor(std::span<const double> moments, std::int64_t columns, double damping) {
    const Eigen::MatrixXd given = Eigen::Map<const Eigen::MatrixXd>(moments.data(), columns, columns);
    const double mean = given.diagonal().mean();
    for (double part = damping; part < 1000; part = std::max(1e-4, part * 10)) {
        Eigen::MatrixXd damped = given;
        for (Eigen::Index i = 0; i < columns; ++i)
            if (damped(i, i) == 0) damped(i, i) = 1;
        damped.diagonal().array() += part * mean;
        const Eigen::LLT<Eigen::MatrixXd> factor(damped);
        if (factor.info() != Eigen::Success) continue;
        const Eigen::LLT<Eigen::MatrixXd> inverse(factor.solve(Eigen::MatrixXd::Identity(columns, columns)));
        if (inverse.info() == Eigen::Success) return Matrix(inverse.matrixU().toDenseMatrix().cast<float>());
    }
    return fail(ErrorCode::OutOfRange, "the second moments of its inputs cannot be inverted");
}

/// All of some rows, in place: `rows` end as errors of no further use.
void sweep(Eigen::Ref<Matrix> rows, const Matrix& factor, std::int64_t firstRow, const Grouping& grouping,
           const FitGroup& fit, StartingCodes& out) {
    const std::int64_t columns = grouping.columns, group = grouping.groupColumns;
    const std::int64_t block = std::max(group, 128 / group * group); // blocks end where groups end
    Matrix errors(rows.rows(), block);
    std::vector<float> values(static_cast<std::size_t>(group));
    for (std::int64_t begin = 0; begin < columns; begin += block) {
        const std::int64_t end = std::min(columns, begin + block);
        for (std::int64_t column = begin; column < end; ++column)
            for (std::int64_t row = 0; row < rows.rows(); ++row) {
                UniformStep& step = out.steps[static_cast<std::size_t>(grouping.indexOf(firstRow + row, column))];
                if (column % group == 0) {
                    for (std::int64_t i = 0; i < group; ++i)
                        values[static_cast<std::size_t>(i)] = rows(row, column + i);
                    step = fit(values);
                }
                const float code = step.code(rows(row, column));
                out.codes[static_cast<std::size_t>((firstRow + row) * columns + column)] = code;
                const float error = (rows(row, column) - step.value(code)) / factor(column, column);
                errors(row, column - begin) = error;
                rows.row(row).segment(column, end - column) -= error * factor.row(column).segment(column, end - column);
            }
        if (end < columns)
            rows.rightCols(columns - end).noalias() -=
                errors.leftCols(end - begin) * factor.block(begin, end, end - begin, columns - end);
    }
}

} // namespace

Result<StartingCodes> nearestCodes(std::span<const float> weight, const Grouping& grouping, const FitGroup& fit,
                                   const RunContext& context) {
    StartingCodes out{std::vector<float>(weight.size()),
                      std::vector<UniformStep>(static_cast<std::size_t>(grouping.count()))};
    QSCOPE_CHECK(
        parallelChunks(grouping.count(), 64, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (std::int64_t g = begin; g < end; ++g) {
                const auto first = static_cast<std::size_t>(g * grouping.groupColumns);
                const auto values = weight.subspan(first, static_cast<std::size_t>(grouping.groupColumns));
                const UniformStep step = out.steps[static_cast<std::size_t>(g)] = fit(values);
                for (std::size_t i = 0; i < values.size(); ++i) out.codes[first + i] = step.code(values[i]);
            }
            return {};
        }));
    return out;
}

Result<StartingCodes> secondOrderCodes(std::span<const float> weight, std::span<const double> moments,
                                       const Grouping& grouping, double damping, const FitGroup& fit,
                                       const RunContext& context) {
    QSCOPE_TRY(const Matrix factor, inverseFactor(moments, grouping.columns, damping));
    StartingCodes out{std::vector<float>(weight.size()),
                      std::vector<UniformStep>(static_cast<std::size_t>(grouping.count()))};
    Matrix rest = Eigen::Map<const Matrix>(weight.data(), grouping.rows, grouping.columns);
    for (std::int64_t column = 0; column < grouping.columns; ++column)
        if (moments[static_cast<std::size_t>(column * (grouping.columns + 1))] == 0)
            rest.col(column).setZero(); // nothing arrives there
    QSCOPE_CHECK(
        parallelChunks(grouping.rows, kRows, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            sweep(rest.middleRows(begin, end - begin), factor, begin, grouping, fit, out);
            return {};
        }));
    return out;
}

} // namespace qscope::engine
