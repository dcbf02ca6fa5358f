// SPDX-License-Identifier: GPL-3.0-or-later
// The numbers of the comparison against definitions written out here.
#include "plugins/view_comparison/board_columns.h"
#include "plugins/view_comparison/board_rows.h"
#include "plugins/view_comparison/column_picture.h"
#include "plugins/view_comparison/comparison_model.h"
#include "plugins/view_comparison/pareto_model.h"
#include "plugins/view_comparison/sweep_pivot.h"
#include "tests/unit/views/sample_model.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>

using namespace qscope;
using namespace qscope::test;

namespace {

std::vector<float> decoded(std::int64_t tensor) {
    std::vector<float> values(static_cast<std::size_t>(
        engine::elementCount(sampleModel().checkpoint->tensors[static_cast<std::size_t>(tensor)].shape)));
    REQUIRE(
        engine::decode(sampleModel().checkpoint->view(static_cast<std::size_t>(tensor)), 0, std::span<float>(values)));
    return values;
}

std::vector<float> dequantized(int method, std::int64_t tensor) {
    std::vector<float> values(decoded(tensor).size());
    REQUIRE(engine::dequantize(*sampleModel()
                                    .report->methods[static_cast<std::size_t>(method)]
                                    .tensors[static_cast<std::size_t>(tensor)]
                                    .quantized,
                               0, values));
    return values;
}

ColumnSubject subjectOf(int method, std::int64_t tensor) {
    return {sampleModel().checkpoint, sampleModel().report, method, tensor};
}

double mass(const Density& density, const std::vector<double>& shares) {
    double sum = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) sum += shares[i] * (density.edges[i + 1] - density.edges[i]);
    return sum;
}

/// A report of 2 x 3 settings of one method and one of another, with figures that name their place.
engine::CompareReport swept() {
    engine::CompareReport report;
    for (const char* bits : {"4", "2"})
        for (const char* group : {"128", "32", "64"}) {
            engine::MethodResult method;
            method.spec = {"rtn", {{"bits", bits}, {"group", group}}};
            method.label = engine::toText(method.spec);
            method.metrics.sqnrDb = std::stod(bits) * 6 - std::stod(group) / 100;
            report.methods.push_back(method);
        }
    engine::MethodResult other;
    other.spec = {"q4_0", {}};
    other.label = "q4_0";
    other.metrics.sqnrDb = 20;
    report.methods.push_back(other);
    return report;
}

} // namespace

TEST_CASE("The comparison lists full precision first and marks the best of each column") {
    const SampleModel& sample = sampleModel();
    const auto columns = comparisonColumns({*sample.report, sample.checkpoint.get()});
    const auto rows = comparisonRows({*sample.report, sample.checkpoint.get()});
    REQUIRE(rows.size() == 6);
    for (const NumberRow& row : rows) CHECK(row.cells.size() == columns.size());
    CHECK(rows[0].id == -1);
    CHECK(columns[2].title == "Bits/weight");
    CHECK(rows[0].cells[2].text == "32.00");
    CHECK_FALSE(
        std::any_of(rows[0].cells.begin(), rows[0].cells.end(), [](const NumberCell& cell) { return cell.best; }));
    CHECK(rows[1].cells[2].best); // two bits are smallest
    CHECK(columns[5].title == "SQNR");
    CHECK(rows[5].cells[5].best); // eight bits are most exact
    CHECK_FALSE(rows[4].cells[5].best);
    const auto tensor = comparisonRows({*sample.report, sample.checkpoint.get(), 4});
    CHECK(tensor[3].cells[5].value == Approx(sample.report->methods[2].tensors[4].metrics.sqnrDb));
    // No text was measured: no such columns.
    CHECK(std::none_of(columns.begin(), columns.end(),
                       [](const NumberColumn& column) { return column.title == "Perplexity"; }));
}

