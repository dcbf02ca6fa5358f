// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_codes/coded_layers.h"

#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "engine/quant/truncated_svd.h"

#include <numeric>

namespace qscope {

namespace {

/// Walks from the outermost form to the codes.
class Unwrapping {
public:
    Unwrapping(const engine::QuantizedTensor& tensor, const RunContext& context)
        : m_context(context)
        , m_shape(engine::asMatrix(tensor.shape))
        , m_columns(static_cast<std::size_t>(m_shape.columns)) {
        m_layers.codes = &tensor;
        std::iota(m_columns.begin(), m_columns.end(), std::int64_t{0});
    }

    Result<CodedLayers> run(const engine::TensorView* original) {
        if (original) {
            m_layers.weights.resize(static_cast<std::size_t>(m_shape.rows * m_shape.columns));
            QSCOPE_CHECK(engine::decodeParallel(*original, 0, m_layers.weights, m_context));
        }
        for (;;) {
            if (m_context.cancelled()) return cancelled();
            if (const auto* columns = engine::formOf<engine::ColumnTransformed>(*m_layers.codes)) {
                takeOff(*columns);
            } else if (const auto* sum = engine::formOf<engine::LowRankSum>(*m_layers.codes)) {
                QSCOPE_CHECK(takeOff(*sum));
            } else if (const auto* outliers = engine::formOf<engine::WithOutliers>(*m_layers.codes)) {
                takeOff(*outliers);
            } else {
                return std::move(m_layers);
            }
        }
    }

private:
    [[nodiscard]] std::size_t at(std::int64_t row, std::int64_t column) const {
        return static_cast<std::size_t>(row * m_shape.columns + column);
    }

    void takeOff(const engine::ColumnTransformed& form) {
        const auto place = [&](std::int64_t column) {
            return form.order.empty() ? column : std::int64_t{form.order[static_cast<std::size_t>(column)]};
        };
        const auto before = m_layers.weights;
        const auto apart = m_layers.isApart;
        const auto columns = m_columns;
        for (std::int64_t column = 0; column < m_shape.columns; ++column) {
            m_columns[static_cast<std::size_t>(place(column))] = columns[static_cast<std::size_t>(column)];
            const float factor = form.factors.empty() ? 1.0F : form.factors[static_cast<std::size_t>(column)];
            for (std::int64_t row = 0; row < m_shape.rows; ++row) {
                const std::size_t to = at(row, place(column)), from = at(row, column);
                if (!before.empty()) m_layers.weights[to] = before[from] / factor;
                if (!apart.empty()) m_layers.isApart[to] = apart[from];
            }
        }
        m_layers.codes = form.base.get();
    }

    Result<void> takeOff(const engine::LowRankSum& form) {
        if (!m_layers.weights.empty())
            QSCOPE_CHECK(
                engine::addProduct(m_layers.weights, m_shape, {form.rank, form.left, form.right, {}}, -1, m_context));
        m_layers.codes = form.base.get();
        return {};
    }

    void takeOff(const engine::WithOutliers& form) {
        m_layers.isApart.resize(static_cast<std::size_t>(m_shape.rows * m_shape.columns));
        for (std::int64_t row = 0; row + 1 < static_cast<std::int64_t>(form.rowStart.size()); ++row)
            for (auto i = static_cast<std::size_t>(form.rowStart[static_cast<std::size_t>(row)]);
                 i < static_cast<std::size_t>(form.rowStart[static_cast<std::size_t>(row) + 1]); ++i) {
                m_layers.isApart[at(row, form.columns[i])] = 1;
                m_layers.apart.push_back({row, m_columns[static_cast<std::size_t>(form.columns[i])], form.values[i]});
            }
        m_layers.codes = form.base.get();
    }

    const RunContext& m_context;
    engine::MatrixShape m_shape;
    CodedLayers m_layers;
    std::vector<std::int64_t> m_columns; ///< of the tensor, for each column of the form at hand
};

} // namespace

Result<CodedLayers> unwrapped(const engine::QuantizedTensor& tensor, const engine::TensorView* original,
                              const RunContext& context) {
    return Unwrapping(tensor, context).run(original);
}

} // namespace qscope
