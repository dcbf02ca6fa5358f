// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/table.h"

#include "engine/checkpoint/catalogue.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace qscope::cli {

namespace {

/// Columns on a terminal: code points, which is right for the Latin and mathematical text printed here.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

class Columns {
public:
    void measure(const std::vector<std::string>& row) {
        m_widths.resize(std::max(m_widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) m_widths[i] = std::max(m_widths[i], width(row[i]));
    }
    [[nodiscard]] std::string line(const std::vector<std::string>& row) const {
        std::string text;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string padding(m_widths[i] - width(row[i]), ' ');
            const bool last = i + 1 == row.size();
            if (i == 0) text += row[i] + (last ? "" : padding);
            else text += "  " + padding + row[i];
        }
        return text + '\n';
    }

private:
    std::vector<std::size_t> m_widths;
};

} // namespace

std::string Table::text() const {
    Columns columns;
    for (const auto& row : m_rows) columns.measure(row);
    std::string text;
    for (const auto& row : m_rows) text += columns.line(row);
    return text;
}

void printTable(const std::vector<std::string>& header, std::size_t rows, const std::function<std::vector<std::string>(std::size_t)>& row) {
    Columns columns;
    columns.measure(header);
    for (std::size_t i = 0; i < rows; ++i) columns.measure(row(i));
    fmt::print("{}", columns.line(header));
    for (std::size_t i = 0; i < rows; ++i) fmt::print("{}", columns.line(row(i)));
}

std::string shown(std::string_view name) { return engine::printable(name, ReadLimits{}.nameBytes); }

std::string number(double value) { return fmt::format("{:.4g}", value); }

std::string byteSize(std::uint64_t bytes) {
    static constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
    return fmt::format("{:.{}f} {}", value, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string shapeText(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

} // namespace qscope::cli
