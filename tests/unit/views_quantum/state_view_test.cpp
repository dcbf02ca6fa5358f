// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/fake_context.h"
#include "tests/unit/views_quantum/samples.h"

#include <catch2/catch.hpp>

#include <QAbstractScrollArea>
#include <QLabel>
#include <QLineEdit>
#include <QMouseEvent>
#include <QPushButton>
#include <QTest>

using namespace qscope;
using namespace qscope::test;

namespace {

const std::array<const char*, 6> kViews{"state_probabilities", "state_counts",  "state_amplitudes",
                                        "state_bloch",         "state_density", "state_entanglement"};

struct StateFixture {
    FakeContext context;
    std::unique_ptr<QWidget> view;

    void show(const char* id) {
        view = viewOf(QStringLiteral(QSCOPE_STATE_PLUGIN), QLatin1String(id), context);
        view->resize(720, 480);
        view->show();
        settle();
    }
    void open(const std::string& text, std::size_t steps = SIZE_MAX, std::int64_t shots = 0) {
        const auto circuit = opened(text);
        REQUIRE(circuit->circuit);
        context.simulated = nullptr;
        context.setCircuit(circuit);
        context.setSimulation(simulated(*circuit, steps, shots));
        settle();
    }
    /// Whether some visible label says this.
    [[nodiscard]] bool says(const QString& part) const {
        for (const auto* label : view->findChildren<QLabel*>())
            if (label->isVisible() && label->text().contains(part)) return true;
        return false;
    }
};

} // namespace

TEST_CASE_METHOD(StateFixture, "every state view says what it would show and offers to open a circuit") {
    for (const char* id : kViews) {
        show(id);
        INFO(id);
        CHECK(says(QStringLiteral("Open a circuit")));
        QTest::mouseClick(view->findChild<QPushButton*>(), Qt::LeftButton);
        CHECK(context.requests.back() == WindowRequest::OpenCircuit);
    }
    CHECK(context.requests.size() == kViews.size());
}

TEST_CASE_METHOD(StateFixture, "a circuit that cannot be simulated is answered with the reason") {
    context.problem = QStringLiteral("40 qubits need 16 TiB; this machine has 8 GiB.");
    context.setCircuit(opened(ghz(3)));
    show("state_bloch");
    CHECK(says(context.problem));
}

TEST_CASE_METHOD(StateFixture, "hidden state views compute nothing") {
    show("state_bloch");
    view->hide();
    open(ghz(3));
    CHECK(context.jobsStarted == 0);
    view->show();
    settle();
    CHECK(context.jobsStarted == 1);
}

TEST_CASE_METHOD(StateFixture, "the last picture stays while the next state is computed") {
    open(ghz(3));
    show("state_probabilities");
    const QImage before = view->grab().toImage();
    context.setSimulation(nullptr);
    settle();
    CHECK(view->grab().toImage() == before);
}

TEST_CASE_METHOD(StateFixture, "a click on a Bloch sphere selects its qubit") {
    open(ghz(3));
    show("state_bloch");
    auto* canvas = view->findChild<QAbstractScrollArea*>();
    REQUIRE(canvas != nullptr);
    const QSize room = canvas->viewport()->size();
    QTest::mouseClick(canvas->viewport(), Qt::LeftButton, {}, {room.width() / 2, room.height() / 2});
    CHECK(context.selected.qubit == 1);
    QTest::keyClick(canvas, Qt::Key_Right);
    CHECK(context.selected.qubit == 2);
    QTest::keyClick(canvas, Qt::Key_Right);
    CHECK(context.selected.qubit == 2);
    QTest::keyClick(canvas, Qt::Key_Left);
    CHECK(context.selected.qubit == 1);
}

TEST_CASE_METHOD(StateFixture, "the density matrix follows the selected qubit and the qubits asked for") {
    open(fourier(7));
    show("state_density");
    CHECK(says(QStringLiteral("qubits |3 2 1 0⟩")));
    context.select({.qubit = 6});
    settle();
    CHECK(says(QStringLiteral("qubits |6 5 4 3⟩")));
    auto* asked = view->findChild<QLineEdit*>();
    REQUIRE(asked != nullptr);
    asked->setText(QStringLiteral("0, 6"));
    QTest::keyClick(asked, Qt::Key_Return);
    settle();
    CHECK(says(QStringLiteral("qubits |6 0⟩")));
    asked->setText(QStringLiteral("9"));
    QTest::keyClick(asked, Qt::Key_Return);
    settle();
    CHECK(says(QStringLiteral("There is no qubit 9")));
}

TEST_CASE_METHOD(StateFixture, "states too large for the entropy say so") {
    open(ghz(21));
    show("state_entanglement");
    CHECK(says(QStringLiteral("20")));
    open("OPENQASM 2.0;\nqreg q[1];\nU(0,0,0) q[0];\n");
    CHECK(says(QStringLiteral("One qubit")));
}

TEST_CASE_METHOD(StateFixture, "the counts view asks for shots when there were none") {
    open(teleportation());
    show("state_counts");
    CHECK(says(QStringLiteral("shots")));
    open(teleportation(), SIZE_MAX, 1000);
    CHECK(!says(QStringLiteral("shots")));
}

TEST_CASE_METHOD(StateFixture, "the state views are shown for people in both themes and three sizes") {
    struct Sample {
        const char* name;
        std::string text;
        std::size_t steps;
    };
    const std::array samples{Sample{"teleportation", teleportation(), 6}, Sample{"ghz", ghz(4), SIZE_MAX},
                             Sample{"fourier", fourier(5), SIZE_MAX}, Sample{"layered", layered(12, 4), 60}};
    for (const auto& sample : samples) {
        open(sample.text, sample.steps, sample.text == teleportation() ? 1000 : 0);
        context.select({.qubit = 1, .step = sample.steps == SIZE_MAX ? -1 : static_cast<std::int64_t>(sample.steps)});
        for (const char* id : kViews) {
            show(id);
            for (const auto* theme : {"light", "dark"}) {
                context.setTheme(QLatin1String(theme));
                for (const auto& size : kSizes)
                    pictureOf(*view, size,
                              QStringLiteral("%1_%2_%3_%4")
                                  .arg(QLatin1String(id), QLatin1String(sample.name), QLatin1String(theme))
                                  .arg(size.width()));
            }
        }
        context.setTheme(QStringLiteral("light"));
    }
}

TEST_CASE_METHOD(StateFixture, "what is under the cursor is read out") {
    open(fourier(3));
    context.select({.qubit = 1});
    for (const char* id : {"state_probabilities", "state_amplitudes", "state_bloch", "state_density"}) {
        show(id);
        auto* canvas = view->findChild<QAbstractScrollArea*>();
        REQUIRE(canvas != nullptr);
        const QImage before = view->grab().toImage();
        const QPointF at(canvas->viewport()->width() / 2, canvas->viewport()->height() / 3);
        QMouseEvent move(QEvent::MouseMove, at, canvas->viewport()->mapToGlobal(at), Qt::NoButton, {}, {});
        QApplication::sendEvent(canvas->viewport(), &move);
        INFO(id);
        CHECK(pictureOf(*view, {720, 480}, QStringLiteral("%1_hover").arg(QLatin1String(id))) !=
              before.convertToFormat(QImage::Format_RGB32));
    }
}
