// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/export_dialog.h"

#include "engine/core/checked_math.h"
#include "plugins/sdk/format.h"

#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QRegularExpression>
#include <QStandardItemModel>
#include <QStandardPaths>
#include <QVBoxLayout>

#include <algorithm>
#include <set>

namespace qscope {

namespace {

QString text(const std::string& part) { return QString::fromStdString(part); }

/// Stored bytes with the result's tensors in place of the checkpoint's own.
std::uint64_t packedBytes(const engine::Checkpoint& checkpoint, const engine::MethodResult* result) {
    if (!result) return engine::storedBytes(checkpoint);
    std::set<std::size_t> treated;
    for (const auto& tensor : result->tensors) treated.insert(tensor.tensor);
    std::uint64_t bytes = result->bytes;
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i)
        if (!treated.contains(i) && checkpoint.tensors[i].isWhole()) bytes += checkpoint.tensors[i].bytes;
    return bytes;
}

QLabel* wrapped(QWidget* parent) {
    auto* label = new QLabel(parent);
    label->setWordWrap(true);
    return label;
}

} // namespace

ExportDialog::ExportDialog(Workspace& workspace, QWidget* parent)
    : QDialog(parent), m_workspace(workspace), m_checkpoint(workspace.checkpoint()), m_report(workspace.report()),
      m_jobs(workspace.makeJobs()), m_checks(workspace.makeJobs()), m_result(new QComboBox(this)), m_format(new QComboBox(this)),
      m_summary(wrapped(this)), m_loaders(wrapped(this)), m_size(new QLabel(this)), m_form(new QFormLayout), m_shardSize(new QLineEdit(this)), m_path(new QLineEdit(this)),
      m_state(wrapped(this)), m_progress(new QProgressBar(this)), m_export(new QPushButton(this)),
      m_cancel(new QPushButton(tr("Cancel"), this)), m_open(new QPushButton(tr("Open the written file"), this)) {
    setObjectName(QStringLiteral("exportDialog"));
    setWindowTitle(tr("Export"));
    setAttribute(Qt::WA_DeleteOnClose);
    m_result->setObjectName(QStringLiteral("exportResult"));
    m_format->setObjectName(QStringLiteral("exportFormat"));
    m_shardSize->setObjectName(QStringLiteral("exportShardSize"));
    m_shardSize->setPlaceholderText(tr("unlimited: one file"));
    m_shardSize->setToolTip(tr("A larger checkpoint is cut into several files of at most this size, with an index: 5GB, 500MB, 64KiB"));
    m_path->setObjectName(QStringLiteral("exportPath"));
    m_export->setObjectName(QStringLiteral("exportNow"));
    m_cancel->setObjectName(QStringLiteral("exportCancel"));
    m_open->setObjectName(QStringLiteral("exportOpen"));
    m_result->addItem(tr("Stored weights, unchanged"));
    if (m_report)
        for (const auto& method : m_report->methods) {
            m_result->addItem(text(method.label));
            // Of a long sweep, not all results keep what would be written; selecting one in the window makes it again.
            const bool isWhole = std::ranges::all_of(method.tensors, [](const auto& tensor) { return tensor.quantized != nullptr; });
            auto* item = qobject_cast<QStandardItemModel*>(m_result->model())->item(m_result->count() - 1);
            item->setEnabled(isWhole);
            if (!isWhole) item->setToolTip(tr("Its codes were not kept: select it in the comparison to make them again"));
        }
    const int selected = m_report ? std::max(0, workspace.selection().method) + 1 : 0;
    const bool canExport = qobject_cast<QStandardItemModel*>(m_result->model())->item(selected)->isEnabled();
    m_result->setCurrentIndex(canExport ? selected : 0);
    for (const auto& exporter : workspace.registries().exporters.items())
        m_format->addItem(text(exporter->info().name), text(exporter->info().id));
    arrange();

    connect(m_result, &QComboBox::currentIndexChanged, this, &ExportDialog::checkFormats);
    connect(m_format, &QComboBox::currentIndexChanged, this, &ExportDialog::refresh);
    connect(m_format, &QComboBox::activated, this, [this] { m_choseFormat = true; });
    connect(m_shardSize, &QLineEdit::textChanged, this, &ExportDialog::refresh);
    connect(m_path, &QLineEdit::textEdited, this, [this] { m_ownPath = true; });
    connect(m_export, &QPushButton::clicked, this, &ExportDialog::start);
    connect(m_cancel, &QPushButton::clicked, this, [this] {
        m_jobs->cancel();
        showState(tr("Cancelled. Nothing was written."), Role::Warn);
    });
    connect(m_open, &QPushButton::clicked, this, [this] {
        emit openRequested(m_written);
        close();
    });
    m_poll.setInterval(50);
    connect(&m_poll, &QTimer::timeout, this, [this] {
        const auto fraction = m_jobs->fraction();
        m_progress->setVisible(m_jobs->running());
        m_cancel->setVisible(m_jobs->running());
        m_progress->setRange(0, fraction ? 1000 : 0);
        if (fraction) m_progress->setValue(static_cast<int>(*fraction * 1000));
        if (m_jobs->running()) return;
        m_poll.stop();
        m_export->setEnabled(true);
    });
    checkFormats();
}

