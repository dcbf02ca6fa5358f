// SPDX-License-Identifier: GPL-3.0-or-later
// The calibration of a plan, driven as a user does it.
#include "app/models/calibration_warnings.h"
#include "app/views/calibration_panel.h"
#include "app/views/plan_panel.h"
#include "app/views/view_area.h"
#include "app/workspace/session.h"
#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "tests/gui/studio.h"

#include <QComboBox>
#include <QDockWidget>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QMouseEvent>
#include <QPushButton>
#include <QSpinBox>
#include <QTest>
#include <QToolButton>

using namespace qscope;
using namespace qscope::test;

namespace {

QString homeOf(const TemporaryFolder& folder) { return QString::fromStdString((folder / ".").string()); }

/// Round-to-nearest that says it relies on a calibration, and remembers what it was given.
class RelyingMethod final : public engine::QuantMethod {
public:
    RelyingMethod(const engine::QuantMethod& does, std::vector<const engine::InputStatistics*>& given)
        : m_does(does)
        , m_given(given) {
        m_info.id = "relying";
        m_info.name = "Relying";
        m_info.needsCalibration = true;
    }
    const engine::MethodInfo& info() const override { return m_info; }
    Result<engine::QuantizedTensor> outline(const engine::Subject& subject, const engine::ParamValues&) const override {
        return m_does.outline(subject, usual());
    }
    Result<engine::QuantizedTensor> quantize(const engine::QuantInput& input, const engine::ParamValues&,
                                             std::uint64_t seed, const RunContext& context) const override {
        m_given.push_back(input.calibration);
        return m_does.quantize(input, usual(), seed, context);
    }

private:
    engine::ParamValues usual() const { return engine::resolveParameters(m_does.info().parameters, {}).value(); }
    const engine::QuantMethod& m_does;
    std::vector<const engine::InputStatistics*>& m_given;
    engine::MethodInfo m_info;
};

struct CalibrationStudio : Studio {
    explicit CalibrationStudio(const QString& home)
        : Studio(home) {
        const auto* rtn = registries.methods.find("rtn");
        REQUIRE(rtn);
        REQUIRE(registries.methods.add(std::make_unique<RelyingMethod>(*rtn, given)));
    }
    /// What the user does: opens the panel and takes an entry of the list of texts.
    void chooseText(const QString& entry) {
        auto& texts = child<QComboBox>("calibrationText");
        if (!texts.isVisible()) QTest::mouseClick(&child<QToolButton>("calibrationFold"), Qt::LeftButton);
        const int index = texts.findText(entry);
        REQUIRE(index >= 0);
        texts.setFocus();
        texts.showPopup();
        texts.setCurrentIndex(index);
        texts.hidePopup();
        emit texts.activated(index);
    }
    static void type(QSpinBox& box, const char* number) {
        box.setFocus();
        box.selectAll();
        QTest::keyClicks(&box, QLatin1String(number));
        QTest::keyClick(&box, Qt::Key_Return);
    }
    void calibrate() {
        QTest::mouseClick(&child<QPushButton>("calibrate"), Qt::LeftButton);
        auto& runs = workspace->textRuns();
        await(runs, &TextRuns::changed, [&] { return !runs.jobs(TextRun::Calibration).running(); });
        INFO(runs.problem(TextRun::Calibration).toStdString());
        REQUIRE(runs.calibration());
    }
    [[nodiscard]] QString warning() {
        auto& label = child<QLabel>("calibrationWarning");
        return label.isVisible() ? label.text() : QString();
    }

    std::vector<const engine::InputStatistics*> given;
};

const QString kSample = QStringLiteral("page.txt (sample)");

} // namespace

