// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/main_window.h"
#include "app/views/samples.h"
#include "app/views/view_area.h"
#include "engine/core/atomic_file.h"
#include "engine/report/html_report.h"
#include "engine/report/json_report.h"

#include <QCoreApplication>
#include <QDate>
#include <QDockWidget>
#include <QFileDialog>
#include <QFileInfo>
#include <QPainter>
#include <QPdfWriter>
#include <QStackedWidget>
#include <QStatusBar>

namespace qscope {

namespace {

/// A file dialog that does not block; `chosen` gets the path.
void ask(QWidget* parent, const QString& title, QFileDialog::AcceptMode mode, QFileDialog::FileMode kind,
         const QStringList& filters, const QString& proposal, std::function<void(const QString&)> chosen) {
    auto* dialog = new QFileDialog(parent, title);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(mode);
    dialog->setFileMode(kind);
    dialog->setNameFilters(filters);
    if (!proposal.isEmpty()) {
        const QFileInfo info(proposal);
        dialog->setDirectory(info.isDir() ? info.absoluteFilePath() : info.absolutePath());
        if (!info.isDir()) dialog->selectFile(info.fileName());
    }
    if (mode == QFileDialog::AcceptSave && !filters.isEmpty())
        dialog->setDefaultSuffix(QFileInfo(filters.front().section(QLatin1Char('*'), 1).section(QLatin1Char(')'), 0, 0)).suffix());
    QObject::connect(dialog, &QFileDialog::fileSelected, parent, std::move(chosen));
    dialog->open();
}

QString firstFolder(const Settings& settings) {
    const auto recent = settings.recentFiles();
    return recent.isEmpty() ? samplesFolder() : QFileInfo(recent.front()).absolutePath();
}

Result<void> writeReportFile(const engine::CompareReport& report, const engine::HtmlReportDetails& details, const QString& path) {
    const bool json = path.endsWith(QLatin1String(".json"), Qt::CaseInsensitive);
    return writeFileAtomically(path.toStdString(), json ? engine::toJson(report).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                                                        : engine::htmlReport(report, details));
}

/// "Models (*.safetensors *.gguf ...)", whatever the readers know.
QString modelFilter(const engine::Registries& registries) {
    QStringList patterns;
    for (const auto& reader : registries.readers.items())
        for (const auto& extension : reader->info().extensions) patterns << QStringLiteral("*.%1").arg(QString::fromStdString(extension));
    patterns << QStringLiteral("*.index.json");
    patterns.removeDuplicates();
    return MainWindow::tr("Models (%1)").arg(patterns.join(QLatin1Char(' ')));
}

} // namespace

void MainWindow::chooseModel(bool folder) {
    QStringList filters;
    if (!folder) filters << modelFilter(m_workspace.registries()) << tr("Sessions (*.qscope)") << tr("All files (*)");
    ask(this, folder ? tr("Open model folder") : tr("Open model"), QFileDialog::AcceptOpen,
        folder ? QFileDialog::Directory : QFileDialog::ExistingFile, filters, firstFolder(m_workspace.settings()),
        [this](const QString& path) { m_workspace.open(path); });
}

void MainWindow::chooseStored() {
    ask(this, tr("Compare with a stored model"), QFileDialog::AcceptOpen, QFileDialog::ExistingFile,
        {modelFilter(m_workspace.registries()), tr("All files (*)")}, firstFolder(m_workspace.settings()), [this](const QString& path) {
            auto plan = m_workspace.document().plan();
            plan.methods.push_back({"file", {{"path", path.toStdString()}}});
            m_workspace.document().editPlan(std::move(plan), tr("Compare with %1").arg(QFileInfo(path).fileName()));
            setMode(Mode::Model);
            m_taskDock->show();
        });
}

void MainWindow::chooseCircuit() {
    const QString recent = m_workspace.circuit() ? QFileInfo(m_workspace.circuit()->path).absolutePath() : samplesFolder() + QStringLiteral("/circuits");
    ask(this, tr("Open circuit"), QFileDialog::AcceptOpen, QFileDialog::ExistingFile,
        {tr("OpenQASM (*.qasm)"), tr("All files (*)")}, recent, [this](const QString& path) { m_workspace.open(path); });
}

void MainWindow::chooseText() {
    const QString current = m_workspace.textRuns().text();
    ask(this, tr("Choose text"), QFileDialog::AcceptOpen, QFileDialog::ExistingFile,
        {tr("Texts (*.txt *.md *.raw)"), tr("All files (*)")}, current.isEmpty() ? firstFolder(m_workspace.settings()) : current,
        [this](const QString& path) { m_workspace.textRuns().setText(path); });
}

void MainWindow::saveSession(bool choosePath) {
    if (!choosePath && !m_sessionPath.isEmpty()) return m_workspace.saveSessionTo(m_sessionPath, session());
    ask(this, tr("Save session"), QFileDialog::AcceptSave, QFileDialog::AnyFile, {tr("Sessions (*.qscope)")},
        firstFolder(m_workspace.settings()) + QStringLiteral("/session.qscope"),
        [this](const QString& path) { m_workspace.saveSessionTo(path, session()); });
}

void MainWindow::saveReport() {
    ask(this, tr("Save report"), QFileDialog::AcceptSave, QFileDialog::AnyFile,
        {tr("Page with pictures (*.html)"), tr("Numbers (*.json)")},
        firstFolder(m_workspace.settings()) + QStringLiteral("/report.html"), [this](const QString& path) { writeReport(path); });
}

void MainWindow::writeReport(const QString& path) {
    const auto report = m_workspace.report();
    if (!report) return;
    engine::HtmlReportDetails details;
    details.version = QCoreApplication::applicationVersion().toStdString();
    details.date = QDate::currentDate().toString(Qt::ISODate).toStdString();
    for (const auto& result : report->methods)
        if (const auto method = engine::findMethod(m_workspace.registries(), result.spec.id)) details.methods.push_back((*method)->info());
    details.settings.emplace_back("Seed", std::to_string(m_workspace.document().plan().seed));
    runJob(
        *m_reportJobs, tr("Saving the report"),
        [report, details, path](const RunContext&) { return writeReportFile(*report, details, path); },
        [this, path](const Result<void>& result) {
            if (result) {
                m_workspace.showMessage(tr("Wrote the report to %1").arg(path));
                emit reportWritten(path);
            } else {
                m_workspace.showMessage(QString::fromStdString(describe(result.error())), Severity::Error);
            }
        });
}

void MainWindow::savePicture() {
    ask(this, tr("Save picture"), QFileDialog::AcceptSave, QFileDialog::AnyFile, {tr("PDF (*.pdf)")},
        firstFolder(m_workspace.settings()) + QStringLiteral("/quantoscope.pdf"), [this](const QString& path) {
            QWidget* page = m_centre->currentWidget();
            QPdfWriter writer(path);
            writer.setPageSize(QPageSize(QSizeF(page->size()) * 72.0 / page->logicalDpiX(), QPageSize::Point, QString(), QPageSize::ExactMatch));
            writer.setPageMargins({});
            QPainter painter(&writer);
            if (!painter.isActive()) return m_workspace.showMessage(tr("%1 cannot be written").arg(path), Severity::Error);
            const double scale = static_cast<double>(writer.width()) / page->width();
            painter.scale(scale, scale);
            page->render(&painter);
        });
}

} // namespace qscope
