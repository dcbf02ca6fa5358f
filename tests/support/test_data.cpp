// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <stdlib.h>

namespace qscope::test {

std::optional<std::filesystem::path> realData(std::string_view relative) {
    auto path = std::filesystem::path(QSCOPE_TEST_DATA) / relative;
    if (std::filesystem::exists(path)) return path;
    WARN("skipped: " << path.string() << " is not on this machine");
    return std::nullopt;
}

TemporaryFolder::TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "qscope-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    m_path = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
}

} // namespace qscope::test
