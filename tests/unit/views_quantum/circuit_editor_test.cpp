// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/circuit_text.h"
#include "plugins/sdk/widgets/circuit_geometry.h"
#include "tests/support/fake_context.h"
#include "tests/unit/views_quantum/samples.h"

#include <catch2/catch.hpp>

#include <QAbstractItemView>
#include <QAbstractScrollArea>
#include <QDoubleSpinBox>
#include <QDropEvent>
#include <QLabel>
#include <QListWidget>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QSignalSpy>
#include <QSlider>
#include <QTest>
#include <QTextBlock>
#include <QToolButton>

#include <numbers>

using namespace qscope;
using namespace qscope::test;

namespace {

/// A context whose circuit can be edited, as the window's is.
class EditableContext : public FakeContext, public CircuitEditing {
public:
    EditableContext() {
        QObject::connect(&m_text, &CircuitText::parsed, this,
                         [this](const std::shared_ptr<const OpenCircuit>& circuit) { setCircuit(circuit); });
    }
    CircuitText& circuitText() override { return m_text; }
    void openText(const std::string& text) {
        openedCircuit = opened(text);
        m_text.load(openedCircuit);
        emit circuitChanged();
    }

private:
    CircuitText m_text{makeJobs()};
};

const std::string kBell = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[3] q;\nh q[0];\ncx q[0], q[1];\n";

template<class Widget>
Widget* named(const QWidget& view, const QString& name) {
    for (auto* child : view.findChildren<Widget*>())
        if (child->accessibleName() == name) return child;
    return nullptr;
}

struct EditorFixture {
    EditableContext context;
    std::unique_ptr<QWidget> view = viewOf(QStringLiteral(QSCOPE_CIRCUIT_PLUGIN), QStringLiteral("circuit"), context);
    QAbstractScrollArea* canvas = named<QAbstractScrollArea>(*view, QStringLiteral("Circuit drawing"));
    QPlainTextEdit* editor = named<QPlainTextEdit>(*view, QStringLiteral("Circuit source"));
    CircuitText& text = context.circuitText();

