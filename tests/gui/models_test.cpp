// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/models/circuit_tree_model.h"
#include "app/models/list_models.h"
#include "app/models/report_models.h"
#include "app/models/tensor_tree_model.h"
#include "engine/quantum/qasm/parse.h"

#include <QAbstractItemModelTester>

#include <catch2/catch.hpp>

using namespace qscope;

namespace {

using FailureMode = QAbstractItemModelTester::FailureReportingMode;

std::shared_ptr<const engine::Checkpoint> checkpointOf(const std::vector<std::string>& names) {
    auto checkpoint = std::make_shared<engine::Checkpoint>();
    for (const auto& name : names) checkpoint->tensors.push_back({name, DType::F32, {2, 3}, 0, 0, 24});
    return checkpoint;
}

/// The tree as indented text, one line per row.
QString dump(const QAbstractItemModel& model, const QModelIndex& parent = {}, int depth = 0) {
    QString text;
    for (int row = 0; row < model.rowCount(parent); ++row) {
        const QModelIndex index = model.index(row, 0, parent);
        text += QString(depth * 2, QLatin1Char(' ')) + index.data().toString() + QLatin1Char('\n') + dump(model, index, depth + 1);
    }
    return text;
}

StatisticsRow withKurtosis(double kurtosis) { return {true, 1, 1, kurtosis, 1, 0}; }

} // namespace

TEST_CASE("Names become a tree whose single-child modules are joined", "[models]") {
    TensorTreeModel model;
    QAbstractItemModelTester tester(&model, FailureMode::Fatal);
    model.setTree(buildTensorTree(checkpointOf({"model.embed.weight", "model.layers.0.attn.q.weight", "model.layers.0.norm.weight",
                                                "model.layers.1.norm.weight", "head.weight"}), true));
    CHECK(dump(model) == QStringLiteral("model\n"
                                        "  embed\n"
                                        "  layers\n"
                                        "    0\n"
                                        "      attn.q\n"
                                        "      norm\n"
                                        "    1.norm\n"
                                        "head\n"));
    CHECK(model.visibleTensors() == 5);
    const QModelIndex root = model.index(0, TensorTreeModel::Shape);
    CHECK(root.data(SortRole).toDouble() == 24); // four tensors of six weights
}

TEST_CASE("A weight in parts has them below it, counted once", "[models]") {
    auto checkpoint = std::make_shared<engine::Checkpoint>(*checkpointOf({"layers.0.q.weight", "layers.0.q.weight.codes", "layers.0.q.weight.scales", "layers.0.norm.weight"}));
    checkpoint->tensors[0].form = "GPTQ, 4 bit";
    checkpoint->tensors[1].partOf = 0;
    checkpoint->tensors[2].partOf = 0;
    TensorTreeModel model;
    QAbstractItemModelTester tester(&model, FailureMode::Fatal);
    model.setTree(buildTensorTree(checkpoint, true));
    CHECK(dump(model) == QStringLiteral("layers.0\n"
                                        "  q\n"
                                        "    codes\n"
                                        "    scales\n"
                                        "  norm\n"));
    CHECK(model.visibleTensors() == 2);
    CHECK(model.index(0, TensorTreeModel::Shape).data(SortRole).toDouble() == 12);
    CHECK(model.indexOf(0).siblingAtColumn(TensorTreeModel::Type).data().toString() == QStringLiteral("GPTQ, 4 bit"));
    model.setNumbers(1, withKurtosis(50)); // of the codes
    model.setNumbers(3, withKurtosis(3));
    CHECK(model.index(0, TensorTreeModel::Kurtosis).data(SortRole).toDouble() == 3);
    model.setTree(buildTensorTree(checkpoint, false));
    CHECK(dump(model) == QStringLiteral("layers.0.q.weight\n  codes\n  scales\nlayers.0.norm.weight\n"));
}

