// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/studio.h"

#include "app/views/method_browser.h"
#include "app/views/plan_panel.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDir>
#include <QLineEdit>
#include <QPushButton>
#include <QTest>
#include <QTextBrowser>
#include <QTreeWidget>

using namespace qscope;
using namespace qscope::test;

namespace {

QStringList shown(const QTreeWidget& tree) {
    QStringList names;
    for (int g = 0; g < tree.topLevelItemCount(); ++g)
        for (int i = 0; i < tree.topLevelItem(g)->childCount(); ++i) names << tree.topLevelItem(g)->child(i)->text(0);
    return names;
}

} // namespace

TEST_CASE("The method browser filters, explains and adds methods", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    studio.openSampleModel();
    studio.window->planPanel().browse();
    auto& tree = studio.child<QTreeWidget>("methodTree");
    auto& page = studio.child<QTextBrowser>("methodPage");
    auto* browser = tree.window();
    const auto all = shown(tree);
    CHECK(all.size() == static_cast<int>(studio.workspace->registries().methods.items().size()));

    auto* words = browser->findChild<QLineEdit*>();
    QTest::keyClicks(words, QStringLiteral("gptq"));
    REQUIRE(shown(tree).contains(QStringLiteral("GPTQ")));
    CHECK(shown(tree).size() < 8);
    const auto found = tree.findItems(QStringLiteral("GPTQ"), Qt::MatchExactly | Qt::MatchRecursive);
    REQUIRE(found.size() == 1);
    tree.setCurrentItem(found.front());
    const QString text = page.toPlainText();
    for (const char* part : {"Objective", "Steps", "Cost", "calibration text", "Formats that hold its result", "Recommended settings", "act_order=true", "GPTQ"}) {
        INFO(part);
        CHECK(text.contains(QLatin1String(part)));
    }
    const QString folder = qEnvironmentVariable("QSCOPE_SCREENSHOT_DIR", QStringLiteral(QSCOPE_SCREENSHOTS));
    REQUIRE(QDir().mkpath(folder));
    CHECK(browser->grab().save(folder + QStringLiteral("/method-browser.png")));

    // Only what the format holds: no table of levels goes into a file of GPTQ.
    words->clear();
    auto combos = browser->findChildren<QComboBox*>();
    REQUIRE(combos.size() == 2);
    const int format = combos[1]->findText(QStringLiteral("GPTQ"), Qt::MatchStartsWith);
    REQUIRE(format > 0);
    combos[1]->setCurrentIndex(format);
    CHECK(shown(tree).contains(QStringLiteral("GPTQ")));
    CHECK_FALSE(shown(tree).contains(QStringLiteral("HQQ")));
    CHECK_FALSE(shown(tree).contains(QStringLiteral("NF4")));
    combos[1]->setCurrentIndex(0);
    browser->findChild<QCheckBox*>()->click();
    CHECK(shown(tree).contains(QStringLiteral("Round to nearest")));
    CHECK(shown(tree).size() < all.size());

    QTest::mouseClick(&studio.child<QPushButton>("methodAdd"), Qt::LeftButton);
    CHECK(studio.workspace->document().plan().methods.size() == 1);
    CHECK_FALSE(browser->isVisible());
}