    void open(const std::string& program = kBell) {
        context.openText(program);
        view->resize(1000, 700);
        view->show();
        QApplication::setActiveWindow(view.get());
        settle();
        REQUIRE(canvas);
        REQUIRE(editor);
        CHECK(editor->toPlainText().toStdString() == program);
    }
    /// Until the newest text is read.
    void read() {
        QSignalSpy checked(&text, &CircuitText::checked);
        REQUIRE((checked.count() > 0 || checked.wait(10'000)));
        settle();
    }
    void cursorTo(int line, int column = 0) {
        QTextCursor cursor(editor->document()->findBlockByNumber(line - 1));
        cursor.setPosition(cursor.position() + column);
        editor->setTextCursor(cursor);
    }
    void cursorToEnd() {
        editor->setFocus();
        editor->moveCursor(QTextCursor::End);
    }
    [[nodiscard]] CircuitGeometry geometry() const {
        return CircuitGeometry(context.openedCircuit->circuit, engine::WireOrder::ZeroAtTop);
    }
    [[nodiscard]] QPoint onCanvas(QPointF drawing) const {
        return drawing.toPoint() - QPoint(canvas->horizontalScrollBar()->value(), canvas->verticalScrollBar()->value());
    }
    /// What Qt's drag and drop sends to the viewport.
    void drop(const char* gate, QPointF drawing) {
        QMimeData data;
        data.setData(QStringLiteral("application/x-quantoscope-gate"), gate);
        QDragEnterEvent enter(onCanvas(drawing), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(canvas->viewport(), &enter);
        CHECK(enter.isAccepted());
        QDropEvent event(onCanvas(drawing), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(canvas->viewport(), &event);
    }
    void dragOnCanvas(QPointF from, QPointF to) {
        QTest::mousePress(canvas->viewport(), Qt::LeftButton, {}, onCanvas(from));
        QMouseEvent half(QEvent::MouseMove, onCanvas((from + to) / 2),
                         canvas->viewport()->mapToGlobal(onCanvas((from + to) / 2)), Qt::NoButton, Qt::LeftButton, {});
        QApplication::sendEvent(canvas->viewport(), &half);
        QMouseEvent move(QEvent::MouseMove, onCanvas(to), canvas->viewport()->mapToGlobal(onCanvas(to)), Qt::NoButton,
                         Qt::LeftButton, {});
        QApplication::sendEvent(canvas->viewport(), &move);
        QTest::mouseRelease(canvas->viewport(), Qt::LeftButton, {}, onCanvas(to));
    }
    [[nodiscard]] std::string body() const {
        return text.text().mid(static_cast<int>(kBell.find("h q[0]"))).toStdString();
    }
};

} // namespace

TEST_CASE_METHOD(EditorFixture, "what is typed is parsed and drawn, and undone step by step") {
    open();
    cursorToEnd();
    QTest::keyClicks(editor, "x q[2];");
    CHECK(text.text().toStdString() == kBell + "x q[2];");
    CHECK(!text.inStep());
    CHECK(text.modified());
    read();
    CHECK(text.inStep());
    CHECK(context.openedCircuit->circuit->operations.size() == 3);
    while (text.undoStack().canUndo()) QTest::keyClick(editor, Qt::Key_Z, Qt::ControlModifier);
    CHECK(text.text().toStdString() == kBell);
    CHECK(editor->toPlainText().toStdString() == kBell);
    CHECK(!text.modified());
    QTest::keyClick(editor, Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
    CHECK(text.text().size() > static_cast<qsizetype>(kBell.size()));
}

TEST_CASE_METHOD(EditorFixture, "the drawing keeps the last good circuit while the text is wrong, and says so") {
    open();
    cursorToEnd();
    QTest::keyClicks(editor, "hh q[2];");
    read();
    CHECK(text.hasErrors());
    CHECK(context.openedCircuit->circuit->operations.size() == 2);
    const auto labels = view->findChildren<QLabel*>();
    CHECK(std::any_of(labels.begin(), labels.end(), [](QLabel* label) {
        return label->toolTip().contains("the text has errors") || label->text().contains("the text has errors");
    }));
    auto* messages = named<QListWidget>(*view, QStringLiteral("Messages about the source"));
    REQUIRE(messages->count() == 1);
    CHECK(messages->item(0)->text().contains("line 6"));
    const auto marks = editor->extraSelections();
    REQUIRE(marks.size() == 1); // underlined; no line is marked while the places are old
    CHECK(marks[0].cursor.selectedText() == "hh");
    CHECK(marks[0].format.underlineStyle() == QTextCharFormat::WaveUnderline);
    // The drawing cannot be edited meanwhile.
    const auto before = text.text();
    QTest::mouseClick(view->findChild<QToolButton*>(QStringLiteral("gate_x")), Qt::LeftButton);
    CHECK(text.text() == before);
    CHECK(context.messages.size() == 1);
}

TEST_CASE_METHOD(EditorFixture, "the cursor on a line selects its gate, a click on a gate its line") {
    open();
    editor->setFocus();
    cursorTo(4);
    CHECK(context.selected.step == 1);
    QTest::keyClick(editor, Qt::Key_Down);
    CHECK(context.selected.step == 2);
    const auto drawing = geometry();
    canvas->setFocus();
    QTest::mouseClick(canvas->viewport(), Qt::LeftButton, {}, onCanvas({drawing.columnCenter(0), drawing.wireY(0)}));
    CHECK(context.selected.step == 1);
    REQUIRE(editor->extraSelections().size() == 1);
    CHECK(editor->extraSelections()[0].cursor.block().text() == "h q[0];");
}

TEST_CASE_METHOD(EditorFixture, "a gate of the palette drops onto a wire at a place") {
    open();
    auto drawing = geometry();
    drop("x", {drawing.columnCenter(1) - 8, drawing.wireY(1)});
    CHECK(body() == "h q[0];\nx q[1];\ncx q[0], q[1];\n");
    read();
    CHECK(context.selected.step == 2);
    drawing = geometry();
    drop("ccx", {drawing.size().width() + 40, drawing.wireY(2)});
    CHECK(body() == "h q[0];\nx q[1];\ncx q[0], q[1];\nccx q[2], q[0], q[1];\n");
    read();
    drawing = geometry();
    drop("measure", {drawing.size().width() + 40, drawing.wireY(0)});
    CHECK(text.text().contains("bit[3] c;"));
    CHECK(text.text().contains("c[0] = measure q[0];"));
    read();
    REQUIRE(context.openedCircuit->circuit->clbits == 3);
    text.undoStack().undo(); // register and measurement in one step
    CHECK(body() == "h q[0];\nx q[1];\ncx q[0], q[1];\nccx q[2], q[0], q[1];\n");
}

TEST_CASE_METHOD(EditorFixture,
                 "a click on a gate of the palette adds it behind the selected step on the selected wire") {
    open();
    context.select({-1, -1, -1, -1, 2, 1});
    QTest::mouseClick(view->findChild<QToolButton*>(QStringLiteral("gate_rz")), Qt::LeftButton);
    CHECK(body() == "h q[0];\nrz(pi/2) q[2];\ncx q[0], q[1];\n");
    CHECK(text.undoStack().undoText() == "Add RZ");
}

TEST_CASE_METHOD(EditorFixture, "gates and their controls are dragged, and deleted by a key") {
    open();
    auto drawing = geometry();
    dragOnCanvas({drawing.columnCenter(1), drawing.wireY(1)}, {drawing.columnCenter(1), drawing.wireY(2)});
    CHECK(body() == "h q[0];\ncx q[0], q[2];\n");
    read();
    drawing = geometry();
    dragOnCanvas({drawing.columnCenter(0), drawing.wireY(0)}, {drawing.size().width() + 30, drawing.wireY(0)});
    CHECK(body() == "cx q[0], q[2];\nh q[0];\n");
    read();
    canvas->setFocus();
    context.select({-1, -1, -1, -1, 0, 1});
    QTest::keyClick(canvas, Qt::Key_Delete);
    CHECK(body() == "h q[0];\n");
    read();
    for (int i = 0; i < 3; ++i) text.undoStack().undo();
    CHECK(text.text().toStdString() == kBell);
    CHECK(!text.undoStack().canUndo());
}

TEST_CASE_METHOD(EditorFixture, "sliders set literal angles in the text, in one undo step, and inputs beside it") {
    open("OPENQASM 3.0;\ninclude \"stdgates.inc\";\ninput float theta;\nqubit[1] q;\nrx(theta) q[0];\nu3(0.1, pi/2, "
         "0.3) q[0];\n");
    context.select({-1, -1, -1, -1, 0, 2});
    auto* input = view->findChild<QSlider*>(QStringLiteral("slider_input_theta"));
    REQUIRE(input);
    input->setValue(24);
    CHECK(text.inputs().value("theta") == Approx(std::numbers::pi / 2));
    CHECK(!text.modified());
    auto* angle = view->findChild<QSlider*>(QStringLiteral("slider_angle_2_1"));
    REQUIRE(angle);
    CHECK(angle->value() == 24);
    for (int value = 25; value <= 36; ++value) angle->setValue(value);
    CHECK(text.text().contains("u3(0.1,3*pi/4, 0.3)"));
    read();
    auto* box = view->findChild<QDoubleSpinBox*>(QStringLiteral("value_angle_2_0"));
    REQUIRE(box);
    box->setValue(0.25);
    CHECK(text.text().contains("u3(0.25,3*pi/4, 0.3)"));
    read();
    CHECK(std::get<engine::GateOp>(context.openedCircuit->circuit->operations[1].what).parameters[0] == 0.25);
    text.undoStack().undo();
    text.undoStack().undo();
    CHECK(text.text().contains("u3(0.1, pi/2, 0.3)"));
    CHECK(!text.undoStack().canUndo());
}

TEST_CASE_METHOD(EditorFixture, "completion offers gates with their signature, and what the text declares") {
    open("OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[3] query;\ngate mine(a) x, y { cx x, y; rz(a) y; }\n");
    cursorToEnd();
    auto* list = view->findChild<QAbstractItemView*>(QStringLiteral("completions"));
    if (!list)
        for (auto* widget : QApplication::allWidgets())
            if (widget->objectName() == "completions") list = qobject_cast<QAbstractItemView*>(widget);
    REQUIRE(list);
    QTest::keyClicks(editor, "cs");
    REQUIRE(list->isVisible());
    CHECK(list->model()->index(0, 0).data().toString().contains("control, target"));
    list->hide();
    QTest::keyClicks(editor, "; mi");
    REQUIRE(list->isVisible());
    QTest::keyClick(list, Qt::Key_Return);
    CHECK(text.text().endsWith("cs; mine"));
    QTest::keyClicks(editor, "(1) que");
    REQUIRE(list->isVisible());
    CHECK(list->model()->index(0, 0).data().toString().contains("qubit[3]"));
    list->hide();
    QTest::keyClicks(editor, "; // cx");
    CHECK(!list->isVisible());
}

TEST_CASE_METHOD(EditorFixture, "bodies and comments fold under their first line, and come back") {
    open("// one\n// two\nOPENQASM 3.0;\ninclude \"stdgates.inc\";\ngate g x {\n  h x;\n  x x;\n}\nqubit q;\ng q;\n");
    auto* gutter = named<QWidget>(*view, QStringLiteral("Line numbers"));
    REQUIRE(gutter);
    const auto shown = [&](int line) { return editor->document()->findBlockByNumber(line - 1).isVisible(); };
    const auto click = [&](int line) {
        QTextCursor cursor(editor->document()->findBlockByNumber(line - 1));
        QTest::mouseClick(gutter, Qt::LeftButton, {},
                          QPoint(gutter->width() - 6, editor->cursorRect(cursor).center().y()));
    };
    click(5);
    CHECK(shown(5));
    CHECK((!shown(6) && !shown(7) && !shown(8)));
    CHECK(shown(9));
    click(1);
    CHECK(!shown(2));
    click(1);
    CHECK(shown(2));
    // Deleting the brace takes the fold away.
    cursorTo(5, 10); // behind the brace
    QTest::keyClick(editor, Qt::Key_Backspace);
    CHECK((shown(6) && shown(7) && shown(8)));
}

TEST_CASE("a text with carriage returns keeps them in its file") {
    EditableContext context;
    context.openText("OPENQASM 2.0;\r\nqreg q[1];\r\n");
    auto& text = context.circuitText();
    CHECK(text.text() == "OPENQASM 2.0;\nqreg q[1];\n");
    text.replace(static_cast<int>(text.text().size()), 0, QStringLiteral("reset q;\n"), QStringLiteral("edit"));
    CHECK(text.savedText() == "OPENQASM 2.0;\r\nqreg q[1];\r\nreset q;\r\n");
}

TEST_CASE("places in bytes and in units of the text agree") {
    const QString text = QStringLiteral("aπ𝜃b");
    CHECK(unitsBefore(text, 0) == 0);
    CHECK(unitsBefore(text, 3) == 2);
    CHECK(unitsBefore(text, 7) == 4);
    for (const int unit : {0, 1, 2, 4, 5}) CHECK(unitsBefore(text, bytesBefore(text, unit)) == unit);
}