void ExportDialog::arrange() {
    m_state->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_state->setMinimumHeight(40);
    m_state->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    m_progress->setRange(0, 1000);
    m_progress->setTextVisible(false);
    for (QWidget* hidden : {static_cast<QWidget*>(m_progress), static_cast<QWidget*>(m_open), static_cast<QWidget*>(m_cancel)}) hidden->hide();
    m_export->setProperty("primary", true);
    m_export->setDefault(true);

    auto* browse = new QPushButton(tr("Browse…"), this);
    connect(browse, &QPushButton::clicked, this, &ExportDialog::browse);
    auto* path = new QHBoxLayout;
    path->setSpacing(8);
    path->addWidget(m_path, 1);
    path->addWidget(browse);
    m_form->setSpacing(8);
    m_form->setRowWrapPolicy(QFormLayout::DontWrapRows);
    m_form->addRow(tr("Result"), m_result);
    m_form->addRow(tr("Format"), m_format);
    m_form->addRow(tr("Writes"), m_summary);
    m_form->addRow(tr("Loaded by"), m_loaders);
    m_form->addRow(tr("Size"), m_size);
    m_form->addRow(tr("Largest file"), m_shardSize);
    m_form->addRow(tr("File"), path);
    auto* dismiss = new QPushButton(tr("Close"), this);
    connect(dismiss, &QPushButton::clicked, this, &QDialog::close);
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(m_open);
    buttons->addStretch();
    buttons->addWidget(dismiss);
    buttons->addWidget(m_cancel);
    buttons->addWidget(m_export);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(16, 16, 16, 16);
    layout->setSpacing(16);
    layout->addLayout(m_form);
    layout->addWidget(m_state);
    layout->addWidget(m_progress);
    layout->addLayout(buttons);
    resize(600, 360);
}

void ExportDialog::checkFormats() {
    m_refusals.clear();
    if (m_checkpoint) {
        runJob(
            *m_checks, tr("Asking which formats hold the result"),
            [&registries = m_workspace.registries(), checkpoint = m_checkpoint, report = m_report,
             method = result()](const RunContext& context) -> Result<Refusals> {
                Refusals refusals;
                for (const auto& exporter : registries.exporters.items()) {
                    if (context.cancelled()) return cancelled();
                    const auto accepted = exporter->accepts(*checkpoint, method);
                    refusals.push_back(accepted ? QString() : text(describe(accepted.error())));
                }
                return refusals;
            },
            [this](const Result<Refusals>& refusals) {
                if (refusals) showRefusals(*refusals);
            });
    }
    refresh();
}

void ExportDialog::showRefusals(const Refusals& refusals) {
    m_refusals = refusals;
    auto* items = qobject_cast<QStandardItemModel*>(m_format->model());
    for (int row = 0; items && row < m_format->count(); ++row) {
        const QString& reason = refusals[static_cast<std::size_t>(row)];
        items->item(row)->setEnabled(reason.isEmpty());
        items->item(row)->setToolTip(reason);
    }
    if (m_jobs->running()) return; // what is shown is about the export
    const auto current = static_cast<std::size_t>(std::max(0, m_format->currentIndex()));
    const auto holds = std::find_if(refusals.begin(), refusals.end(), [](const QString& reason) { return reason.isEmpty(); });
    if (!m_choseFormat && holds != refusals.end() && !refusals[current].isEmpty())
        m_format->setCurrentIndex(static_cast<int>(holds - refusals.begin())); // refreshes
    else refresh();
}

const engine::Exporter* ExportDialog::exporter() const {
    return m_workspace.registries().exporters.find(m_format->currentData().toString().toStdString());
}

const engine::MethodResult* ExportDialog::result() const {
    const int index = m_result->currentIndex() - 1;
    return index < 0 ? nullptr : &m_report->methods[static_cast<std::size_t>(index)];
}

QString ExportDialog::path() const { return m_path->text(); }

void ExportDialog::setPath(const QString& path) {
    m_path->setText(path);
    m_ownPath = true;
}

void ExportDialog::setFormat(const QString& exporterId) {
    m_choseFormat = true;
    m_format->setCurrentIndex(m_format->findData(exporterId));
}

void ExportDialog::setShardSize(const QString& size) { m_shardSize->setText(size); }

std::optional<std::uint64_t> ExportDialog::shardBytes() const {
    const QString said = m_shardSize->text().trimmed();
    return exporter() && exporter()->info().shards ? engine::parseByteSize(said.toStdString()) : std::nullopt;
}

