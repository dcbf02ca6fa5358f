// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/messages.h"

namespace qscope {

namespace {
constexpr std::size_t kKept = 2000;
} // namespace

void Messages::add(Severity severity, const QString& text) {
    if (m_messages.size() == kKept) {
        m_messages.erase(m_messages.begin());
        emit droppedOldest();
    }
    m_messages.push_back({QTime::currentTime(), severity, text});
    emit added();
}

void Messages::add(const Diagnostic& diagnostic) {
    QString text = QString::fromStdString(diagnostic.message);
    if (!diagnostic.subject.empty()) text = QString::fromStdString(diagnostic.subject) + QStringLiteral(": ") + text;
    if (diagnostic.span.line > 0) text = tr("Line %1: %2").arg(diagnostic.span.line).arg(text);
    if (!diagnostic.suggestion.empty()) text += QStringLiteral(" (%1)").arg(QString::fromStdString(diagnostic.suggestion));
    add(diagnostic.severity, text);
}

void Messages::clear() {
    m_messages.clear();
    emit cleared();
}

} // namespace qscope
