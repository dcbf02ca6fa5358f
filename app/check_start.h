// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/views/main_window.h"

namespace qscope {

/// Ends the program once `files` files have been opened, no job runs and the window has painted: with 0, or with 1 and
/// a line on stderr for every plugin and file that failed. For tests of an installation, by `quantoscope
/// --check-start`.
void leaveOnceStarted(MainWindow& window, Workspace& workspace, const PluginHost& host, qsizetype files);

} // namespace qscope