TEST_CASE("Sorting by a statistic puts the worst tensor first at every level", "[models]") {
    TensorTreeModel model;
    QAbstractItemModelTester tester(&model, FailureMode::Fatal);
    model.setTree(buildTensorTree(checkpointOf({"a.x", "a.y", "b.x", "b.y", "c"}), true));
    model.setNumbers(0, withKurtosis(3));
    model.setNumbers(1, withKurtosis(5));
    model.setNumbers(2, withKurtosis(1));
    model.setNumbers(3, withKurtosis(9));
    const QPersistentModelIndex kept = model.indexOf(1);
    model.sort(TensorTreeModel::Kurtosis, Qt::DescendingOrder);
    CHECK(dump(model) == QStringLiteral("b\n  y\n  x\na\n  y\n  x\nc\n")); // unknown numbers come last
    CHECK(QModelIndex(kept) == model.indexOf(1));
    model.setNumbers(4, withKurtosis(100));
    model.resort();
    CHECK(dump(model).startsWith(QStringLiteral("c\n")));
    model.sort(-1);
    CHECK(dump(model) == QStringLiteral("a\n  x\n  y\nb\n  x\n  y\nc\n"));
}

TEST_CASE("A filter keeps the matching tensors with their modules", "[models]") {
    TensorTreeModel model;
    QAbstractItemModelTester tester(&model, FailureMode::Fatal);
    model.setTree(buildTensorTree(checkpointOf({"a.q_proj", "a.k_proj", "b.q_proj", "b.norm", "c"}), true));
    model.setFilter(QStringLiteral("Q_PROJ"));
    CHECK(dump(model) == QStringLiteral("a\n  q_proj\nb\n  q_proj\n"));
    model.setFilter(QStringLiteral("b.*|c"));
    CHECK(dump(model) == QStringLiteral("b\n  q_proj\n  norm\nc\n"));
    model.setFilter(QStringLiteral("nothing"));
    CHECK(dump(model).isEmpty());
    CHECK_FALSE(model.indexOf(0).isValid());
    model.setFilter({});
    CHECK(model.visibleTensors() == 5);
}

TEST_CASE("A hundred thousand tensors are sorted and filtered", "[models]") {
    std::vector<std::string> names;
    for (int layer = 0; layer < 10'000; ++layer)
        for (int part = 0; part < 10; ++part) names.push_back(fmt::format("model.layers.{}.part{}.weight", layer, part));
    TensorTreeModel model;
    model.setTree(buildTensorTree(checkpointOf(names), true));
    for (std::int64_t i = 0; i < 100'000; ++i) model.setNumbers(i, withKurtosis(static_cast<double>(i * 7919 % 100'003)));
    model.sort(TensorTreeModel::Kurtosis, Qt::DescendingOrder);
    const QModelIndex layers = model.index(0, 0);
    REQUIRE(model.rowCount(layers) == 10'000);
    double before = std::numeric_limits<double>::infinity();
    for (int row = 0; row < 10'000; ++row) {
        const double value = model.index(row, TensorTreeModel::Kurtosis, layers).data(SortRole).toDouble();
        REQUIRE(value <= before);
        before = value;
    }
    model.setFilter(QStringLiteral("*layers.77.*"));
    CHECK(model.visibleTensors() == 10);
}

TEST_CASE("The flat list shows full names", "[models]") {
    TensorTreeModel model;
    QAbstractItemModelTester tester(&model, FailureMode::Fatal);
    model.setTree(buildTensorTree(checkpointOf({"a.b.c", "d"}), false));
    CHECK(dump(model) == QStringLiteral("a.b.c\nd\n"));
    model.setTree(nullptr);
    CHECK(model.rowCount() == 0);
}

