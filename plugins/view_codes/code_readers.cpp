// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_codes/code_readers.h"

#include "engine/quant/forms.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace qscope {

namespace {

using engine::Grouping;

/// Values of groups as a map over the tensor; groups counted over the flattened tensor are put back into its rows.
CodeMap mapOf(const Grouping& grouping, const engine::MatrixShape& matrix, std::vector<float> values) {
    if (values.size() < 2) return {};
    if (grouping.rows == 1 && matrix.rows > 1 && matrix.columns % grouping.groupColumns == 0)
        return {matrix.rows, matrix.columns / grouping.groupColumns, std::move(values), 1, grouping.groupColumns};
    return {grouping.groupsDown(), grouping.groupsAcross(), std::move(values), grouping.groupRows,
            grouping.groupColumns};
}

std::int64_t groupOf(const Grouping& grouping, std::int64_t element) {
    return grouping.indexOf(element / grouping.columns, element % grouping.columns);
}

class GridReader final : public CodeReader {
public:
    GridReader(const engine::GridCodes& codes, const engine::MatrixShape& matrix)
        : m_codes(codes)
        , m_matrix(matrix) {}

    void describe(CodeUse& use) const override {
        use.width = m_codes.grid.bits;
        for (int code = least(); code < least() + (1 << m_codes.grid.bits); ++code) use.levels.push_back(code);
        use.scales = mapOf(m_codes.grouping, m_matrix, m_codes.values.scales);
        use.zeros = mapOf(m_codes.grouping, m_matrix, {m_codes.values.zeros.begin(), m_codes.values.zeros.end()});
    }
    std::size_t level(std::int64_t element) const override {
        const std::uint8_t code = m_codes.values.codes[static_cast<std::size_t>(element)];
        const int value = m_codes.grid.symmetric ? static_cast<std::int8_t>(code) : code;
        return static_cast<std::size_t>(value - least());
    }
    double place(std::int64_t element, float weight) const override {
        const auto group = static_cast<std::size_t>(groupAt(element));
        const int zero = m_codes.grid.symmetric ? 0 : m_codes.values.zeros[group];
        return static_cast<double>(weight) / static_cast<double>(m_codes.values.scales[group]) + zero;
    }

private:
    int least() const { return m_codes.grid.symmetric ? -(1 << (m_codes.grid.bits - 1)) : 0; }
    std::int64_t groupAt(std::int64_t element) const {
        if (m_codes.columnGroup.empty()) return groupOf(m_codes.grouping, element);
        const std::int64_t row = element / m_codes.grouping.columns, column = element % m_codes.grouping.columns;
        return row / m_codes.grouping.groupRows * m_codes.grouping.groupsAcross() +
               m_codes.columnGroup[static_cast<std::size_t>(column)];
    }

    const engine::GridCodes& m_codes;
    engine::MatrixShape m_matrix;
};

class LevelReader final : public CodeReader {
public:
    LevelReader(const engine::LevelCodes& codes, const engine::MatrixShape& matrix)
        : m_codes(codes)
        , m_matrix(matrix) {
        for (const float level : codes.levels)
            if (std::isfinite(level)) m_levels.push_back(static_cast<double>(level));
        std::ranges::sort(m_levels);
        m_levels.erase(std::unique(m_levels.begin(), m_levels.end()), m_levels.end()); // +0 and -0 are one
        for (const float level : codes.levels) {
            const auto found = std::ranges::lower_bound(m_levels, static_cast<double>(level));
            m_index.push_back(found == m_levels.end() ? m_levels.size() - 1
                                                      : static_cast<std::size_t>(found - m_levels.begin()));
        }
    }
    void describe(CodeUse& use) const override {
        use.width = m_codes.bits;
        use.unit = LevelUnit::Scale;
        use.levels = m_levels;
        use.scales = mapOf(m_codes.grouping, m_matrix, m_codes.scales);
    }
    std::size_t level(std::int64_t element) const override {
        return m_index[m_codes.codes[static_cast<std::size_t>(element)]];
    }
    double place(std::int64_t element, float weight) const override {
        const float scale = m_codes.scales[static_cast<std::size_t>(groupOf(m_codes.grouping, element))];
        const float whole = !m_codes.hasTensorScale      ? scale
                            : m_codes.tensorScaleDivides ? scale / m_codes.tensorScale
                                                         : scale * m_codes.tensorScale;
        return static_cast<double>(weight) / static_cast<double>(whole);
    }

private:
    const engine::LevelCodes& m_codes;
    engine::MatrixShape m_matrix;
    std::vector<double> m_levels;
    std::vector<std::size_t> m_index; ///< by code
};

class AffineReader final : public CodeReader {
public:
    AffineReader(const engine::AffineCodes& codes, const engine::MatrixShape& matrix)
        : m_codes(codes)
        , m_matrix(matrix) {}

