// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/circuit_geometry.h"
#include "tests/support/fake_context.h"
#include "tests/unit/views_quantum/samples.h"

#include <catch2/catch.hpp>

#include <QAbstractScrollArea>
#include <QLabel>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QSlider>
#include <QTest>
#include <QTextBlock>
#include <QToolButton>

using namespace qscope;
using namespace qscope::test;

namespace {

/// The first child of a type with an accessible name.
template<class Widget>
Widget* named(const QWidget& view, const QString& name) {
    for (auto* child : view.findChildren<Widget*>())
        if (child->accessibleName() == name) return child;
    return nullptr;
}

struct CircuitFixture {
    FakeContext context;
    std::unique_ptr<QWidget> view = viewOf(QStringLiteral(QSCOPE_CIRCUIT_PLUGIN), QStringLiteral("circuit"), context);
    QAbstractScrollArea* canvas = named<QAbstractScrollArea>(*view, QStringLiteral("Circuit drawing"));

    void open(const std::string& text) {
        context.setCircuit(opened(text));
        view->resize(800, 600);
        view->show();
        settle();
        REQUIRE(canvas != nullptr);
    }
    [[nodiscard]] CircuitGeometry geometry() const {
        return CircuitGeometry(context.openedCircuit->circuit, engine::WireOrder::ZeroAtTop);
    }
    void click(const QPointF& drawingPoint) {
        const QPoint scrolled(canvas->horizontalScrollBar()->value(), canvas->verticalScrollBar()->value());
        QTest::mouseClick(canvas->viewport(), Qt::LeftButton, {}, drawingPoint.toPoint() - scrolled);
    }
};

} // namespace

TEST_CASE_METHOD(CircuitFixture, "a click on a gate selects its step and qubit and marks its source line") {
    open(ghz(3));
    const auto drawing = geometry();
    click({drawing.columnCenter(1), drawing.wireY(1)});
    CHECK(context.selected.step == 2);
    CHECK(context.selected.qubit == 1);
    const auto marks = named<QPlainTextEdit>(*view, QStringLiteral("Circuit source"))->extraSelections();
    REQUIRE(marks.size() == 1);
    CHECK(marks[0].cursor.block().text() == "cx q[0], q[1];");
}

TEST_CASE_METHOD(CircuitFixture, "a click on a wire or its name selects the qubit and leaves the step") {
    open(ghz(3));
    const auto drawing = geometry();
    click({drawing.labelWidth() / 2, drawing.wireY(2)});
    CHECK(context.selected.qubit == 2);
    CHECK(context.selected.step == -1);
}

TEST_CASE_METHOD(CircuitFixture, "the arrow keys step through the operations") {
    open(ghz(3));
    QTest::keyClick(canvas, Qt::Key_Home);
    CHECK(context.selected.step == 0);
    QTest::keyClick(canvas, Qt::Key_Left);
    CHECK(context.selected.step == 0);
    QTest::keyClick(canvas, Qt::Key_Right);
    QTest::keyClick(canvas, Qt::Key_Right);
    CHECK(context.selected.step == 2);
    QTest::keyClick(canvas, Qt::Key_End);
    CHECK(context.selected.step == 3);
    QTest::keyClick(canvas, Qt::Key_Right);
    CHECK(context.selected.step == 3);
    QTest::keyClick(canvas, Qt::Key_Down);
    CHECK(context.selected.qubit == 0);
    QTest::keyClick(canvas, Qt::Key_Down);
    CHECK(context.selected.qubit == 1);
}

TEST_CASE_METHOD(CircuitFixture, "the slider and its buttons follow and set the shared step") {
    open(ghz(3));
    auto* slider = named<QSlider>(*view, QStringLiteral("Operations applied"));
    REQUIRE(slider != nullptr);
    CHECK(slider->maximum() == 3);
    CHECK(slider->value() == 3); // without a step the whole circuit is applied
    slider->setValue(1);
    CHECK(context.selected.step == 1);
    auto* forward = named<QToolButton>(*view, QStringLiteral("One step forward (Right)"));
    REQUIRE(forward != nullptr);
    QTest::mouseClick(forward, Qt::LeftButton);
    CHECK(context.selected.step == 2);
    context.select({.step = 0});
    CHECK(slider->value() == 0);
    CHECK(named<QLabel>(*view, QStringLiteral("Step"))->text() == "0 of 3 operations");
    CHECK(!named<QToolButton>(*view, QStringLiteral("To the start (Home)"))->isEnabled());
}