TEST_CASE("A baseline turns numbers into differences to it and leaves its own") {
    const SampleModel& sample = sampleModel();
    const auto& base = sample.report->methods[2];
    const ComparisonTable table{*sample.report, sample.checkpoint.get(), {}, {}, QString::fromStdString(base.label)};
    const auto rows = comparisonRows(table);
    CHECK(comparisonColumns(table)[5].title.startsWith(QStringLiteral("Δ")));
    CHECK(rows[3].cells[0].text.contains("baseline"));
    CHECK(rows[3].cells[2].text == QString::number(base.bitsPerWeight, 'f', 2));
    const double bits = sample.report->methods[4].bitsPerWeight - base.bitsPerWeight;
    CHECK(rows[5].cells[2].text == "+" + QString::number(bits, 'f', 2));
    CHECK(rows[5].cells[2].value == sample.report->methods[4].bitsPerWeight); // sorting stays by value
    const double bytes =
        (static_cast<double>(sample.report->methods[0].bytes) / static_cast<double>(base.bytes) - 1) * 100;
    CHECK(rows[1].cells[3].text == QString(QChar(0x2212)) + QString::number(-bytes, 'f', 1) + " %");
}

TEST_CASE("The depth axis runs from the embedding through the blocks") {
    const Depth depth = depthOf(*sampleModel().report);
    REQUIRE(depth.tensors.size() == 25);
    CHECK(depth.tensors.front() == 0);
    CHECK(depth.bands.size() == 4);
    CHECK(depth.bands.front() == Range{3.5, 6.5});
    const auto layers = depthLayers(*sampleModel().report, depth, {4, 2});
    REQUIRE(layers.size() == 2);
    CHECK(layers[1].y[7] == sampleModel().report->methods[2].tensors[7].metrics.relativeMse);
    CHECK(layers[1].endLabel.contains("rtn bits=4 tensor"));
}

TEST_CASE("Of many results, lines are drawn for the pinned and the selected one") {
    engine::CompareReport many;
    for (int i = 0; i < 40; ++i) {
        engine::MethodResult method;
        method.label = "m" + std::to_string(i);
        many.methods.push_back(method);
    }
    CHECK(distinctResults(many, {"m3", "m17"}, 30) == std::vector<int>{3, 17, 30});
    CHECK(distinctResults(many, {}, -1).size() == kMostLines);
    many.methods.resize(5);
    CHECK(distinctResults(many, {"m3"}, 0).size() == 5);
}

TEST_CASE("The front holds exactly the results that no other beats in both, whichever way is better") {
    const auto& methods = sampleModel().report->methods;
    for (const char* key : {"sqnr_db", "relative_mse"}) {
        const auto layers = paretoLayers({*sampleModel().report, figure("bits_per_weight"), figure(key), {}, 2, {}});
        REQUIRE(layers.size() == 6);
        for (std::size_t i = 0; i < methods.size(); ++i) {
            bool beaten = false;
            for (const auto& other : methods)
                beaten = beaten || (other.bitsPerWeight < methods[i].bitsPerWeight &&
                                    other.metrics.sqnrDb > methods[i].metrics.sqnrDb);
            CHECK(std::count(layers[0].x.begin(), layers[0].x.end(), methods[i].bitsPerWeight) == (beaten ? 0 : 1));
        }
        CHECK(layers[3].selected == 0);
    }
}

