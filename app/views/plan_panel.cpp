// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/plan_panel.h"

#include "app/models/calibration_warnings.h"
#include "app/views/calibration_panel.h"
#include "app/views/icon_set.h"
#include "app/views/method_browser.h"
#include "app/views/param_form.h"
#include "engine/plan/bound_method.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/panel.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPainter>
#include <QPushButton>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

namespace qscope {

namespace {

enum Scope { AllMatrices, SelectedTensor, ByName };

QString text(const std::string& part) { return QString::fromStdString(part); }

QIcon swatch(const QColor& color) {
    QPixmap pixmap(12, 12);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(color);
    painter.drawRoundedRect(QRectF(1, 1, 10, 10), 2, 2);
    return pixmap;
}

/// A step of the plan that is installed and well formed.
struct Step {
    std::shared_ptr<const engine::QuantMethod> method = nullptr; ///< null: it is not
    engine::ParamValues values = {};
    double bits = 0, weights = 0; ///< over all tensors that it takes
};

/// The steps with what they will cost. All tensors are gone through once for all of them: what a method is told about a
/// tensor takes longer to put together than its answer, and a checkpoint may have 100,000.
std::vector<Step> costedSteps(const engine::Plan& plan, const engine::Registries& registries, const engine::Checkpoint& checkpoint,
                              const std::vector<std::size_t>& tensors) {
    std::vector<Step> steps;
    for (const auto& spec : plan.methods) {
        auto method = engine::findMethod(registries, spec.id).value_or(nullptr);
        auto values = method ? engine::resolveParameters(method->info().parameters, spec) : Result<engine::ParamValues>();
        if (method && values) method = engine::boundMethod(std::move(method), checkpoint, *values, registries).value_or(nullptr);
        steps.push_back(method && values ? Step{method, *std::move(values)} : Step{});
    }
    if (steps.empty()) return steps;
    for (const auto tensor : tensors) {
        const auto subject = engine::subjectOf(checkpoint, tensor);
        for (Step& step : steps) {
            if (!step.method) continue;
            const auto outline = step.method->outline(subject, step.values);
            if (!outline) continue;
            step.bits += static_cast<double>(engine::storedBits(*outline));
            step.weights += static_cast<double>(engine::elementCount(outline->shape));
        }
    }
    return steps;
}

} // namespace

PlanPanel::PlanPanel(Workspace& workspace, QWidget* parent)
    : QWidget(parent), m_workspace(workspace), m_stack(new QStackedWidget(this)),
      m_empty(new EmptyState(workspace, this)), m_browser(new MethodBrowser(workspace.registries(), [this](const std::string& id) { return fitOf(id); }, this)) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    m_empty->setContent(tr("Open a model to choose methods for its tensors and compare what they do."), tr("Open a model…"),
                        [this] { m_workspace.request(WindowRequest::OpenCheckpoint); });
    m_stack->addWidget(m_empty);
    m_stack->addWidget(makeEditor());
    connect(m_browser, &MethodBrowser::chosen, this, &PlanPanel::addMethod);
    connect(&workspace.document(), &Document::changed, this, [this](Document::Change change) {
        if (change == Document::Change::Plan || change == Document::Change::Checkpoint) refresh();
        else if (change == Document::Change::Report && m_workspace.checkpoint()) refreshSteps(); // colours follow the results
    });
    connect(&workspace, &Workspace::planRunningChanged, this, &PlanPanel::refreshRunButton);
    connect(&workspace.textRuns(), &TextRuns::changed, this, [this](TextRun run) {
        if (run == TextRun::Calibration) refreshWarnings();
    });
    connect(&workspace, &ViewContext::themeChanged, this, &PlanPanel::refresh);
    refresh();
}

engine::MethodFit PlanPanel::fitOf(const std::string& id) const {
    const auto checkpoint = m_workspace.checkpoint();
    if (!checkpoint) return {};
    return engine::fitOf({id, {}}, m_workspace.document().plan(), *checkpoint, m_workspace.registries());
}

