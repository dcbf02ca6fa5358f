// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/uniform_step.h"
#include "engine/core/run_context.h"
#include "plugins/second_order/column_order.h"
#include "plugins/second_order/inverse_factor.h"

#include <functional>
#include <span>
#include <vector>

namespace qscope::engine {

/// The grid of one group with a free offset: levels code * scale + offset for whole codes from 0 to `most`.
struct AffineStep {
    float scale = 0;
    float offset = 0;
    float most = 0;

    /// Halves go up, so that equal distances are settled alike everywhere. The scale may be negative.
    [[nodiscard]] float code(float x) const {
        return scale != 0 ? std::clamp(std::floor((x - offset) / scale + 0.5F), 0.0F, most) : 0.0F;
    }
    [[nodiscard]] float value(float code) const { return code * scale + offset; }
};

/// What the loop over columns works on. Everything is held by whoever calls it.
template<class Step>
struct ColumnLoop {
    std::int64_t rows = 0;
    std::span<const float> weight; ///< [rows, columns] as they lie
    const ColumnOrder& order;
    const SquareMatrix& factor;        ///< U of the damped moments, in the order
    std::span<const float> carry = {}; ///< P of GPTAQ, in the order; empty: none
    float pull = 0;                    ///< β of FOEM
    std::int64_t block = 128;
    /// One step per row and group, [rows, groups]. Fitted by `fit` when the turn of a group's first column comes, to
    /// its columns as they then stand (groups are runs of the order); without it, given.
    std::vector<Step>& steps;
    std::function<Step(std::span<const float>)> fit = {};
};

struct ColumnLoopResult {
    std::vector<float> codes; ///< whole numbers, [rows, columns] as they lie
    /// Per row, the sum over columns of ((w - ŵ) / U_ii)² with w as it stood before rounding: without carry and pull,
    /// exactly (w⁰ - ŵ) H (w⁰ - ŵ)ᵀ with the damped H.
    std::vector<double> losses;
};

/// Rounds column after column. What rounding column i did wrong, e = (w_i - ŵ_i - β (w_i - w⁰_i)) / U_ii, is taken off
/// the columns behind it, w_j -= e U_ij, and what GPTAQ carries is added, w_j += w_i P_ij; a column is pulled back by
/// β (w_i - w⁰_i) before its turn. Within a block row by row, behind it in one product. In single precision, on all
/// cores; the same bits on any number of threads. Leaves the context's progress alone. Frantar et al., "GPTQ", 2022,
/// algorithm 1; Zheng et al., "First-Order Error Matters", 2025; Li et al., "GPTAQ", 2025.
template<class Step>
[[nodiscard]] Result<ColumnLoopResult> runColumnLoop(const ColumnLoop<Step>& loop, const RunContext& context);

extern template Result<ColumnLoopResult> runColumnLoop(const ColumnLoop<UniformStep>&, const RunContext&);
extern template Result<ColumnLoopResult> runColumnLoop(const ColumnLoop<AffineStep>&, const RunContext&);

} // namespace qscope::engine