TEST_CASE("A tensor's picture holds the histograms, channel errors and extremes of its values") {
    const int method = 3;
    const std::int64_t tensor = 6;
    TestRun run;
    const auto picture = pictureOf(subjectOf(method, tensor), run.context);
    REQUIRE(picture);
    const auto w = decoded(tensor), v = dequantized(method, tensor);
    const std::size_t columns = 192, rows = w.size() / columns;
    CHECK(picture->rows == static_cast<std::int64_t>(rows));
    CHECK(mass(picture->values, picture->values.stored) == Approx(1));
    CHECK(mass(picture->values, picture->values.result) ==
          Approx(1).margin(0.01)); // rounding may lead beyond the range
    CHECK(mass(picture->errors, picture->errors.result) == Approx(1));
    CHECK(picture->errors.edges.front() == -picture->errors.edges.back());
    for (const float level : picture->levels)
        CHECK(std::any_of(picture->values.edges.begin(), picture->values.edges.end(),
                          [&](double e) { return std::abs(e - static_cast<double>(level)) < 1e-12; }));
    // One bin against a count of every value.
    const std::size_t bin = picture->values.stored.size() / 2;
    const double low = picture->values.edges[bin], high = picture->values.edges[bin + 1];
    const auto inside = std::count_if(
        w.begin(), w.end(), [&](float x) { return static_cast<double>(x) >= low && static_cast<double>(x) < high; });
    CHECK(picture->values.stored[bin] * (high - low) * static_cast<double>(w.size()) ==
          Approx(static_cast<double>(inside)));
    REQUIRE(picture->channels.size() == columns);
    double largest = 0;
    for (std::size_t c = 0; c < columns; ++c) {
        double lost = 0, energy = 0;
        for (std::size_t r = 0; r < rows; ++r) {
            const double a = static_cast<double>(w[r * columns + c]), b = static_cast<double>(v[r * columns + c]);
            lost += (a - b) * (a - b);
            energy += a * a;
            largest = std::max(largest, std::abs(a - b));
        }
        CHECK(picture->channels[c] == Approx(lost / energy));
    }
    double onMap = 0;
    for (const float cell : picture->map) onMap = std::max(onMap, static_cast<double>(std::abs(cell)));
    CHECK(onMap == Approx(largest));
}

TEST_CASE("The model's picture counts every tensor and maps modules by layer") {
    TestRun run;
    const auto picture = pictureOf(subjectOf(1, -1), run.context);
    REQUIRE(picture);
    CHECK(picture->counted == 320 * 192 + 24 * 128 * 192); // all of them: none is larger than the sample
    CHECK(mass(picture->values, picture->values.stored) == Approx(1).margin(1e-3));
    CHECK(picture->mapColumns == 8);
    CHECK(picture->mapNames ==
          std::vector<QString>{"self_attn.q_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"});
    const auto& tensors = sampleModel().report->methods[1].tensors;
    CHECK(static_cast<double>(picture->map[1 * 8 + 2]) == Approx(tensors[8].metrics.relativeMse)); // layer 2, up
    REQUIRE(picture->channels.size() == 25);
    CHECK(picture->channels[5] == tensors[5].metrics.relativeMse);
}

TEST_CASE("A picture without codes or of a tensor left out says so, and a stopped one is cancelled") {
    TestRun run;
    auto without = std::make_shared<engine::CompareReport>(*sampleModel().report);
    without->methods[0].tensors[3].quantized.reset();
    ColumnSubject subject{sampleModel().checkpoint, without, 0, 3};
    CHECK(pictureOf(subject, run.context).error().code == ErrorCode::Unsupported);
    subject.tensor = -1;
    CHECK(pictureOf(subject, run.context).error().code == ErrorCode::Unsupported);
    without->methods[0].tensors.erase(without->methods[0].tensors.begin() + 3);
    subject.tensor = 3;
    CHECK(describe(pictureOf(subject, run.context).error()).find("left this tensor out") != std::string::npos);
    run.stop.request_stop();
    CHECK(pictureOf(subjectOf(0, 4), run.context).error().code == ErrorCode::Cancelled);
    CHECK(pictureOf(subjectOf(0, -1), run.context).error().code == ErrorCode::Cancelled);
}

