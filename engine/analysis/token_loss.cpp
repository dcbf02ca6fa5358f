// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/token_loss.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

LogitSums logitSums(std::span<const float> logits) {
    const auto most = std::ranges::max_element(logits);
    double sum = 0;
    for (const float x : logits) sum += std::exp(static_cast<double>(x) - static_cast<double>(*most));
    return {static_cast<double>(*most) + std::log(sum), static_cast<std::int32_t>(most - logits.begin())};
}

double klDivergence(std::span<const float> reference, const LogitSums& referenceSums, std::span<const float> logits,
                    const LogitSums& sums) {
    // sum p (r - q), and what the two normalisations differ by, which all p together weigh as 1.
    double difference = 0;
    for (std::size_t i = 0; i < reference.size(); ++i) {
        const double r = reference[i];
        const double p = std::exp(r - referenceSums.logPartition);
        if (p > 0) difference += p * (r - static_cast<double>(logits[i]));
    }
    return std::max(0.0, difference + (sums.logPartition - referenceSums.logPartition));
}

} // namespace qscope::engine
