// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/json.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace {

/// Relative luminance of "#rrggbb" (WCAG 2.1, definition of relative luminance).
double luminance(const std::string& color) {
    REQUIRE(color.size() == 7);
    std::array<double, 3> linear{};
    for (std::size_t i = 0; i < 3; ++i) {
        const double value = std::stoi(color.substr(1 + 2 * i, 2), nullptr, 16) / 255.0;
        linear[i] = value <= 0.03928 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
    }
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

double contrast(const std::string& one, const std::string& other) {
    const auto [dark, light] = std::minmax({luminance(one), luminance(other)});
    return (light + 0.05) / (dark + 0.05);
}

} // namespace

TEST_CASE("text keeps a contrast of 4.5 and marks one of 3 in both appearances") {
    for (const std::string name : {"light", "dark"}) {
        const auto table = qscope::readJsonFile(std::string(QSCOPE_SOURCE_DIR) + "/resources/themes/" + name + ".json");
        REQUIRE(table);
        const auto role = [&](const char* key) { return (*table)["roles"][key].get<std::string>(); };
        for (const char* ground : {"surface", "raised"}) {
            for (const char* text : {"text", "muted", "good", "warn", "bad"}) {
                CAPTURE(name, ground, text);
                CHECK(contrast(role(text), role(ground)) >= 4.5);
            }
            CHECK(contrast(role("accent"), role(ground)) >= 3.0);
            REQUIRE((*table)["categories"].size() == 8);
            for (const auto& category : (*table)["categories"]) {
                CAPTURE(name, ground, category.get<std::string>());
                CHECK(contrast(category.get<std::string>(), role(ground)) >= 3.0);
            }
        }
        for (const char* text : {"text", "muted"}) CHECK(contrast(role(text), role("sunken")) >= 4.5);
    }
}
