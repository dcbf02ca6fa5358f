// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QWidget>

#include <functional>

class QAction;
class QHBoxLayout;
class QLabel;
class QPushButton;
class QToolButton;

namespace qscope {

/// The one line above a panel: title left, its own actions right.
class PanelHeader : public QWidget {
    Q_OBJECT
public:
    PanelHeader(ViewContext& context, const QString& title, QWidget* parent = nullptr);

    /// After the title, muted: what the panel is showing ("model.layers.3.mlp.up_proj, 1024 × 256").
    void setSubject(const QString& subject);
    /// A checkable or plain action as a flat text button.
    QToolButton* addAction(QAction* action);
    /// Buttons of which one is down; `chosen` gets its index when the user presses another. `tips` say what each shows.
    void addChoice(const QStringList& names, int current, std::function<void(int)> chosen,
                   const QStringList& tips = {});
    void addWidget(QWidget* widget);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void elideSubject();

    QHBoxLayout* m_layout;
    QLabel* m_title;
    QLabel* m_subject;
    QString m_fullSubject;
};

/// Instead of nothing: what would be here, and the button that fills it.
class EmptyState : public QWidget {
    Q_OBJECT
public:
    explicit EmptyState(ViewContext& context, QWidget* parent = nullptr);
    /// `action` empty: no button.
    void setContent(const QString& text, const QString& action = {}, std::function<void()> triggered = {});
    [[nodiscard]] QString text() const;

private:
    QLabel* m_text;
    QPushButton* m_button;
    std::function<void()> m_triggered;
};

/// Lies over a panel while a job runs: dims what is there, a thin progress line on top, time left after two seconds.
class BusyVeil : public QWidget {
    Q_OBJECT
public:
    BusyVeil(ViewContext& context, QWidget* covered);
    /// Shows itself while `jobs` runs (asked every 50 ms); a job under 100 ms stays unseen.
    void watch(const Jobs& jobs);
    void stop();

protected:
    void paintEvent(QPaintEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;
    void timerEvent(QTimerEvent* event) override;

private:
    ViewContext& m_context;
    const Jobs* m_jobs = nullptr;
    int m_timer = 0;
    qint64 m_startedMs = 0;
};

} // namespace qscope