QString ExportDialog::sizeText() const {
    const auto whole = static_cast<int>(std::ranges::count_if(m_checkpoint->tensors, &engine::TensorInfo::isWhole));
    const auto bytes = packedBytes(*m_checkpoint, result());
    // Without a result the format decides how large the stored weights become.
    const QString said = (result() ? tr("about %1 in %n tensor(s)", nullptr, whole) : tr("%n tensor(s), %1 as they are stored now", nullptr, whole))
                             .arg(formatBytes(bytes));
    const auto most = shardBytes();
    if (!most || bytes <= *most) return said;
    return tr("%1; %n file(s) or more", nullptr, static_cast<int>(std::min<std::uint64_t>(ceilDiv(bytes, *most), 1'000'000))).arg(said);
}

void ExportDialog::refresh() {
    m_open->hide();
    if (!exporter() || !m_checkpoint) {
        m_export->setText(tr("Export"));
        m_export->setEnabled(false);
        return showState(m_checkpoint ? tr("No exporter is installed; enable its plugin.") : tr("No model is open."), Role::Warn);
    }
    const auto& info = exporter()->info();
    m_summary->setText(text(info.summary));
    m_loaders->setText(text(info.loadedBy));
    m_size->setText(sizeText());
    m_form->setRowVisible(m_shardSize, info.shards);
    m_export->setText(tr("Export %1").arg(text(info.name)));
    proposePath();
    const auto row = static_cast<std::size_t>(m_format->currentIndex());
    const bool known = row < m_refusals.size();
    const bool refused = known && !m_refusals[row].isEmpty();
    const QString shardSize = m_shardSize->text().trimmed();
    const bool noSize = info.shards && !shardSize.isEmpty() && !shardBytes();
    m_export->setEnabled(!refused && !noSize && !m_jobs->running());
    if (refused) return showState(tr("Cannot be written: %1").arg(m_refusals[row]), Role::Warn);
    if (noSize) return showState(tr("“%1” is no size of a file; write it like 5GB or 500MB.").arg(shardSize), Role::Warn);
    showState(tr("The written file is read back and compared before it takes its name."), Role::Muted);
}

void ExportDialog::proposePath() {
    if (m_ownPath) return;
    const QFileInfo source(text(m_checkpoint->path.string()));
    QString folder = source.isDir() ? source.absoluteFilePath() : source.absolutePath();
    if (!QFileInfo(folder).isWritable()) folder = QStandardPaths::writableLocation(QStandardPaths::DocumentsLocation);
    QString name = source.completeBaseName();
    if (result()) name += QLatin1Char('-') + text(result()->label);
    name.replace(QRegularExpression(QStringLiteral("[^A-Za-z0-9._-]+")), QStringLiteral("-"));
    m_path->setText(QStringLiteral("%1/%2.%3").arg(folder, name, text(exporter()->info().extension)));
}

void ExportDialog::browse() {
    auto* dialog = new QFileDialog(this, tr("Export to"), m_path->text());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    connect(dialog, &QFileDialog::fileSelected, this, &ExportDialog::setPath);
    dialog->open();
}

void ExportDialog::start() {
    const auto* writer = exporter();
    if (!writer || !m_checkpoint || !m_export->isEnabled()) return;
    m_export->setEnabled(false);
    m_poll.start();
    showState(tr("Writing and checking…"), Role::Muted);
    runJob(
        *m_jobs, tr("Exporting %1").arg(QFileInfo(path()).fileName()),
        [writer, checkpoint = m_checkpoint, report = m_report, method = result(),
         target = path().toStdString(), options = engine::ExportOptions{shardBytes().value_or(0)}](const RunContext& context) {
            return writer->write(*checkpoint, method, target, context, options);
        },
        [this, target = path()](const Result<engine::ExportOutcome>& outcome) { finished(target, outcome); });
}

void ExportDialog::finished(const QString& target, const Result<engine::ExportOutcome>& outcome) {
    if (!outcome) {
        const QString reason = text(describe(outcome.error()));
        showState(reason, Role::Bad);
        m_workspace.showMessage(reason, Severity::Error);
        emit failed(reason);
        return;
    }
    const QString said = tr("Wrote %1, %n tensor(s), of which %2 read back equal.", nullptr, static_cast<int>(outcome->tensors))
                             .arg(formatBytes(outcome->bytes), formatInteger(static_cast<std::int64_t>(outcome->verified)));
    showState(said, Role::Good);
    m_workspace.showMessage(QStringLiteral("%1: %2").arg(target, said));
    m_written = QFileInfo::exists(target) ? target : target + QStringLiteral(".index.json"); // of shards
    m_open->show();
    emit exported(target, *outcome);
}

void ExportDialog::showState(const QString& said, Role role) {
    QPalette palette = m_state->palette();
    palette.setColor(QPalette::WindowText, m_workspace.theme().color(role));
    m_state->setPalette(palette);
    m_state->setText(said);
}

} // namespace qscope
