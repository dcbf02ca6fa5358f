// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_bit_allocation/bit_allocation_view.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QAction>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QStandardItemModel>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr std::int64_t kMeasuredUnasked = 300'000'000; ///< weights: seconds of work; more is asked for
constexpr int kPollMs = 200;
constexpr int kWidestChoice = 220;

QString helpText() {
    return BitAllocationView::tr(
        "<p><b>Bits</b>: the width of a code under the plan's method, per tensor; of a layer the mean over its "
        "weights. The "
        "dashed line is the width that the plan gives to all. Hatched: a rule of the plan keeps the tensor or treats "
        "it with "
        "another method.</p>"
        "<p>Drag a bar, press Up or Down, or type the number of bits. Return or a double click opens a layer. Every "
        "edit is a "
        "rule of the plan for one tensor, holds for all methods of the plan, and can be undone.</p>"
        "<p><b>Size</b>: everything that storing the treated tensors takes: codes, scales, zero points.</p>"
        "<p><b>Relative MSE</b>: sum (w − ŵ)² / sum w² over all treated tensors, each measured by running the method "
        "on it at "
        "this width. A run of the plan measures the same.</p>"
        "<p><b>KL divergence</b>: sum over layers of D(layer) · E(new) / E(measured), where D is the measured "
        "divergence with "
        "this layer alone quantized (attribution, in the Propagation view) and E its sum (w − ŵ)². A prediction: it "
        "takes the "
        "divergence to grow in proportion to the squared error and layers to add up.</p>"
        "<p><b>Fill</b> finds the widths of least relative MSE or divergence within the budget, exactly, as an integer "
        "program.</p>");
}

std::vector<engine::Plan> missing(const std::vector<engine::Plan>& plans, const std::vector<engine::Plan>& known) {
    std::vector<engine::Plan> unknown;
    for (const engine::Plan& plan : plans)
        if (std::ranges::find(known, plan) == known.end()) unknown.push_back(plan);
    return unknown;
}

void merge(CostTable& into, CostTable&& more) {
    for (auto& [method, costs] : more)
        for (const auto& [tensor, cost] : costs) into[method].insert_or_assign(tensor, cost);
}

} // namespace

BitAllocationView::BitAllocationView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Bit allocation"), parent)
    , m_editing(PlanEditing::of(context))
    , m_methods(new QComboBox)
    , m_goal(new QComboBox)
    , m_target(new QDoubleSpinBox)
    , m_fill(new QAction(tr("Fill"), this))
    , m_even(new QAction(tr("Even out"), this))
    , m_measure(new QAction(tr("Measure"), this))
    , m_bars(new BitBars(context))
    , m_size(new QLabel)
    , m_quality(new QLabel)
    , m_formula(new QLabel)
    , m_measuring(context.makeJobs()) {
    makeHeader();
    makeBody();
    m_poll.setInterval(kPollMs);
    connect(&m_poll, &QTimer::timeout, this, &BitAllocationView::showProgress);
    connect(&context, &ViewContext::checkpointChanged, this, &BitAllocationView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &BitAllocationView::invalidate);
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const bool isSameResult = before.method == this->context().selection().method;
        isSameResult&& isVisible() && !m_places.empty() ? show() : invalidate();
    });
    connect(&context.textRuns(), &TextRuns::changed, this, [this](TextRun run) {
        if (run == TextRun::Propagation) invalidate();
    });
    if (m_editing) connect(m_editing, &PlanEditing::changed, this, &BitAllocationView::invalidate);
}

BitAllocationView::~BitAllocationView() = default;

