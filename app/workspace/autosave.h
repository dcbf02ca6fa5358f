// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/job_runner.h"
#include "app/workspace/session.h"

#include <QLockFile>
#include <QTimer>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace qscope {

/// Writes the session a second after a change to a file of this run's own, held by a lock. A run that ends well turns
/// it into the "last session"; the file of a run that did not is found, unlocked, by the next one.
class Autosave : public QObject {
    Q_OBJECT
public:
    /// `folder` is created when missing.
    Autosave(QString folder, JobList& jobs, JobRunner::BackendSource backend, std::function<SessionData()> snapshot,
             QObject* parent = nullptr);
    ~Autosave() override;

    /// Something worth keeping has changed.
    void touch();
    /// Stops watching and keeps the session as the last one. For the end of a run.
    void finish();

    /// Sessions that crashed runs left behind, newest first.
    [[nodiscard]] QStringList leftBehind() const;
    void discard(const QString& path);
    /// Discards a session that is open again, but only once this run's own file holds it: the next crash may come
    /// before.
    void replace(const QString& path);
    /// Where the session of the last run that ended well is; it need not exist.
    [[nodiscard]] QString lastSession() const;

signals:
    void saved(const QString& path);
    void failed(const QString& reason);

private:
    void save();

    QString m_folder;
    QString m_path;
    QLockFile m_lock;
    std::function<SessionData()> m_snapshot;
    QTimer m_timer;
    QStringList m_replaced;
    bool m_finished = false;
    std::optional<JobRunner> m_runner; ///< none after `finish`
};

} // namespace qscope
