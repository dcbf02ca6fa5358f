// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/circuit_painter.h"
#include "tests/support/test_data.h"
#include "tests/unit/views_quantum/samples.h"

#include <catch2/catch.hpp>

#include <QFile>
#include <QImage>

#include <numbers>

using namespace qscope;
using namespace qscope::test;

namespace {

CircuitGeometry geometryOf(const std::string& text, engine::WireOrder order = engine::WireOrder::ZeroAtTop) {
    const auto circuit = opened(text);
    REQUIRE(circuit->circuit);
    return CircuitGeometry(circuit->circuit, order);
}

/// A circuit without text: `columns` columns of one-qubit gates on four wires.
std::shared_ptr<const engine::Circuit> longCircuit(int columns) {
    auto circuit = std::make_shared<engine::Circuit>();
    circuit->version = "2.0";
    circuit->qregs = {{"q", 0, 4}};
    circuit->qubits = 4;
    for (int column = 0; column < columns; ++column)
        for (int qubit = 0; qubit < 4; ++qubit)
            circuit->operations.push_back({engine::GateOp{"h", {}, {qubit}}, std::nullopt, {}});
    return circuit;
}

std::size_t paintedIn(const CircuitGeometry& geometry, const QRectF& sight) {
    QImage image(sight.size().toSize(), QImage::Format_RGB32);
    QPainter painter(&image);
    painter.translate(-sight.topLeft());
    return paintCircuit(painter, geometry, sight, Theme::named(QStringLiteral("light")));
}

} // namespace

TEST_CASE("angles are written as fractions of pi with a real minus sign") {
    constexpr double pi = std::numbers::pi;
    CHECK(formatAngle(0) == "0");
    CHECK(formatAngle(pi) == "π");
    CHECK(formatAngle(pi / 2) == "π/2");
    CHECK(formatAngle(-3 * pi / 4) == "−3π/4");
    CHECK(formatAngle(2 * pi) == "2π");
    CHECK(formatAngle(pi / 1024) == "π/1024");
    CHECK(formatAngle(0.3) == "0.3");
}

TEST_CASE("a point of the drawing gives the operation and the qubit under it") {
    const auto geometry = geometryOf(ghz(3)); // h 0; cx 0,1; cx 1,2
    REQUIRE(geometry.layout().columns == 3);
    const auto at = [&](int column, int qubit) {
        return geometry.hitAt({geometry.columnCenter(column), geometry.wireY(qubit)});
    };
    CHECK(at(0, 0).operation == 0);
    CHECK(at(0, 0).qubit == 0);
    CHECK(at(0, 1).operation == -1);
    CHECK(at(0, 1).qubit == 1);
    CHECK(at(1, 0).operation == 1);
    CHECK(at(1, 1).operation == 1);
    CHECK(at(2, 2).operation == 2);
    CHECK(at(2, 0).operation == -1);
    CHECK(geometry.hitAt({geometry.labelWidth() / 2, geometry.wireY(2)}).qubit == 2);
    CHECK(geometry.hitAt({geometry.labelWidth() / 2, geometry.wireY(2)}).operation == -1);
    CHECK(geometry.hitAt({geometry.columnCenter(0), -5}).qubit == -1);
    CHECK(geometry.hitAt({geometry.columnCenter(0), 1e6}).qubit == -1);
}

TEST_CASE("every operation is found at the middle of its own symbol") {
    for (const auto& text : {teleportation(), fourier(5), layered(6, 3)}) {
        const auto geometry = geometryOf(text);
        for (std::size_t i = 0; i < geometry.layout().operations.size(); ++i) {
            const auto& operation = geometry.layout().operations[i];
            const QPointF target(geometry.columnCenter(operation.column), geometry.wireY(operation.targets.front()));
            CHECK(geometry.hitAt(target).operation == static_cast<std::int64_t>(i));
        }
    }
}

TEST_CASE("qubit 0 can be the lowest wire, with the classical wires still below") {
    const auto top = geometryOf(teleportation());
    const auto bottom = geometryOf(teleportation(), engine::WireOrder::ZeroAtBottom);
    CHECK(top.wireY(0) < top.wireY(2));
    CHECK(bottom.wireY(0) > bottom.wireY(2));
    CHECK(bottom.wireY(0) < bottom.registerY(0));
    CHECK(bottom.hitAt({0, bottom.wireY(2)}).qubit == 2);
}

TEST_CASE("wires are evenly spaced and columns follow each other without overlap") {
    const auto geometry = geometryOf(layered(5, 4));
    for (int qubit = 1; qubit < 5; ++qubit)
        CHECK(geometry.wireY(qubit) - geometry.wireY(qubit - 1) == Approx(CircuitGeometry::kRow));
    for (int column = 0; column < geometry.layout().columns; ++column) {
        CHECK(geometry.columnX(column + 1) - geometry.columnX(column) >= CircuitGeometry::kBox);
        CHECK(geometry.columnAt(geometry.columnCenter(column)) == column);
    }
}

TEST_CASE("the step line stands right of the last operation applied") {
    const auto geometry = geometryOf(ghz(3));
    CHECK(geometry.stepX(0) == geometry.columnX(0));
    CHECK(geometry.stepX(1) == geometry.columnX(1));
    CHECK(geometry.stepX(3) == geometry.columnX(3));
    CHECK(geometry.stepX(99) == geometry.columnX(3));
}

