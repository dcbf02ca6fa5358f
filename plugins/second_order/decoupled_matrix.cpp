// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/second_order/decoupled_matrix.h"

#include "engine/core/parallel.h"
#include "engine/nn/kernels/matmul.h"
#include "engine/quant/forms.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr std::int64_t kRows = 32; ///< of one chunk of work

} // namespace

AffineStep DecoupledMatrix::rounded(double scale, double offset) const {
    return {roundedTo(m_type, static_cast<float>(scale)), roundedTo(m_type, static_cast<float>(offset)), m_most};
}

std::vector<AffineStep> DecoupledMatrix::rangeSteps(std::span<const float> parts) const {
    std::vector<AffineStep> steps(static_cast<std::size_t>(m_grouping.count()));
    for (std::int64_t row = 0; row < m_grouping.rows; ++row)
        for (std::int64_t begin = 0; begin < m_grouping.columns; begin += m_grouping.groupColumns) {
            const std::int64_t end = std::min(m_grouping.columns, begin + m_grouping.groupColumns);
            const auto [least, most] = std::ranges::minmax(m_weight.subspan(
                static_cast<std::size_t>(row * m_grouping.columns + begin), static_cast<std::size_t>(end - begin)));
            const float part = parts[static_cast<std::size_t>(row)], low = part * std::min(least, 0.0F),
                        high = part * std::max(most, 0.0F);
            steps[static_cast<std::size_t>(m_grouping.indexOf(row, begin))] =
                rounded(static_cast<double>((high - low) / m_most), static_cast<double>(low));
        }
    return steps;
}

template<class Use>
Result<void> DecoupledMatrix::eachRows(const DecoupledCodes& codes, Use use) const {
    Progress unseen;
    const RunContext quiet{m_context.stop, unseen, m_context.notes, m_context.backend};
    const std::int64_t n = m_grouping.columns;
    return parallelChunks(m_grouping.rows, kRows, quiet, [&](std::int64_t first, std::int64_t last) -> Result<void> {
        std::vector<double> difference(static_cast<std::size_t>((last - first) * n)), product(difference.size());
        for (std::int64_t row = first; row < last; ++row)
            for (std::int64_t column = 0; column < n; ++column)
                difference[static_cast<std::size_t>((row - first) * n + column)] =
                    static_cast<double>(valueAt(codes, row, column)) -
                    static_cast<double>(m_weight[static_cast<std::size_t>(row * n + column)]);
        kernels::Scratch<double> scratch;
        kernels::multiplyHere({.rows = last - first,
                               .columns = n,
                               .inner = n,
                               .left = {difference, n},
                               .right = {m_moments.values, n},
                               .result = product,
                               .resultStride = n},
                              scratch);
        use(first, last - first, std::span<const double>(difference), std::span<const double>(product));
        return {};
    });
}

Result<DecoupledCodes> DecoupledMatrix::measured(DecoupledCodes codes) const {
    const auto n = static_cast<std::size_t>(m_grouping.columns);
    codes.losses.assign(static_cast<std::size_t>(m_grouping.rows), 0);
    QSCOPE_CHECK(eachRows(codes, [&](std::int64_t first, std::int64_t rows, std::span<const double> difference,
                                     std::span<const double> product) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(rows) * n; ++i)
            codes.losses[static_cast<std::size_t>(first) + i / n] += difference[i] * product[i];
    }));
    return codes;
}

Result<DecoupledCodes> DecoupledMatrix::nearest(std::vector<AffineStep> steps) const {
    DecoupledCodes codes{std::vector<float>(m_weight.size()), std::move(steps), {}};
    for (std::int64_t row = 0; row < m_grouping.rows; ++row)
        for (std::int64_t column = 0; column < m_grouping.columns; ++column) {
            const auto i = static_cast<std::size_t>(row * m_grouping.columns + column);
            codes.codes[i] = codes.steps[static_cast<std::size_t>(m_grouping.indexOf(row, column))].code(m_weight[i]);
        }
    return measured(std::move(codes));
}

Result<DecoupledCodes> DecoupledMatrix::compensated(std::vector<AffineStep> steps, std::int64_t block) const {
    DecoupledCodes codes{{}, std::move(steps), {}};
    QSCOPE_TRY(
        auto loop,
        runColumnLoop(ColumnLoop<AffineStep>{m_grouping.rows, m_weight, m_order, m_factor, {}, 0, block, codes.steps},
                      m_context));
    codes.codes = std::move(loop.codes);
    return measured(std::move(codes));
}

Result<DecoupledCodes> DecoupledMatrix::shrunken(int candidates) const {
    std::vector<float> part(static_cast<std::size_t>(m_grouping.rows), 1.0F);
    QSCOPE_TRY(auto best, nearest(rangeSteps(part)));
    for (int i = 1; i < candidates; ++i) {
        std::ranges::fill(part, 1 - 0.8F * static_cast<float>(i) / static_cast<float>(candidates - 1));
        QSCOPE_TRY(const auto tried, nearest(rangeSteps(part)));
        static_cast<void>(takeBetter(best, tried));
    }
    return best;
}

std::int64_t DecoupledMatrix::takeBetter(DecoupledCodes& best, const DecoupledCodes& tried) const {
    std::int64_t taken = 0;
    for (std::int64_t row = 0; row < m_grouping.rows; ++row) {
        const auto r = static_cast<std::size_t>(row);
        if (!(tried.losses[r] < best.losses[r])) continue;
        best.losses[r] = tried.losses[r];
        std::copy_n(tried.codes.begin() + row * m_grouping.columns, m_grouping.columns,
                    best.codes.begin() + row * m_grouping.columns);
        std::copy_n(tried.steps.begin() + row * m_grouping.groupsAcross(), m_grouping.groupsAcross(),
                    best.steps.begin() + row * m_grouping.groupsAcross());
        ++taken;
    }
    return taken;
}

