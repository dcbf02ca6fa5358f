// SPDX-License-Identifier: GPL-3.0-or-later
// The board of columns, the map of a sweep and the page around them, driven with mouse and keyboard.
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/panel.h"
#include "plugins/view_comparison/column_board.h"
#include "plugins/view_comparison/sweep_map.h"
#include "tests/unit/views/fake_board.h"
#include "tests/unit/views/sample_model.h"

#include <QComboBox>
#include <QLabel>
#include <QPluginLoader>
#include <QPushButton>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <QToolButton>
#include <QWheelEvent>

#include <catch2/catch.hpp>

#include <algorithm>

using namespace qscope;
using namespace qscope::test;

namespace {

constexpr std::int64_t kTensor = 8; // model.layers.2.mlp.up_proj.weight

/// The sample's results over and over, as a sweep of many settings would leave them.
std::shared_ptr<const engine::CompareReport> manyResults(int count) {
    auto report = std::make_shared<engine::CompareReport>(*sampleModel().report);
    const auto base = report->methods;
    report->methods.clear();
    for (int i = 0; i < count; ++i) {
        engine::MethodResult method = base[static_cast<std::size_t>(i) % base.size()];
        method.spec = {"rtn", {{"bits", std::to_string(2 + i % 7)}, {"group", std::to_string(32 * (1 + i / 7))}}};
        method.label = "rtn bits=" + method.spec.parameters["bits"] + " group=" + method.spec.parameters["group"];
        report->methods.push_back(std::move(method));
    }
    return report;
}

struct Board {
    explicit Board(QSize size = {1000, 700}, std::shared_ptr<const engine::CompareReport> report = sampleModel().report)
        : board(context) {
        context.select({kTensor, -1, -1, 1});
        const auto columns = boardColumns(report.get(), *sampleModel().checkpoint, {}, kTensor);
        present(board, size);
        board.setColumns(columns, report, sampleModel().checkpoint);
        board.setSelected(context.selection());
        settle();
    }
    void click(QPointF at) { QTest::mouseClick(board.viewport(), Qt::LeftButton, {}, at.toPoint()); }
    SampleContext context;
    ColumnBoard board;
};

std::unique_ptr<QWidget> comparison(ViewContext& context) {
    QPluginLoader loader(QStringLiteral(QSCOPE_PLUGIN_DIR "/libview_comparison.so"));
    INFO(loader.errorString().toStdString());
    auto* plugin = qobject_cast<ViewPlugin*>(loader.instance());
    REQUIRE(plugin);
    return std::unique_ptr<QWidget>(plugin->create("comparison", context, nullptr));
}

/// A widget of a class that the plugin has a copy of its own of: same source, another meta object.
template<class Part>
Part* partOf(QWidget& view, const char* className) {
    for (QWidget* widget : view.findChildren<QWidget*>())
        if (qstrcmp(widget->metaObject()->className(), className) == 0) return static_cast<Part*>(widget);
    FAIL("no " << className);
    return nullptr;
}

void press(QWidget& view, const QString& text) {
    for (QToolButton* button : view.findChildren<QToolButton*>())
        if (button->text() == text) {
            QTest::mouseClick(button, Qt::LeftButton);
            return settle();
        }
    FAIL("no button says " << text.toStdString());
}

} // namespace

TEST_CASE("A click on a column selects its result, on its pin pins it, on a chart the channel") {
    Board with;
    QSignalSpy chosen(&with.board, &ColumnBoard::chosen), pinned(&with.board, &ColumnBoard::pinToggled),
        placed(&with.board, &ColumnBoard::placeChosen);
    with.click(with.board.headRect(3).center());
    REQUIRE(chosen.size() == 1);
    CHECK(chosen[0][0].value<BoardColumn>().method == 3);
    with.click(with.board.pinRect(2).center());
    REQUIRE(pinned.size() == 1);
    CHECK(pinned[0][0].value<BoardColumn>().method == 2);
    CHECK(chosen.size() == 1);
    const QRectF map = with.board.chartRect(1, BoardRow::Map);
    with.click(map.topLeft() + QPointF(map.width() * 0.5, map.height() * 0.25));
    REQUIRE(placed.size() == 1);
    CHECK(placed[0][1].toLongLong() == kTensor);
    CHECK(placed[0][2].toLongLong() == Approx(32).margin(2));
    CHECK(placed[0][3].toLongLong() == Approx(96).margin(2));
    const QRectF channels = with.board.chartRect(0, BoardRow::Channels);
    with.click(channels.center());
    REQUIRE(placed.size() == 2);
    CHECK(placed[1][2].toLongLong() == -1);
    CHECK(placed[1][3].toLongLong() == Approx(95).margin(4));
}

