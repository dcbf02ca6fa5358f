// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/level_tables.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

std::vector<float> dynamicLevels() {
    std::vector<float> levels{0.0f, 1.0f};
    for (int decade = 0; decade < 7; ++decade) {
        const int count = 1 << decade;
        for (int i = 0; i < count; ++i) { // midpoints of count + 1 evenly spaced points of [0.1, 1]
            const double middle = 0.1 + 0.9 * (i + 0.5) / count;
            const auto level = static_cast<float>(middle * std::pow(10.0, decade - 6));
            levels.push_back(level);
            levels.push_back(-level);
        }
    }
    std::ranges::sort(levels);
    return levels;
}

} // namespace qscope::engine
