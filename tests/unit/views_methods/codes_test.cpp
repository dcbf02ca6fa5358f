// SPDX-License-Identifier: GPL-3.0-or-later
// How codes are counted, by hand-made tensors, and the view that shows it.
#include "engine/quant/forms.h"
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/panel.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/view_codes/code_use.h"
#include "tests/unit/views/sample_model.h"

#include <QComboBox>
#include <QLabel>
#include <QPluginLoader>
#include <QPushButton>
#include <QTest>

#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

constexpr std::int64_t kTensor = 8; // 128 x 192

CodeUse counted(const QuantizedTensor& tensor, const TensorView* original = nullptr) {
    TestRun run;
    auto use = codeUse(tensor, original, run.context);
    if (!use) FAIL(describe(use.error()));
    return *std::move(use);
}

/// 2 rows of 4 codes, a scale per row.
QuantizedTensor smallGrid() {
    GridCodes codes{{2, false, ScaleType::F32}, {2, 4, 1, 4}, {}};
    codes.values.codes = {0, 1, 1, 3, 3, 3, 1, 1};
    codes.values.scales = {0.5F, 2};
    codes.values.zeros = {1, 2};
    return {{2, 4}, std::move(codes)};
}

double total(const std::vector<double>& counts) { return std::accumulate(counts.begin(), counts.end(), 0.0); }

std::unique_ptr<QWidget> makeView(ViewContext& context) {
    QPluginLoader loader(QStringLiteral(QSCOPE_PLUGIN_DIR "/libview_codes.so"));
    INFO(loader.errorString().toStdString());
    auto* plugin = qobject_cast<ViewPlugin*>(loader.instance());
    REQUIRE(plugin);
    return std::unique_ptr<QWidget>(plugin->create(QStringLiteral("codes"), context, nullptr));
}

} // namespace

TEST_CASE("Codes of a grid are counted, with their entropy, scales and zero points") {
    const CodeUse use = counted(smallGrid());
    CHECK(use.levels == std::vector<double>{0, 1, 2, 3});
    CHECK(use.counts == std::vector<double>{1, 4, 0, 3});
    // -(1/8 log2 1/8 + 1/2 log2 1/2 + 3/8 log2 3/8)
    CHECK(use.entropyBits() == Approx(0.375 + 0.5 + 0.375 * std::log2(8.0 / 3)));
    CHECK(use.width == 2);
    CHECK(use.scales.values == std::vector<float>{0.5F, 2});
    CHECK(use.zeros.values == std::vector<float>{1, 2});
    CHECK(use.zeros.rows == 2);
    CHECK(use.zeros.columns == 1);
    CHECK(use.histogram.empty());
}

TEST_CASE("Weights before rounding lie where their codes are when they were on the grid") {
    std::vector<float> values(8);
    const QuantizedTensor tensor = smallGrid();
    REQUIRE(dequantize(tensor, 0, values));
    const TensorView original = makeTensor({2, 4}, values);
    const CodeUse use = counted(tensor, &original);
    CHECK(total(use.histogram) == 8);
    CHECK(use.beyond == 0);
    for (std::size_t bin = 0; bin < use.histogram.size(); ++bin)
        if (use.histogram[bin] > 0)
            CHECK(use.edges[bin] == std::round(use.edges[bin])); // each begins the bin at its own level
}

