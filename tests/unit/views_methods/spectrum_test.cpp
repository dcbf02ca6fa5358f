// SPDX-License-Identifier: GPL-3.0-or-later
// Singular values, entropies and correlations against known answers, and the views that show them.
#include "engine/quant/forms.h"
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/panel.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/view_spectrum/channel_correlation.h"
#include "plugins/view_spectrum/spectrum_data.h"
#include "tests/support/random_values.h"
#include "tests/unit/views/sample_model.h"

#include <QPluginLoader>
#include <QPushButton>
#include <QTest>
#include <QToolButton>

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

constexpr std::int64_t kTensor = 8; // 128 x 192

/// u1 s1 v1ᵀ + u2 s2 v2ᵀ with orthonormal u and v made of signs: singular values 3 and 1 in an 8 x 16 matrix.
std::vector<float> twoDirections(float first, float second) {
    std::vector<float> matrix(8 * 16);
    for (std::size_t r = 0; r < 8; ++r)
        for (std::size_t c = 0; c < 16; ++c) {
            const float u1 = 1 / std::sqrt(8.0F), u2 = (r % 2 == 0 ? 1.0F : -1.0F) / std::sqrt(8.0F);
            const float v1 = 0.25F, v2 = c < 8 ? 0.25F : -0.25F;
            matrix[r * 16 + c] = first * u1 * v1 + second * u2 * v2;
        }
    return matrix;
}

std::unique_ptr<QWidget> makeView(const QString& id, ViewContext& context) {
    QPluginLoader loader(QStringLiteral(QSCOPE_PLUGIN_DIR "/libview_spectrum.so"));
    INFO(loader.errorString().toStdString());
    auto* plugin = qobject_cast<ViewPlugin*>(loader.instance());
    REQUIRE(plugin);
    return std::unique_ptr<QWidget>(plugin->create(id, context, nullptr));
}

void press(QWidget& view, const QString& text) {
    for (auto* button : view.findChildren<QToolButton*>())
        if (button->text() == text) QTest::mouseClick(button, Qt::LeftButton);
    settle();
}

} // namespace

TEST_CASE("Singular values of a matrix that was built from them are found, tall or wide") {
    TestRun run;
    std::vector<float> matrix = twoDirections(3, 1);
    auto found = singularValues(matrix, {8, 16}, run.context);
    REQUIRE(found);
    REQUIRE(found->values.size() == 8);
    CHECK(found->values[0] == Approx(3));
    CHECK(found->values[1] == Approx(1));
    CHECK(found->values[2] < 1e-6);
    CHECK(found->sumOfSquares == Approx(10));
    CHECK(found->stableRank() == Approx(10.0 / 9));
    CHECK(found->rankHolding(0.89) == 1);
    CHECK(found->rankHolding(0.95) == 2);
    CHECK(found->held()[0] == Approx(90));
    // p = 3/4, 1/4
    CHECK(found->effectiveRank() == Approx(std::pow(0.75, -0.75) * std::pow(0.25, -0.25)).epsilon(1e-4));
    std::vector<float> turned(matrix.size());
    for (std::size_t r = 0; r < 8; ++r)
        for (std::size_t c = 0; c < 16; ++c) turned[c * 8 + r] = matrix[r * 16 + c];
    const auto tall = singularValues(turned, {16, 8}, run.context);
    REQUIRE(tall);
    for (std::size_t i = 0; i < 2; ++i) CHECK(tall->values[i] == Approx(found->values[i]));
    matrix[5] = std::nanf("");
    CHECK_FALSE(singularValues(matrix, {8, 16}, run.context));
}

TEST_CASE("Squares of singular values add up to the sum of squares, and powers of them to traces of the Gram matrix") {
    TestRun run;
    const std::int64_t rows = 96, columns = 133;
    const auto matrix = normalValues(static_cast<std::size_t>(rows * columns), 3);
    const auto found = singularValues(matrix, {rows, columns}, run.context);
    REQUIRE(found);
    double squares = 0, fourths = 0;
    for (const double s : found->values) squares += s * s, fourths += s * s * s * s;
    CHECK(squares == Approx(found->sumOfSquares));
    double trace = 0; // of (A Aᵀ)², by definition
    for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < rows; ++j) {
            double product = 0;
            for (std::int64_t k = 0; k < columns; ++k)
                product += static_cast<double>(matrix[static_cast<std::size_t>(i * columns + k)]) *
                           static_cast<double>(matrix[static_cast<std::size_t>(j * columns + k)]);
            trace += product * product;
        }
    CHECK(fourths == Approx(trace));
}