TEST_CASE("The calibration panel edits the plan, step by step undone, and keeps it in the session", "[gui]") {
    TemporaryFolder home;
    CalibrationStudio studio(homeOf(home));
    studio.openSampleModel();
    auto& document = studio.workspace->document();
    auto& sequences = studio.child<QSpinBox>("calibrationSequences");
    auto& length = studio.child<QSpinBox>("calibrationLength");
    CHECK_FALSE(sequences.isVisible());
    studio.chooseText(kSample);
    CHECK(sequences.isVisible());
    const std::string page = QFileInfo(samplePath("bard/page.txt")).absoluteFilePath().toStdString();
    CHECK(document.plan().calibration.text == page);
    CHECK_FALSE(studio.workspace->planCalibration());
    CHECK(studio.child<QLabel>("calibrationState").text().startsWith(QStringLiteral("Not run")));
    studio.type(sequences, "3");
    studio.type(sequences, "4");
    studio.type(length, "64");
    CHECK(document.plan().calibration.sequences == 4);
    CHECK(document.plan().calibration.length == 64);
    CHECK(document.undoStack().count() == 3); // both turns of one knob are one step

    const auto json = toJson(studio.window->session(), QStringLiteral("/nowhere"));
    const auto same = sessionFromJson(json, QStringLiteral("/nowhere"));
    REQUIRE(same);
    CHECK(same->plan.calibration == document.plan().calibration);

    document.undoStack().undo();
    CHECK(length.value() == 0);
    document.undoStack().undo();
    CHECK(sequences.value() == 128);
    document.undoStack().undo();
    CHECK(document.plan().calibration.text.empty());
    CHECK(studio.child<QComboBox>("calibrationText").currentIndex() == 0);
    CHECK_FALSE(sequences.isEnabled());
    CHECK_FALSE(studio.child<QPushButton>("calibrate").isEnabled());
    while (document.undoStack().canRedo()) document.undoStack().redo();
    CHECK(document.plan().calibration == same->plan.calibration);
    CHECK(sequences.value() == 4);

    // A file of the user's own.
    studio.chooseText(QStringLiteral("Choose file…"));
    auto* dialog = studio.window->findChild<QFileDialog*>();
    REQUIRE(dialog);
    emit dialog->fileSelected(samplePath("bard/README.md"));
    CHECK(QString::fromStdString(document.plan().calibration.text).endsWith(QStringLiteral("README.md")));
    CHECK(studio.child<QComboBox>("calibrationText").currentText() == QStringLiteral("README.md"));
}