TEST_CASE("Factors, orders, low-rank parts and single values are taken off before codes are looked at") {
    // Column c is column order[c] of the base times factors[c]; then two rank-one steps; then one value apart.
    ColumnTransformed columns;
    LowRankSum sum;
    sum.base = std::make_shared<const QuantizedTensor>(smallGrid());
    sum.rank = 1;
    sum.left = {1, 2};
    sum.right = {0.25F, -0.5F, 1, 0};
    columns.base = std::make_shared<const QuantizedTensor>(tensorOf({2, 4}, std::move(sum)));
    columns.order = {2, 0, 3, 1};
    columns.factors = {2, 0.5F, 4, 1};
    WithOutliers outliers;
    outliers.base = std::make_shared<const QuantizedTensor>(tensorOf({2, 4}, std::move(columns)));
    outliers.rowStart = {0, 1, 1};
    outliers.columns = {2}; // base column 3, row 0: the code 3
    outliers.values = {9};
    const QuantizedTensor tensor = tensorOf({2, 4}, std::move(outliers));
    std::vector<float> values(8);
    REQUIRE(dequantize(tensor, 0, values));
    const TensorView original = makeTensor({2, 4}, values);
    const CodeUse use = counted(tensor, &original);
    CHECK(use.counts == std::vector<double>{1, 4, 0, 2});
    REQUIRE(use.apart.size() == 1);
    CHECK(use.apart[0].row == 0);
    CHECK(use.apart[0].column == 2);
    CHECK(use.apart[0].value == 9);
    double onLevels = 0;
    for (std::size_t bin = 0; bin < use.histogram.size(); ++bin)
        if (use.edges[bin] == std::round(use.edges[bin])) onLevels += use.histogram[bin];
    CHECK(onLevels == 7);
}

TEST_CASE("Tables are counted by rank and drawn at the mean of each rank") {
    TableCodes codes;
    codes.bits = 1;
    codes.grouping = {2, 2, 1, 2};
    codes.tables = {3, 1, -1, 5}; // the first one descends
    codes.codes = {0, 1, 1, 1};
    const CodeUse use = counted(tensorOf({2, 2}, std::move(codes)));
    CHECK(use.levels == std::vector<double>{0, 4});
    CHECK(use.counts == std::vector<double>{1, 3});
    CHECK(use.tables.values == std::vector<float>{1, 3, -1, 5});
}

TEST_CASE("Blocks of GGUF are placed among the levels of their block") {
    BlockCodes blocks{DType::Q4_0, {}};
    blocks.bytes.push_back(std::byte{0x00}); // scale 1 in half precision
    blocks.bytes.push_back(std::byte{0x3C});
    for (int i = 0; i < 16; ++i) blocks.bytes.push_back(std::byte{i < 8 ? std::uint8_t{0x80} : std::uint8_t{0x8F}});
    const CodeUse use = counted({{1, 32}, std::move(blocks)});
    CHECK(use.unit == LevelUnit::Rank);
    REQUIRE(use.levels.size() == 16);
    CHECK(use.counts[0] == 8);  // eight low nibbles of 0
    CHECK(use.counts[15] == 8); // eight of 15
    CHECK(use.counts[8] == 16); // sixteen high nibbles of 8
    CHECK(use.entropyBits() == Approx(1.5));
    CHECK(use.scales.values == std::vector<float>{1, 1}); // levels lie 1 apart
}

TEST_CASE("The codes view shows bars over the weights and a map that selects") {
    SampleContext context;
    context.select({kTensor, -1, -1, 1}); // 3 bits, groups of 64
    const auto view = makeView(context);
    present(*view, {1100, 560});
    CHECK(distinctColors(shoot(*view, QStringLiteral("codes-light"))) > 30);
    auto* plot = view->findChild<PlotArea*>();
    REQUIRE(plot->layers().size() == 2);
    CHECK(plot->layers()[0].mark == Mark::Bars);
    double shares = 0;
    for (const double share : plot->layers()[0].y)
        if (std::isfinite(share)) shares += share;
    CHECK(shares == Approx(100));
    auto* map = view->findChild<Heatmap*>();
    CHECK(map->info().rows == 128);
    CHECK(map->info().columns == 3);
    const auto& codes = std::get<GridCodes>(context.report()->methods[1].tensors[kTensor].quantized->codes);
    CHECK(map->valueAt(5, 2) == codes.values.scales[17]);
    QTest::mouseClick(map, Qt::LeftButton, {}, map->toPixel(5, 2).toPoint());
    CHECK(context.selection().row == 5);
    CHECK(context.selection().column == 128);
    context.setTheme(QStringLiteral("dark"));
    settle();
    shoot(*view, QStringLiteral("codes-dark"));
}

