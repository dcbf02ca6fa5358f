// SPDX-License-Identifier: GPL-3.0-or-later
// First: Qt's keyword macros must not reach the engine's names.
#include "engine/plan/activations.h"
#include "engine/plan/calibrate.h"
#include "engine/plan/plan_inputs.h"
#include "engine/plan/propagate.h"

#include "app/workspace/text_runner.h"

#include <QDir>
#include <QFileInfo>

#include <algorithm>

namespace qscope {

namespace {

/// Of a long sweep, not all results keep what a model needs to run.
bool hasCodes(const engine::MethodResult& method) {
    return std::all_of(method.tensors.begin(), method.tensors.end(), [](const auto& tensor) { return tensor.quantized != nullptr; });
}

/// Results that run beside the model in full precision; each has weights of its own in memory.
constexpr std::size_t kMostFollowed = 16;

std::vector<const engine::MethodResult*> followed(const engine::CompareReport& report, const std::set<std::string>& preferred) {
    std::vector<const engine::MethodResult*> all, wanted;
    for (const auto& method : report.methods) {
        if (!hasCodes(method)) continue;
        all.push_back(&method);
        if (preferred.contains(method.label)) wanted.push_back(&method);
    }
    if (all.size() <= kMostFollowed) return all;
    if (!wanted.empty()) all = std::move(wanted);
    if (all.size() > kMostFollowed) all.resize(kMostFollowed);
    return all;
}

} // namespace

TextRunner::TextRunner(Settings& settings, engine::CalibrationCache& calibrations, JobList& jobs,
                       const JobRunner::BackendSource& backend)
    : m_settings(settings)
    , m_calibrations(calibrations) {
    for (std::size_t i = 0; i < m_slots.size(); ++i) {
        m_slots[i].reset(new Slot{{}, {jobs, backend}});
        connect(&m_slots[i]->runner, &JobRunner::runningChanged, this,
                [this, i] { emit changed(static_cast<TextRun>(i)); });
    }
}

TextRunner::~TextRunner() = default; // the runners stop before what they write to goes

void TextRunner::setCheckpoint(std::shared_ptr<const engine::Checkpoint> checkpoint) {
    m_checkpoint = std::move(checkpoint);
    m_report.reset();
    m_propagation.reset();
    m_calibration.reset();
    m_activations.reset();
    for (std::size_t i = 0; i < m_slots.size(); ++i) {
        m_slots[i]->runner.cancel();
        m_slots[i]->problem.clear();
        emit changed(static_cast<TextRun>(i));
    }
    emit textChanged();
}

void TextRunner::setReport(std::shared_ptr<const engine::CompareReport> report) {
    if (report == m_report) return;
    m_report = std::move(report);
    m_propagation.reset();
    cancel(TextRun::Propagation);
    slot(TextRun::Propagation).problem.clear();
    emit changed(TextRun::Propagation);
}

QString TextRunner::text() const {
    if (const QString chosen = m_settings.text(); QFileInfo(chosen).isFile()) return chosen;
    if (!m_checkpoint) return {};
    const QFileInfo file(QString::fromStdString(m_checkpoint->path.string()));
    const QDir folder = file.isDir() ? QDir(file.filePath()) : file.dir();
    const QString beside = folder.filePath(QStringLiteral("page.txt")); // as with the bundled sample
    return QFileInfo(beside).isFile() ? beside : QString();
}

void TextRunner::setText(const QString& path) {
    m_settings.setText(path);
    emit textChanged();
}

template<class T, class Work>
void TextRunner::start(TextRun run, const QString& title, std::shared_ptr<const T>& result, Work work) {
    slot(run).problem.clear();
    runJob(
        slot(run).runner, title,
        [checkpoint = m_checkpoint,
         work = std::move(work)](const RunContext& context) -> Result<std::shared_ptr<const T>> {
            QSCOPE_TRY(const engine::Model model, engine::loadModel(checkpoint, {}, context.notes));
            return work(model, context);
        },
        [this, run, &result](Result<std::shared_ptr<const T>> outcome) {
            if (outcome)
                result = *std::move(outcome);
            else
                slot(run).problem = QString::fromStdString(describe(outcome.error()));
            emit changed(run);
        });
}

void TextRunner::propagate(std::int64_t tokens, bool attribution) {
    if (!m_checkpoint || !m_report) return;
    engine::PropagationSettings settings;
    settings.text = text().toStdString();
    settings.tokens = tokens;
    settings.attribution = attribution;
    start(TextRun::Propagation, tr("Following errors through the network"), m_propagation,
          [settings, report = m_report, preferred = m_preferred](const engine::Model& model, const RunContext& context) {
              const auto methods = followed(*report, preferred);
              if (methods.size() < report->methods.size())
                  context.notes.note(fmt::format("followed {} of {} results: those that are pinned, and still have their codes",
                                                 methods.size(), report->methods.size()));
              return engine::propagate(model, settings, methods, context);
          });
}

void TextRunner::calibrate(std::int64_t sequences, std::int64_t length) {
    if (!m_checkpoint) return;
    engine::CalibrationSettings settings;
    settings.text = text().toStdString();
    settings.sequences = sequences;
    settings.length = length;
    start(TextRun::Calibration, tr("Calibrating"), m_calibration,
          [settings, &cache = m_calibrations](const engine::Model& model, const RunContext& context) {
              return engine::calibrate(model, settings, context, &cache);
          });
}

void TextRunner::calibrate(const engine::Plan& plan, const engine::Registries& registries) {
    if (!m_checkpoint || plan.calibration.text.empty()) return;
    start(TextRun::Calibration, tr("Calibrating"), m_calibration,
          [plan, &registries, &cache = m_calibrations](const engine::Model& model, const RunContext& context) {
              // A plan that cannot run yet asks for no more than what the panel says.
              const auto asked = engine::calibrationSettings(plan, *model.checkpoint, registries);
              return engine::calibrate(model, asked ? *asked : plan.calibration, context, &cache);
          });
}

void TextRunner::recordActivations(std::int64_t tokens) {
    if (!m_checkpoint) return;
    engine::ActivationSettings settings;
    settings.text = text().toStdString();
    settings.tokens = tokens;
    start(TextRun::Activations, tr("Recording attention"), m_activations,
          [settings](const engine::Model& model, const RunContext& context) {
              return engine::recordActivations(model, settings, context);
          });
}

} // namespace qscope
