// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/plot_area.h"
#include "tests/support/fake_context.h"
#include "tests/unit/views_quantum/samples.h"

#include <catch2/catch.hpp>

#include <QAbstractScrollArea>
#include <QLabel>
#include <QLineEdit>
#include <QMouseEvent>
#include <QPushButton>
#include <QTest>
#include <QToolButton>

using namespace qscope;
using namespace qscope::test;

namespace {

const std::array<const char*, 10> kViews{
    "state_probabilities", "state_counts", "state_amplitudes",   "state_bloch",  "state_density",
    "state_qsphere",       "state_wigner", "state_entanglement", "state_mutual", "state_compare"};

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
    template<class Widget>
    [[nodiscard]] Widget* named(const QString& name) const {
        for (auto* child : view->findChildren<Widget*>())
            if (child->accessibleName() == name) return child;
        return nullptr;
    }
    void type(const QString& field, const QString& text) {
        auto* edit = named<QLineEdit>(field);
        REQUIRE(edit != nullptr);
        edit->setText(text);
        QTest::keyClick(edit, Qt::Key_Return);
        settle();
    }
    /// Keeps the state at hand as A; B is that after half of the circuit.
    void keepAndStep(const std::string& text) {
        QTest::mouseClick(view->findChild<QPushButton*>(), Qt::LeftButton);
        settle();
        const auto circuit = opened(text);
        context.setSimulation(simulated(*circuit, circuit->circuit->operations.size() / 2));
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
    CHECK(says(QStringLiteral("20 qubits")));
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
    const std::array samples{
        Sample{"one", "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[1];\nu3(1.1, 0.7, 0) q[0];\n", SIZE_MAX},
        Sample{"teleportation", teleportation(), 6},
        Sample{"ghz", ghz(4), SIZE_MAX},
        Sample{"fourier", fourier(5), SIZE_MAX},
        Sample{"layered", layered(12, 4), 60},
        Sample{"wide", layered(21, 2), SIZE_MAX}};
    for (const auto& sample : samples) {
        open(sample.text, sample.steps, 1000);
        context.select({.qubit = 1, .step = sample.steps == SIZE_MAX ? -1 : static_cast<std::int64_t>(sample.steps)});
        for (const char* id : kViews) {
            show(id);
            if (QLatin1String(id) == QLatin1String("state_compare")) keepAndStep(sample.text);
            for (const auto* theme : {"light", "dark"}) {
                context.setTheme(QLatin1String(theme));
                const bool wide = sample.text == samples.back().text; // its pictures take long: one size
                for (const auto& size : wide ? std::span(kSizes).subspan(1, 1) : std::span(kSizes))
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
    struct Place {
        const char* id;
        double across, down;
    };
    for (const auto& [id, across, down] :
         {Place{"state_probabilities", 0.5, 0.33}, Place{"state_amplitudes", 0.5, 0.33},
          Place{"state_bloch", 0.5, 0.33}, Place{"state_density", 0.5, 0.33}, Place{"state_wigner", 0.4, 0.2}}) {
        show(id);
        auto* canvas = view->findChild<QAbstractScrollArea*>();
        REQUIRE(canvas != nullptr);
        const QImage before = view->grab().toImage();
        const QPointF at(canvas->viewport()->width() * across, canvas->viewport()->height() * down);
        QMouseEvent move(QEvent::MouseMove, at, canvas->viewport()->mapToGlobal(at), Qt::NoButton, {}, {});
        QApplication::sendEvent(canvas->viewport(), &move);
        INFO(id);
        CHECK(pictureOf(*view, {720, 480}, QStringLiteral("%1_hover").arg(QLatin1String(id))) !=
              before.convertToFormat(QImage::Format_RGB32));
    }
}

TEST_CASE_METHOD(StateFixture, "probabilities are searched by bits, grouped by qubits and ordered") {
    open(fourier(5));
    show("state_probabilities");
    const QImage all = view->grab().toImage();
    type(QStringLiteral("Pattern of bits"), QStringLiteral("1*0**"));
    CHECK(view->grab().toImage() != all);
    type(QStringLiteral("Pattern of bits"), QStringLiteral("12"));
    CHECK(says(QStringLiteral("a pattern is made of 0, 1")));
    type(QStringLiteral("Pattern of bits"), QString());
    type(QStringLiteral("Qubits to group by"), QStringLiteral("0, 3"));
    CHECK(says(QStringLiteral("outcomes of qubits |3 0⟩")));
    type(QStringLiteral("Qubits to group by"), QStringLiteral("9"));
    CHECK(says(QStringLiteral("There is no qubit 9")));
}

TEST_CASE_METHOD(StateFixture, "every new state view explains its numbers behind a question mark") {
    for (const char* id : kViews) {
        if (QLatin1String(id) == QLatin1String("state_amplitudes") || QLatin1String(id) == QLatin1String("state_bloch"))
            continue;
        show(id);
        INFO(id);
        auto* about = named<QToolButton>(QStringLiteral("What the numbers mean"));
        REQUIRE(about != nullptr);
        CHECK(about->parentWidget()->whatsThis().size() > 100);
    }
}

TEST_CASE_METHOD(StateFixture, "a click on a qubit of the mutual information or on a Wigner map selects it") {
    open(ghz(4));
    show("state_mutual");
    auto* graph = view->findChild<QAbstractScrollArea*>();
    REQUIRE(graph != nullptr);
    // Qubit 0 stands at the top of the circle, left of the colour bar; the others clockwise.
    const QSize room = graph->viewport()->size();
    bool found = false;
    for (int y = 4; y < room.height() / 2 && !found; y += 4) {
        QTest::mouseClick(graph->viewport(), Qt::LeftButton, {}, {(room.width() - 84) / 2, y});
        found = context.selected.qubit >= 0;
    }
    CHECK(context.selected.qubit == 0);
    show("state_wigner");
    auto* maps = view->findChild<QAbstractScrollArea*>();
    QTest::mouseClick(maps->viewport(), Qt::LeftButton, {}, {maps->viewport()->width() - 84, 40});
    CHECK(context.selected.qubit > 0);
}

TEST_CASE_METHOD(StateFixture, "a click on an entropy chooses the cut whose Schmidt spectrum is shown") {
    open(ghz(5));
    context.select({.qubit = 0});
    show("state_entanglement");
    const auto plots = view->findChildren<PlotArea*>();
    REQUIRE(plots.size() == 2);
    const bool inOrder = plots[0]->layers().size() == 2; // entropies and their bound
    auto* plot = plots[inOrder ? 0 : 1];
    auto* spectrum = plots[inOrder ? 1 : 0];
    const QImage before = spectrum->grab().toImage();
    QTest::mouseClick(plot, Qt::LeftButton, {}, plot->frame().toPixel(4, 0.5).toPoint());
    settle();
    CHECK(context.selected.qubit == 3);
    CHECK(spectrum->grab().toImage() != before);
}

TEST_CASE_METHOD(StateFixture, "a kept state is compared with the one at hand") {
    open(ghz(3));
    show("state_compare");
    CHECK(says(QStringLiteral("Keep this state")));
    QTest::mouseClick(view->findChild<QPushButton*>(), Qt::LeftButton);
    settle();
    CHECK(says(QStringLiteral("Fidelity 1.0")));
    CHECK(says(QStringLiteral("Trace distance 0 ")));
    open(ghz(3), 0); // |000>, of which the GHZ state has half
    CHECK(says(QStringLiteral("Fidelity 0.5")));
    CHECK(says(QStringLiteral("Trace distance 0.7071")));
    CHECK(says(QStringLiteral("Total variation 0.5")));
    open(ghz(4));
    CHECK(says(QStringLiteral("only states of equally many qubits")));
}

TEST_CASE_METHOD(StateFixture, "a density matrix is a city or, when asked, a Hinton diagram") {
    for (const int qubits : {1, 3, 5}) {
        open(qubits == 1 ? "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[1];\nu3(1.1, 0.7, 0) q[0];\n"
                         : layered(qubits, 2));
        show("state_density");
        const QImage city = view->grab().toImage();
        auto* hinton = named<QToolButton>(QStringLiteral("Hinton"));
        REQUIRE(hinton != nullptr);
        QTest::mouseClick(hinton, Qt::LeftButton);
        CHECK(view->grab().toImage() != city);
        for (const auto* theme : {"light", "dark"}) {
            context.setTheme(QLatin1String(theme));
            pictureOf(*view, kSizes[1], QStringLiteral("state_hinton_%1_%2").arg(qubits).arg(QLatin1String(theme)));
        }
        context.setTheme(QStringLiteral("light"));
    }
}
