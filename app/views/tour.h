// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QFrame>
#include <QPointer>

#include <functional>
#include <vector>

class QLabel;
class QPushButton;

namespace qscope {

/// One click of a tour: what it shows, on which part of the window, and what the click does.
struct TourStep {
    QString target; ///< object name of the widget that the callout points at
    QString text;
    QString button;
    std::function<void()> act;
};

/// Four clicks that show one thing the program is for.
struct Tour {
    QString title;
    QString summary;
    std::vector<TourStep> steps;
};

/// The callout that leads through a tour. It lies in the window and never blocks it; Escape ends the tour.
class TourGuide : public QFrame {
    Q_OBJECT
public:
    TourGuide(ViewContext& context, QWidget* window);

    void start(const Tour& tour);
    [[nodiscard]] bool running() const { return isVisible(); }
    /// The click.
    void advance();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void showStep();
    void place();

    ViewContext& m_context;
    Tour m_tour;
    std::size_t m_step = 0;
    QLabel* m_title;
    QLabel* m_text;
    QPushButton* m_next;
};

} // namespace qscope
