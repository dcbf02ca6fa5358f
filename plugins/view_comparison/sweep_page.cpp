// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/sweep_page.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QStackedWidget>

#include <algorithm>

namespace qscope {

namespace {

QComboBox* choice(const QString& name, const char* objectName) {
    auto* combo = new QComboBox;
    combo->setFont(Theme::caption());
    combo->setAccessibleName(name);
    combo->setToolTip(name);
    combo->setObjectName(QLatin1String(objectName));
    combo->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    return combo;
}

QLabel* word(const QString& text) {
    auto* label = new QLabel(text);
    label->setFont(Theme::caption());
    label->setForegroundRole(QPalette::PlaceholderText);
    return label;
}

} // namespace

SweepPage::SweepPage(ViewContext& context, BoardActions actions, QWidget* parent)
    : QWidget(parent)
    , m_actions(std::move(actions))
    , m_stack(new QStackedWidget)
    , m_empty(new EmptyState(context))
    , m_map(new SweepMap(context))
    , m_figure(choice(tr("Number in the cells"), "sweepFigure"))
    , m_across(choice(tr("Parameter across"), "sweepAcross"))
    , m_down(choice(tr("Parameter down"), "sweepDown"))
    , m_readout(new QLabel) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    auto* body = new QWidget;
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(8, 0, 8, 8);
    column->setSpacing(4);
    auto* row = new QHBoxLayout;
    row->setSpacing(4);
    row->addWidget(m_figure);
    row->addWidget(word(tr("over")));
    row->addWidget(m_across);
    row->addWidget(word(tr("and")));
    row->addWidget(m_down);
    row->addStretch();
    column->addLayout(row);
    column->addWidget(m_map, 1);
    m_readout->setObjectName(QStringLiteral("sweepReadout"));
    m_readout->setFont(Theme::ticks());
    m_readout->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_readout->setWordWrap(true);
    m_readout->setMinimumHeight(2 * QFontMetrics(Theme::ticks()).height());
    m_readout->setAlignment(Qt::AlignLeft | Qt::AlignTop);
    column->addWidget(m_readout);
    m_stack->addWidget(body);
    m_stack->addWidget(m_empty);
    for (auto* combo : {m_figure, m_across, m_down}) connect(combo, &QComboBox::activated, this, &SweepPage::showMap);
    connect(m_map, &SweepMap::chosen, this, [this](int method) { m_actions.choose(method); });
    connect(m_map, &SweepMap::hovered, this, [this](int method, int candidates) {
        const int shown = method >= 0 ? method : m_state.selection.method;
        if (!m_state.report || shown < 0 || shown >= static_cast<int>(m_state.report->methods.size()))
            return m_readout->clear();
        const auto& result = m_state.report->methods[static_cast<std::size_t>(shown)];
        QString text = QStringLiteral("<b>%1</b>  ").arg(QString::fromStdString(result.label).toHtmlEscaped()) +
                       summaryOf(result, m_state.scope).toHtmlEscaped();
        if (candidates > 1) text += tr("  ·  best of %1 here").arg(candidates);
        m_readout->setText(text);
    });
}

void SweepPage::show(const BoardState& state) {
    const bool isNew = state.report != m_state.report || state.scope != m_state.scope;
    m_state = state;
    if (isNew) {
        m_parameters = ParameterTable(*state.report, state.registries);
        fillChoices();
    }
    if (m_parameters.varied().empty()) {
        m_empty->setContent(
            tr("Run methods with several values of their parameters to see any number over two of them: bits by group "
               "size, method by bits."),
            tr("Sweep parameters…"), [this] { m_actions.sweep(); });
        m_stack->setCurrentWidget(m_empty);
        return;
    }
    m_stack->setCurrentIndex(0);
    if (isNew) showMap();
    m_map->setSelected(state.selection.method);
    emit m_map->hovered(-1, 0);
}

void SweepPage::fillChoices() {
    const QSignalBlocker a(m_figure), b(m_across), c(m_down);
    const QVariant figureBefore = m_figure->currentData(), acrossBefore = m_across->currentData(),
                   downBefore = m_down->currentData();
    for (auto* combo : {m_figure, m_across, m_down}) combo->clear();
    for (const Figure& one : figures())
        if (isKnown(one, *m_state.report, m_state.scope)) {
            const auto name = engine::metric(one.key).name;
            m_figure->addItem(QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size())),
                              QString::fromUtf8(one.key.data(), static_cast<qsizetype>(one.key.size())));
        }
    m_down->addItem(tr("nothing else"), QString());
    for (const VariedParameter& parameter : m_parameters.varied())
        for (auto* combo : {m_across, m_down}) combo->addItem(parameter.label, parameter.key);
    const auto restore = [](QComboBox& combo, const QVariant& before, std::initializer_list<const char*> otherwise) {
        int place = before.isValid() ? combo.findData(before) : -1;
        for (const char* key : otherwise)
            if (place < 0) place = combo.findData(QString::fromLatin1(key));
        combo.setCurrentIndex(std::max(0, place));
    };
    restore(*m_figure, figureBefore, {"sqnr_db"});
    restore(*m_across, acrossBefore, {"bits"});
    restore(*m_down, downBefore, {"group", "method"});
    // Two different ones, where there are two.
    if (m_down->currentData() == m_across->currentData() || m_down->currentIndex() == 0)
        for (const VariedParameter& parameter : m_parameters.varied())
            if (parameter.key != m_across->currentData().toString()) {
                m_down->setCurrentIndex(m_down->findData(parameter.key));
                break;
            }
    if (m_down->currentData() == m_across->currentData()) m_down->setCurrentIndex(0);
}

void SweepPage::showMap() {
    const QString across = m_across->currentData().toString();
    QString down = m_down->currentData().toString();
    if (down == across) down.clear();
    const Figure& shown = figure(m_figure->currentData().toString().toStdString());
    m_map->setPivot(pivot(*m_state.report, m_parameters, across, down, shown, m_state.scope), shown,
                    m_across->currentText(), down.isEmpty() ? QString() : m_down->currentText());
    m_map->setSelected(m_state.selection.method);
}

} // namespace qscope
