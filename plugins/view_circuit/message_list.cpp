// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/message_list.h"

#include <QListWidget>
#include <QVBoxLayout>

namespace qscope {

namespace {

QString severityName(Severity severity) {
    switch (severity) {
    case Severity::Error: return QObject::tr("Error");
    case Severity::Warning: return QObject::tr("Warning");
    case Severity::Note: break;
    }
    return QObject::tr("Note");
}

Role severityRole(Severity severity) {
    return severity == Severity::Error ? Role::Bad : severity == Severity::Warning ? Role::Warn : Role::Muted;
}

} // namespace

MessageList::MessageList(ViewContext& context, QWidget* parent)
    : QWidget(parent)
    , m_context(context)
    , m_text(editableText(context))
    , m_list(new QListWidget(this)) {
    m_list->setAccessibleName(tr("Messages about the source"));
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setWordWrap(true);
    m_list->setSpacing(4);
    m_list->setFont(Theme::body());
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_list);
    connect(m_list, &QListWidget::itemClicked, this, [this](QListWidgetItem* item) {
        emit placeChosen(item->data(Qt::UserRole).toInt(), item->data(Qt::UserRole + 1).toInt());
    });
    connect(m_list, &QListWidget::itemActivated, m_list, &QListWidget::itemClicked);
    connect(&context, &ViewContext::themeChanged, this, [this] { load(); });
    if (m_text) connect(m_text, &CircuitText::checked, this, &MessageList::load);
}

void MessageList::load() {
    m_list->clear();
    const auto opened = m_context.circuit();
    const auto diagnostics = m_text ? m_text->diagnostics() : opened ? opened->diagnostics : std::vector<Diagnostic>();
    setVisible(!diagnostics.empty());
    for (const auto& entry : diagnostics) {
        QString text = entry.span.line > 0
                           ? tr("%1, line %2, column %3: %4")
                                 .arg(severityName(entry.severity))
                                 .arg(entry.span.line)
                                 .arg(entry.span.column)
                                 .arg(QString::fromStdString(entry.message))
                           : tr("%1: %2").arg(severityName(entry.severity), QString::fromStdString(entry.message));
        if (!entry.suggestion.empty())
            text += QLatin1Char('\n') + tr("Suggestion: %1").arg(QString::fromStdString(entry.suggestion));
        auto* item = new QListWidgetItem(text, m_list);
        item->setForeground(m_context.theme().color(severityRole(entry.severity)));
        item->setData(Qt::UserRole, entry.span.line);
        item->setData(Qt::UserRole + 1, entry.span.column);
    }
}

} // namespace qscope