TEST_CASE("A drag over a chart zooms its row in every column and a double click resets it") {
    Board with;
    const QRectF chart = with.board.chartRect(1, BoardRow::Errors);
    const Range full = with.board.viewX(BoardRow::Errors, false);
    const auto at = [&](double share) {
        return QPointF(chart.left() + chart.width() * share, chart.center().y()).toPoint();
    };
    QTest::mousePress(with.board.viewport(), Qt::LeftButton, {}, at(0.25));
    QMouseEvent move(QEvent::MouseMove, at(0.75), with.board.viewport()->mapToGlobal(at(0.75)), Qt::NoButton,
                     Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(with.board.viewport(), &move);
    QTest::mouseRelease(with.board.viewport(), Qt::LeftButton, {}, at(0.75));
    const Range zoomed = with.board.viewX(BoardRow::Errors, false);
    CHECK(zoomed.length() == Approx(full.length() / 2).epsilon(0.05));
    CHECK(with.board.viewX(BoardRow::Values, false).length() != Approx(zoomed.length()));
    QWheelEvent wheel(QPointF(at(0.5)), with.board.viewport()->mapToGlobal(at(0.5)), {}, {0, 120}, Qt::NoButton,
                      Qt::NoModifier, Qt::NoScrollPhase, false);
    QApplication::sendEvent(with.board.viewport(), &wheel);
    CHECK(with.board.viewX(BoardRow::Errors, false).length() == Approx(zoomed.length() * 0.8));
    QTest::mouseDClick(with.board.viewport(), Qt::LeftButton, {}, at(0.5));
    CHECK(with.board.viewX(BoardRow::Errors, false) == full);
}

TEST_CASE("Three hundred columns are one widget, and only those on screen are counted and painted") {
    const auto report = manyResults(300);
    Board with({1000, 700}, report);
    CHECK(with.board.columns().size() == 300);
    const auto widgets = with.board.findChildren<QWidget*>().size();
    CHECK(widgets < 12); // viewport, scroll bars and their containers
    const auto [first, last] = with.board.visibleColumns();
    CHECK(last - first <= 6);
    CHECK(with.context.jobsStarted <= static_cast<int>(last - first));
    const auto before = with.board.columnsPainted();
    with.board.viewport()->repaint();
    CHECK(with.board.columnsPainted() - before == static_cast<std::int64_t>(last - first));
    // To the end and back by keyboard: pictures stay few.
    QTest::keyClick(&with.board, Qt::Key_End);
    settle();
    CHECK(with.board.visibleColumns().second == 300);
    for (int i = 0; i < 140; ++i) with.board.horizontalScrollBar()->setValue(i * 350);
    CHECK(with.board.picturesHeld() <= 96);
    CHECK(with.board.findChildren<QWidget*>().size() == widgets);
}

TEST_CASE("A pinned column moves by drag and by keyboard") {
    SampleContext context;
    ColumnBoard board(context);
    present(board, {1000, 600});
    const auto& report = *sampleModel().report;
    std::vector<PinnedColumn> pins;
    for (const std::size_t i : {0, 2, 4})
        pins.push_back({report.methods[i].spec, QString::fromStdString(report.methods[i].label), {}});
    board.setColumns(boardColumns(&report, *sampleModel().checkpoint, pins, {}), sampleModel().report,
                     sampleModel().checkpoint);
    settle();
    QSignalSpy moved(&board, &ColumnBoard::moved);
    const QPoint from = board.headRect(0).center().toPoint(), to = board.headRect(2).center().toPoint() + QPoint(40, 0);
    QTest::mousePress(board.viewport(), Qt::LeftButton, {}, from);
    QMouseEvent move(QEvent::MouseMove, to, board.viewport()->mapToGlobal(to), Qt::NoButton, Qt::LeftButton,
                     Qt::NoModifier);
    QApplication::sendEvent(board.viewport(), &move);
    QTest::mouseRelease(board.viewport(), Qt::LeftButton, {}, to);
    REQUIRE(moved.size() == 1);
    CHECK(moved[0][0].toInt() == 0);
    CHECK(moved[0][1].toInt() == 3);
    board.setSelected({-1, -1, -1, 2});
    QTest::keyClick(&board, Qt::Key_Left, Qt::ShiftModifier);
    REQUIRE(moved.size() == 2);
    CHECK(moved[1][0].toInt() == 1);
    CHECK(moved[1][1].toInt() == 0);
}

TEST_CASE("The view pins from its columns, and the pin stays when the report changes") {
    SampleContext context;
    FakeBoard pins(context);
    context.select({kTensor, -1, -1, 1});
    const auto view = comparison(context);
    present(*view, {1280, 800});
    press(*view, "Columns");
    auto* board = partOf<ColumnBoard>(*view, "qscope::ColumnBoard");
    QTest::mouseClick(board->viewport(), Qt::LeftButton, {}, board->pinRect(3).center().toPoint());
    settle();
    REQUIRE(pins.pins.size() == 1);
    CHECK(pins.pins[0].label == QString::fromStdString(sampleModel().report->methods[3].label));
    CHECK(board->columns().front().method == 3);
    context.setReport(manyResults(3)); // none of them is pinned
    settle();
    REQUIRE(board->columns().size() == 4);
    CHECK(board->columns().front().method == -1);
    auto* strip = view->findChild<QWidget*>("boardStrip");
    REQUIRE(strip->isVisible());
    QTest::mouseClick(strip->findChild<QPushButton*>(), Qt::LeftButton);
    CHECK(pins.missingRuns == 1);
}

TEST_CASE("A click in the map of a sweep selects the result and the axes can be exchanged") {
    SampleContext context;
    FakeBoard pins(context);
    context.select({kTensor, -1, -1, 1});
    context.shownReport = manyResults(28);
    const auto view = comparison(context);
    present(*view, {1280, 800});
    press(*view, "Sweep map");
    auto* map = partOf<SweepMap>(*view, "qscope::SweepMap");
    CHECK(map->pivot().columns == QStringList{"2", "3", "4", "5", "6", "7", "8"});
    CHECK(map->pivot().rows == QStringList{"32", "64", "96", "128"});
    QTest::mouseMove(map, map->cellCentre(1, 3));
    settle();
    QTest::mouseClick(map, Qt::LeftButton, {}, map->cellCentre(1, 3));
    CHECK(context.selection().method == 7 + 3);
    settle();
    CHECK(view->findChild<QLabel*>("sweepReadout")->text().contains("bits=5 group=64"));
    QTest::keyClick(map, Qt::Key_Right);
    CHECK(context.selection().method == 7 + 4);
    auto* across = view->findChild<QComboBox*>("sweepAcross");
    across->setCurrentIndex(across->findData("group"));
    emit across->activated(across->currentIndex());
    CHECK(map->pivot().columns.size() == 4);
    press(*view, "Sweep…");
    CHECK(pins.sweepsAsked == 1);
}

TEST_CASE("A run on the board shows its progress and can be cancelled") {
    SampleContext context;
    FakeBoard pins(context);
    context.holdJobs = true;
    const auto view = comparison(context);
    present(*view, {900, 600});
    auto* strip = view->findChild<QWidget*>("boardStrip");
    CHECK_FALSE(strip->isVisible());
    pins.startJob();
    settle();
    REQUIRE(strip->isVisible());
    shoot(*view, "comparison-running");
    QTest::mouseClick(strip->findChild<QPushButton*>(), Qt::LeftButton);
    CHECK(pins.cancels == 1);
    CHECK_FALSE(strip->isVisible());
    pins.failure = "no memory";
    emit pins.runChanged();
    CHECK(strip->findChild<QLabel*>()->text().contains("no memory"));
}

TEST_CASE("A chosen baseline turns the table to differences and is kept by the board") {
    SampleContext context;
    FakeBoard pins(context);
    context.select({kTensor, -1, -1, 1});
    const auto view = comparison(context);
    present(*view, {1280, 800});
    auto* combo = view->findChild<QComboBox*>("baseline");
    combo->setCurrentIndex(3);
    emit combo->activated(3);
    settle();
    CHECK(pins.base == QString::fromStdString(sampleModel().report->methods[2].label));
    auto* table = view->findChild<NumberTable*>();
    CHECK(table->model()->index(5, 5).data().toString().startsWith(QStringLiteral("★ +"))); // eight bits against four
}

TEST_CASE("Every page of the comparison is pictured in both themes and two sizes") {
    for (const char* theme : {"light", "dark"})
        for (const QSize size : {QSize(700, 420), QSize(1280, 700), QSize(1840, 900)}) {
            SampleContext context;
            FakeBoard pins(context);
            context.setTheme(theme);
            context.select({kTensor, 12, 78, 3});
            context.shownReport = manyResults(28);
            const auto name = [&](const char* page) {
                return QStringLiteral("board-%1-%2-%3").arg(page, theme).arg(size.width());
            };
            for (const int i : {3, 9})
                pins.pins.push_back(
                    {context.shownReport->methods[static_cast<std::size_t>(i)].spec,
                     QString::fromStdString(context.shownReport->methods[static_cast<std::size_t>(i)].label),
                     i == 3 ? QString::fromStdString(sampleModel().checkpoint->tensors[kTensor].name) : QString()});
            pins.base = pins.pins[1].label;
            const auto view = comparison(context);
            present(*view, size);
            const QImage overview = shoot(*view, name("overview"));
            press(*view, "Columns");
            const QImage columns = shoot(*view, name("columns"));
            press(*view, "Tensor");
            shoot(*view, name("columns-tensor"));
            press(*view, "Sweep map");
            const QImage sweep = shoot(*view, name("sweep"));
            for (const QImage* image : {&overview, &columns, &sweep}) {
                CHECK(distinctColors(*image) > 40);
                CHECK(pixelsNear(*image, context.theme().color(Role::Accent), 16) > 20);
            }
        }
}
