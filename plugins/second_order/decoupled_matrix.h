// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/round_to_grid.h"
#include "plugins/second_order/column_loop.h"

namespace qscope::engine {

/// Codes with free scales and offsets for one matrix, and what they cost on the calibration text.
struct DecoupledCodes {
    std::vector<float> codes;      ///< whole numbers from 0, [rows, columns]
    std::vector<AffineStep> steps; ///< [rows, groups]
    std::vector<double> losses;    ///< per row: (ŵ - w) H (ŵ - w)ᵀ
};

/// The problem of decoupleQ on one matrix: codes and affine steps that make (Ŵ - W) H (Ŵ - W)ᵀ small, row by row.
/// Scales and offsets are always values that the scale type holds. Guo et al., "decoupleQ", 2024, section 3.
class DecoupledMatrix {
public:
    /// `moments` are those of `dampedMoments` in natural order, `factor` the inverse factor for the loop over columns
    /// in `order`.
    DecoupledMatrix(std::span<const float> weight, const Grouping& grouping, int bits, ScaleType type,
                    const SquareMatrix& moments, const SquareMatrix& factor, const ColumnOrder& order,
                    const RunContext& context)
        : m_weight(weight)
        , m_grouping(grouping)
        , m_most(static_cast<float>((1 << bits) - 1))
        , m_type(type)
        , m_moments(moments)
        , m_factor(factor)
        , m_order(order)
        , m_context(context) {}

    /// Steps over the ranges of the groups, widened to hold 0 and shrunken by a part per row.
    [[nodiscard]] std::vector<AffineStep> rangeSteps(std::span<const float> parts) const;
    /// Every weight on the nearest level.
    [[nodiscard]] Result<DecoupledCodes> nearest(std::vector<AffineStep> steps) const;
    /// The loop over columns on these steps.
    [[nodiscard]] Result<DecoupledCodes> compensated(std::vector<AffineStep> steps, std::int64_t block) const;
    /// The same codes with the scales and offsets that cost least: a linear system of 2 x groups unknowns per row.
    [[nodiscard]] Result<DecoupledCodes> rescaled(const DecoupledCodes& codes) const;
    /// Ranges shrunken to what costs least after rounding to nearest, row by row, of `candidates` parts from 1 down to
    /// 0.2.
    [[nodiscard]] Result<DecoupledCodes> shrunken(int candidates) const;

    /// Takes over the rows of `tried` that cost less; how many there were.
    [[nodiscard]] std::int64_t takeBetter(DecoupledCodes& best, const DecoupledCodes& tried) const;

private:
    /// Calls use(first row, rows, difference ŵ - w, its product with H) for runs of rows, on all cores.
    template<class Use>
    [[nodiscard]] Result<void> eachRows(const DecoupledCodes& codes, Use use) const;
    [[nodiscard]] Result<DecoupledCodes> measured(DecoupledCodes codes) const;
    void solveRow(DecoupledCodes& codes, std::int64_t row, std::span<const double> pairs, std::span<const double> sums,
                  std::span<const double> pull) const;
    [[nodiscard]] AffineStep rounded(double scale, double offset) const;
    [[nodiscard]] float valueAt(const DecoupledCodes& codes, std::int64_t row, std::int64_t column) const {
        return codes.steps[static_cast<std::size_t>(m_grouping.indexOf(row, column))].value(
            codes.codes[static_cast<std::size_t>(row * m_grouping.columns + column)]);
    }

    std::span<const float> m_weight;
    Grouping m_grouping;
    float m_most;
    ScaleType m_type;
    const SquareMatrix& m_moments;
    const SquareMatrix& m_factor;
    const ColumnOrder& m_order;
    const RunContext& m_context;
};

} // namespace qscope::engine