QWidget* PlanPanel::makeEditor() {
    auto* content = new QWidget;
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(8, 8, 8, 8);
    column->setSpacing(8);
    column->addWidget(makeStepButtons());
    m_steps = new QListWidget(content);
    m_steps->setObjectName(QStringLiteral("planSteps"));
    m_steps->setAccessibleName(tr("Methods of the plan"));
    m_steps->setMinimumHeight(84);
    m_steps->setMaximumHeight(180);
    m_steps->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_steps->setWordWrap(true); // parameters are what tells two steps of one method apart
    m_steps->setResizeMode(QListView::Adjust);
    m_steps->setTextElideMode(Qt::ElideMiddle);
    connect(m_steps, &QListWidget::currentRowChanged, this, [this](int row) {
        m_wantedStep = row;
        refreshForm();
    });
    column->addWidget(m_steps);
    m_stepHint = new QLabel(tr("Add one method to see what it does, two or more to compare them."), content);
    m_stepHint->setWordWrap(true);
    column->addWidget(m_stepHint);
    m_summary = new QLabel(content);
    m_summary->setFont(Theme::caption());
    m_summary->setWordWrap(true);
    column->addWidget(m_summary);
    m_form = new ParamForm(content);
    m_form->setObjectName(QStringLiteral("paramForm"));
    connect(m_form, &ParamForm::edited, this, &PlanPanel::editParameters);
    column->addWidget(m_form);
    column->addStretch();

    auto* scroll = new QScrollArea;
    scroll->setWidget(content);
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* editor = new QWidget(this);
    auto* layout = new QVBoxLayout(editor);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(scroll, 1);
    layout->addWidget(makeTensorChoice());
    return editor;
}

QWidget* PlanPanel::makeStepButtons() {
    auto* row = new QWidget(this);
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    m_add = new QPushButton(tr("Add method…"), row);
    m_add->setObjectName(QStringLiteral("addMethod"));
    m_add->setToolTip(tr("Choose a quantization method from all installed ones"));
    connect(m_add, &QPushButton::clicked, this, &PlanPanel::browse);
    layout->addWidget(m_add);
    layout->addStretch();
    const auto button = [&](const QString& name, auto slot) {
        auto* tool = new QToolButton(row);
        tool->setAutoRaise(true);
        tool->setToolTip(name);
        tool->setAccessibleName(name);
        connect(tool, &QToolButton::clicked, this, slot);
        layout->addWidget(tool);
        return tool;
    };
    m_duplicate = button(tr("Duplicate the method"), &PlanPanel::duplicateCurrent);
    m_remove = button(tr("Remove the method"), &PlanPanel::removeCurrent);
    return row;
}

QWidget* PlanPanel::makeTensorChoice() {
    auto* box = new QWidget(this);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(8, 8, 8, 8);
    layout->setSpacing(8);
    m_scope = new QComboBox(box);
    m_scope->setObjectName(QStringLiteral("tensorScope"));
    m_scope->setAccessibleName(tr("Tensors to quantize"));
    m_scope->addItems({tr("All weight matrices"), tr("The selected tensor"), tr("Tensors by name")});
    connect(m_scope, &QComboBox::activated, this, &PlanPanel::chooseScope);
    m_pattern = new QLineEdit(box);
    m_pattern->setObjectName(QStringLiteral("tensorPattern"));
    m_pattern->setAccessibleName(tr("Name pattern of the tensors"));
    m_pattern->setPlaceholderText(tr("*.q_proj.*|*.k_proj.*"));
    m_pattern->setToolTip(tr("* any characters, ? one character, | alternatives"));
    connect(m_pattern, &QLineEdit::editingFinished, this, [this] {
        auto plan = m_workspace.document().plan();
        plan.selectors = {m_pattern->text().trimmed().toStdString()};
        if (!plan.selectors.front().empty()) m_workspace.document().editPlan(std::move(plan), tr("Choose tensors"));
    });
    m_selected = new QLabel(box);
    m_selected->setFont(Theme::caption());
    m_calibration = new CalibrationPanel(m_workspace, box);
    m_warnings = new QLabel(box);
    m_warnings->setObjectName(QStringLiteral("calibrationWarning"));
    m_warnings->setFont(Theme::caption());
    m_warnings->setWordWrap(true);
    m_run = new QPushButton(box);
    m_run->setObjectName(QStringLiteral("runPlan"));
    m_run->setProperty("primary", true);
    connect(m_run, &QPushButton::clicked, this, [this] {
        m_workspace.planRunning() ? m_workspace.cancelPlan() : m_workspace.runPlan();
    });
    layout->addWidget(m_scope);
    layout->addWidget(m_pattern);
    layout->addWidget(m_selected);
    layout->addWidget(m_calibration);
    layout->addWidget(m_warnings);
    layout->addWidget(m_run);
    return box;
}

