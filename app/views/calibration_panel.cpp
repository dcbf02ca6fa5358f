// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/calibration_panel.h"

#include "app/views/samples.h"
#include "plugins/sdk/format.h"

#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>

namespace qscope {

namespace {

constexpr int kMostSequences = 1'000'000;
constexpr int kLongest = 1 << 20; // tokens of a sequence
constexpr int kPollMs = 50;
constexpr QLatin1String kAsk("?"); // the entry that opens a dialogue; no path

enum MergeKey { Sequences = 0x43414c, Length }; // turning one knob through many values is one step back

void setColor(QLabel& label, const QColor& color) {
    QPalette palette = label.palette();
    palette.setColor(QPalette::WindowText, color);
    label.setPalette(palette);
}

} // namespace

CalibrationPanel::CalibrationPanel(Workspace& workspace, QWidget* parent)
    : QWidget(parent)
    , m_workspace(workspace) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    layout->addWidget(makeHeader());
    m_body = makeBody();
    m_body->hide();
    layout->addWidget(m_body);
    m_poll.setInterval(kPollMs);
    connect(&m_poll, &QTimer::timeout, this, &CalibrationPanel::refreshRun);
    connect(&workspace.document(), &Document::changed, this, [this](Document::Change change) {
        if (change == Document::Change::Plan || change == Document::Change::Checkpoint) refresh();
    });
    connect(&workspace.textRuns(), &TextRuns::changed, this, [this](TextRun run) {
        if (run == TextRun::Calibration) refreshRun();
    });
    connect(&workspace.textRuns(), &TextRuns::textChanged, this, &CalibrationPanel::refreshTexts);
    connect(&workspace, &ViewContext::themeChanged, this, &CalibrationPanel::refresh);
    refresh();
}

QWidget* CalibrationPanel::makeHeader() {
    auto* row = new QWidget(this);
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    m_fold = new QToolButton(row);
    m_fold->setObjectName(QStringLiteral("calibrationFold"));
    m_fold->setText(tr("Calibration"));
    m_fold->setToolTip(tr("The text whose inputs to each layer methods may know"));
    m_fold->setAutoRaise(true);
    m_fold->setArrowType(Qt::RightArrow);
    m_fold->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_brief = new QLabel(row);
    m_brief->setFont(Theme::caption());
    m_brief->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    layout->addWidget(m_fold, 0, Qt::AlignLeft);
    layout->addWidget(m_brief, 1);
    connect(m_fold, &QToolButton::clicked, this, [this] { setOpen(m_body->isHidden()); });
    return row;
}

void CalibrationPanel::setOpen(bool open) {
    m_fold->setArrowType(open ? Qt::DownArrow : Qt::RightArrow);
    m_body->setVisible(open);
    m_brief->setVisible(!open);
}

