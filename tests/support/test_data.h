// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "engine/core/run_context.h"

#include <filesystem>
#include <optional>
#include <string_view>

namespace qscope::test {

/// A path under the real test data, or nothing (with a warning in the log) when this machine has none.
[[nodiscard]] std::optional<std::filesystem::path> realData(std::string_view relative);

/// A folder of its own for one test, removed at the end.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return m_path / name; }

private:
    std::filesystem::path m_path;
};

/// A run on the CPU that nobody cancels, unless the test does through `stop`.
struct TestRun {
    std::stop_source stop;
    Progress progress;
    Diagnostics notes;
    std::unique_ptr<engine::ComputeBackend> backend = engine::makeCpuBackend();
    RunContext context{stop.get_token(), progress, notes, *backend};
};

} // namespace qscope::test
