// SPDX-License-Identifier: GPL-3.0-or-later
// Scrubbing through a circuit: states are kept along it, and every step shows the right one.
#include "tests/gui/studio.h"

#include <QFile>

using namespace qscope;
using namespace qscope::test;

namespace {

/// Probability of the most probable state after a step, once it is there.
double topProbability(Studio& studio, std::int64_t step) {
    Selection selection = studio.workspace->selection();
    selection.step = step;
    studio.workspace->select(selection);
    studio.awaitState();
    REQUIRE(studio.workspace->simulationProblem().isEmpty());
    REQUIRE(!studio.workspace->simulation()->probabilities.empty());
    return studio.workspace->simulation()->probabilities.front().probability;
}

QString writtenCircuit(const TemporaryFolder& folder) {
    const QString path = QString::fromStdString((folder / "steps.qasm").string());
    QFile file(path);
    REQUIRE(file.open(QIODevice::WriteOnly));
    file.write("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[4];\n");
    for (int qubit = 0; qubit < 4; ++qubit) file.write(QByteArray("h q[") + QByteArray::number(qubit) + "];\n");
    return path;
}

} // namespace

TEST_CASE("Every step of the slider shows the state after that many operations", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    studio.open(writtenCircuit(home));
    studio.awaitState();
    CHECK(topProbability(studio, 4) == Approx(1.0 / 16));
    for (const std::int64_t step : {0, 3, 1, 4, 2}) CHECK(topProbability(studio, step) == Approx(1.0 / (1 << step)));
}

TEST_CASE("Scrubbing without waiting ends at the last step asked for", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    studio.open(writtenCircuit(home));
    studio.awaitState();
    Selection selection = studio.workspace->selection();
    for (const std::int64_t step : {3, 0, 2, 1}) {
        selection.step = step;
        studio.workspace->select(selection);
    }
    studio.awaitState();
    CHECK(studio.workspace->simulation()->probabilities.front().probability == Approx(0.5));
    // Other options drop what was kept: their shots are new ones.
    auto options = studio.workspace->simulationFollower().options();
    options.shots = 77;
    studio.workspace->simulationFollower().setOptions(options);
    studio.awaitState();
    CHECK(topProbability(studio, 3) == Approx(1.0 / 8));
    std::int64_t shots = 0;
    for (const auto& outcome : studio.workspace->simulation()->counts) shots += outcome.count;
    CHECK(shots == 77);
}
