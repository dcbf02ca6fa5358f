// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/views_quantum/samples.h"

#include "engine/quantum/qasm/parse.h"
#include "plugins/sdk/view_plugin.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <QCoreApplication>
#include <QDir>
#include <QImage>
#include <QPluginLoader>
#include <QSet>

namespace qscope::test {

namespace {
constexpr const char* kHeader = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n";
}

std::string teleportation() {
    return std::string(kHeader) + "// The state of q[0] arrives at q[2].\n"
                                  "qreg q[3];\ncreg alice[1];\ncreg bob[1];\n"
                                  "u3(0.3, pi/5, -pi/2) q[0];\n"
                                  "h q[1];\ncx q[1], q[2];\nbarrier q;\n"
                                  "cx q[0], q[1];\nh q[0];\n"
                                  "measure q[0] -> alice[0];\nmeasure q[1] -> bob[0];\n"
                                  "if (alice == 1) z q[2];\nif (bob == 1) x q[2];\n";
}

std::string ghz(int qubits) {
    std::string text = fmt::format("{}qreg q[{}];\nh q[0];\n", kHeader, qubits);
    for (int k = 1; k < qubits; ++k) text += fmt::format("cx q[{}], q[{}];\n", k - 1, k);
    return text;
}

std::string fourier(int qubits) {
    std::string text = fmt::format("{}qreg q[{}];\nx q[0];\nbarrier q;\n", kHeader, qubits);
    for (int k = qubits - 1; k >= 0; --k) {
        text += fmt::format("h q[{}];\n", k);
        for (int j = k - 1; j >= 0; --j) text += fmt::format("cp(pi/{}) q[{}], q[{}];\n", 1 << (k - j), j, k);
    }
    for (int k = 0; k < qubits / 2; ++k) text += fmt::format("swap q[{}], q[{}];\n", k, qubits - 1 - k);
    return text;
}

std::string layered(int qubits, int layers) {
    std::string text = fmt::format("{}gate pair(t) a, b {{ ry(t) a; cx a, b; rz(t/2) b; }}\nqreg q[{}];\ncreg c[{}];\n",
                                   kHeader, qubits, qubits);
    for (int layer = 0; layer < layers; ++layer) {
        for (int k = 0; k < qubits; ++k)
            text += fmt::format("ry({:.4f}) q[{}];\n", 0.3 + 0.17 * ((k * 7 + layer * 3) % 11), k);
        for (int k = layer % 2; k + 1 < qubits; k += 2)
            text += fmt::format("pair({:.3f}) q[{}], q[{}];\n", 0.2 * (layer + 1), k, k + 1);
    }
    return text + "measure q -> c;\n";
}

std::shared_ptr<const OpenCircuit> opened(const std::string& text) {
    auto parsed = engine::parseQasm(text);
    auto circuit = std::make_shared<OpenCircuit>();
    circuit->path = QStringLiteral("test.qasm");
    circuit->text = QString::fromStdString(text);
    circuit->circuit = std::move(parsed.circuit);
    circuit->diagnostics = std::move(parsed.diagnostics);
    return circuit;
}

std::shared_ptr<const engine::SimulationResult> simulated(const OpenCircuit& circuit, std::size_t steps,
                                                          std::int64_t shots) {
    TestRun run;
    engine::SimulationRequest request;
    request.steps = steps;
    request.shots = shots;
    request.seed = 7;
    auto result = engine::makeStatevectorSimulator()->run(*circuit.circuit, request, run.context);
    REQUIRE(result.has_value());
    return std::make_shared<const engine::SimulationResult>(*std::move(result));
}

void settle() {
    for (int turn = 0; turn < 4; ++turn) QCoreApplication::processEvents();
}

int colorsOf(const QImage& picture) {
    QSet<QRgb> colors;
    for (int y = 0; y < picture.height(); ++y)
        for (int x = 0; x < picture.width(); ++x) colors.insert(picture.pixel(x, y));
    return static_cast<int>(colors.size());
}

QImage pictureOf(QWidget& widget, QSize size, const QString& name) {
    widget.resize(size);
    widget.show();
    settle();
    const QImage picture = widget.grab().toImage().convertToFormat(QImage::Format_RGB32);
    QDir().mkpath(QStringLiteral(QSCOPE_SCREENSHOTS));
    REQUIRE(picture.save(QStringLiteral(QSCOPE_SCREENSHOTS "/%1.png").arg(name)));
    INFO(name.toStdString());
    CHECK(colorsOf(picture) > 8);
    return picture;
}

std::unique_ptr<QWidget> viewOf(const QString& pluginFile, const QString& id, ViewContext& context) {
    QPluginLoader loader(pluginFile);
    auto* plugin = qobject_cast<ViewPlugin*>(loader.instance());
    INFO(loader.errorString().toStdString());
    REQUIRE(plugin != nullptr);
    std::unique_ptr<QWidget> view(plugin->create(id, context, nullptr));
    REQUIRE(view != nullptr);
    return view;
}

} // namespace qscope::test
