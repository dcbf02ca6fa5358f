// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/calibration.h"

#include <algorithm>

namespace qscope::engine {

std::int64_t InputStatistics::silentChannels() const { return std::ranges::count(channelMax, 0.0F); }

const InputStatistics* Calibration::find(std::string_view weight) const {
    const auto found = inputs.find(weight);
    return found == inputs.end() ? nullptr : found->second.get();
}

} // namespace qscope::engine
