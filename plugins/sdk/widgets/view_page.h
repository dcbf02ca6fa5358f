// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/panel.h"

#include <QStackedWidget>

namespace qscope {

/// Base of a view: a header, a body, an empty state in its place, a veil while its job runs. Computes only while shown:
/// `invalidate` refreshes at once when visible, else on the next show. Several calls in one turn refresh once.
class ViewPage : public QWidget {
    Q_OBJECT
public:
    ViewPage(ViewContext& context, const QString& title, QWidget* parent);
    ~ViewPage() override;

protected:
    /// Brings the content up to date with the context. Called on the window's thread while visible.
    virtual void refresh() = 0;

    void invalidate();
    /// Drops the job that runs, if any.
    void cancelRun();
    /// Shows `text` in place of the body; a job that still runs is cancelled.
    void showEmpty(const QString& text, const QString& action = {}, std::function<void()> triggered = {});
    /// The usual empty state without a checkpoint: offers to open one.
    void showNoCheckpoint(const QString& what);
    void showBody();
    /// Shows what failed, in place of the body; cancelled jobs are silent.
    void showError(const Error& error);

    [[nodiscard]] ViewContext& context() const { return m_context; }
    [[nodiscard]] PanelHeader& header() const { return *m_header; }
    /// Put a layout on it.
    [[nodiscard]] QWidget& body() const { return *m_body; }
    /// Runs `work` (RunContext -> Result<T>) on the view's own runner under the veil, superseding the job before it;
    /// `done(T&&)` runs on the window's thread, an error takes the body's place.
    template<class Work, class Done>
    void run(const QString& title, Work work, Done done) {
        runJob(*m_jobs, title, std::move(work), [this, done = std::move(done)](auto&& result) {
            if (result)
                done(*std::move(result));
            else
                showError(result.error());
        });
        m_veil->watch(*m_jobs);
    }

    void showEvent(QShowEvent* event) override;

private:
    void refreshSoon();

    ViewContext& m_context;
    PanelHeader* m_header;
    QStackedWidget* m_stack;
    QWidget* m_body;
    EmptyState* m_empty;
    BusyVeil* m_veil;
    std::unique_ptr<Jobs> m_jobs;
    bool m_stale = true;
    bool m_scheduled = false;
};

} // namespace qscope
