// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_state/bar_list.h"
#include "plugins/view_state/bloch_sphere.h"
#include "plugins/view_state/city_plot.h"
#include "plugins/view_state/hinton_plot.h"
#include "plugins/view_state/mollweide.h"
#include "plugins/view_state/phase_mark.h"
#include "plugins/view_state/qsphere.h"
#include "plugins/view_state/qubit_list.h"
#include "tests/support/fake_context.h"
#include "tests/unit/views_quantum/samples.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <numbers>

using namespace qscope;
using namespace qscope::test;

TEST_CASE("the Bloch sphere is seen from the front with z up and y to the right") {
    CHECK(projectBloch({0, 0, 1}).position.y() < -0.8);
    CHECK(projectBloch({0, 0, 1}).position.x() == Approx(0).margin(1e-12));
    CHECK(projectBloch({0, 1, 0}).position.x() > 0.5);
    CHECK(projectBloch({1, 0, 0}).position.x() < 0);
    CHECK(projectBloch({1, 0, 0}).depth > 0);
    CHECK(projectBloch({-1, 0, 0}).depth < 0);
}

TEST_CASE("projecting to the Bloch sphere keeps lengths: position and depth are a rotation") {
    for (const engine::BlochVector& vector : {engine::BlochVector{1, 0, 0}, {0.3, -0.4, 0.5}, {-0.6, 0.64, -0.48}}) {
        const auto [position, depth] = projectBloch(vector);
        CHECK(std::hypot(position.x(), position.y(), depth) == Approx(length(vector)));
    }
}

TEST_CASE("phases that differ by a whole turn have one colour and opposite phases do not") {
    constexpr double pi = std::numbers::pi;
    for (const double phase : {0.0, 0.4, pi, -2.5}) {
        CHECK(phaseColor(phase) == phaseColor(phase + 2 * pi));
        CHECK(phaseColor(phase) != phaseColor(phase + pi));
    }
}

TEST_CASE("every bar of a city is found at the middle of its roof, unless one in front hides it") {
    CityPlot plot;
    plot.size = 4;
    for (int i = 0; i < 16; ++i) {
        plot.heights.push_back(0.02 + 0.01 * (i % 3)); // low: nothing is hidden
        plot.colors.push_back(Qt::gray);
    }
    for (int i = 0; i < 4; ++i) plot.labels << QString::number(i);
    const CityGeometry geometry(plot, QRectF(0, 0, 800, 600));
    for (int row = 0; row < 4; ++row)
        for (int column = 0; column < 4; ++column) {
            const auto height = plot.heights[static_cast<std::size_t>(row * 4 + column)];
            CHECK(geometry.barAt(geometry.place(row + 0.5, column + 0.5, height)) == row * 4 + column);
        }
    CHECK(geometry.barAt({2, 2}) == -1);

    plot.heights[15] = 1; // a tower at the front corner
    CHECK(CityGeometry(plot, QRectF(0, 0, 800, 600)).barAt(geometry.place(2.5, 2.5, 0.02)) == 15);
}

TEST_CASE("a city stays within its area with bars up and down") {
    for (const double sign : {1.0, -1.0}) {
        CityPlot plot;
        plot.size = 8;
        plot.heights.assign(64, sign);
        plot.colors.assign(64, Qt::gray);
        for (const QRectF area : {QRectF(0, 0, 1400, 860), QRectF(0, 0, 340, 220), QRectF(0, 0, 500, 900)}) {
            const CityGeometry geometry(plot, area);
            for (const auto& corner : {geometry.place(0, 0, 1), geometry.place(8, 0, 0), geometry.place(0, 8, 0),
                                       geometry.place(8, 8, std::min(0.0, sign))})
                CHECK(area.contains(corner));
        }
    }
}

TEST_CASE("qubits are named singly and as ranges") {
    CHECK(*parseQubits(QStringLiteral("0-3"), 8, 5) == std::vector{0, 1, 2, 3});
    CHECK(*parseQubits(QStringLiteral(" 5, 2 ,2"), 8, 5) == std::vector{2, 5});
    CHECK(*parseQubits(QStringLiteral("7 1"), 8, 5) == std::vector{1, 7});
    CHECK(*parseQubits(QStringLiteral("3-1, 0"), 8, 5) == std::vector{0, 1, 2, 3});
    for (const char* wrong : {"", ",", "x", "1-", "-1", "8", "0-7", "99999999999", "1--2"}) {
        INFO(wrong);
        CHECK(!parseQubits(QString::fromLatin1(wrong), 8, 5));
    }
}

TEST_CASE("the qubits on show are the first ones, or those around a selected later one") {
    CHECK(defaultQubits(3, -1, 4) == std::vector{0, 1, 2});
    CHECK(defaultQubits(8, 2, 4) == std::vector{0, 1, 2, 3});
    CHECK(defaultQubits(8, 5, 4) == std::vector{4, 5, 6, 7});
    CHECK(defaultQubits(8, 4, 4) == std::vector{4, 5, 6, 7});
}