// With A the codes of a row, group by group, and I the groups' indicators, scales s and offsets t solve
// [A H Aᵀ, A H Iᵀ; I H Aᵀ, I H Iᵀ] [s; t] = [A H wᵀ; I H wᵀ]. What is solved for is the change of s and t, and codes
// count from the middle of their range, so that a system that has to be stiffened stays near what is known.
Result<DecoupledCodes> DecoupledMatrix::rescaled(const DecoupledCodes& codes) const {
    const std::int64_t n = m_grouping.columns, groups = m_grouping.groupsAcross(), size = m_grouping.groupColumns;
    const double middle = 0.5 * static_cast<double>(m_most);
    const auto groupOf = [size](std::int64_t column) { return column / size; };
    std::vector<double> sums(static_cast<std::size_t>(groups * groups)); // I H Iᵀ, of all rows alike
    for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < n; ++j)
            sums[static_cast<std::size_t>(groupOf(i) * groups + groupOf(j))] += m_moments.at(i, j);

    DecoupledCodes better{codes.codes, codes.steps, {}};
    QSCOPE_CHECK(eachRows(codes, [&](std::int64_t first, std::int64_t rows, std::span<const double>,
                                     std::span<const double> product) {
        std::vector<double> centred(static_cast<std::size_t>(rows * n)), weighted(centred.size());
        for (std::size_t i = 0; i < centred.size(); ++i)
            centred[i] = static_cast<double>(codes.codes[static_cast<std::size_t>(first * n) + i]) - middle;
        // Per row: A H Aᵀ and I H Aᵀ, [group, group of the codes] each.
        std::vector<double> pairs(static_cast<std::size_t>(rows * 2 * groups * groups));
        kernels::Scratch<double> scratch;
        for (std::int64_t h = 0; h < groups; ++h) {
            const std::int64_t begin = h * size, width = std::min(size, n - begin);
            kernels::multiplyHere(
                {.rows = rows,
                 .columns = n,
                 .inner = width,
                 .left = {std::span<const double>(centred).subspan(static_cast<std::size_t>(begin)), n},
                 .right = {std::span<const double>(m_moments.values).subspan(static_cast<std::size_t>(begin * n)), n},
                 .result = weighted,
                 .resultStride = n},
                scratch);
            for (std::int64_t row = 0; row < rows; ++row)
                for (std::int64_t i = 0; i < n; ++i) {
                    const auto at = static_cast<std::size_t>(row * n + i);
                    double* own = pairs.data() + ((row * 2) * groups + groupOf(i)) * groups + h;
                    own[0] += weighted[at] * centred[at];
                    own[groups * groups] += weighted[at];
                }
        }
        for (std::int64_t row = 0; row < rows; ++row) {
            std::vector<double> pull(static_cast<std::size_t>(2 * groups)); // A H (w - ŵ)ᵀ, I H (w - ŵ)ᵀ
            for (std::int64_t i = 0; i < n; ++i) {
                const auto at = static_cast<std::size_t>(row * n + i);
                pull[static_cast<std::size_t>(groupOf(i))] -= centred[at] * product[at];
                pull[static_cast<std::size_t>(groups + groupOf(i))] -= product[at];
            }
            solveRow(better, first + row,
                     std::span<const double>(pairs).subspan(static_cast<std::size_t>(row * 2 * groups * groups),
                                                            static_cast<std::size_t>(2 * groups * groups)),
                     sums, pull);
        }
    }));
    return measured(std::move(better));
}

void DecoupledMatrix::solveRow(DecoupledCodes& codes, std::int64_t row, std::span<const double> pairs,
                               std::span<const double> sums, std::span<const double> pull) const {
    using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::Index groups = m_grouping.groupsAcross();
    const Eigen::Map<const Rows> own(pairs.data(), groups, groups),
        mixed(pairs.data() + groups * groups, groups, groups), flat(sums.data(), groups, groups);
    Eigen::MatrixXd system(2 * groups, 2 * groups);
    system << own, mixed.transpose(), mixed, flat;
    const Eigen::Map<const Eigen::VectorXd> right(pull.data(), 2 * groups);
    Eigen::LDLT<Eigen::MatrixXd> solver(system);
    if (solver.info() != Eigen::Success || !solver.isPositive() ||
        solver.rcond() < 1e-10) { // a group whose codes are all alike
        system.diagonal().array() += 0.01 * system.diagonal().mean();
        solver.compute(system);
    }
    const Eigen::VectorXd change = solver.solve(right);
    if (!change.allFinite()) return;
    const double middle = 0.5 * static_cast<double>(m_most);
    for (Eigen::Index g = 0; g < groups; ++g) {
        AffineStep& step = codes.steps[static_cast<std::size_t>(row * groups + g)];
        const double scale = static_cast<double>(step.scale) + change[g];
        const double centre =
            static_cast<double>(step.offset) + middle * static_cast<double>(step.scale) + change[groups + g];
        const double stored = static_cast<double>(roundedTo(m_type, static_cast<float>(scale)));
        step = rounded(scale, centre - middle * stored);
    }
}

} // namespace qscope::engine
