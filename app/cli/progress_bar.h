// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <string>
#include <thread>

namespace qscope::cli {

/// Redraws one line on stderr four times a second until it is destroyed, then clears it.
class ProgressBar {
public:
    ProgressBar(std::string title, const Progress& progress);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

private:
    std::jthread m_painter;
};

} // namespace qscope::cli
