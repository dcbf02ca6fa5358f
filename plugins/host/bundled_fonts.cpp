// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/host/bundled_fonts.h"

#include <cstdlib>
#include <filesystem>

namespace qscope {

void useBundledFonts() {
    // Qt knows the program's folder only once there is an application, which is when it reads the fonts.
    std::error_code failed;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (failed) return;
    const auto fonts = program.parent_path().parent_path() / "share/quantoscope/fonts/fonts.conf";
    if (std::filesystem::exists(fonts, failed)) ::setenv("FONTCONFIG_FILE", fonts.c_str(), 0);
}

} // namespace qscope
