// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/error.h"

namespace qscope {

std::string describe(const Error& error) {
    std::string text;
    for (auto step = error.trail.rbegin(); step != error.trail.rend(); ++step) text += *step + ": ";
    return text + error.message;
}

} // namespace qscope