TEST_CASE("Of a large matrix the largest singular values are found, and what follows from all is not claimed") {
    TestRun run;
    constexpr std::int64_t side = kExactSide + 1;
    std::vector<float> matrix(static_cast<std::size_t>(side * side), 0.0F);
    for (std::int64_t i = 0; i < side; ++i) // a diagonal is its own spectrum
        matrix[static_cast<std::size_t>(i * side + i)] = i < 100 ? static_cast<float>(100 - i) : 0.0F;
    const auto found = singularValues(matrix, {side, side}, run.context);
    REQUIRE(found);
    CHECK_FALSE(found->complete);
    REQUIRE(found->values.size() == kLargestValues);
    for (std::size_t i = 0; i < 100; ++i)
        CHECK(found->values[i] == Approx(100.0 - static_cast<double>(i)).epsilon(1e-5));
    CHECK(found->sumOfSquares == Approx(100.0 * 101 * 201 / 6));
    CHECK(std::isnan(found->effectiveRank()));
    CHECK(found->rankHolding(0.5) < 50);
    TestRun stopped;
    stopped.stop.request_stop();
    CHECK_FALSE(singularValues(normalValues(64 * 64, 1), {64, 64}, stopped.context));
    const auto cuts = cutEntropies(matrix, {side, side}, run.context);
    REQUIRE(cuts); // 1025 = 5 · 5 · 41: the cut between rows and columns takes 2^30 products
    CHECK(cuts->leftOut == 0);
}

TEST_CASE("The entropy over cuts is that of states one knows") {
    TestRun run;
    // Two orthogonal directions of weight 1/2 between rows and columns: one bit there.
    const auto even = cutEntropies(twoDirections(1, 1), {8, 16}, run.context);
    REQUIRE(even);
    REQUIRE(even->levels.size() == 8); // three sites of rows, four of columns
    CHECK(even->levels.back() == 7);
    CHECK(even->rowsEnd == 3);
    CHECK(even->bits[3] == Approx(1));
    CHECK(even->bits.front() == 0);
    CHECK(even->bits.back() == 0);
    CHECK(even->most[3] == 3);
    // The last digit of the row alternates the sign, so that cuts before it find a product: no entropy.
    CHECK(even->bits[1] == Approx(0).margin(1e-9));
    CHECK(even->bits[2] == Approx(0).margin(1e-9));
    // The first digit of the column carries the other sign; behind it, all is a product again.
    CHECK(even->bits[4] == Approx(0).margin(1e-9));
    // The identity is as entangled as can be in the middle: log2 of its size.
    std::vector<float> identity(6 * 6);
    for (std::size_t i = 0; i < 6; ++i) identity[i * 7] = 1;
    const auto most = cutEntropies(identity, {6, 6}, run.context);
    REQUIRE(most);
    REQUIRE(most->levels.size() == 5); // sites 2, 3, 2, 3
    CHECK(most->bits[2] == Approx(std::log2(6)));
    CHECK(most->bits[1] == Approx(1));
    CHECK_FALSE(cutEntropies(std::vector<float>(36), {6, 6}, run.context));
}

TEST_CASE("Spectra of a result with a low-rank part are those of its parts") {
    TestRun run;
    std::vector<float> values = twoDirections(3, 1);
    const std::vector<float> rest =
        twoDirections(3, 0); // on the grid of one code: what the second direction is missing
    TableCodes codes;
    codes.bits = 1;
    codes.grouping = {8, 16, 8, 16};
    codes.tables = {rest[0], rest[0]};
    codes.codes.assign(8 * 16, 0);
    LowRankSum sum;
    sum.base = std::make_shared<const QuantizedTensor>(tensorOf({8, 16}, std::move(codes)));
    sum.rank = 1;
    for (int r = 0; r < 8; ++r) sum.left.push_back((r % 2 == 0 ? 0.5F : -0.5F) / std::sqrt(8.0F));
    for (int c = 0; c < 16; ++c) sum.right.push_back(c < 8 ? 0.25F : -0.25F);
    const QuantizedTensor result = tensorOf({8, 16}, std::move(sum));
    const auto spectra = spectraOf(makeTensor({8, 16}, values), &result, run.context);
    REQUIRE(spectra);
    REQUIRE(spectra->size() == 5);
    CHECK((*spectra)[1].values.values[1] == Approx(0.5)); // half of the second direction came back
    CHECK((*spectra)[2].values.values[0] == Approx(0.5)); // the other half is the error
    CHECK((*spectra)[3].values.values[0] == Approx(1));   // without the part, all of it would be
    CHECK((*spectra)[4].values.values[0] == Approx(0.5));
    CHECK((*spectra)[0].entropies);
    CHECK_FALSE((*spectra)[2].entropies);
}

