// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"

namespace qscope::engine {

/// What a backend may offer besides: a second state with the same amplitudes, on the same device.
class StateCopier {
public:
    virtual ~StateCopier() = default;
    /// OutOfMemory before anything is copied.
    [[nodiscard]] virtual Result<std::unique_ptr<StateBuffer>> copyState(const StateBuffer& state) = 0;
};

[[nodiscard]] inline bool copiesStates(const ComputeBackend& backend) {
    return dynamic_cast<const StateCopier*>(&backend) != nullptr;
}

/// Unsupported when `backend` is no `StateCopier`.
[[nodiscard]] inline Result<std::unique_ptr<StateBuffer>> copyState(ComputeBackend& backend, const StateBuffer& state) {
    auto* copier = dynamic_cast<StateCopier*>(&backend);
    if (!copier) return fail(ErrorCode::Unsupported, "'{}' copies no states", backend.name());
    return copier->copyState(state);
}

} // namespace qscope::engine
