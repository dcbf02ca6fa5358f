// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/diagnostics.h"

#include <QObject>
#include <QString>
#include <QTime>

#include <vector>

namespace qscope {

/// One line of the message list.
struct Message {
    QTime time;
    Severity severity = Severity::Note;
    QString text;
};

/// What the program had to say, oldest first; bounded.
class Messages : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    [[nodiscard]] const std::vector<Message>& all() const { return m_messages; }
    void add(Severity severity, const QString& text);
    void add(const Diagnostic& diagnostic);
    void clear();

signals:
    void added();
    /// The oldest message was dropped to make room.
    void droppedOldest();
    void cleared();

private:
    std::vector<Message> m_messages;
};

} // namespace qscope
