// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/text_quality.h"

#include <array>

namespace qscope::engine {

namespace {

/// In the order of the enumeration.
constexpr std::array<std::string_view, 2> kNames{"windows", "second-half"};

} // namespace

std::string_view nameOf(Scoring scoring) { return kNames[static_cast<std::size_t>(scoring)]; }

Result<Scoring> scoringFromName(std::string_view name) {
    for (const Scoring scoring : {Scoring::Windows, Scoring::SecondHalf})
        if (name == nameOf(scoring)) return scoring;
    return fail(ErrorCode::OutOfRange, "'{}' is no way of scoring a text; there are {}", name, fmt::join(kNames, ", "));
}

} // namespace qscope::engine