TEST_CASE("The board shows pins in their order, then every other result of the scope") {
    const SampleModel& sample = sampleModel();
    const auto label = [&](std::size_t i) { return QString::fromStdString(sample.report->methods[i].label); };
    const QString tensor = QString::fromStdString(sample.checkpoint->tensors[4].name);
    std::vector<PinnedColumn> pins{{sample.report->methods[3].spec, label(3), tensor},
                                   {sample.report->methods[0].spec, label(0), {}},
                                   {{"gone", {{"bits", "3"}}}, {}, {}},
                                   {{"rtn", {}}, label(1), "no.such.tensor"}};
    auto columns = boardColumns(sample.report.get(), *sample.checkpoint, pins, {});
    REQUIRE(columns.size() == 3 + 4);
    CHECK(columns[0].method == 3);
    CHECK(columns[0].tensor == 4);
    CHECK(columns[1].pin == 1);
    CHECK(columns[2].method == -1); // not in the report
    CHECK(columns[2].label == "gone:bits=3");
    CHECK(columns[3].method == 1); // the model's own first is pinned
    CHECK(columns[6].method == 4);
    CHECK(columns[6].pin == -1);
    pins = withToggled(pins, columns[6], sample.report.get());
    CHECK(pins.back() == PinnedColumn{sample.report->methods[4].spec, label(4), {}});
    pins = withToggled(pins, boardColumns(sample.report.get(), *sample.checkpoint, pins, {})[0], sample.report.get());
    CHECK(pins.front().label == label(0));
    pins = withMoved(pins, 0, 2);
    CHECK(pins[1].label == label(0));
    CHECK(withMoved(withMoved(pins, 0, 4), 3, 0) == pins);
}

TEST_CASE("A pivot puts the best result of each combination in its cell") {
    const auto report = swept();
    const ParameterTable table(report, nullptr);
    REQUIRE(table.find("bits"));
    CHECK(table.find("bits")->values == QStringList{"2", "4", "–"});
    CHECK(table.find("group")->values == QStringList{"32", "64", "128", "–"});
    CHECK(table.find("method")->values == QStringList{"rtn", "q4_0"});
    const auto map = pivot(report, table, "bits", "group", figure("sqnr_db"), {});
    REQUIRE(map.columns == QStringList{"2", "4"}); // the other method has neither parameter
    REQUIRE(map.rows == QStringList{"32", "64", "128"});
    CHECK(map.at(0, 1).method == 1); // bits 4, group 32
    CHECK(map.at(2, 0).method == 3); // bits 2, group 128
    const auto byMethod = pivot(report, table, "bits", "method", figure("sqnr_db"), {});
    REQUIRE(byMethod.columns == QStringList{"2", "4", "–"});
    CHECK(byMethod.at(1, 2).method == 6);
    CHECK(byMethod.at(1, 0).method == -1);
    CHECK(byMethod.at(0, 1).candidates == 3);
    const auto one = pivot(report, table, "bits", {}, figure("sqnr_db"), {});
    CHECK(one.at(0, 1).method == 1); // the smallest group is best
    CHECK(one.at(0, 1).candidates == 3);
    CHECK(pivot(report, table, "bits", "group", figure("perplexity"), {}).cells.empty()); // not measured
}

TEST_CASE("A column's charts hold its numbers, and tell them where the cursor is") {
    engine::MethodPropagation followed;
    for (int layer = 0; layer < 3; ++layer) {
        followed.layers.emplace_back();
        followed.layers.back().layer = layer;
        followed.layers.back().metrics.relativeMse = 0.01 * (layer + 1);
    }
    ColumnPicture picture;
    picture.errors = {{-1, 0, 2}, {}, {0.25, 0.375}};
    picture.channels = {0.5, 0.125};
    const ColumnData column{&picture, &followed, 2, false};
    const auto line = rowLayers(BoardRow::Propagation, column);
    REQUIRE(line.size() == 1);
    CHECK(line[0].y == std::vector<double>{0.01, 0.02, 0.03});
    CHECK(rowReadout(BoardRow::Propagation, line, 1.2) == "1: 0.0200");
    const auto bars = rowLayers(BoardRow::Errors, column);
    CHECK(rowReadout(BoardRow::Errors, bars, 1.5) == "1.00: 0.375"); // the middle of its bin
    CHECK(rowReadout(BoardRow::Errors, bars, 7).isEmpty());
    CHECK(rowExtentX(BoardRow::Errors, bars) == Range{-1, 2});
    CHECK(rowReadout(BoardRow::Channels, rowLayers(BoardRow::Channels, column), 0.8) == "1: 0.125");
    CHECK(rowLayers(BoardRow::Propagation, {&picture, nullptr, 2, false}).empty()); // not followed
    CHECK(rowLayers(BoardRow::Values, {nullptr, &followed, 2, false}).empty());     // not counted yet
}
