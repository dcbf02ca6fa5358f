// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/gate_edits.h"

#include "plugins/view_circuit/circuit_canvas.h"

#include <QCoreApplication>

#include <algorithm>

namespace qscope {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("CircuitView", text); }

/// The text when it can be edited from the drawing now.
CircuitText* textInStep(ViewContext& context) {
    auto* text = editableText(context);
    const auto opened = context.circuit();
    if (!text || !opened || !opened->circuit) return nullptr;
    if (text->inStep() && opened->text == text->text()) return text;
    context.showMessage(text->hasErrors()
                            ? tr("The drawing is older than the text: correct the errors in the text first")
                            : tr("The text is still being read: once more, please"),
                        Severity::Warning);
    return nullptr;
}

/// Makes the edits one undo step, the last place first so that the others stay where they are.
bool make(ViewContext& context, CircuitText& text, Result<std::vector<engine::TextEdit>> edits, const QString& what) {
    if (!edits) {
        context.showMessage(QString::fromStdString(edits.error().message), Severity::Warning);
        return false;
    }
    std::ranges::stable_sort(*edits, std::greater(), &engine::TextEdit::begin);
    text.undoStack().beginMacro(what);
    for (const auto& edit : *edits) {
        const int begin = unitsBefore(text.text(), edit.begin), end = unitsBefore(text.text(), edit.end);
        text.replace(begin, end - begin, QString::fromStdString(edit.text), what);
    }
    text.undoStack().endMacro();
    text.parseSoon();
    return true;
}

/// Once what was edited is drawn.
void selectLater(ViewContext& context, CircuitText& text, std::int64_t step) {
    QObject::connect(
        &text, &CircuitText::checked, &context, [&context, step] { selectStep(context, step); },
        Qt::SingleShotConnection);
}

std::string utf8(const CircuitText& text) { return text.text().toStdString(); }

} // namespace

const std::vector<PaletteGate>& paletteGates() {
    static const std::vector<PaletteGate> gates{
        {QStringLiteral("h"), QStringLiteral("H"), tr("Hadamard: into and out of superposition")},
        {QStringLiteral("x"), QStringLiteral("X"), tr("Pauli X: turns 0 and 1 into each other")},
        {QStringLiteral("y"), QStringLiteral("Y"), tr("Pauli Y")},
        {QStringLiteral("z"), QStringLiteral("Z"), tr("Pauli Z: the sign of 1")},
        {QStringLiteral("s"), QStringLiteral("S"), tr("A quarter turn about Z")},
        {QStringLiteral("sdg"), QStringLiteral("S†"), tr("A quarter turn about Z, backwards")},
        {QStringLiteral("t"), QStringLiteral("T"), tr("An eighth turn about Z")},
        {QStringLiteral("tdg"), QStringLiteral("T†"), tr("An eighth turn about Z, backwards")},
        {QStringLiteral("sx"), QStringLiteral("√X"), tr("Half of X")},
        {QStringLiteral("rx"), QStringLiteral("RX"), tr("Rotation about X by an angle"), 1, {"pi/2"}},
        {QStringLiteral("ry"), QStringLiteral("RY"), tr("Rotation about Y by an angle"), 1, {"pi/2"}},
        {QStringLiteral("rz"), QStringLiteral("RZ"), tr("Rotation about Z by an angle"), 1, {"pi/2"}},
        {QStringLiteral("p"), QStringLiteral("P"), tr("Phase of 1 by an angle"), 1, {"pi/4"}},
        {QStringLiteral("cx"), QStringLiteral("CX"), tr("Controlled X: the first wire controls"), 2},
        {QStringLiteral("cz"), QStringLiteral("CZ"), tr("Controlled Z"), 2},
        {QStringLiteral("cp"), QStringLiteral("CP"), tr("Controlled phase by an angle"), 2, {"pi/4"}},
        {QStringLiteral("swap"), QStringLiteral("Swap"), tr("Exchanges two qubits"), 2},
        {QStringLiteral("ccx"), QStringLiteral("CCX"), tr("Toffoli: X controlled by two wires"), 3},
        {QStringLiteral("cswap"), QStringLiteral("CSwap"), tr("Fredkin: a controlled swap"), 3},
        {QStringLiteral("measure"), tr("Measure"), tr("Measures into the first classical bit that is free")},
        {QStringLiteral("reset"), QStringLiteral("|0⟩"), tr("Reset to 0")},
        {QStringLiteral("barrier"), tr("Barrier"), tr("Keeps gates before and behind it apart")},
    };
    return gates;
}

