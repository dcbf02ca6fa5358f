// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <vector>

namespace qscope {

/// Asks the system for large pages under memory that has not been touched yet; a wish, without effect on contents.
/// The first touch of small pages costs more than rounding the weights that they hold.
void adviseLargePages(void* memory, std::size_t bytes);

/// `count` values of T{}, on large pages where the system has them.
template<class T>
[[nodiscard]] std::vector<T> largeVector(std::size_t count) {
    std::vector<T> values;
    values.reserve(count);
    adviseLargePages(values.data(), count * sizeof(T));
    values.resize(count);
    return values;
}

} // namespace qscope