void BitAllocationView::makeHeader() {
    m_methods->setObjectName(QStringLiteral("allocationMethod"));
    m_methods->setAccessibleName(tr("Method whose widths are shown"));
    m_methods->setToolTip(tr("Methods of the plan that treat tensors one by one and have a number of bits"));
    m_methods->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_methods->setMaximumWidth(kWidestChoice);
    connect(m_methods, &QComboBox::activated, this, &BitAllocationView::invalidate);
    m_goal->setObjectName(QStringLiteral("allocationGoal"));
    m_goal->setAccessibleName(tr("Measure of quality"));
    m_goal->addItem(tr("Relative MSE"), static_cast<int>(Goal::Weights));
    m_goal->addItem(tr("KL divergence"), static_cast<int>(Goal::Divergence));
    m_goal->setItemData(0, tr("Error of the weights alone, as a run measures it"), Qt::ToolTipRole);
    connect(m_goal, &QComboBox::activated, this, [this] { show(); });
    m_target->setObjectName(QStringLiteral("allocationTarget"));
    m_target->setAccessibleName(tr("Bits per weight to fill to"));
    m_target->setToolTip(tr("Bits per weight on average, scales and all"));
    m_target->setRange(1, 16);
    m_target->setSingleStep(0.25);
    m_target->setValue(4);
    m_target->setSuffix(tr(" bits/weight"));
    for (QWidget* widget : std::initializer_list<QWidget*>{m_methods, m_goal, m_target}) {
        widget->setFont(Theme::caption());
        header().addWidget(widget);
    }
    m_fill->setToolTip(tr("Chooses the widths with the least loss of quality that fit into so many bits per weight"));
    m_even->setToolTip(tr("Gives the plan's own width to every tensor that has a width"));
    m_measure->setToolTip(tr("Runs the method at every width to know its errors"));
    m_measure->setVisible(false);
    connect(m_fill, &QAction::triggered, this, &BitAllocationView::fill);
    connect(m_even, &QAction::triggered, this, &BitAllocationView::evenOut);
    connect(m_measure, &QAction::triggered, this, [this] {
        m_asked = true;
        measureCosts();
    });
    header().addAction(m_fill);
    header().addAction(m_even);
    addHelp(header(), helpText());
}

void BitAllocationView::makeBody() {
    auto* layout = new QVBoxLayout(&body());
    layout->setContentsMargins(8, 0, 8, 8);
    layout->setSpacing(2);
    m_size->setObjectName(QStringLiteral("allocationSize"));
    m_quality->setObjectName(QStringLiteral("allocationQuality"));
    auto* measure = new QToolButton;
    measure->setDefaultAction(m_measure);
    auto* quality = new QHBoxLayout;
    quality->addWidget(m_quality, 1);
    quality->addWidget(measure);
    connect(m_measure, &QAction::changed, measure, [this, measure] { measure->setVisible(m_measure->isVisible()); });
    measure->hide();
    for (QLabel* label : {m_size, m_quality, m_formula}) {
        label->setFont(label == m_formula ? Theme::caption() : Theme::figures());
        label->setTextInteractionFlags(Qt::TextSelectableByMouse);
        label->setWordWrap(true);
    }
    layout->addWidget(m_size);
    layout->addLayout(quality);
    layout->addWidget(m_formula);
    auto* scroll = new QScrollArea;
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setWidget(m_bars);
    layout->addWidget(scroll, 1);
    connect(m_bars, &BitBars::previewed, this, &BitAllocationView::preview);
    connect(m_bars, &BitBars::committed, this, &BitAllocationView::commit);
    connect(m_bars, &BitBars::dragCancelled, this, [this] {
        m_shown = m_allocation;
        show();
    });
    connect(m_bars, &BitBars::opened, this, &BitAllocationView::toggle);
    connect(m_bars, &BitBars::chosen, this, [this, scroll](int bar) {
        const QPoint at = m_bars->toPixel(bar, 4).toPoint();
        scroll->ensureVisible(at.x(), at.y(), 60, 0);
        select(bar);
    });
}

Goal BitAllocationView::goal() const { return static_cast<Goal>(m_goal->currentData().toInt()); }

bool BitAllocationView::chooseMethod() {
    const auto methods = adjustableMethods(m_editing->plan(), m_editing->registries());
    if (methods.empty()) {
        const bool any = !m_editing->plan().methods.empty();
        showEmpty(
            any ? tr("The bits of every layer and tensor appear here, for methods that treat tensors one by one and "
                     "have a number of bits. No method of the plan does.")
                : tr("The bits of every layer and tensor appear here, to be edited, once the plan has a method."),
            m_editing->registries().methods.find("rtn") ? tr("Add round to nearest") : QString(), [this] {
                engine::Plan plan = m_editing->plan();
                plan.methods.push_back({"rtn", {}});
                m_editing->edit(std::move(plan), tr("Add round to nearest"));
            });
        return false;
    }
    const QSignalBlocker blocker(m_methods);
    const int before = std::max(0, m_methods->currentIndex());
    m_methods->clear();
    for (const AdjustableMethod& method : methods)
        m_methods->addItem(QString::fromStdString(engine::toText(method.spec)));
    m_methods->setCurrentIndex(std::min(before, m_methods->count() - 1));
    m_methods->setVisible(methods.size() > 1);
    m_method = methods[static_cast<std::size_t>(m_methods->currentIndex())];
    return true;
}