TEST_CASE("of a hundred thousand operations only the columns in sight are painted") {
    const CircuitGeometry geometry(longCircuit(25'000), engine::WireOrder::ZeroAtTop);
    REQUIRE(geometry.layout().operations.size() == 100'000);
    const double width = geometry.columnX(1) - geometry.columnX(0);
    for (const double left : {0.0, 500'000.0, geometry.size().width() - 900}) {
        const auto painted = paintedIn(geometry, QRectF(left, 0, 900, geometry.size().height()));
        CHECK(painted > 0);
        CHECK(static_cast<double>(painted) <= 4 * (900 / width + 2));
    }
}

TEST_CASE("a wire is doubled from its measurement on and single again after a reset") {
    const auto geometry = geometryOf("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[2];\ncreg c[2];\n"
                                     "h q[0];\nmeasure q[0] -> c[0];\nmeasure q[0] -> c[1];\nreset q[0];\nx q[0];\n");
    const auto changes = geometry.changes(0);
    REQUIRE(changes.size() == 2); // measuring again changes nothing
    CHECK(changes[0] == std::pair(geometry.layout().operations[1].column, true));
    CHECK(changes[1] == std::pair(geometry.layout().operations[3].column, false));
    CHECK(geometry.changes(1).empty());
}

TEST_CASE("a circuit without operations is drawn as its wires") {
    const auto geometry = geometryOf("OPENQASM 2.0;\nqreg q[2];\n");
    CHECK(geometry.layout().columns == 0);
    CHECK(paintedIn(geometry, QRectF(0, 0, 200, 120)) == 0);
    CHECK(geometry.hitAt({150, geometry.wireY(1)}).qubit == 1);
    CHECK(geometry.stepX(0) == geometry.labelWidth());
}

TEST_CASE("a drawing is written as SVG and as PNG") {
    const TemporaryFolder folder;
    const auto circuit = opened(teleportation());
    const Theme theme = Theme::named(QStringLiteral("light"));
    REQUIRE(drawCircuit(*circuit->circuit, theme, folder / "t.svg").has_value());
    REQUIRE(drawCircuit(*circuit->circuit, theme, folder / "t.png").has_value());
    QFile svg(QString::fromStdString((folder / "t.svg").string()));
    REQUIRE(svg.open(QIODevice::ReadOnly));
    const QByteArray text = svg.readAll();
    CHECK(text.contains("<svg"));
    CHECK(text.contains("alice"));
    const QImage png(QString::fromStdString((folder / "t.png").string()));
    CHECK(png.height() >=
          2 * 5 * static_cast<int>(CircuitGeometry::kRow)); // three qubits, two registers, twice the size
    CHECK(colorsOf(png) > 8);
}

TEST_CASE("a drawing that cannot be written says why and leaves nothing behind") {
    const TemporaryFolder folder;
    const Theme theme = Theme::named(QStringLiteral("light"));
    const auto wrongKind = drawCircuit(*longCircuit(1), theme, folder / "t.bmp");
    REQUIRE(!wrongKind);
    CHECK(wrongKind.error().code == ErrorCode::Unsupported);
    const auto tooLarge = drawCircuit(*longCircuit(25'000), theme, folder / "t.png");
    REQUIRE(!tooLarge);
    CHECK(tooLarge.error().code == ErrorCode::OutOfRange);
    CHECK(!std::filesystem::exists(folder / "t.png"));
    const auto noFolder = drawCircuit(*longCircuit(1), theme, folder / "missing/t.svg");
    REQUIRE(!noFolder);
    CHECK(noFolder.error().code == ErrorCode::Io);
}

TEST_CASE("a wide circuit continues on further lines of the drawing") {
    const TemporaryFolder folder;
    REQUIRE(drawCircuit(*longCircuit(100), Theme::named(QStringLiteral("light")), folder / "t.png").has_value());
    const QImage png(QString::fromStdString((folder / "t.png").string()));
    CHECK(png.width() <= 3200);
    CHECK(png.height() > 2 * 3 * 4 * static_cast<int>(CircuitGeometry::kRow)); // at least three lines of four wires
}

TEST_CASE("real circuits are laid out and painted") {
    const auto folder = realData("qasm/qasmbench");
    if (!folder) return;
    int files = 0, drawn = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(*folder)) {
        if (entry.path().extension() != ".qasm" || entry.file_size() > 400'000) continue;
        ++files;
        QFile file(QString::fromStdString(entry.path().string()));
        REQUIRE(file.open(QIODevice::ReadOnly));
        const auto circuit = opened(file.readAll().toStdString());
        if (!circuit->circuit) continue;
        INFO(entry.path().string());
        const CircuitGeometry geometry(circuit->circuit, engine::WireOrder::ZeroAtTop);
        const QSizeF size = geometry.size();
        CHECK(geometry.layout().operations.size() == circuit->circuit->operations.size());
        paintedIn(geometry, QRectF(0, 0, std::min(size.width(), 1200.0), std::min(size.height(), 800.0)));
        ++drawn;
    }
    CHECK(files > 0);
    CHECK(drawn == files);
}
