// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace qscope::test {

[[nodiscard]] inline std::vector<char> readBytes(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The values of a NumPy file of version 1 that holds little-endian single precision in C order.
[[nodiscard]] inline std::vector<float> readNpy(const std::filesystem::path& path) {
    const std::vector<char> bytes = readBytes(path);
    const auto at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes.at(i))); };
    const std::size_t start = 10 + at(8) + 256 * at(9);
    const std::string header(bytes.begin() + 10, bytes.begin() + static_cast<std::ptrdiff_t>(start));
    if (header.find("'<f4'") == std::string::npos || header.find("'fortran_order': False") == std::string::npos)
        throw std::runtime_error(path.string() + " holds something else: " + header);
    std::vector<float> values((bytes.size() - start) / sizeof(float));
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(start), bytes.end(), reinterpret_cast<char*>(values.data()));
    return values;
}

} // namespace qscope::test