int PlanPanel::currentStep() const { return m_steps->currentRow(); }
void PlanPanel::browse() { m_browser->popup(*m_add); }

void PlanPanel::addMethod(const QString& id) {
    auto plan = m_workspace.document().plan();
    plan.methods.push_back({id.toStdString(), {}});
    m_wantedStep = static_cast<int>(plan.methods.size()) - 1;
    m_workspace.document().editPlan(std::move(plan), tr("Add method"));
}

void PlanPanel::duplicateCurrent() {
    const int step = currentStep();
    if (step < 0) return;
    auto plan = m_workspace.document().plan();
    const auto copy = plan.methods[static_cast<std::size_t>(step)];
    plan.methods.insert(plan.methods.begin() + step + 1, copy);
    m_wantedStep = step + 1;
    m_workspace.document().editPlan(std::move(plan), tr("Duplicate method"));
}

void PlanPanel::removeCurrent() {
    const int step = currentStep();
    if (step < 0) return;
    auto plan = m_workspace.document().plan();
    plan.methods.erase(plan.methods.begin() + step);
    m_workspace.document().editPlan(std::move(plan), tr("Remove method"));
}

void PlanPanel::editParameters(const QString& key) {
    const int step = currentStep();
    if (step < 0) return;
    auto plan = m_workspace.document().plan();
    plan.methods[static_cast<std::size_t>(step)] = m_form->spec();
    // Turning one knob through many values is one step back, other knobs are others.
    const int mergeKey = static_cast<int>(qHashMulti(0, step, key) & 0x7fffffff);
    m_workspace.document().editPlan(std::move(plan), tr("Change %1").arg(key), mergeKey);
}

void PlanPanel::chooseScope(int scope) {
    auto plan = m_workspace.document().plan();
    const auto checkpoint = m_workspace.checkpoint();
    const auto tensor = m_workspace.selection().tensor;
    if (scope == AllMatrices) plan.selectors.clear();
    else if (scope == SelectedTensor && checkpoint && tensor >= 0)
        plan.selectors = {checkpoint->tensors[static_cast<std::size_t>(tensor)].name};
    else if (plan.selectors.empty()) plan.selectors = {"*"};
    if (plan == m_workspace.document().plan()) refreshTensors();
    else m_workspace.document().editPlan(std::move(plan), tr("Choose tensors"));
    if (scope == ByName) m_pattern->setFocus();
}

void PlanPanel::refresh() {
    const auto checkpoint = m_workspace.checkpoint();
    m_stack->setCurrentIndex(checkpoint ? 1 : 0);
    if (!checkpoint) return;
    const auto& theme = m_workspace.theme();
    m_add->setIcon(icon(QStringLiteral("add"), theme));
    m_duplicate->setIcon(icon(QStringLiteral("duplicate"), theme));
    m_remove->setIcon(icon(QStringLiteral("remove"), theme));
    QPalette muted = palette();
    muted.setColor(QPalette::WindowText, theme.color(Role::Muted));
    for (auto* label : {m_stepHint, m_summary, m_selected}) label->setPalette(muted);
    m_tensors = engine::selectTensors(m_workspace.document().plan(), *checkpoint);
    refreshTensors();
    refreshSteps();
    refreshForm();
    refreshRunButton();
    refreshWarnings();
}

