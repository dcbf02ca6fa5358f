// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/host/plugin_host.h"

#include <QJsonObject>

namespace qscope {

/// Why code from this folder or file may not run here, or an empty text. Its owner must be root, the user or the owner of
/// the running program (who could replace the program itself), and not everyone may write to it.
[[nodiscard]] QString ownershipProblem(const QString& path);

/// The record that a module's metadata describes; state Failed, saying why, when the metadata is not that of a plugin for
/// this SDK. `metadata` is what QPluginLoader read from the file without loading it.
[[nodiscard]] PluginRecord readRecord(const QString& file, const QJsonObject& metadata);

} // namespace qscope