QWidget* CalibrationPanel::makeBody() {
    auto* body = new QWidget(this);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    m_text = new QComboBox(body);
    m_text->setObjectName(QStringLiteral("calibrationText"));
    m_text->setAccessibleName(tr("Calibration text"));
    m_text->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_text->setMinimumContentsLength(8);
    connect(m_text, &QComboBox::activated, this, [this](int index) {
        const QString path = m_text->itemData(index).toString();
        path == kAsk ? chooseText() : setText(path);
    });
    const auto knob = [&](const char* object, const QString& name, int least, int most, MergeKey key,
                          std::int64_t engine::CalibrationSettings::*field) {
        auto* box = new QSpinBox(body);
        box->setObjectName(QLatin1String(object));
        box->setAccessibleName(name);
        box->setRange(least, most);
        box->setKeyboardTracking(false);
        box->setGroupSeparatorShown(true);
        connect(box, &QSpinBox::valueChanged, this, [this, name, key, field](int value) {
            edit(tr("Change %1").arg(name.toLower()), key, [&](auto& settings) { settings.*field = value; });
        });
        return box;
    };
    m_sequences = knob("calibrationSequences", tr("Sequences"), 1, kMostSequences, Sequences,
                       &engine::CalibrationSettings::sequences);
    m_sequences->setToolTip(tr("At most so many, spread evenly over the text"));
    m_length = knob("calibrationLength", tr("Length"), 0, kLongest, Length, &engine::CalibrationSettings::length);
    m_length->setSpecialValueText(tr("Model's context"));
    m_length->setSuffix(tr(" tokens"));
    m_length->setToolTip(tr("Of each sequence; 0: the model's context, at most 2048"));
    auto* form = new QFormLayout;
    form->setSpacing(8);
    form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    form->setRowWrapPolicy(QFormLayout::DontWrapRows);
    form->addRow(tr("Text"), m_text);
    form->addRow(tr("Sequences"), m_sequences);
    form->addRow(tr("Length"), m_length);
    column->addLayout(form);
    m_run = new QPushButton(body);
    m_run->setObjectName(QStringLiteral("calibrate"));
    connect(m_run, &QPushButton::clicked, this, [this] {
        TextRuns& runs = m_workspace.textRuns();
        runs.jobs(TextRun::Calibration).running() ? runs.cancel(TextRun::Calibration) : calibrate();
        refreshRun(); // a cancelled job ends a little later
    });
    m_coverage = new QPushButton(tr("Show coverage"), body);
    m_coverage->setObjectName(QStringLiteral("showCoverage"));
    m_coverage->setToolTip(tr("What the text reached, as a picture"));
    connect(m_coverage, &QPushButton::clicked, this, &CalibrationPanel::coverageRequested);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(8);
    buttons->addWidget(m_run);
    buttons->addWidget(m_coverage);
    column->addLayout(buttons);
    m_progress = new QProgressBar(body);
    m_progress->setObjectName(QStringLiteral("calibrationProgress"));
    m_progress->setTextVisible(false);
    m_progress->setFixedHeight(4);
    column->addWidget(m_progress);
    m_state = new QLabel(body);
    m_state->setObjectName(QStringLiteral("calibrationState"));
    m_state->setFont(Theme::caption());
    m_state->setWordWrap(true);
    m_state->setTextInteractionFlags(Qt::TextSelectableByMouse);
    column->addWidget(m_state);
    return body;
}

void CalibrationPanel::edit(const QString& what, int mergeKey,
                            const std::function<void(engine::CalibrationSettings&)>& change) {
    auto plan = m_workspace.document().plan();
    change(plan.calibration);
    m_workspace.document().editPlan(std::move(plan), what, mergeKey);
}

void CalibrationPanel::calibrate() {
    setOpen(true);
    if (m_workspace.document().plan().calibration.text.empty()) return chooseText([this] { calibrate(); });
    m_tried = m_workspace.document().plan().calibration;
    m_workspace.calibrate();
}