TEST_CASE("a list of bars copies its rows at full precision and reads out the row under the cursor") {
    FakeContext context;
    BarList bars(context, QStringLiteral("Probabilities"), QStringLiteral("Probability"), nullptr);
    bars.resize(400, 300);
    bars.setRows({{QStringLiteral("|0⟩"), 2.0 / 3, QStringLiteral("0.6667"), 0.0},
                  {QStringLiteral("|1⟩"), 1.0 / 3, QStringLiteral("0.3333"), std::numbers::pi / 2}},
                 {});
    CHECK(bars.csv().contains(QStringLiteral("|0⟩,0.66666666666666663,0")));
    CHECK(bars.itemText({100, 50}).contains(QStringLiteral("|0⟩")));
    CHECK(bars.itemText({100, 76}).contains(QStringLiteral("π/2")));
    CHECK(bars.itemText({100, 10}).isEmpty());
    CHECK(bars.itemText({100, 250}).isEmpty());
}

TEST_CASE("a bar's interval and its second value are read out and copied") {
    FakeContext context;
    BarList bars(context, QStringLiteral("Counts"), QStringLiteral("Shots"), nullptr);
    bars.resize(400, 300);
    bars.setRows({{QStringLiteral("01"), 3, QStringLiteral("3"), std::nullopt, std::pair(1.25, 6.5)}}, {});
    CHECK(bars.itemText({100, 50}).contains(QStringLiteral("95 % interval 1.25000 to 6.50000")));
    CHECK(bars.csv() == QStringLiteral("label,value,low,high\n01,3,1.25,6.5\n"));
    bars.setNames(QStringLiteral("A"), QStringLiteral("B"));
    bars.setRows({{QStringLiteral("01"), 0.5, QString(), std::nullopt, std::nullopt, 0.25}}, {});
    CHECK(bars.itemText({100, 50}).contains(QStringLiteral("B 0.25")));
}

TEST_CASE("on the Q-sphere states of equal weight stand evenly around their latitude") {
    for (const int qubits : {1, 2, 3, 5, 8})
        for (int weight = 0; weight <= qubits; ++weight) {
            std::vector<double> shares;
            for (std::uint64_t index = 0; index < std::uint64_t{1} << qubits; ++index) {
                if (std::popcount(index) != weight) continue;
                const auto place = qspherePlace(index, qubits);
                CHECK(length(place) == Approx(1));
                CHECK(place[2] == Approx(1 - 2.0 * weight / qubits));
                shares.push_back(rankShare(index, qubits));
            }
            for (std::size_t i = 0; i < shares.size(); ++i) // in the order of the indices
                CHECK(shares[i] == Approx(static_cast<double>(i) / static_cast<double>(shares.size())).margin(1e-12));
        }
    CHECK(std::isfinite(qspherePlace((std::uint64_t{1} << 30) - 5, 30)[0]));
}

TEST_CASE("Mollweide's map keeps areas and puts the poles and the middle where they belong") {
    CHECK(mollweideDirection(0, 1)->theta == Approx(0).margin(1e-9));
    CHECK(mollweideDirection(0, -1)->theta == Approx(std::numbers::pi));
    CHECK(mollweideDirection(0, 0)->phi == Approx(0));
    CHECK(mollweideDirection(0.5, 0)->phi == Approx(std::numbers::pi / 2));
    CHECK(!mollweideDirection(0.9, 0.9));
    // Of points spread evenly over the ellipse as many fall within an angle of the pole as its cap has of the sphere.
    int all = 0, cap = 0, east = 0;
    for (int i = 0; i < 400; ++i)
        for (int j = 0; j < 400; ++j)
            if (const auto direction = mollweideDirection((i + 0.5) / 200 - 1, (j + 0.5) / 200 - 1)) {
                ++all;
                cap += direction->theta < 1;
                east += direction->phi > 1;
            }
    CHECK(static_cast<double>(cap) / all == Approx((1 - std::cos(1)) / 2).epsilon(0.01));
    CHECK(static_cast<double>(east) / all == Approx((std::numbers::pi - 1) / (2 * std::numbers::pi)).epsilon(0.01));
}

TEST_CASE("every cell of a Hinton diagram is found at its middle") {
    CityPlot plot;
    plot.size = 4;
    plot.heights.assign(16, 0.5);
    plot.colors.assign(16, Qt::gray);
    for (int i = 0; i < 4; ++i) plot.labels << QString::number(i);
    const QRectF area(0, 0, 500, 400);
    const QRectF cells = hintonCells(plot, area);
    CHECK(area.contains(cells));
    for (int row = 0; row < 4; ++row)
        for (int column = 0; column < 4; ++column)
            CHECK(hintonCellAt(plot, area, cells.topLeft() + QPointF(column + 0.5, row + 0.5) * cells.width() / 4) ==
                  row * 4 + column);
    CHECK(hintonCellAt(plot, area, {1, 1}) == -1);
}