TEST_CASE("The codes view lists what lies apart, and says what is missing") {
    SampleContext context;
    auto report = std::make_shared<CompareReport>(*sampleModel().report);
    WithOutliers form;
    form.base = report->methods[1].tensors[kTensor].quantized;
    form.rowStart.assign(129, 2);
    form.rowStart[0] = 0;
    form.columns = {7, 100};
    form.values = {0.5F, -0.25F};
    report->methods[1].tensors[kTensor].quantized =
        std::make_shared<const QuantizedTensor>(tensorOf({128, 192}, std::move(form)));
    context.shownReport = report;
    context.select({kTensor, -1, -1, 1});
    const auto view = makeView(context);
    present(*view, {1100, 560});
    auto* choice = view->findChild<QComboBox*>();
    REQUIRE(choice->count() == 2);
    choice->setCurrentIndex(1);
    emit choice->activated(1);
    settle();
    auto* map = view->findChild<Heatmap*>();
    CHECK(map->info().columns == 192);
    CHECK(map->info().columnMarginal[100] == 1);
    CHECK(map->valueAt(0, 100) == -0.25F);
    shoot(*view, QStringLiteral("codes-apart-light"));
    context.select({kTensor, -1, -1, -1});
    settle();
    CHECK(view->findChild<EmptyState*>()->text().startsWith(QStringLiteral("Select a method's result")));
    SampleContext bare(SampleContext::Holds::Checkpoint);
    bare.select({kTensor});
    const auto other = makeView(bare);
    present(*other, {600, 400});
    QTest::mouseClick(other->findChild<EmptyState*>()->findChild<QPushButton*>(), Qt::LeftButton);
    CHECK(bare.requests == std::vector<WindowRequest>{WindowRequest::Quantize});
}

TEST_CASE("Tensors that their file holds quantized show their codes without any method") {
    TemporaryFolder folder;
    auto checkpoint = std::make_shared<Checkpoint>();
    checkpoint->format = "gguf";
    checkpoint->path = folder / "blocks.bin";
    std::string bytes;
    for (int block = 0; block < 2; ++block) { // Q4_0: scale 1, nibbles 3 and 12
        bytes += {0x00, 0x3C};
        bytes.append(16, static_cast<char>(0xC3));
    }
    const std::size_t first = bytes.size();
    bytes += {0x00, 0x3C, 0x00, 0x00}; // Q4_K: d 1, dmin 0, scales of 1, nibbles 5
    bytes.append(12, 1);
    bytes.append(128, 0x55);
    std::ofstream(checkpoint->path, std::ios::binary) << bytes;
    checkpoint->tensors.push_back({"grid", DType::Q4_0, {2, 32}, 0, 0, first});
    checkpoint->tensors.push_back({"levels", DType::Q4_K, {1, 256}, 0, first, bytes.size() - first});
    const auto mapped = MappedFile::open(checkpoint->path);
    REQUIRE(mapped);
    checkpoint->files.push_back(*mapped);
    SampleContext context(SampleContext::Holds::Nothing);
    context.openedCheckpoint = checkpoint;
    context.select({0});
    const auto view = makeView(context);
    present(*view, {800, 400});
    auto* plot = view->findChild<PlotArea*>();
    REQUIRE(plot->isVisible());
    REQUIRE(plot->layers().size() == 1); // no weights before rounding are known
    const auto shareOf = [&](std::size_t level) { return plot->layers()[0].y[2 * level]; };
    CHECK(shareOf(3) == 50);
    CHECK(shareOf(12) == 50);
    context.select({1});
    settle();
    CHECK(shareOf(5) == 100);
    shoot(*view, QStringLiteral("codes-stored-light"));
}
