// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/plan.h"
#include "plugins/sdk/result_board.h"
#include "plugins/sdk/selection.h"

#include <QByteArray>
#include <QMap>
#include <QString>

#include <map>
#include <optional>

namespace qscope {

/// What a `.qscope` file holds: what is open, what was decided, where things are on the screen. Results are not in it;
/// the plan makes them again. Format: README.md in this folder.
struct SessionData {
    QString checkpoint; ///< absolute path, or empty
    QString circuit;    ///< absolute path, or empty
    std::optional<QString> circuitText = {}; ///< of a circuit with changes that its file does not have
    engine::Plan plan;
    std::map<QString, QString> annotations; ///< by tensor name
    std::vector<PinnedColumn> pinned;       ///< of the comparison board, in order; `label` is not stored
    QString baseline;                       ///< label of the result that others are compared with
    QString tensor;                         ///< name of the selected tensor
    Selection selection;                    ///< `tensor` and `method` in it are not stored
    QMap<QString, QByteArray> layout;       ///< empty when written by another layout version
};

/// Paths below `folder` are written relative to it, so that a session moves with its files.
[[nodiscard]] Json toJson(const SessionData& session, const QString& folder);
/// Malformed names the field that is missing or has the wrong type; Unsupported for a newer version.
[[nodiscard]] Result<SessionData> sessionFromJson(const Json& json, const QString& folder);

[[nodiscard]] Result<void> saveSession(const SessionData& session, const QString& path);
[[nodiscard]] Result<SessionData> loadSession(const QString& path);

} // namespace qscope