TEST_CASE("Correlation is that of the definition, on the channels of the largest norm or evenly spread ones") {
    TestRun run;
    // Rows: a, -2 a + 1, orthogonal to a, constant.
    const std::vector<float> matrix{1, -1, 1, -1, -1, 3, -1, 3, 1, 1, -1, -1, 5, 5, 5, 5};
    const auto all = channelCorrelation(matrix, {4, 4}, true, ChannelChoice::Largest, 10, run.context);
    REQUIRE(all);
    CHECK(all->channels == std::vector<std::int64_t>{0, 1, 2, 3});
    CHECK(all->values[1] == Approx(-1));
    CHECK(all->values[2] == Approx(0).margin(1e-12));
    CHECK(all->values[3] == 0);
    CHECK(all->values[5] == 1);
    const auto largest = channelCorrelation(matrix, {4, 4}, true, ChannelChoice::Largest, 2, run.context);
    REQUIRE(largest);
    CHECK(largest->channels == std::vector<std::int64_t>{1, 3});
    const auto spread = channelCorrelation(matrix, {4, 4}, false, ChannelChoice::Spread, 2, run.context);
    REQUIRE(spread);
    CHECK(spread->channels == std::vector<std::int64_t>{0, 2});
    CHECK(spread->all == 4);
}

TEST_CASE("The spectrum view draws weights, result and error, and tables their ranks") {
    SampleContext context;
    context.select({kTensor, -1, -1, 0});
    const auto view = makeView(QStringLiteral("spectrum"), context);
    present(*view, {1100, 700});
    CHECK(distinctColors(shoot(*view, QStringLiteral("spectrum-light"))) > 30);
    std::size_t lines = 0;
    for (auto* plot : view->findChildren<PlotArea*>())
        if (plot->accessibleName() == QStringLiteral("Singular values")) lines = plot->layers().size();
    CHECK(lines == 3);
    CHECK(view->findChild<NumberTable*>()->asText().count(QLatin1Char('\n')) >= 3);
    context.setTheme(QStringLiteral("dark"));
    settle();
    shoot(*view, QStringLiteral("spectrum-dark"));
}

TEST_CASE("The correlation view shows at most 64 channels and says which") {
    SampleContext context;
    context.select({kTensor, -1, -1, 0});
    const auto view = makeView(QStringLiteral("correlation"), context);
    present(*view, {700, 640});
    auto* map = view->findChild<Heatmap*>();
    CHECK(map->info().rows == 64);
    CHECK(map->info().columnTitle.contains(QStringLiteral("64 of 128")));
    CHECK(map->valueAt(4, 4) == 1.0F);
    CHECK(map->valueAt(4, 9) == map->valueAt(9, 4));
    shoot(*view, QStringLiteral("correlation-light"));
    press(*view, QStringLiteral("Spread"));
    QTest::mouseClick(map, Qt::LeftButton, {}, map->toPixel(3, 3).toPoint());
    CHECK(context.selection().row == 6); // 3 * 128 / 64
    press(*view, QStringLiteral("Columns"));
    CHECK(map->info().columnTitle.contains(QStringLiteral("64 of 192")));
    context.setTheme(QStringLiteral("dark"));
    settle();
    shoot(*view, QStringLiteral("correlation-dark"));
    context.select({kTensor});
    press(*view, QStringLiteral("Error"));
    QTest::mouseClick(view->findChild<EmptyState*>()->findChild<QPushButton*>(), Qt::LeftButton);
    CHECK(context.requests == std::vector<WindowRequest>{WindowRequest::Quantize});
}
