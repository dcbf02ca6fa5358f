// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/frame_watchdog.h"

namespace qscope {

FrameWatchdog::FrameWatchdog(QObject* parent) : QObject(parent) {
    m_timer.setTimerType(Qt::PreciseTimer);
    m_timer.setInterval(5);
    connect(&m_timer, &QTimer::timeout, this, &FrameWatchdog::turn);
}

void FrameWatchdog::start() {
    m_worstNs = 0;
    m_turns = 0;
    m_sinceTurn.start();
    m_timer.start();
}

void FrameWatchdog::stop() {
    turn();
    m_timer.stop();
}

double FrameWatchdog::worstGapMs() const {
    const qint64 current = m_timer.isActive() ? m_sinceTurn.nsecsElapsed() : 0;
    return static_cast<double>(std::max(m_worstNs, current)) * 1e-6;
}

void FrameWatchdog::turn() {
    if (!m_timer.isActive()) return;
    m_worstNs = std::max(m_worstNs, m_sinceTurn.nsecsElapsed());
    m_sinceTurn.start();
    ++m_turns;
}

} // namespace qscope