TEST_CASE("Calibrating shows what the text covers, and the next run takes it from the cache", "[gui]") {
    TemporaryFolder home;
    CalibrationStudio studio(homeOf(home));
    studio.openSampleModel();
    auto& workspace = *studio.workspace;
    TextRuns& runs = workspace.textRuns();
    studio.chooseText(kSample);
    studio.type(studio.child<QSpinBox>("calibrationSequences"), "2");
    studio.type(studio.child<QSpinBox>("calibrationLength"), "64");
    studio.addMethod("relying", {});
    auto& coverage = studio.child<QPushButton>("showCoverage");
    CHECK_FALSE(coverage.isEnabled());
    studio.calibrate();
    const auto first = runs.calibration();
    CHECK(workspace.planCalibration() == first);
    CHECK(first->sequences * first->length == 128);
    const QString said = studio.child<QLabel>("calibrationState").text();
    CHECK(said.startsWith(QStringLiteral("128 tokens in 2 sequences")));
    CHECK(said.contains(QStringLiteral("43 weights")));

    // The picture: six layers and the output, the eight heads of each layer.
    REQUIRE(coverage.isEnabled());
    QTest::mouseClick(&coverage, Qt::LeftButton);
    auto& area = studio.window->modelArea();
    QCoreApplication::processEvents();
    REQUIRE(area.current()->objectName() == QStringLiteral("coverage"));
    Heatmap* modules = nullptr;
    Heatmap* heads = nullptr;
    for (auto* map : area.current()->findChildren<Heatmap*>()) {
        if (map->info().columnTitle == QStringLiteral("Module")) modules = map;
        if (map->info().columnTitle.startsWith(QStringLiteral("Attention"))) heads = map;
    }
    REQUIRE(modules);
    REQUIRE(heads);
    CHECK(modules->info().rows == 7);
    CHECK(modules->info().columns == 8);
    CHECK(modules->info().columnNames.front() == QStringLiteral("q"));
    CHECK(heads->info().rows == 7);
    CHECK(heads->info().columns == 8);
    const QPoint at = modules->toPixel(4, 3).toPoint();
    QMouseEvent hover(QEvent::MouseMove, at, modules->mapToGlobal(at), Qt::NoButton, Qt::NoButton, {});
    const QImage before = modules->grab().toImage();
    QCoreApplication::sendEvent(modules, &hover);
    CHECK(modules->grab().toImage() != before); // the read-out is there
    QTest::mouseClick(modules, Qt::LeftButton, {}, at);
    const auto& tensor = workspace.checkpoint()->tensors[static_cast<std::size_t>(workspace.selection().tensor)];
    CHECK(tensor.name == "model.layers.4.self_attn.o_proj.weight");

    // The plan that runs gets the very statistics that the panel has shown, with the second moments it needs.
    auto plan = workspace.document().plan();
    plan.selectors = {tensor.name};
    workspace.document().editPlan(plan, QStringLiteral("one"));
    CHECK(workspace.planCalibration() == first);
    studio.runPlan();
    REQUIRE(studio.given.size() == 1);
    CHECK(studio.given[0] == first->find(tensor.name));
    CHECK(studio.given[0]->secondMoments.size() == 256 * 256);
    REQUIRE(workspace.report()->calibration);
    CHECK(workspace.report()->calibration->sequences == 2);

    // Other settings are another calibration; back at the first ones, it is still known.
    studio.type(studio.child<QSpinBox>("calibrationSequences"), "1");
    CHECK_FALSE(workspace.planCalibration());
    studio.calibrate();
    CHECK(runs.calibration()->find(tensor.name) != first->find(tensor.name));
    studio.type(studio.child<QSpinBox>("calibrationSequences"), "2");
    studio.calibrate();
    CHECK(runs.calibration()->find(tensor.name) == first->find(tensor.name));
}

TEST_CASE("A plan that has run shows its calibration without another run", "[gui]") {
    TemporaryFolder home;
    CalibrationStudio studio(homeOf(home));
    studio.openSampleModel();
    auto& workspace = *studio.workspace;
    studio.chooseText(kSample);
    studio.type(studio.child<QSpinBox>("calibrationSequences"), "1");
    studio.type(studio.child<QSpinBox>("calibrationLength"), "32");
    studio.addMethod("relying", {});
    auto plan = workspace.document().plan();
    plan.selectors = {"model.layers.1.mlp.down_proj.weight"};
    workspace.document().editPlan(plan, QStringLiteral("one"));
    studio.runPlan();
    await(workspace.textRuns(), &TextRuns::changed, [&] { return workspace.planCalibration() != nullptr; });
    REQUIRE(studio.given.size() == 1);
    CHECK(workspace.planCalibration()->find("model.layers.1.mlp.down_proj.weight") == studio.given[0]);
}

TEST_CASE("The plan panel warns of what a method that relies on a calibration would miss", "[gui]") {
    TemporaryFolder home;
    CalibrationStudio studio(homeOf(home));
    studio.openSampleModel();
    studio.addMethod("rtn", {});
    CHECK(studio.warning().isEmpty());
    studio.addMethod("relying", {});
    CHECK(studio.warning() == QStringLiteral("Warning: No calibration text is chosen; needed by Relying."));
    studio.chooseText(kSample);
    CHECK(studio.warning().isEmpty()); // nothing is known yet
    studio.type(studio.child<QSpinBox>("calibrationSequences"), "4");
    studio.type(studio.child<QSpinBox>("calibrationLength"), "100");
    studio.calibrate();
    // 400 tokens are more than 256 channels and fewer than the 768 of the six matrices of the feed-forward part.
    CHECK(studio.warning().startsWith(
        QStringLiteral("Warning: 6 weights saw fewer tokens (400) than they have channels (up to 768)")));
    auto plan = studio.workspace->document().plan();
    plan.selectors = {"*.q_proj.weight"};
    studio.workspace->document().editPlan(plan, QStringLiteral("queries"));
    CHECK(studio.warning().isEmpty());
}