void PlanPanel::refreshSteps() {
    const QSignalBlocker silent(m_steps);
    m_steps->clear();
    const auto& methods = m_workspace.document().plan().methods;
    const auto steps = costedSteps(m_workspace.document().plan(), m_workspace.registries(), *m_workspace.checkpoint(), m_tensors);
    int step = 0;
    const auto report = m_workspace.report();
    const auto colorOf = [&](const engine::MethodSpec& spec) { // that of its result; before there is one, behind the pinned ones
        for (std::size_t i = 0; report && i < report->methods.size(); ++i)
            if (report->methods[i].spec == spec) return m_workspace.theme().category(static_cast<int>(i));
        return m_workspace.theme().category(static_cast<int>(m_workspace.board().pinned().size()) + step);
    };
    for (const auto& spec : methods) {
        const auto method = engine::findMethod(m_workspace.registries(), spec.id).value_or(nullptr);
        const Step& cost = steps[static_cast<std::size_t>(step)];
        QStringList details;
        for (const auto& [key, value] : spec.parameters) details << QStringLiteral("%1=%2").arg(text(key), text(value));
        if (cost.method) details << tr("%1 bits per weight").arg(formatBits(cost.weights > 0 ? cost.bits / cost.weights : 0));
        const QString name = method ? text(method->info().name) : tr("%1 (not installed)").arg(text(spec.id));
        auto* item = new QListWidgetItem(swatch(colorOf(spec)),
                                         name + QStringLiteral("\n") + details.join(QStringLiteral(", ")), m_steps);
        item->setToolTip(text(engine::toText(spec)));
        ++step;
    }
    m_wantedStep = std::clamp(m_wantedStep, methods.empty() ? -1 : 0, static_cast<int>(methods.size()) - 1);
    m_steps->setCurrentRow(m_wantedStep);
    m_steps->setVisible(!methods.empty());
    m_stepHint->setVisible(methods.size() < 2);
    m_stepHint->setText(methods.empty() ? tr("Add one method to see what it does, two or more to compare them.")
                                        : tr("Add a second method, or a duplicate with other parameters, to compare."));
    m_duplicate->setEnabled(!methods.empty());
    m_remove->setEnabled(!methods.empty());
}

void PlanPanel::refreshForm() {
    const auto& methods = m_workspace.document().plan().methods;
    const int step = currentStep();
    const auto method = step >= 0 && step < static_cast<int>(methods.size())
                            ? engine::findMethod(m_workspace.registries(), methods[static_cast<std::size_t>(step)].id).value_or(nullptr)
                            : nullptr;
    m_summary->setVisible(method != nullptr);
    if (!method) return m_form->clear();
    m_summary->setText(text(method->info().summary));
    m_summary->setToolTip(text(method->info().paper));
    m_form->setMethod(method->info().parameters, methods[static_cast<std::size_t>(step)]);
}

void PlanPanel::refreshTensors() {
    const auto& selectors = m_workspace.document().plan().selectors;
    const auto checkpoint = m_workspace.checkpoint();
    const bool one = selectors.size() == 1 && checkpoint && checkpoint->find(selectors.front());
    m_scope->setCurrentIndex(selectors.empty() ? AllMatrices : one ? SelectedTensor : ByName);
    QStringList patterns;
    for (const auto& selector : selectors) patterns << text(selector);
    m_pattern->setText(patterns.join(QLatin1Char('|')));
    m_pattern->setVisible(!selectors.empty());
    std::int64_t weights = 0;
    for (const auto tensor : m_tensors) weights += engine::elementCount(checkpoint->tensors[tensor].shape);
    m_selected->setText(m_tensors.empty() ? tr("No tensor has such a name.")
                                          : tr("%n tensor(s), %1 weights", nullptr, static_cast<int>(m_tensors.size()))
                                                .arg(formatParameters(weights)));
}

void PlanPanel::refreshRunButton() {
    const auto count = static_cast<int>(m_tensors.size());
    const bool running = m_workspace.planRunning();
    const bool hasMethods = !m_workspace.document().plan().methods.empty();
    m_run->setText(running ? tr("Stop quantizing")
                           : tr("Quantize %n tensor(s)", nullptr, count));
    m_run->setEnabled(running || (hasMethods && count > 0));
    m_run->setToolTip(running       ? tr("Stops at the next chunk; nothing is kept")
                      : !hasMethods ? tr("Add a method first")
                      : count == 0  ? tr("No tensor is chosen")
                                    : tr("Runs every method of the plan and compares the results"));
}

void PlanPanel::refreshWarnings() {
    const auto checkpoint = m_workspace.checkpoint();
    if (!checkpoint) return;
    const auto made = m_workspace.planCalibration();
    const QStringList warnings =
        calibrationWarnings(m_workspace.document().plan(), m_workspace.registries(), *checkpoint, made.get());
    QPalette colors = palette();
    colors.setColor(QPalette::WindowText, m_workspace.theme().color(Role::Warn));
    m_warnings->setPalette(colors);
    m_warnings->setText(tr("Warning: %1").arg(warnings.join(QLatin1Char('\n'))));
    m_warnings->setVisible(!warnings.isEmpty());
}

} // namespace qscope