const PaletteGate* findPaletteGate(const QString& name) {
    const auto& gates = paletteGates();
    const auto found = std::ranges::find(gates, name, &PaletteGate::name);
    return found == gates.end() ? nullptr : &*found;
}

bool insertGate(ViewContext& context, const PaletteGate& gate, int qubit, std::size_t before) {
    auto* text = textInStep(context);
    if (!text) return false;
    const auto& circuit = *context.circuit()->circuit;
    if (circuit.qubits < gate.qubits) {
        context.showMessage(tr("The gate needs %1 qubits; the circuit has %2").arg(gate.qubits).arg(circuit.qubits),
                            Severity::Warning);
        return false;
    }
    // The wires below it, and those above where it would end below the last.
    const int first = std::min(qubit, circuit.qubits - gate.qubits);
    std::vector<int> qubits{qubit};
    for (int other = first; static_cast<int>(qubits.size()) < gate.qubits; ++other)
        if (other != qubit) qubits.push_back(other);
    if (!make(context, *text,
              engine::insertOperation(utf8(*text), circuit, before, gate.name.toStdString(), gate.parameters, qubits),
              tr("Add %1").arg(gate.label)))
        return false;
    selectLater(context, *text, static_cast<std::int64_t>(before) + 1);
    return true;
}

bool removeGate(ViewContext& context, std::size_t operation) {
    auto* text = textInStep(context);
    if (!text || operation >= context.circuit()->circuit->operations.size()) return false;
    return make(context, *text, engine::removeOperation(utf8(*text), *context.circuit()->circuit, operation),
                tr("Delete gate"));
}

bool moveGate(ViewContext& context, std::size_t operation, int from, int to, std::size_t before) {
    auto* text = textInStep(context);
    if (!text) return false;
    const auto& circuit = *context.circuit()->circuit;
    auto qubits = engine::qubitsOf(circuit.operations[operation]);
    const auto grabbed = std::ranges::find(qubits, from), there = std::ranges::find(qubits, to);
    if (grabbed != qubits.end() && from != to) {
        if (there != qubits.end()) *there = from;
        *grabbed = to;
    }
    // Nothing between the two places that it would have to pass: the text stays in its order.
    const auto touches = [&](std::size_t other) {
        const auto others = engine::qubitsOf(circuit.operations[other]);
        return others.empty() ||
               std::ranges::any_of(others, [&](int qubit) { return std::ranges::find(qubits, qubit) != qubits.end(); });
    };
    bool passes = false;
    for (std::size_t i = std::min(operation + 1, before); i < std::max(operation, before); ++i)
        passes |= i != operation && touches(i);
    if (!passes) before = operation;
    if (before == operation && qubits == engine::qubitsOf(circuit.operations[operation])) return false;
    if (!make(context, *text, engine::moveOperation(utf8(*text), circuit, operation, before, qubits), tr("Move gate")))
        return false;
    selectLater(context, *text, static_cast<std::int64_t>(before > operation ? before : before + 1));
    return true;
}

std::size_t operationBehind(const CircuitGeometry& drawing, double x, int lowest, int highest,
                            std::optional<std::size_t> except) {
    const auto& operations = drawing.layout().operations;
    const int columns = drawing.layout().columns;
    if (columns == 0 || x >= drawing.columnX(columns)) return operations.size();
    int column = drawing.columnAt(x);
    if (x > drawing.columnCenter(column)) ++column;
    for (std::size_t i = 0; i < operations.size(); ++i)
        if (operations[i].column >= column && operations[i].lowest <= highest && operations[i].highest >= lowest &&
            i != except)
            return i;
    return operations.size();
}

} // namespace qscope