TEST_CASE("Warnings count weights without tokens and silent channels", "[models]") {
    engine::Checkpoint checkpoint;
    engine::Calibration calibration;
    for (int layer = 0; layer < 3; ++layer) {
        const std::string name = fmt::format("model.layers.{}.mlp.up_proj.weight", layer);
        checkpoint.tensors.push_back({name, DType::F32, {8, 4}});
        auto seen = std::make_shared<engine::InputStatistics>();
        seen->channels = 4;
        seen->tokens = 9;
        seen->channelMax = {1, 0, 0, 1};
        if (layer > 0) calibration.inputs[name] = seen;
    }
    TemporaryFolder home;
    CalibrationStudio studio(homeOf(home));
    engine::Plan plan;
    plan.methods = {{"relying", {}}};
    plan.calibration.text = "/texts/page.txt";
    CHECK(calibrationWarnings(plan, studio.registries, checkpoint, nullptr).isEmpty());
    CHECK(calibrationWarnings(plan, studio.registries, checkpoint, &calibration) ==
          QStringList{QStringLiteral("1 weight saw no token of the text."),
                      QStringLiteral("4 channels of 2 weights are never excited.")});
    plan.methods = {{"rtn", {}}};
    CHECK(calibrationWarnings(plan, studio.registries, checkpoint, &calibration).isEmpty());
    plan.rules = {{"*up_proj*", {"relying", {}}}};
    CHECK(calibrationWarnings(plan, studio.registries, checkpoint, &calibration).size() == 2);
}

TEST_CASE("A calibration is cancelled, and one that fails says why", "[gui]") {
    TemporaryFolder home;
    CalibrationStudio studio(homeOf(home));
    studio.openSampleModel();
    TextRuns& runs = studio.workspace->textRuns();
    studio.chooseText(kSample);
    auto& run = studio.child<QPushButton>("calibrate");
    QTest::mouseClick(&run, Qt::LeftButton);
    CHECK(run.text() == QStringLiteral("Cancel"));
    QTest::mouseClick(&run, Qt::LeftButton);
    await(runs, &TextRuns::changed, [&] { return !runs.jobs(TextRun::Calibration).running(); });
    CHECK_FALSE(runs.calibration());
    CHECK(run.text() == QStringLiteral("Calibrate"));

    studio.window->planPanel().calibration().setText(QStringLiteral("/nowhere/at.all"));
    QTest::mouseClick(&run, Qt::LeftButton);
    await(runs, &TextRuns::changed, [&] { return !runs.jobs(TextRun::Calibration).running(); });
    const QString said = studio.child<QLabel>("calibrationState").text();
    CHECK(said.contains(QStringLiteral("/nowhere/at.all")));
    studio.chooseText(kSample);
    CHECK(studio.child<QLabel>("calibrationState").text().startsWith(QStringLiteral("Not run")));
}

TEST_CASE("The activations of a GGUF model are found", "[gui]") {
    const auto path = realData("llm-bard/model-bf16.gguf");
    if (!path) return;
    TemporaryFolder home;
    CalibrationStudio studio(homeOf(home));
    studio.open(QString::fromStdString(path->string()));
    studio.chooseText(kSample);
    studio.type(studio.child<QSpinBox>("calibrationSequences"), "1");
    studio.calibrate();
    Selection selection = studio.workspace->selection();
    selection.tensor = static_cast<std::int64_t>(*studio.workspace->checkpoint()->find("blk.3.ffn_up.weight"));
    studio.workspace->select(selection);
    auto& area = studio.window->modelArea();
    area.raiseView(QStringLiteral("activations"));
    QCoreApplication::processEvents();
    for (auto* plot : area.dock(QStringLiteral("activations"))->findChildren<PlotArea*>()) {
        INFO(plot->accessibleName().toStdString());
        CHECK(plot->isVisible());
        CHECK(plot->layers().size() == 1);
    }
}
