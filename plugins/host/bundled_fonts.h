// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace qscope {

/// Where the program runs from the relocatable archive, adds the archive's fonts to those of the machine, which may
/// have none; elsewhere does nothing. Call it before the first QGuiApplication and the first thread: it sets
/// FONTCONFIG_FILE, unless that is set already.
void useBundledFonts();

} // namespace qscope
