// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/test_data.h"

#include <functional>
#include <string>

namespace qscope::test {

/// A backend that every case must hold for.
struct BackendUnderTest {
    std::string name;
    std::unique_ptr<engine::ComputeBackend> backend;
};

/// Runs a case on the CPU and on the software Vulkan device: as it is; with everything taken away that can be, so that
/// small data cross shards, go through staging and have no double precision; and on the device that the environment
/// variable QSCOPE_TEST_DEVICE names. Any message of the validation layer fails the case.
void onEveryBackend(const std::function<void(engine::ComputeBackend&, const RunContext&)>& body);

/// The same without the CPU.
void onEveryDevice(const std::function<void(engine::ComputeBackend&, const RunContext&)>& body);

} // namespace qscope::test
