// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/theme.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;

TEST_CASE("both themes are complete") {
    for (const auto* name : {"light", "dark"}) {
        const Theme theme = Theme::named(QString::fromLatin1(name));
        for (int role = 0; role < static_cast<int>(Role::Count); ++role) CHECK(theme.color(static_cast<Role>(role)).isValid());
        for (int index = 0; index < 8; ++index) CHECK(theme.category(index).isValid());
        CHECK(theme.category(-1) == theme.color(Role::Muted));
        CHECK(theme.category(8) == theme.category(0));
        CHECK(theme.isDark() == (std::string(name) == "dark"));
    }
}

TEST_CASE("colour maps have 256 colours, the diverging one is light in the middle, the cyclic one closes") {
    const auto diverging = colorMap(QStringLiteral("diverging"));
    CHECK(qGray(diverging[127]) > 230);
    CHECK(qGray(diverging[0]) < 130);
    CHECK(qGray(diverging[255]) < 130);
    const auto viridis = colorMap(QStringLiteral("viridis"));
    for (std::size_t i = 8; i < viridis.size(); i += 8) CHECK(qGray(viridis[i]) > qGray(viridis[i - 8]));
    const auto phase = colorMap(QStringLiteral("phase"));
    CHECK(std::abs(qRed(phase[0]) - qRed(phase[255])) < 8);
    CHECK(std::abs(qBlue(phase[0]) - qBlue(phase[255])) < 8);
}
