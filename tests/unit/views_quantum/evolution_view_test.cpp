// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/number_table.h"
#include "tests/support/fake_context.h"
#include "tests/support/test_data.h"
#include "tests/unit/views_quantum/samples.h"

#include <catch2/catch.hpp>

#include <QAbstractScrollArea>
#include <QComboBox>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>

using namespace qscope;
using namespace qscope::test;

namespace {

const std::array<const char*, 4> kViews{"evolution_entropy", "evolution_noise", "evolution_bonds", "evolution_tableau"};

struct EvolutionFixture {
    FakeContext context;
    std::unique_ptr<QWidget> view;

    void show(const char* id) {
        view = viewOf(QStringLiteral(QSCOPE_EVOLUTION_PLUGIN), QLatin1String(id), context);
        view->resize(900, 560);
        view->show();
        settle();
    }
    void open(const std::string& text) {
        context.setCircuit(opened(text));
        settle();
    }
    [[nodiscard]] bool says(const QString& part) const {
        for (const auto* label : view->findChildren<QLabel*>())
            if (label->isVisible() && (label->text().contains(part) || label->toolTip().contains(part))) return true;
        return false;
    }
};

} // namespace

TEST_CASE_METHOD(EvolutionFixture, "views along a circuit say what they would show and offer to open one") {
    for (const char* id : kViews) {
        show(id);
        INFO(id);
        CHECK(says(QStringLiteral("Open a circuit")));
        QTest::mouseClick(view->findChild<QPushButton*>(), Qt::LeftButton);
        CHECK(context.requests.back() == WindowRequest::OpenCircuit);
    }
}

TEST_CASE_METHOD(EvolutionFixture, "views along a circuit compute once per circuit, however the step moves") {
    open(ghz(4));
    for (const char* id : {"evolution_entropy", "evolution_noise", "evolution_bonds"}) {
        context.jobsStarted = 0;
        show(id);
        INFO(id);
        CHECK(context.jobsStarted == 1);
        for (const std::int64_t step : {0, 2, 3}) {
            context.select({.step = step});
            settle();
        }
        CHECK(context.jobsStarted == 1);
    }
}

TEST_CASE_METHOD(EvolutionFixture,
                 "a click on the map of entropies goes to the step and selects the qubit below the cut") {
    open(ghz(4));
    show("evolution_entropy");
    CHECK(says(QStringLiteral("at most 1.000 bits")));
    auto* map = view->findChild<Heatmap*>();
    REQUIRE(map != nullptr);
    CHECK(map->info().rows == 3);
    CHECK(map->info().columns == 5); // none to all of four operations
    CHECK(map->valueAt(0, 2) == Approx(1).margin(1e-6));
    CHECK(map->valueAt(1, 2) == Approx(0).margin(1e-6));
    CHECK(map->valueAt(2, 4) == Approx(1).margin(1e-6));
    QTest::mouseClick(map, Qt::LeftButton, {}, map->toPixel(1, 3).toPoint());
    CHECK(context.selected.step == 3);
    CHECK(context.selected.qubit == 1);
}

TEST_CASE_METHOD(EvolutionFixture, "one qubit has no entropy and too many are refused with the reason") {
    open("OPENQASM 2.0;\nqreg q[1];\nU(0,0,0) q[0];\n");
    show("evolution_entropy");
    CHECK(says(QStringLiteral("One qubit")));
    open(ghz(24));
    CHECK(says(QStringLiteral("up to 20 qubits")));
}

TEST_CASE_METHOD(EvolutionFixture, "the noisy run stands beside the ideal one and a row goes to its gate") {
    open(ghz(4));
    show("evolution_noise");
    CHECK(says(QStringLiteral("fidelity at the end 0.97"))); // 0.999 0.99^3 and what the errors leave alone
    auto* table = view->findChild<NumberTable*>();
    REQUIRE(table != nullptr);
    REQUIRE(table->model()->rowCount() == 4);
    QTest::mouseClick(table->viewport(), Qt::LeftButton, {}, table->visualRect(table->model()->index(0, 0)).center());
    CHECK(context.selected.step >= 2); // a cx: it costs more than the h
    auto* noise = view->findChild<QComboBox*>();
    REQUIRE(noise != nullptr);
    noise->lineEdit()->setText(QStringLiteral("depolarizing:p1=0,p2=0"));
    QTest::keyClick(noise->lineEdit(), Qt::Key_Return);
    settle();
    CHECK(says(QStringLiteral("fidelity at the end 1")));
    noise->lineEdit()->setText(QStringLiteral("wind"));
    QTest::keyClick(noise->lineEdit(), Qt::Key_Return);
    settle();
    CHECK(says(QStringLiteral("unknown noise 'wind'")));
    // A model from a file.
    const QTemporaryDir folder;
    QFile file(folder.filePath(QStringLiteral("mine.json")));
    REQUIRE(file.open(QIODevice::WriteOnly));
    file.write(R"({"noise": "mine", "rules": [{"gates": ["h"], "channel": {"kind": "phase_flip", "p": 0.25}}]})");
    file.close();
    noise->lineEdit()->setText(file.fileName());
    QTest::keyClick(noise->lineEdit(), Qt::Key_Return);
    settle();
    CHECK(says(QStringLiteral("fidelity at the end 0.75")));
    noise->lineEdit()->setText(folder.filePath(QStringLiteral("none.json")));
    QTest::keyClick(noise->lineEdit(), Qt::Key_Return);
    settle();
    CHECK(says(QStringLiteral("none.json")));
}

