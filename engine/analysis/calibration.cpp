// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/calibration.h"

#include <algorithm>

namespace qscope::engine {

std::int64_t InputStatistics::silentChannels() const { return std::ranges::count(channelMax, 0.0F); }

const InputStatistics* Calibration::find(std::string_view weight) const {
    const auto found = inputs.find(weight);
    return found == inputs.end() ? nullptr : found->second.get();
}

std::map<std::string, ActivationRange, std::less<>> staticRanges(const Calibration& calibration,
                                                                 ActivationScope scope) {
    std::map<std::string, ActivationRange, std::less<>> ranges;
    for (const auto& [weight, seen] : calibration.inputs) {
        if (scope == ActivationScope::Channel) ranges[weight] = {seen->channelLow, seen->channelHigh};
        if (scope == ActivationScope::Tensor)
            ranges[weight] = {{std::ranges::min(seen->channelLow)}, {std::ranges::max(seen->channelHigh)}};
    }
    return ranges;
}

} // namespace qscope::engine
