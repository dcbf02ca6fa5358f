// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/session.h"
#include "engine/registry.h"
#include "plugins/sdk/view_context.h"

#include <memory>
#include <optional>

namespace qscope {

/// What a path led to: a checkpoint, a circuit, or a session with what it names.
struct OpenedFiles {
    std::shared_ptr<const engine::Checkpoint> checkpoint;
    std::shared_ptr<const OpenCircuit> circuit;
    std::optional<SessionData> session;
    std::vector<Error> missing; ///< files that a session names and that do not open
};

/// A circuit from its text; `path` may be empty. The places in it count from this very text.
[[nodiscard]] std::shared_ptr<const OpenCircuit> circuitFromText(const QString& path, const QString& text);

/// Opens by what the name says: `.qasm`, `.qscope`, anything else is a checkpoint. In a job.
[[nodiscard]] Result<OpenedFiles> openFiles(const QString& path, const engine::Registries& registries,
                                            const RunContext& context);

} // namespace qscope
