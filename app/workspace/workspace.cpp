// SPDX-License-Identifier: GPL-3.0-or-later
// First: Qt's keyword macros must not reach the engine's names.
#include "engine/plan/calibrate.h"

#include "app/workspace/workspace.h"

#include "app/workspace/plan_editor.h"
#include "engine/core/atomic_file.h"
#include "plugins/host/devices.h"

#include <QFileInfo>

#include <algorithm>

namespace qscope {

namespace {

QString textOf(const Error& error) { return QString::fromStdString(describe(error)); }

/// Selection indices that fit what is open; those that do not are dropped.
Selection fitted(Selection selection, const Document& document) {
    const auto keepBelow = [](auto& index, std::size_t count) {
        if (index < 0 || static_cast<std::size_t>(index) >= count) index = -1;
    };
    const auto& checkpoint = document.checkpoint();
    keepBelow(selection.tensor, checkpoint ? checkpoint->tensors.size() : 0);
    engine::MatrixShape shape{0, 0};
    if (selection.tensor >= 0)
        shape = engine::asMatrix(checkpoint->tensors[static_cast<std::size_t>(selection.tensor)].shape);
    keepBelow(selection.row, static_cast<std::size_t>(shape.rows));
    keepBelow(selection.column, static_cast<std::size_t>(shape.columns));
    const auto report = document.report();
    keepBelow(selection.method, report ? report->methods.size() : 0);
    const auto circuit = document.circuit() ? document.circuit()->circuit : nullptr;
    keepBelow(selection.qubit, circuit ? static_cast<std::size_t>(circuit->qubits) : 0);
    keepBelow(selection.step, circuit ? circuit->operations.size() + 1 : 0);
    return selection;
}

} // namespace

Workspace::Workspace(const engine::Registries& registries, Settings& settings)
    : m_registries(registries), m_settings(settings), m_theme(Theme::named(QStringLiteral("light"))),
      m_backend(engine::makeCpuBackend()), m_statistics(m_jobs, backendSource()),
      m_simulation(registries, m_jobs, backendSource()), m_calibrations(std::make_unique<engine::CalibrationCache>()),
      m_textRunner(settings, *m_calibrations, m_jobs, backendSource()),
      m_board(m_document, m_textRunner, registries, *m_calibrations, m_jobs, backendSource(), *this),
      m_openRunner(m_jobs, backendSource()),
      m_planRunner(m_jobs, backendSource()), m_deviceRunner(m_jobs, backendSource()),
      m_saveRunner(m_jobs, backendSource()),
      m_circuitText(std::make_unique<JobRunner>(m_jobs, backendSource())) {
    new PlanEditor(m_document, registries, *this); // a child, where views look for it
    connect(&m_document, &Document::changed, this, &Workspace::documentChanged);
    connect(&m_statistics, &StatisticsCache::changed, this, &ViewContext::statisticsChanged);
    connect(&m_simulation, &SimulationFollower::changed, this, &ViewContext::simulationChanged);
    connect(&m_circuitText, &CircuitText::parsed, this, &Workspace::adoptEditedCircuit);
    connect(&m_circuitText, &CircuitText::inputsChanged, this, [this] {
        auto options = m_simulation.options();
        options.inputs.clear();
        for (auto it = m_circuitText.inputs().begin(); it != m_circuitText.inputs().end(); ++it) options.inputs[it.key().toStdString()] = it.value();
        m_simulation.setOptions(options);
    });
    connect(&m_planRunner, &JobRunner::runningChanged, this, &Workspace::planRunningChanged);
    connect(&m_jobs, &JobList::removed, &m_messages, [this](const std::shared_ptr<JobRecord>& job) {
        if (job->stop.stop_requested()) return;
        for (const auto& note : job->notes.entries()) m_messages.add(note);
    });
}

Workspace::~Workspace() { m_jobs.cancelAll(); } // all stop at once; the runners then wait one after the other

std::shared_ptr<const engine::Checkpoint> Workspace::checkpoint() const { return m_document.checkpoint(); }
std::shared_ptr<const engine::CompareReport> Workspace::report() const { return m_document.report(); }
std::shared_ptr<const OpenCircuit> Workspace::circuit() const { return m_document.circuit(); }
std::shared_ptr<const engine::SimulationResult> Workspace::simulation() const { return m_simulation.result(); }
QString Workspace::simulationProblem() const { return m_simulation.problem(); }

std::shared_ptr<const engine::TensorStatistics> Workspace::statistics(std::int64_t tensor) const {
    return m_statistics.request(tensor);
}

void Workspace::select(const Selection& selection) {
    const Selection after = fitted(selection, m_document);
    if (after == m_selection) return;
    const Selection before = std::exchange(m_selection, after);
    if (after.step != before.step) m_simulation.setStep(after.step);
    rememberResult();
    if (after.method != before.method) m_board.fillCodes(after.method);
    emit selectionChanged(before);
}

void Workspace::rememberResult() {
    const auto shown = report();
    m_selectedLabel = shown && m_selection.method >= 0 ? shown->methods[static_cast<std::size_t>(m_selection.method)].label : std::string();
}

void Workspace::followResult() {
    const auto shown = report();
    if (!shown || m_selectedLabel.empty()) return;
    const auto found = std::find_if(shown->methods.begin(), shown->methods.end(), [&](const auto& method) { return method.label == m_selectedLabel; });
    if (found != shown->methods.end()) m_selection.method = static_cast<int>(found - shown->methods.begin());
    else if (m_selection.method >= static_cast<int>(shown->methods.size())) m_selection.method = -1;
}

JobRunner::BackendSource Workspace::backendSource() {
    return [this] { return m_backend; };
}

std::unique_ptr<Jobs> Workspace::makeJobs() { return std::make_unique<JobRunner>(m_jobs, backendSource()); }
void Workspace::request(WindowRequest what) { emit requested(what); }
void Workspace::showMessage(const QString& text, Severity severity) { m_messages.add(severity, text); }

void Workspace::open(const QString& path) {
    const QString absolute = QFileInfo(path).absoluteFilePath();
    const bool replaces = path.endsWith(QLatin1String(".qasm"), Qt::CaseInsensitive) || path.endsWith(QLatin1String(".qscope"), Qt::CaseInsensitive);
    if (replaces && m_circuitText.modified()) {
        emit circuitWouldBeLost(QStringList{absolute} + std::exchange(m_toOpen, {}));
        return;
    }
    runJob(
        m_openRunner, tr("Opening %1").arg(QFileInfo(absolute).fileName()),
        [absolute, &registries = m_registries](const RunContext& context) {
            return openFiles(absolute, registries, context);
        },
        [this, absolute](Result<OpenedFiles> files) {
            if (files) {
                adopt(absolute, *std::move(files));
            } else {
                showMessage(textOf(files.error()), Severity::Error);
                emit openFailed(absolute, textOf(files.error()));
            }
            openAll(std::exchange(m_toOpen, {}));
        });
}

void Workspace::openAll(const QStringList& paths) {
    if (paths.isEmpty()) return;
    m_toOpen = paths.mid(1);
    open(paths.front());
}

void Workspace::adopt(const QString& path, OpenedFiles files) {
    for (const auto& error : files.missing) showMessage(textOf(error), Severity::Error);
    if (files.checkpoint) {
        showMessage(tr("Recognised %1 as %2").arg(QFileInfo(path).fileName(), QString::fromStdString(engine::recognised(*files.checkpoint, m_registries))));
        m_document.setCheckpoint(std::move(files.checkpoint));
        selectFirstMatrix();
    }
    if (files.circuit) {
        for (auto diagnostic : files.circuit->diagnostics) {
            diagnostic.subject = QFileInfo(files.circuit->path).fileName().toStdString();
            m_messages.add(diagnostic);
        }
        adoptCircuit(files.circuit, !files.session || !files.session->circuitText);
    }
    if (files.session) adoptSession(*std::move(files.session));
    m_settings.addRecentFile(path);
    emit opened(path);
}

void Workspace::adoptCircuit(std::shared_ptr<const OpenCircuit> circuit, bool saved) {
    m_document.setCircuit(circuit);
    m_circuitText.load(circuit, saved);
    emit m_circuitText.inputsChanged(); // those of the circuit before are gone
    if (!circuit || !circuit->circuit) return;
    Selection selection = m_selection;
    selection.qubit = -1;
    selection.step = static_cast<std::int64_t>(circuit->circuit->operations.size());
    select(selection);
}

void Workspace::adoptEditedCircuit(std::shared_ptr<const OpenCircuit> circuit) {
    // The user goes on where he was: a step at the end stays there, others keep their number.
    Selection kept = m_selection;
    const auto before = m_document.circuit() ? m_document.circuit()->circuit : nullptr;
    const auto count = static_cast<std::int64_t>(circuit->circuit->operations.size());
    if (!before || kept.step < 0 || kept.step >= static_cast<std::int64_t>(before->operations.size())) kept.step = count;
    m_document.setCircuit(std::move(circuit));
    kept.step = std::min(kept.step, count);
    select(kept);
}

void Workspace::newCircuit(const QString& text) {
    adoptCircuit(circuitFromText({}, text), true);
    emit opened(QStringLiteral("untitled.qasm"));
}

void Workspace::saveCircuitTo(const QString& path) {
    runJob(
        m_saveRunner, tr("Saving %1").arg(QFileInfo(path).fileName()),
        [path, bytes = m_circuitText.savedText()](const RunContext&) -> Result<QByteArray> {
            QSCOPE_CHECK(writeFileAtomically(path.toStdString(), {bytes.constData(), static_cast<std::size_t>(bytes.size())}));
            return bytes;
        },
        [this, path](const Result<QByteArray>& written) {
            if (!written) {
                showMessage(textOf(written.error()), Severity::Error);
                emit circuitSaveFailed(path, textOf(written.error()));
                return;
            }
            if (*written == m_circuitText.savedText()) m_circuitText.markSaved(); // else it was edited meanwhile
            m_circuitText.setPath(path);
            if (const auto circuit = m_document.circuit(); circuit && circuit->circuit && circuit->path != path) {
                auto renamed = std::make_shared<OpenCircuit>(*circuit);
                renamed->path = path;
                adoptEditedCircuit(std::move(renamed));
            }
            m_settings.addRecentFile(path);
            emit circuitSaved(path);
        });
}

void Workspace::adoptSession(SessionData session) {
    m_document.restorePlan(std::move(session.plan));
    m_document.restoreAnnotations(std::move(session.annotations));
    m_board.restore(std::move(session.pinned), session.baseline);
    Selection selection = session.selection;
    selection.method = -1;
    selection.tensor = m_selection.tensor;
    if (m_document.checkpoint())
        if (const auto tensor = m_document.checkpoint()->find(session.tensor.toStdString()))
            selection.tensor = static_cast<std::int64_t>(*tensor);
    select(selection);
    emit sessionRestored(session.layout);
}

void Workspace::selectFirstMatrix() {
    engine::Plan everything;
    const auto matrices = engine::selectTensors(everything, *m_document.checkpoint());
    Selection selection = m_selection;
    selection.tensor = matrices.empty() ? 0 : static_cast<std::int64_t>(matrices.front());
    selection.row = selection.column = -1;
    select(selection);
}

void Workspace::runPlan() {
    const auto checkpoint = m_document.checkpoint();
    if (!checkpoint || m_document.plan().methods.empty()) return;
    engine::Plan plan = m_document.plan();
    plan.sweeps.clear(); // they run when asked for
    runJob(
        m_planRunner, tr("Quantizing with %n method(s)", nullptr, static_cast<int>(plan.methods.size())),
        [checkpoint, plan, &registries = m_registries, &calibrations = *m_calibrations](const RunContext& context) {
            return engine::runPlan(plan, *checkpoint, registries, context, &calibrations);
        },
        [this, checkpoint, plan](Result<std::shared_ptr<const engine::CompareReport>> report) {
            if (!report) {
                showMessage(textOf(report.error()), Severity::Error);
                emit planRunFailed(textOf(report.error()));
            } else if (checkpoint == m_document.checkpoint()) {
                const bool calibrated = (*report)->calibration.has_value();
                m_board.adopt(*std::move(report), plan);
                // What the run has just put into the cache, to be seen.
                if (calibrated && plan.calibration == m_document.plan().calibration && !planCalibration()) calibrate();
            }
        });
}

void Workspace::cancelPlan() { m_planRunner.cancel(); }
void Workspace::calibrate() { m_textRunner.calibrate(m_document.plan(), m_registries); }

std::shared_ptr<const engine::Calibration> Workspace::planCalibration() const {
    auto made = m_textRunner.calibration();
    if (!made) return nullptr;
    engine::CalibrationSettings asked = m_document.plan().calibration;
    asked.secondMoments = made->settings.secondMoments; // the run's own concern
    return asked == made->settings ? made : nullptr;
}

void Workspace::documentChanged(Document::Change change) {
    switch (change) {
    case Document::Change::Checkpoint:
        m_planRunner.cancel();
        m_statistics.setCheckpoint(m_document.checkpoint());
        m_textRunner.setCheckpoint(m_document.checkpoint());
        m_selection.tensor = m_selection.row = m_selection.column = m_selection.token = -1;
        m_selection.layer = -1; // views hear of it with the new checkpoint
        emit checkpointChanged();
        break;
    case Document::Change::Report: {
        m_textRunner.setReport(m_document.report());
        followResult(); // views hear of it with the new report
        emit reportChanged();
        Selection selection = m_selection;
        if (report() && selection.method < 0) selection.method = 0;
        select(selection);
        rememberResult();
        break;
    }
    case Document::Change::Circuit:
        m_selection.qubit = -1;
        m_selection.step = -1;
        m_simulation.setCircuit(m_document.circuit());
        emit circuitChanged();
        break;
    case Document::Change::Plan:
    case Document::Change::Notes: break;
    }
}

void Workspace::applyTheme(const Theme& theme) {
    m_theme = theme;
    emit themeChanged();
}

void Workspace::useDevice(const QString& choice) {
    using Backend = std::shared_ptr<engine::ComputeBackend>;
    m_settings.setDevice(choice);
    runJob(
        m_deviceRunner, tr("Starting the device"), [choice = choice.toStdString()](const RunContext&) -> Result<Backend> {
            QSCOPE_TRY(auto backend, makeBackend(choice));
            return Backend(std::move(backend));
        },
        [this](Result<Backend> backend) {
            if (!backend) return showMessage(textOf(backend.error()), Severity::Error);
            if ((*backend)->name() == m_backend->name()) return;
            m_backend = *std::move(backend);
            showMessage(tr("Computing on %1").arg(QString::fromStdString(m_backend->name())));
            m_simulation.restart();
            emit simulationChanged();
            emit deviceChanged();
        });
}

SessionData Workspace::session() const {
    SessionData session;
    if (const auto& checkpoint = m_document.checkpoint()) {
        session.checkpoint = QString::fromStdString(checkpoint->path.string());
        if (m_selection.tensor >= 0)
            session.tensor = QString::fromStdString(checkpoint->tensors[static_cast<std::size_t>(m_selection.tensor)].name);
    }
    if (m_document.circuit()) session.circuit = m_document.circuit()->path;
    if (m_circuitText.isOpen() && (m_circuitText.modified() || m_circuitText.path().isEmpty())) session.circuitText = m_circuitText.text();
    session.plan = m_document.plan();
    session.annotations = m_document.annotations();
    session.pinned = m_board.pinned();
    session.baseline = m_board.baseline();
    session.selection = m_selection;
    return session;
}

void Workspace::saveSessionTo(const QString& path, SessionData session) {
    runJob(
        m_saveRunner, tr("Saving %1").arg(QFileInfo(path).fileName()),
        [path, session = std::move(session)](const RunContext&) { return saveSession(session, path); },
        [this, path](const Result<void>& result) {
            if (!result) return showMessage(textOf(result.error()), Severity::Error);
            m_settings.addRecentFile(path);
            emit sessionSaved(path);
        });
}

} // namespace qscope