TEST_CASE_METHOD(CircuitFixture, "a click on a source line selects the step after its operations") {
    open(ghz(3)); // lines: OPENQASM, include, qreg, h, cx, cx
    auto* source = named<QPlainTextEdit>(*view, QStringLiteral("Circuit source"));
    const QTextCursor cursor(source->document()->findBlockByNumber(4));
    QTest::mouseClick(source->viewport(), Qt::LeftButton, {}, source->cursorRect(cursor).center());
    CHECK(context.selected.step == 2);
}

TEST_CASE_METHOD(CircuitFixture, "a long circuit scrolls to the step that is chosen elsewhere") {
    open(layered(4, 60));
    const auto total = static_cast<std::int64_t>(context.openedCircuit->circuit->operations.size());
    context.select({.step = total});
    CHECK(canvas->horizontalScrollBar()->value() > 1000);
    context.select({.step = 0});
    CHECK(canvas->horizontalScrollBar()->value() == 0);
}

TEST_CASE_METHOD(CircuitFixture, "a source with errors lists them with place and suggestion and is not drawn") {
    open("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[2];\nhh q[0];\ncx q[0] q[1];\n");
    REQUIRE(!context.openedCircuit->circuit);
    auto* list = named<QListWidget>(*view, QStringLiteral("Messages about the source"));
    REQUIRE(list != nullptr);
    REQUIRE(list->isVisible());
    CHECK(list->count() == static_cast<int>(context.openedCircuit->diagnostics.size()));
    CHECK(list->item(0)->text().contains("line 4"));
    CHECK(!canvas->isVisible());
    auto* source = named<QPlainTextEdit>(*view, QStringLiteral("Circuit source"));
    QTest::mouseClick(list->viewport(), Qt::LeftButton, {}, list->visualItemRect(list->item(0)).center());
    CHECK(source->textCursor().blockNumber() == 3);
    for (const auto* theme : {"light", "dark"}) {
        context.setTheme(QLatin1String(theme));
        pictureOf(*view, kSizes[1], QStringLiteral("circuit_errors_%1").arg(QLatin1String(theme)));
    }
}

TEST_CASE_METHOD(CircuitFixture, "without a circuit the view offers to open one") {
    view->show();
    settle();
    auto* button = view->findChild<QPushButton*>();
    REQUIRE(button != nullptr);
    QTest::mouseClick(button, Qt::LeftButton);
    REQUIRE(context.requests.size() == 1);
    CHECK(context.requests[0] == WindowRequest::OpenCircuit);
}

TEST_CASE_METHOD(CircuitFixture, "a hidden circuit view lays nothing out") {
    context.setCircuit(opened(ghz(3)));
    settle();
    CHECK(context.jobsStarted == 0);
    view->show();
    settle();
    CHECK(context.jobsStarted == 1);
}

TEST_CASE_METHOD(CircuitFixture, "from thirty qubits on a strip shows the whole drawing and moves it") {
    open(layered(29, 6));
    auto* strip = named<QWidget>(*view, QStringLiteral("Overview of the circuit"));
    REQUIRE(strip != nullptr);
    CHECK(!strip->isVisible());
    open(layered(40, 30));
    REQUIRE(strip->isVisible());
    QTest::mouseClick(strip, Qt::LeftButton, {}, {strip->width() - 4, strip->height() / 2});
    CHECK(canvas->horizontalScrollBar()->value() > canvas->horizontalScrollBar()->maximum() * 9 / 10);
}

TEST_CASE_METHOD(CircuitFixture, "the circuit view is shown for people in both themes and three sizes") {
    const std::array<std::pair<QString, std::string>, 4> circuits{
        std::pair{QStringLiteral("teleportation"), teleportation()}, std::pair{QStringLiteral("fourier"), fourier(5)},
        std::pair{QStringLiteral("layered"), layered(6, 5)}, std::pair{QStringLiteral("large"), layered(40, 20)}};
    for (const auto& [name, text] : circuits) {
        context.select({});
        context.setCircuit(opened(text));
        context.select({.qubit = 1, .step = 6});
        for (const auto* theme : {"light", "dark"}) {
            context.setTheme(QLatin1String(theme));
            for (const auto& size : kSizes)
                pictureOf(*view, size,
                          QStringLiteral("circuit_%1_%2_%3").arg(name, QLatin1String(theme)).arg(size.width()));
        }
    }
}
