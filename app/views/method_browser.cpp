// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/method_browser.h"

#include "engine/report/method_page.h"

#include <QCheckBox>
#include <QComboBox>
#include <QGridLayout>
#include <QKeyEvent>
#include <QLineEdit>
#include <QPushButton>
#include <QScreen>
#include <QTextBrowser>
#include <QTreeWidget>

#include <algorithm>

namespace qscope {

namespace {
QString text(const std::string& part) { return QString::fromStdString(part); }
constexpr int kIdRole = Qt::UserRole;
} // namespace

MethodBrowser::MethodBrowser(const engine::Registries& registries, Judge judge, QWidget* parent)
    : QFrame(parent, Qt::Popup), m_registries(registries), m_judge(std::move(judge)), m_filter(new QLineEdit(this)),
      m_tree(new QTreeWidget(this)), m_page(new QTextBrowser(this)), m_add(new QPushButton(tr("Add to the plan"), this)) {
    setFrameShape(QFrame::StyledPanel);
    m_filter->setPlaceholderText(tr("Filter methods"));
    m_filter->setAccessibleName(tr("Filter methods"));
    m_filter->setClearButtonEnabled(true);
    m_filter->installEventFilter(this);
    m_tree->setHeaderHidden(true);
    m_tree->setAccessibleName(tr("Methods by group"));
    m_tree->setObjectName(QStringLiteral("methodTree"));
    m_page->setAccessibleName(tr("About the method"));
    m_page->setObjectName(QStringLiteral("methodPage"));
    m_page->setOpenLinks(false);
    m_page->setFrameShape(QFrame::NoFrame);
    m_add->setObjectName(QStringLiteral("methodAdd"));
    auto* left = new QVBoxLayout;
    left->setSpacing(8);
    left->addWidget(m_filter);
    left->addWidget(makeFilters());
    left->addWidget(m_tree, 1);
    auto* right = new QVBoxLayout;
    right->setSpacing(8);
    right->addWidget(m_page, 1);
    right->addWidget(m_add, 0, Qt::AlignRight);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(8, 8, 8, 8);
    layout->setSpacing(8);
    layout->addLayout(left, 2);
    layout->addLayout(right, 3);
    resize(780, 560);
    connect(m_filter, &QLineEdit::textChanged, this, &MethodBrowser::filter);
    connect(m_tree, &QTreeWidget::currentItemChanged, this, [this](const QTreeWidgetItem* item) { describe(item); });
    connect(m_tree, &QTreeWidget::itemActivated, this, [this](const QTreeWidgetItem* item) { choose(item); });
    connect(m_add, &QPushButton::clicked, this, [this] { choose(m_tree->currentItem()); });
}

QWidget* MethodBrowser::makeFilters() {
    auto* row = new QWidget(this);
    m_time = new QComboBox(row);
    m_time->setAccessibleName(tr("What the method may look at"));
    m_time->setToolTip(tr("What a method looks at, and so how long it takes"));
    m_time->addItem(tr("Any effort"), -1);
    m_time->addItem(tr("Weights alone"), static_cast<int>(engine::TimeClass::Weights));
    m_time->addItem(tr("Calibrated"), static_cast<int>(engine::TimeClass::Calibrated));
    m_time->addItem(tr("Works on the model"), static_cast<int>(engine::TimeClass::Model));
    m_format = new QComboBox(row);
    m_format->setAccessibleName(tr("Format that holds the result"));
    m_format->setToolTip(tr("Only methods whose result this format holds for the open model"));
    m_format->addItem(tr("Any format"));
    for (const auto& exporter : m_registries.exporters.items()) m_format->addItem(text(exporter->info().name), text(exporter->info().id));
    m_activations = new QCheckBox(tr("Activations too"), row);
    auto* layout = new QGridLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(8);
    layout->addWidget(m_time, 0, 0);
    layout->addWidget(m_format, 0, 1);
    layout->addWidget(m_activations, 1, 0, 1, 2);
    for (auto* combo : {m_time, m_format}) {
        combo->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
        connect(combo, &QComboBox::currentIndexChanged, this, &MethodBrowser::filter);
    }
    connect(m_activations, &QCheckBox::toggled, this, &MethodBrowser::filter);
    return row;
}

void MethodBrowser::popup(QWidget& under) {
    m_fits.clear();
    m_filter->clear();
    filter();
    const QRect screen = under.screen()->availableGeometry();
    QPoint at = under.mapToGlobal(QPoint(0, under.height()));
    at.setX(std::clamp(at.x(), screen.left(), std::max(screen.left(), screen.right() - width())));
    at.setY(std::clamp(at.y(), screen.top(), std::max(screen.top(), screen.bottom() - height())));
    move(at);
    show();
    m_filter->setFocus();
}

const engine::MethodFit& MethodBrowser::fitOf(const std::string& id) {
    const auto found = m_fits.find(id);
    return found != m_fits.end() ? found->second : m_fits.emplace(id, m_judge(id)).first->second;
}

bool MethodBrowser::passes(const engine::MethodInfo& info) {
    if (!text(info.name + " " + info.id + " " + info.group + " " + info.paper).contains(m_filter->text(), Qt::CaseInsensitive)) return false;
    if (const int time = m_time->currentData().toInt(); time >= 0 && time != static_cast<int>(engine::timeClassOf(info))) return false;
    if (m_activations->isChecked() && !info.quantizesActivations) return false;
    const std::string format = m_format->currentData().toString().toStdString();
    return format.empty() || std::ranges::find(fitOf(info.id).formats, format) != fitOf(info.id).formats.end();
}

void MethodBrowser::filter() {
    m_tree->clear();
    QMap<QString, QTreeWidgetItem*> groups;
    QTreeWidgetItem* first = nullptr;
    for (const auto& method : m_registries.methods.items()) {
        const auto& info = method->info();
        if (!passes(info)) continue;
        auto*& group = groups[text(info.group)];
        if (!group) {
            group = new QTreeWidgetItem(m_tree, {text(info.group)});
            group->setFlags(Qt::ItemIsEnabled);
            group->setExpanded(true);
        }
        auto* item = new QTreeWidgetItem(group, {text(info.name)});
        item->setData(0, kIdRole, text(info.id));
        item->setToolTip(0, text(info.paper));
        if (!first) first = item;
    }
    m_tree->setCurrentItem(first);
    if (!first) m_page->setPlainText(tr("No method passes these filters."));
    m_add->setEnabled(first != nullptr);
}

void MethodBrowser::describe(const QTreeWidgetItem* item) {
    const auto* method = item ? m_registries.methods.find(item->data(0, kIdRole).toString().toStdString()) : nullptr;
    m_add->setEnabled(method != nullptr);
    if (!method) return m_page->clear();
    const auto& info = method->info();
    QString page = text(engine::methodPage(info));
    if (info.stage == engine::Stage::Rounding) {
        const auto& fit = fitOf(info.id);
        page += QStringLiteral("<h4>%1</h4>").arg(tr("With the open model"));
        if (!fit.refusal.empty()) page += QStringLiteral("<p>%1</p>").arg(tr("Takes none of the selected tensors: %1").arg(text(fit.refusal).toHtmlEscaped()));
        else if (!fit.firstLeftOut.empty()) page += QStringLiteral("<p>%1</p>").arg(tr("Leaves some tensors as they are: %1").arg(text(fit.firstLeftOut).toHtmlEscaped()));
        QStringList formats;
        for (const auto& id : fit.formats) formats << text(m_registries.exporters.find(id)->info().name);
        if (fit.refusal.empty())
            page += QStringLiteral("<p>%1</p>").arg(formats.isEmpty() ? tr("No format holds its result, at these defaults.")
                                                                      : tr("Formats that hold its result: %1").arg(formats.join(QStringLiteral(", ")).toHtmlEscaped()));
    }
    m_page->setHtml(page);
}

void MethodBrowser::choose(const QTreeWidgetItem* item) {
    const QString id = item ? item->data(0, kIdRole).toString() : QString();
    if (id.isEmpty()) return;
    hide();
    emit chosen(id);
}

bool MethodBrowser::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_filter && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        if (key == Qt::Key_Return || key == Qt::Key_Enter) {
            choose(m_tree->currentItem());
            return true;
        }
        if (key == Qt::Key_Down || key == Qt::Key_Up) {
            auto* next = key == Qt::Key_Down ? m_tree->itemBelow(m_tree->currentItem()) : m_tree->itemAbove(m_tree->currentItem());
            while (next && next->data(0, kIdRole).isNull())
                next = key == Qt::Key_Down ? m_tree->itemBelow(next) : m_tree->itemAbove(next);
            if (next) m_tree->setCurrentItem(next);
            return true;
        }
    }
    return QFrame::eventFilter(watched, event);
}

} // namespace qscope
