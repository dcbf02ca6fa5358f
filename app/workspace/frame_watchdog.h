// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>

namespace qscope {

/// Measures how long the window's event loop has gone without a turn: a timer asks for a turn every few milliseconds
/// and records how late it came. Costs a wake-up per tick, so it runs only between `start` and `stop`.
class FrameWatchdog : public QObject {
    Q_OBJECT
public:
    explicit FrameWatchdog(QObject* parent = nullptr);

    /// Forgets what was recorded.
    void start();
    void stop();
    /// The longest gap between two turns since `start`, in milliseconds; includes the running one.
    [[nodiscard]] double worstGapMs() const;
    [[nodiscard]] qint64 turns() const { return m_turns; }

private:
    void turn();

    QTimer m_timer;
    QElapsedTimer m_sinceTurn;
    qint64 m_worstNs = 0;
    qint64 m_turns = 0;
};

} // namespace qscope
