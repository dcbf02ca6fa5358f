// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/board_strip.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QTimer>

namespace qscope {

BoardStrip::BoardStrip(ViewContext& context, ResultBoard& board, QWidget* parent)
    : QWidget(parent)
    , m_context(context)
    , m_board(board)
    , m_text(new QLabel)
    , m_progress(new QProgressBar)
    , m_button(new QPushButton)
    , m_poll(new QTimer(this)) {
    setObjectName(QStringLiteral("boardStrip"));
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(8, 0, 8, 4);
    layout->setSpacing(8);
    m_text->setWordWrap(true);
    m_text->setFont(Theme::caption());
    m_progress->setTextVisible(false);
    m_progress->setMaximumHeight(4);
    m_progress->setMinimumWidth(160);
    m_button->setFont(Theme::caption());
    layout->addWidget(m_text, 1);
    layout->addWidget(m_progress);
    layout->addWidget(m_button);
    m_poll->setInterval(50);
    connect(m_poll, &QTimer::timeout, this, &BoardStrip::refresh);
    connect(&board, &ResultBoard::runChanged, this, &BoardStrip::refresh);
    connect(&context, &ViewContext::themeChanged, this, &BoardStrip::refresh);
    connect(m_button, &QPushButton::clicked, this,
            [this] { m_board.jobs().running() ? m_board.cancel() : m_board.runMissing(); });
    refresh();
}

void BoardStrip::setMissing(int count) {
    m_missing = count;
    refresh();
}

void BoardStrip::refresh() {
    const bool runs = m_board.jobs().running();
    const QString problem = m_board.problem();
    if (runs != m_poll->isActive()) runs ? m_poll->start() : m_poll->stop();
    QPalette colors = palette();
    colors.setColor(QPalette::WindowText,
                    m_context.theme().color(!runs && !problem.isEmpty() ? Role::Bad : Role::Muted));
    m_text->setPalette(colors);
    m_progress->setVisible(runs);
    m_button->setVisible(runs || m_missing > 0);
    if (runs) {
        const auto done = m_board.jobs().fraction();
        m_progress->setRange(0, done ? 1000 : 0);
        if (done) m_progress->setValue(static_cast<int>(*done * 1000));
        m_text->setText(done ? tr("Running, %1 % done").arg(static_cast<int>(*done * 100)) : tr("Running"));
        m_button->setText(tr("Cancel"));
    } else if (!problem.isEmpty()) {
        m_text->setText(tr("The run failed: %1").arg(problem));
        m_button->setText(tr("Make %n pinned result(s) again", nullptr, m_missing));
    } else {
        m_text->setText(
            tr("%n pinned result(s) are not in memory: results are not stored with a session.", nullptr, m_missing));
        m_button->setText(tr("Make %n pinned result(s) again", nullptr, m_missing));
    }
    setVisible(runs || !problem.isEmpty() || m_missing > 0);
}

} // namespace qscope