void CalibrationPanel::chooseText(std::function<void()> then) {
    refreshTexts(); // the entry that asks is not the choice
    const QString known = m_workspace.textRuns().text();
    auto* dialog = new QFileDialog(this, tr("Choose calibration text"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    dialog->setNameFilters({tr("Texts (*.txt *.md *.raw)"), tr("All files (*)")});
    dialog->setDirectory(known.isEmpty() ? samplesFolder() : QFileInfo(known).absolutePath());
    connect(dialog, &QFileDialog::fileSelected, this, [this, then = std::move(then)](const QString& path) {
        setText(path);
        if (then) then();
    });
    dialog->open();
}

void CalibrationPanel::setText(const QString& path) {
    edit(path.isEmpty() ? tr("Remove the calibration text") : tr("Choose calibration text"), -1,
         [&](auto& settings) { settings.text = path.toStdString(); });
    if (!path.isEmpty()) setOpen(true);
}

void CalibrationPanel::refresh() {
    const auto& asked = m_workspace.document().plan().calibration;
    const bool chosen = !asked.text.empty();
    const QSignalBlocker noSequences(m_sequences), noLength(m_length);
    m_sequences->setValue(static_cast<int>(std::min<std::int64_t>(asked.sequences, kMostSequences)));
    m_length->setValue(static_cast<int>(std::min<std::int64_t>(asked.length, kLongest)));
    m_sequences->setEnabled(chosen);
    m_length->setEnabled(chosen);
    setColor(*m_brief, m_workspace.theme().color(Role::Muted));
    m_brief->setText(chosen ? QFileInfo(QString::fromStdString(asked.text)).fileName() : tr("no text"));
    refreshTexts();
    refreshRun();
}

void CalibrationPanel::refreshTexts() {
    const QString chosen = QString::fromStdString(m_workspace.document().plan().calibration.text);
    const QString sample = sampleText();
    QStringList paths{chosen, m_workspace.textRuns().text(), sample};
    paths.removeAll(QString());
    paths.removeDuplicates();
    m_text->clear();
    m_text->addItem(tr("No text"), QString());
    for (const QString& path : paths) {
        const QString name = QFileInfo(path).fileName();
        m_text->addItem(path == sample ? tr("%1 (sample)").arg(name) : name, path);
        m_text->setItemData(m_text->count() - 1, path, Qt::ToolTipRole);
    }
    m_text->addItem(tr("Choose file…"), QString(kAsk));
    m_text->setCurrentIndex(chosen.isEmpty() ? 0 : 1);
    m_text->setToolTip(chosen);
}

void CalibrationPanel::refreshRun() {
    TextRuns& runs = m_workspace.textRuns();
    const Jobs& jobs = runs.jobs(TextRun::Calibration);
    const bool running = jobs.running();
    const bool chosen = !m_workspace.document().plan().calibration.text.empty();
    if (running && !m_poll.isActive()) m_poll.start();
    if (!running) m_poll.stop();
    const auto fraction = jobs.fraction();
    m_progress->setVisible(running);
    m_progress->setRange(0, fraction ? 1000 : 0);
    m_progress->setValue(fraction ? static_cast<int>(*fraction * 1000) : 0);
    m_run->setText(running ? tr("Cancel") : tr("Calibrate"));
    m_run->setEnabled(running || chosen);
    m_run->setToolTip(running  ? tr("Stops at the next chunk; nothing is kept")
                      : chosen ? tr("Runs the text through the model and records what flows into its layers")
                               : tr("Choose a text first"));
    m_coverage->setEnabled(runs.calibration() != nullptr);
    setColor(*m_state, m_workspace.theme().color(problem().isEmpty() ? Role::Muted : Role::Bad));
    m_state->setText(summary());
}

QString CalibrationPanel::problem() const {
    const TextRuns& runs = m_workspace.textRuns();
    const bool current = m_tried == m_workspace.document().plan().calibration;
    return current && !runs.jobs(TextRun::Calibration).running() ? runs.problem(TextRun::Calibration) : QString();
}

QString CalibrationPanel::summary() const {
    if (m_workspace.document().plan().calibration.text.empty())
        return tr("Without a text, methods know the weights alone.");
    if (m_workspace.textRuns().jobs(TextRun::Calibration).running()) return tr("The text runs through the model.");
    if (const QString failed = problem(); !failed.isEmpty()) return failed;
    const auto made = m_workspace.planCalibration();
    if (!made) return tr("Not run with these settings yet. A run of the plan does so first.");
    return tr("%1 tokens in %n sequence(s); %2 of the %3 tokens of the vocabulary; %4 weights reached.", nullptr,
              static_cast<int>(made->sequences))
        .arg(formatInteger(made->sequences * made->length), formatInteger(made->distinctTokens),
             formatInteger(made->vocabulary), formatInteger(static_cast<std::int64_t>(made->inputs.size())));
}

} // namespace qscope
