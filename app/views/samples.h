// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QStringList>

namespace qscope {

/// Folder of the bundled samples: beside the installed program, else in the source tree. Empty when there is none.
[[nodiscard]] QString samplesFolder();
/// Path of the sample model, or empty.
[[nodiscard]] QString sampleModel();
/// Path of the sample text, a page for the sample model, or empty.
[[nodiscard]] QString sampleText();
/// Paths of the sample circuits.
[[nodiscard]] QStringList sampleCircuits();
[[nodiscard]] QString sampleCircuit(const QString& name);

} // namespace qscope