void BitAllocationView::refresh() {
    if (!context().checkpoint())
        return showNoCheckpoint(tr("The bits of every layer and tensor appear here, to be edited."));
    if (!m_editing) return showEmpty(tr("There is no plan to edit here."));
    if (m_checkpoint != context().checkpoint()) {
        m_checkpoint = context().checkpoint();
        m_measuring->cancel();
        m_costs.clear();
        m_sized.clear();
        m_measured.clear();
        m_open.clear();
        m_asked = false;
    }
    if (!chooseMethod()) return header().setSubject({});
    const int rules = static_cast<int>(m_editing->plan().methods.size());
    header().setSubject(rules > 1 ? tr("set here for all %1 methods of the plan").arg(rules)
                                  : QString::fromStdString(engine::toText(m_method.spec)));
    const Selection& selection = context().selection();
    const auto propagation = context().textRuns().propagation();
    const auto report = context().report();
    const bool has = report && selection.method >= 0 && selection.method < static_cast<int>(report->methods.size());
    m_sensitivity =
        sensitivityOf(propagation.get(), report.get(),
                      has ? report->methods[static_cast<std::size_t>(selection.method)].label : std::string());
    qobject_cast<QStandardItemModel*>(m_goal->model())->item(1)->setEnabled(m_sensitivity.has_value());
    m_goal->setItemData(1,
                        m_sensitivity ? tr("Predicted from the measured share of each layer")
                                      : tr("Needs the layers' shares: run Layers in the Propagation view"),
                        Qt::ToolTipRole);
    if (!m_sensitivity) m_goal->setCurrentIndex(0);
    findCosts();
}

void BitAllocationView::findCosts() {
    m_plans = costPlans(m_editing->plan(), m_method, *m_checkpoint);
    const auto unknown = missing(m_plans, m_sized);
    if (unknown.empty()) return adopt();
    run(
        tr("Sizes of %1").arg(QString::fromStdString(m_method.spec.id)),
        [unknown, needed = m_method.spec, checkpoint = m_checkpoint, &registries = m_editing->registries()](
            const RunContext&) { return sizes(unknown, needed, *checkpoint, registries); },
        [this, unknown](CostTable&& table) {
            for (const engine::Plan& plan : unknown) m_costs.erase(engine::toText(plan.methods.front()));
            m_sized.insert(m_sized.end(), unknown.begin(), unknown.end());
            merge(m_costs, std::move(table));
            adopt();
        });
}

void BitAllocationView::adopt() {
    m_allocation = allocationOf(m_editing->plan(), m_method, *m_checkpoint, m_costs);
    m_shown = m_allocation;
    showBody();
    measureCosts();
    show();
}

void BitAllocationView::measureCosts() {
    const auto unknown = missing(m_plans, m_measured);
    std::int64_t weights = 0;
    for (const TensorSlot& slot : m_allocation.tensors) weights += slot.weights;
    const bool wanted = !unknown.empty() && (m_asked || weights <= kMeasuredUnasked);
    m_measure->setVisible(!unknown.empty() && !wanted);
    if (!wanted || m_measuring->running()) return;
    m_problem.clear();
    m_poll.start();
    runJob(
        *m_measuring,
        tr("Errors of %1 at %2 widths").arg(QString::fromStdString(m_method.spec.id)).arg(m_method.widths.size()),
        [unknown, needed = m_method.spec, checkpoint = m_checkpoint, &registries = m_editing->registries()](
            const RunContext& context) { return measure(unknown, needed, *checkpoint, registries, context); },
        [this, unknown, checkpoint = m_checkpoint](Result<CostTable>&& table) {
            m_poll.stop();
            if (checkpoint != m_checkpoint) return;
            m_measured.insert(m_measured.end(), unknown.begin(),
                              unknown.end()); // a failure is not tried again by itself
            if (table)
                merge(m_costs, *std::move(table));
            else
                m_problem = QString::fromStdString(describe(table.error()));
            invalidate(); // the plan may have changed meanwhile
        });
    showProgress();
}

} // namespace qscope