TEST_CASE("A circuit is listed with its registers, gates and operations", "[models]") {
    const auto parsed = engine::parseQasm("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[2];\ncreg c[2];\n"
                                          "h q[0];\nrz(pi/4) q[1];\ncx q[0],q[1];\nmeasure q[0] -> c[0];\nif(c==1) x q[1];\n");
    REQUIRE(parsed.circuit);
    CircuitTreeModel model;
    QAbstractItemModelTester tester(&model, FailureMode::Fatal);
    model.setCircuit(parsed.circuit);
    CHECK(dump(model) == QStringLiteral("Qubits\n  q[0]\n  q[1]\n"
                                        "Classical registers\n  c\n"
                                        "Gates\n  cx\n  h\n  measure\n  rz\n  x\n"
                                        "Operations\n  h q[0]\n  rz(π/4) q[1]\n  cx q[0], q[1]\n  measure q[0] → c[0]\n  if c = 1: x q[1]\n"));
    CHECK(model.operation(2).data(IndexRole).toInt() == 2);
    CHECK_FALSE(model.operation(5).isValid());
}

TEST_CASE("Results are listed with raw numbers for sorting", "[models]") {
    auto report = std::make_shared<engine::CompareReport>();
    engine::MethodResult method;
    method.label = "rtn bits=4";
    method.bitsPerWeight = 4.125;
    method.metrics = {0.01, 20, 0.5, 0.999};
    engine::TensorResult tensor;
    tensor.tensor = 7;
    tensor.name = "w";
    tensor.layer = 3;
    tensor.metrics.relativeMse = 0.02;
    method.tensors.push_back(tensor);
    report->methods.push_back(method);
    ReportModel methods;
    QAbstractItemModelTester first(&methods, FailureMode::Fatal);
    methods.setReport(report);
    CHECK(methods.index(0, ReportModel::Method).data().toString() == QStringLiteral("rtn bits=4"));
    CHECK(methods.index(0, ReportModel::Sqnr).data(SortRole).toDouble() == 20);
    for (int column = 0; column < ReportModel::ColumnCount; ++column)
        CHECK_FALSE(methods.headerData(column, Qt::Horizontal, Qt::DisplayRole).toString().isEmpty());
    TensorResultsModel tensors;
    QAbstractItemModelTester second(&tensors, FailureMode::Fatal);
    tensors.setResult(report, 0);
    CHECK(tensors.index(0, 0).data(IndexRole).toInt() == 7);
    CHECK(tensors.index(0, TensorResultsModel::RelativeMse).data(SortRole).toDouble() == 0.02);
    CHECK(tensors.indexOf(7).row() == 0);
    tensors.setResult(nullptr, -1);
    CHECK(tensors.rowCount() == 0);
}

TEST_CASE("Messages are listed as they come and the oldest make room", "[models]") {
    Messages messages;
    MessagesModel model(messages);
    QAbstractItemModelTester tester(&model, FailureMode::Fatal);
    for (int i = 0; i < 2100; ++i) messages.add(Severity::Note, QString::number(i));
    CHECK(model.rowCount() == 2000);
    CHECK(model.index(0, MessagesModel::Text).data().toString() == QStringLiteral("100"));
    messages.add({Severity::Warning, "odd", "file.qasm", {0, 1, 3, 1}, "say even"});
    CHECK(model.index(1999, MessagesModel::Text).data().toString() == QStringLiteral("Line 3: file.qasm: odd (say even)"));
    messages.clear();
    CHECK(model.rowCount() == 0);
}

TEST_CASE("Switching a plugin off is remembered by id", "[models]") {
    PluginRecord record;
    record.id = QStringLiteral("rtn");
    record.name = QStringLiteral("Round to nearest");
    record.state = PluginState::Loaded;
    PluginsModel model({record}, {});
    QAbstractItemModelTester tester(&model, FailureMode::Fatal);
    CHECK(model.setData(model.index(0, 0), Qt::Unchecked, Qt::CheckStateRole));
    CHECK(model.disabled() == QStringList{QStringLiteral("rtn")});
    CHECK(model.setData(model.index(0, 0), Qt::Checked, Qt::CheckStateRole));
    CHECK(model.disabled().isEmpty());
}
