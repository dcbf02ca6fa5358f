// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/method_browser.h"

#include <QGuiApplication>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QScreen>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace qscope {

namespace {
QString text(const std::string& part) { return QString::fromStdString(part); }
constexpr int kIdRole = Qt::UserRole;
} // namespace

MethodBrowser::MethodBrowser(const engine::Registries& registries, QWidget* parent)
    : QFrame(parent, Qt::Popup), m_registries(registries), m_filter(new QLineEdit(this)), m_tree(new QTreeWidget(this)),
      m_description(new QLabel(this)) {
    setFrameShape(QFrame::StyledPanel);
    m_filter->setPlaceholderText(tr("Filter methods"));
    m_filter->setAccessibleName(tr("Filter methods"));
    m_filter->setClearButtonEnabled(true);
    m_filter->installEventFilter(this);
    m_tree->setHeaderHidden(true);
    m_tree->setAccessibleName(tr("Methods by group"));
    m_tree->setObjectName(QStringLiteral("methodTree"));
    m_description->setWordWrap(true);
    m_description->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    m_description->setMinimumHeight(96);
    m_description->setAccessibleName(tr("About the method"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(8, 8, 8, 8);
    layout->setSpacing(8);
    layout->addWidget(m_filter);
    layout->addWidget(m_tree, 1);
    layout->addWidget(m_description);
    resize(360, 420);
    connect(m_filter, &QLineEdit::textChanged, this, &MethodBrowser::filter);
    connect(m_tree, &QTreeWidget::currentItemChanged, this, [this](const QTreeWidgetItem* item) { describe(item); });
    connect(m_tree, &QTreeWidget::itemActivated, this, [this](const QTreeWidgetItem* item) { choose(item); });
    connect(m_tree, &QTreeWidget::itemClicked, this, [this](const QTreeWidgetItem* item) { choose(item); });
}

void MethodBrowser::popup(QWidget& under) {
    m_filter->clear();
    filter({});
    const QRect screen = under.screen()->availableGeometry();
    QPoint at = under.mapToGlobal(QPoint(0, under.height()));
    at.setX(std::clamp(at.x(), screen.left(), std::max(screen.left(), screen.right() - width())));
    at.setY(std::clamp(at.y(), screen.top(), std::max(screen.top(), screen.bottom() - height())));
    move(at);
    show();
    m_filter->setFocus();
}

void MethodBrowser::filter(const QString& wanted) {
    m_tree->clear();
    QMap<QString, QTreeWidgetItem*> groups;
    QTreeWidgetItem* first = nullptr;
    for (const auto& method : m_registries.methods.items()) {
        const auto& info = method->info();
        if (!text(info.name + " " + info.id + " " + info.group).contains(wanted, Qt::CaseInsensitive)) continue;
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
    if (!first) m_description->setText(tr("No method has this in its name."));
}

void MethodBrowser::describe(const QTreeWidgetItem* item) {
    const auto* method = item ? m_registries.methods.find(item->data(0, kIdRole).toString().toStdString()) : nullptr;
    if (!method) return m_description->clear();
    const auto& info = method->info();
    m_description->setText(text(info.paper.empty() ? info.summary : info.summary + "\n\n" + info.paper));
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
