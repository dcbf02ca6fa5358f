// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/panel.h"

#include "plugins/sdk/format.h"

#include <QAction>
#include <QButtonGroup>
#include <QDateTime>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QTimerEvent>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr int kPollMs = 50;
constexpr qint64 kUnseenMs = 100;    // shorter jobs would only flicker
constexpr qint64 kTimeLeftMs = 2000; // before that an estimate is noise

void setTextColor(QWidget& widget, const QColor& color) {
    QPalette palette = widget.palette();
    palette.setColor(QPalette::WindowText, color);
    palette.setColor(QPalette::Text, color); // the role in force on a Base background
    widget.setPalette(palette);
}

} // namespace

PanelHeader::PanelHeader(ViewContext& context, const QString& title, QWidget* parent)
    : QWidget(parent)
    , m_layout(new QHBoxLayout(this))
    , m_title(new QLabel(title, this))
    , m_subject(new QLabel(this)) {
    m_layout->setContentsMargins(8, 4, 4, 4);
    m_layout->setSpacing(4);
    QFont font = Theme::body();
    font.setWeight(QFont::DemiBold);
    m_title->setFont(font);
    m_subject->setFont(Theme::caption());
    m_subject->setMinimumWidth(0);
    m_subject->installEventFilter(this);
    m_subject->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_layout->addWidget(m_title);
    m_layout->addSpacing(4);
    m_layout->addWidget(m_subject, 1);
    const auto recolor = [this, &context] { setTextColor(*m_subject, context.theme().color(Role::Muted)); };
    connect(&context, &ViewContext::themeChanged, this, recolor);
    recolor();
}

void PanelHeader::setSubject(const QString& subject) {
    m_fullSubject = subject;
    m_subject->setToolTip(subject);
    elideSubject();
}

void PanelHeader::elideSubject() {
    m_subject->setText(m_subject->fontMetrics().elidedText(m_fullSubject, Qt::ElideMiddle, m_subject->width()));
}

bool PanelHeader::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_subject && event->type() == QEvent::Resize) elideSubject();
    return QWidget::eventFilter(watched, event);
}

QToolButton* PanelHeader::addAction(QAction* action) {
    auto* button = new QToolButton(this);
    button->setDefaultAction(action);
    button->setAutoRaise(true);
    button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    button->setFont(Theme::caption());
    m_layout->addWidget(button);
    return button;
}

void PanelHeader::addChoice(const QStringList& names, int current, std::function<void(int)> chosen,
                            const QStringList& tips) {
    auto* group = new QButtonGroup(this);
    m_layout->addSpacing(4);
    for (int i = 0; i < names.size(); ++i) {
        auto* button = new QToolButton(this);
        button->setText(names[i]);
        button->setAccessibleName(names[i]);
        button->setToolTip(tips.value(i));
        button->setCheckable(true);
        button->setChecked(i == current);
        button->setAutoRaise(true);
        button->setFont(Theme::caption());
        group->addButton(button, i);
        m_layout->addWidget(button);
    }
    connect(group, &QButtonGroup::idClicked, this, [chosen = std::move(chosen)](int index) { chosen(index); });
}

void PanelHeader::addWidget(QWidget* widget) { m_layout->addWidget(widget); }

EmptyState::EmptyState(ViewContext& context, QWidget* parent)
    : QWidget(parent)
    , m_text(new QLabel(this))
    , m_button(new QPushButton(this)) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(24, 24, 24, 24);
    layout->setSpacing(16);
    m_text->setWordWrap(true);
    m_text->setAlignment(Qt::AlignCenter);
    m_text->setFont(Theme::body());
    m_text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    layout->addStretch();
    layout->addWidget(m_text);
    layout->addWidget(m_button, 0, Qt::AlignHCenter);
    layout->addStretch();
    connect(m_button, &QPushButton::clicked, this, [this] {
        if (m_triggered) m_triggered();
    });
    const auto recolor = [this, &context] { setTextColor(*m_text, context.theme().color(Role::Muted)); };
    connect(&context, &ViewContext::themeChanged, this, recolor);
    recolor();
}

void EmptyState::setContent(const QString& text, const QString& action, std::function<void()> triggered) {
    m_text->setText(text);
    m_button->setText(action);
    m_button->setWhatsThis(text);
    m_button->setVisible(!action.isEmpty());
    m_triggered = std::move(triggered);
}

QString EmptyState::text() const { return m_text->text(); }

BusyVeil::BusyVeil(ViewContext& context, QWidget* covered)
    : QWidget(covered)
    , m_context(context) {
    setAttribute(Qt::WA_TransparentForMouseEvents);
    covered->installEventFilter(this);
    hide();
}

void BusyVeil::watch(const Jobs& jobs) {
    m_jobs = &jobs;
    m_startedMs = QDateTime::currentMSecsSinceEpoch();
    if (m_timer == 0) m_timer = startTimer(kPollMs);
}

void BusyVeil::stop() {
    if (m_timer != 0) killTimer(std::exchange(m_timer, 0));
    m_jobs = nullptr;
    hide();
}

void BusyVeil::timerEvent(QTimerEvent*) {
    if (!m_jobs || !m_jobs->running()) {
        stop();
        return;
    }
    if (QDateTime::currentMSecsSinceEpoch() - m_startedMs < kUnseenMs) return;
    setGeometry(parentWidget()->rect());
    raise();
    show();
    update();
}

bool BusyVeil::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::Resize) setGeometry(parentWidget()->rect());
    return QWidget::eventFilter(watched, event);
}

void BusyVeil::paintEvent(QPaintEvent*) {
    const Theme& theme = m_context.theme();
    QPainter painter(this);
    QColor dim = theme.color(Role::Surface);
    dim.setAlphaF(0.55F);
    painter.fillRect(rect(), dim);
    const qint64 elapsed = QDateTime::currentMSecsSinceEpoch() - m_startedMs;
    const auto fraction = m_jobs ? m_jobs->fraction() : std::nullopt;
    if (fraction) {
        painter.fillRect(QRectF(0, 0, width() * std::clamp(*fraction, 0.0, 1.0), 2), theme.color(Role::Accent));
        if (elapsed > kTimeLeftMs && *fraction > 0.01) {
            const double left = static_cast<double>(elapsed) / 1000 * (1 - *fraction) / *fraction;
            painter.setFont(Theme::caption());
            painter.setPen(theme.color(Role::Muted));
            painter.drawText(QRectF(8, 4, width() - 16, 20), Qt::AlignRight | Qt::AlignVCenter,
                             tr("%1 left").arg(formatDuration(left)));
        }
    } else {
        // Unknown length: a piece that travels, so that one sees it is alive.
        const double phase = static_cast<double>(elapsed % 1600) / 1600;
        painter.fillRect(QRectF((width() + width() / 4.0) * phase - width() / 4.0, 0, width() / 4.0, 2),
                         theme.color(Role::Accent));
    }
}

} // namespace qscope
