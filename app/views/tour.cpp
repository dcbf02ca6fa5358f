// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/tour.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QTimer>
#include <QVBoxLayout>

namespace qscope {

namespace {
constexpr int kWidth = 320;
constexpr int kMargin = 12;
constexpr int kPlaceMs = 200; ///< the layout settles after a step opened a file or a view
} // namespace

TourGuide::TourGuide(ViewContext& context, QWidget* window)
    : QFrame(window), m_context(context), m_title(new QLabel(this)), m_text(new QLabel(this)),
      m_next(new QPushButton(this)) {
    setObjectName(QStringLiteral("tourGuide"));
    setAccessibleName(tr("Tour"));
    setFocusPolicy(Qt::StrongFocus);
    m_title->setFont(Theme::caption());
    m_text->setWordWrap(true);
    m_next->setProperty("primary", true);
    m_next->setObjectName(QStringLiteral("tourNext"));
    auto* end = new QPushButton(tr("End tour"), this);
    end->setFlat(true);
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(end);
    buttons->addStretch();
    buttons->addWidget(m_next);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(16, 12, 16, 12);
    layout->setSpacing(8);
    layout->addWidget(m_title);
    layout->addWidget(m_text);
    layout->addLayout(buttons);
    setFixedWidth(kWidth);
    connect(m_next, &QPushButton::clicked, this, &TourGuide::advance);
    connect(end, &QPushButton::clicked, this, &QWidget::hide);
    window->installEventFilter(this);
    hide();
}

void TourGuide::start(const Tour& tour) {
    m_tour = tour;
    m_step = 0;
    showStep();
}

void TourGuide::advance() {
    if (m_step >= m_tour.steps.size()) return hide();
    const auto act = m_tour.steps[m_step++].act;
    if (act) act();
    if (m_step >= m_tour.steps.size()) return hide();
    showStep();
}

void TourGuide::showStep() {
    const auto& step = m_tour.steps[m_step];
    m_title->setText(tr("%1 · click %2 of %3").arg(m_tour.title).arg(m_step + 1).arg(m_tour.steps.size()));
    m_text->setText(step.text);
    m_next->setText(step.button);
    show();
    place();
    QTimer::singleShot(kPlaceMs, this, &TourGuide::place);
    m_next->setFocus();
}

void TourGuide::place() {
    if (!isVisible() || m_step >= m_tour.steps.size()) return;
    adjustSize();
    raise();
    const QRect area = parentWidget()->rect().adjusted(kMargin, kMargin, -kMargin, -kMargin);
    const auto* target = parentWidget()->findChild<QWidget*>(m_tour.steps[m_step].target);
    QPoint at = area.center() - QPoint(width() / 2, height() / 2);
    if (target && target->isVisible()) {
        const QRect spot(target->mapTo(parentWidget(), QPoint(0, 0)), target->size());
        if (spot.right() + kMargin + width() <= area.right()) at = QPoint(spot.right() + kMargin, spot.top());
        else if (spot.left() - kMargin - width() >= area.left()) at = QPoint(spot.left() - kMargin - width(), spot.top());
        else at = QPoint(spot.left(), spot.bottom() + kMargin);
    }
    at.setX(std::clamp(at.x(), area.left(), std::max(area.left(), area.right() - width())));
    at.setY(std::clamp(at.y(), area.top(), std::max(area.top(), area.bottom() - height())));
    move(at);
}

bool TourGuide::eventFilter(QObject* watched, QEvent* event) {
    if (watched == parentWidget() && event->type() == QEvent::Resize) place();
    return QFrame::eventFilter(watched, event);
}

void TourGuide::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Escape) hide();
    else QFrame::keyPressEvent(event);
}

void TourGuide::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(m_context.theme().color(Role::Accent), 1.5));
    painter.setBrush(m_context.theme().color(Role::Surface));
    painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 8, 8);
}

} // namespace qscope