    void describe(CodeUse& use) const override {
        use.width = m_codes.bits;
        for (int code = 0; code < 1 << m_codes.bits; ++code) use.levels.push_back(code);
        use.scales = mapOf(m_codes.grouping, m_matrix, m_codes.scales);
        use.zeros = mapOf(m_codes.grouping, m_matrix, m_codes.offsets);
        use.zerosAreOffsets = true;
    }
    std::size_t level(std::int64_t element) const override { return m_codes.codes[static_cast<std::size_t>(element)]; }
    double place(std::int64_t element, float weight) const override {
        const auto group = static_cast<std::size_t>(groupOf(m_codes.grouping, element));
        return (static_cast<double>(weight) - static_cast<double>(m_codes.offsets[group])) /
               static_cast<double>(m_codes.scales[group]);
    }

private:
    const engine::AffineCodes& m_codes;
    engine::MatrixShape m_matrix;
};

/// Levels are counted by their rank in their own table and drawn at the mean of that rank over all tables.
class TableReader final : public CodeReader {
public:
    TableReader(const engine::TableCodes& codes, const engine::MatrixShape& matrix)
        : m_codes(codes)
        , m_matrix(matrix)
        , m_size(std::size_t{1} << codes.bits)
        , m_sorted(codes.tables)
        , m_rank(codes.tables.size()) {
        std::vector<std::size_t> order(m_size);
        for (std::size_t first = 0; first + m_size <= m_sorted.size(); first += m_size) {
            std::iota(order.begin(), order.end(), first);
            std::ranges::stable_sort(order, {}, [&](std::size_t i) { return m_codes.tables[i]; });
            for (std::size_t rank = 0; rank < m_size; ++rank) {
                m_rank[order[rank]] = rank;
                m_sorted[first + rank] = m_codes.tables[order[rank]];
            }
        }
    }
    void describe(CodeUse& use) const override {
        use.width = m_codes.bits;
        use.unit = m_codes.scales.empty() ? LevelUnit::Value : LevelUnit::Scale;
        const std::size_t tables = m_sorted.size() / m_size;
        use.levels.assign(m_size, 0);
        for (std::size_t i = 0; i < tables * m_size; ++i)
            use.levels[i % m_size] += static_cast<double>(m_sorted[i]) / static_cast<double>(tables);
        use.scales = mapOf(m_codes.grouping, m_matrix, m_codes.scales);
        if (tables > 1)
            use.tables = {
                static_cast<std::int64_t>(tables), static_cast<std::int64_t>(m_size), m_sorted,
                m_codes.tableOf.empty() && m_codes.grouping.groupsAcross() == 1 ? m_codes.grouping.groupRows : 0, 0};
    }
    std::size_t level(std::int64_t element) const override {
        return m_rank[tableAt(element) * m_size + m_codes.codes[static_cast<std::size_t>(element)]];
    }
    double place(std::int64_t element, float weight) const override {
        if (m_codes.scales.empty()) return static_cast<double>(weight);
        return static_cast<double>(weight) /
               static_cast<double>(m_codes.scales[static_cast<std::size_t>(groupOf(m_codes.grouping, element))]);
    }

private:
    std::size_t tableAt(std::int64_t element) const {
        const auto group = static_cast<std::size_t>(groupOf(m_codes.grouping, element));
        return m_codes.tableOf.empty() ? (m_sorted.size() == m_size ? 0 : group)
                                       : static_cast<std::size_t>(m_codes.tableOf[group]);
    }

    const engine::TableCodes& m_codes;
    engine::MatrixShape m_matrix;
    std::size_t m_size;
    std::vector<float> m_sorted;
    std::vector<std::size_t> m_rank;
};

} // namespace

std::unique_ptr<CodeReader> readerOf(const engine::QuantizedTensor& tensor) {
    const engine::MatrixShape matrix = engine::asMatrix(tensor.shape);
    if (const auto* grid = std::get_if<engine::GridCodes>(&tensor.codes))
        return std::make_unique<GridReader>(*grid, matrix);
    if (const auto* levels = std::get_if<engine::LevelCodes>(&tensor.codes))
        return std::make_unique<LevelReader>(*levels, matrix);
    if (const auto* affine = engine::formOf<engine::AffineCodes>(tensor))
        return std::make_unique<AffineReader>(*affine, matrix);
    if (const auto* tables = engine::formOf<engine::TableCodes>(tensor))
        return std::make_unique<TableReader>(*tables, matrix);
    return nullptr;
}

} // namespace qscope