TEST_CASE_METHOD(EvolutionFixture, "a circuit that measures on the way is refused by the noise view with the line") {
    open(teleportation());
    show("evolution_noise");
    CHECK(says(QStringLiteral("line 13")));
}

TEST_CASE_METHOD(EvolutionFixture, "a smaller bond truncates and says so") {
    open(ghz(4));
    show("evolution_bonds");
    CHECK(says(QStringLiteral("largest bond χ = 2, fidelity at the end ≥ 1")));
    auto* bond = view->findChild<QSpinBox*>();
    REQUIRE(bond != nullptr);
    bond->setValue(1);
    settle();
    CHECK(says(QStringLiteral("truncated")));
    auto* map = view->findChild<Heatmap*>();
    QTest::mouseClick(map, Qt::LeftButton, {}, map->toPixel(0, 2).toPoint());
    CHECK(context.selected.step == 2);
}

TEST_CASE_METHOD(EvolutionFixture, "the tableau follows the step and a click selects a qubit") {
    open(ghz(3));
    show("evolution_tableau");
    CHECK(says(QStringLiteral("after 3 operations")));
    auto* grid = view->findChild<QAbstractScrollArea*>();
    REQUIRE(grid != nullptr);
    const QImage end = grid->grab().toImage();
    context.select({.step = 1});
    settle();
    CHECK(says(QStringLiteral("after 1 operations")));
    CHECK(grid->grab().toImage() != end);
    QTest::mouseClick(grid->viewport(), Qt::LeftButton, {}, {34 + 12, 40});
    CHECK(context.selected.qubit == 2);
    open("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[1];\nt q[0];\n");
    CHECK(says(QStringLiteral("line 4")));
}

TEST_CASE_METHOD(EvolutionFixture, "every view along a circuit explains its numbers behind a question mark") {
    for (const char* id : kViews) {
        show(id);
        bool found = false;
        for (auto* button : view->findChildren<QToolButton*>())
            found = found || (button->accessibleName() == QStringLiteral("What the numbers mean") &&
                              button->parentWidget()->whatsThis().size() > 100);
        INFO(id);
        CHECK(found);
    }
}

TEST_CASE_METHOD(EvolutionFixture, "the views along a circuit are shown for people in both themes and three sizes") {
    const std::array<std::pair<const char*, std::string>, 4> samples{
        std::pair("one", std::string("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[1];\nh q[0];\nx q[0];\n")),
        std::pair("ghz", ghz(5)), std::pair("layered", layered(10, 4)), std::pair("wide", ghz(40))};
    for (const auto& [name, text] : samples) {
        open(text);
        context.select(
            {.qubit = 1, .step = static_cast<std::int64_t>(context.openedCircuit->circuit->operations.size() / 2)});
        for (const char* id : kViews) {
            show(id);
            for (const auto* theme : {"light", "dark"}) {
                context.setTheme(QLatin1String(theme));
                for (const auto& size : kSizes)
                    pictureOf(*view, size,
                              QStringLiteral("%1_%2_%3_%4")
                                  .arg(QLatin1String(id), QLatin1String(name), QLatin1String(theme))
                                  .arg(size.width()));
            }
            context.setTheme(QStringLiteral("light"));
        }
    }
}

TEST_CASE_METHOD(EvolutionFixture, "real circuits are shown along their depth") {
    for (const char* name : {"shor_n5", "ising_n10"}) {
        const auto path = realData(std::string("qasm/qasmbench/small/") + name + "/" + name + ".qasm");
        if (!path) return;
        QFile file(QString::fromStdString(path->string()));
        REQUIRE(file.open(QIODevice::ReadOnly));
        open(file.readAll().toStdString());
        REQUIRE(context.openedCircuit->circuit);
        for (const char* id : kViews) {
            show(id);
            for (const auto* theme : {"light", "dark"}) {
                context.setTheme(QLatin1String(theme));
                pictureOf(*view, kSizes[1],
                          QStringLiteral("%1_%2_%3").arg(QLatin1String(id), QLatin1String(name), QLatin1String(theme)));
            }
        }
        context.setTheme(QStringLiteral("light"));
    }
}
