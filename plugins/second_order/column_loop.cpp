// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/second_order/column_loop.h"

#include "engine/core/parallel.h"
#include "engine/nn/kernels/matmul.h"

#include <Eigen/Core>

namespace qscope::engine {

namespace {

constexpr std::int64_t kRows = 16; ///< per chunk

/// One run of the loop; all places are those of the order.
template<class Step>
class Run {
public:
    Run(const ColumnLoop<Step>& loop, const RunContext& context)
        : m_loop(loop)
        , m_context(context)
        , m_columns(loop.factor.size)
        , m_groups((m_columns + loop.order.groupSize - 1) / loop.order.groupSize)
        , m_factor(loop.factor.values.begin(), loop.factor.values.end())
        , m_weight(loop.weight.size())
        , m_widest(std::min(loop.block, m_columns)) {
        m_errors.resize(static_cast<std::size_t>(loop.rows * m_widest));
        if (!loop.carry.empty()) m_before.resize(m_errors.size());
        if (loop.fit) loop.steps.resize(static_cast<std::size_t>(loop.rows * m_groups));
        m_result.losses.resize(static_cast<std::size_t>(loop.rows));
    }

    Result<ColumnLoopResult> run() {
        QSCOPE_CHECK(
            parallelChunks(m_loop.rows, kRows, m_context, [&](std::int64_t first, std::int64_t last) -> Result<void> {
                for (std::int64_t row = first; row < last; ++row)
                    for (std::int64_t place = 0; place < m_columns; ++place)
                        m_weight[at(row, place)] = m_loop.weight[at(row, columnAt(place))];
                return {};
            }));
        if (m_loop.pull != 0) m_start = m_weight;
        const auto borders = blockBorders(m_loop.order, m_loop.block, m_loop.fit != nullptr);
        for (std::size_t b = 0; b + 1 < borders.size(); ++b) {
            const std::int64_t begin = borders[b], end = borders[b + 1];
            QSCOPE_CHECK(parallelChunks(m_loop.rows, kRows, m_context,
                                        [&](std::int64_t first, std::int64_t last) -> Result<void> {
                                            for (std::int64_t row = first; row < last; ++row)
                                                roundBlock(row, begin, end);
                                            return {};
                                        }));
            QSCOPE_CHECK(addBehind(m_errors, m_factor, begin, end, -1));
            if (!m_loop.carry.empty()) QSCOPE_CHECK(addBehind(m_before, m_loop.carry, begin, end, 1));
        }
        m_result.codes.resize(m_weight.size());
        QSCOPE_CHECK(
            parallelChunks(m_loop.rows, kRows, m_context, [&](std::int64_t first, std::int64_t last) -> Result<void> {
                for (std::int64_t row = first; row < last; ++row)
                    for (std::int64_t place = 0; place < m_columns; ++place)
                        m_result.codes[at(row, columnAt(place))] = m_weight[at(row, place)];
                return {};
            }));
        return std::move(m_result);
    }

private:
    [[nodiscard]] std::size_t at(std::int64_t row, std::int64_t place) const {
        return static_cast<std::size_t>(row * m_columns + place);
    }
    [[nodiscard]] std::int64_t columnAt(std::int64_t place) const {
        return m_loop.order.column[static_cast<std::size_t>(place)];
    }
    [[nodiscard]] std::int64_t groupAt(std::int64_t place) const {
        return m_loop.order.group[static_cast<std::size_t>(place)];
    }

    /// Places [begin, end) of one row.
    void roundBlock(std::int64_t row, std::int64_t begin, std::int64_t end) {
        using Places = Eigen::Map<Eigen::ArrayXf>;
        using ConstPlaces = Eigen::Map<const Eigen::ArrayXf>;
        double loss = 0;
        for (std::int64_t i = begin; i < end; ++i) {
            float& w = m_weight[at(row, i)];
            const float start = m_start.empty() ? w : m_start[at(row, i)];
            w = (1 - m_loop.pull) * w + m_loop.pull * start; // exact for a pull of 0 and of 1
            Step& step = m_loop.steps[static_cast<std::size_t>(row * m_groups + groupAt(i))];
            if (m_loop.fit && (i == 0 || groupAt(i) != groupAt(i - 1))) step = m_loop.fit(valuesOfGroup(row, i));
            const float code = step.code(w), value = step.value(code), diagonal = m_factor[at(i, i)];
            const float error = ((w - value) - m_loop.pull * (w - start)) / diagonal;
            const double own = static_cast<double>(w - value) / static_cast<double>(diagonal);
            loss += own * own;
            m_errors[static_cast<std::size_t>(row * m_widest + i - begin)] = error;
            const Eigen::Index rest = end - i - 1;
            Places behind(&w + 1, rest);
            behind -= error * ConstPlaces(&m_factor[at(i, i)] + 1, rest);
            if (!m_loop.carry.empty()) {
                m_before[static_cast<std::size_t>(row * m_widest + i - begin)] = w;
                behind += w * ConstPlaces(&m_loop.carry[at(i, i)] + 1, rest);
            }
            w = code;
        }
        m_result.losses[static_cast<std::size_t>(row)] += loss;
    }

    std::span<const float> valuesOfGroup(std::int64_t row, std::int64_t begin) const {
        std::int64_t end = begin + 1;
        while (end < m_columns && groupAt(end) == groupAt(begin)) ++end;
        return std::span(m_weight).subspan(at(row, begin), static_cast<std::size_t>(end - begin));
    }

    /// Adds scale * what * matrix[begin..end, end..] to all that lies behind the block.
    Result<void> addBehind(std::span<const float> what, std::span<const float> matrix, std::int64_t begin,
                           std::int64_t end, float scale) {
        if (end == m_columns) return {};
        return kernels::multiply(kernels::MatrixProduct<float>{.rows = m_loop.rows,
                                                               .columns = m_columns - end,
                                                               .inner = end - begin,
                                                               .left = {what, m_widest},
                                                               .right = {matrix.subspan(at(begin, end)), m_columns},
                                                               .result = std::span(m_weight).subspan(at(0, end)),
                                                               .resultStride = m_columns,
                                                               .scale = scale,
                                                               .accumulate = true},
                                 m_context);
    }

    const ColumnLoop<Step>& m_loop;
    const RunContext& m_context;
    std::int64_t m_columns, m_groups;
    std::vector<float> m_factor;
    std::vector<float> m_weight; ///< as it stands; codes where the loop has been
    std::vector<float> m_start;  ///< as it was; empty where nothing pulls towards it
    std::int64_t m_widest;       ///< places of a block
    std::vector<float> m_errors; ///< of the block at hand, [rows, widest]
    std::vector<float> m_before; ///< weights of the block before rounding
    ColumnLoopResult m_result;
};

} // namespace

template<class Step>
Result<ColumnLoopResult> runColumnLoop(const ColumnLoop<Step>& loop, const RunContext& given) {
    Progress unseen;
    const RunContext context{given.stop, unseen, given.notes, given.backend};
    return Run<Step>(loop, context).run();
}

template Result<ColumnLoopResult> runColumnLoop(const ColumnLoop<UniformStep>&, const RunContext&);
template Result<ColumnLoopResult> runColumnLoop(const ColumnLoop<AffineStep>&, const RunContext&);

} // namespace qscope::engine
