// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/view_page.h"

#include <QTimer>
#include <QVBoxLayout>

namespace qscope {

ViewPage::ViewPage(ViewContext& context, const QString& title, QWidget* parent)
    : QWidget(parent)
    , m_context(context)
    , m_header(new PanelHeader(context, title, this))
    , m_stack(new QStackedWidget(this))
    , m_body(new QWidget(this))
    , m_empty(new EmptyState(context, this))
    , m_veil(new BusyVeil(context, m_body))
    , m_jobs(context.makeJobs()) {
    setAccessibleName(title);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_header);
    layout->addWidget(m_stack, 1);
    m_stack->addWidget(m_body);
    m_stack->addWidget(m_empty);
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::Base);
}

ViewPage::~ViewPage() = default;

void ViewPage::invalidate() {
    m_stale = true;
    if (isVisible()) refreshSoon();
}

void ViewPage::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    if (m_stale) refreshSoon();
}

void ViewPage::refreshSoon() {
    if (m_scheduled) return;
    m_scheduled = true;
    QTimer::singleShot(0, this, [this] {
        m_scheduled = false;
        if (!m_stale || !isVisible()) return;
        m_stale = false;
        refresh();
    });
}

void ViewPage::cancelRun() {
    m_jobs->cancel();
    m_veil->stop();
}

void ViewPage::showEmpty(const QString& text, const QString& action, std::function<void()> triggered) {
    cancelRun();
    m_empty->setContent(text, action, std::move(triggered));
    m_stack->setCurrentWidget(m_empty);
}

void ViewPage::showNoCheckpoint(const QString& what) {
    m_header->setSubject({});
    showEmpty(what, tr("Open checkpoint…"), [this] { m_context.request(WindowRequest::OpenCheckpoint); });
}

void ViewPage::showBody() { m_stack->setCurrentWidget(m_body); }

void ViewPage::showError(const Error& error) {
    if (error.code == ErrorCode::Cancelled) return;
    showEmpty(QString::fromStdString(describe(error)), tr("Try again"), [this] { invalidate(); });
}

} // namespace qscope
