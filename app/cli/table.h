// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace qscope::cli {

/// Text in aligned columns: the first to the left, the others to the right.
class Table {
public:
    explicit Table(std::vector<std::string> header) : m_rows{std::move(header)} {}
    void add(std::vector<std::string> row) { m_rows.push_back(std::move(row)); }
    [[nodiscard]] std::string text() const;

private:
    std::vector<std::vector<std::string>> m_rows;
};

/// Prints such a table, whose rows are asked for twice: for their widths, and to be printed. They may be a million.
void printTable(const std::vector<std::string>& header, std::size_t rows, const std::function<std::vector<std::string>(std::size_t)>& row);

/// A name from a file on one line, without what a terminal would obey.
[[nodiscard]] std::string shown(std::string_view name);
/// Four significant digits.
[[nodiscard]] std::string number(double value);
/// "11.0 MiB"
[[nodiscard]] std::string byteSize(std::uint64_t bytes);
/// "[256, 768]"
[[nodiscard]] std::string shapeText(const std::vector<std::int64_t>& shape);

} // namespace qscope::cli
