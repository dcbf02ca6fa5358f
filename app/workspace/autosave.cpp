// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/autosave.h"

#include <QDir>
#include <QFile>
#include <QUuid>

namespace qscope {

namespace {

// Two seconds is the most that a crash may cost: half of them is left to a busy event loop and to the write.
constexpr int kDelayMs = 1000;

QString lockOf(const QString& path) { return path + QStringLiteral(".lock"); }

QString ownPath(const QString& folder) {
    QDir().mkpath(folder);
    return QDir(folder).filePath(
        QStringLiteral("autosave-%1.qscope").arg(QUuid::createUuid().toString(QUuid::WithoutBraces)));
}

} // namespace

Autosave::Autosave(QString folder, JobList& jobs, JobRunner::BackendSource backend,
                   std::function<SessionData()> snapshot, QObject* parent)
    : QObject(parent)
    , m_folder(std::move(folder))
    , m_path(ownPath(m_folder))
    , m_lock(lockOf(m_path))
    , m_snapshot(std::move(snapshot))
    , m_runner(std::in_place, jobs, std::move(backend)) {
    m_lock.setStaleLockTime(0); // only a dead process makes a lock stale, not its age
    m_lock.tryLock();
    m_timer.setSingleShot(true);
    m_timer.setInterval(kDelayMs);
    connect(&m_timer, &QTimer::timeout, this, &Autosave::save);
}

Autosave::~Autosave() = default;

void Autosave::touch() {
    if (!m_finished && !m_timer.isActive()) m_timer.start();
}

void Autosave::save() {
    runJob(
        *m_runner, QString(),
        [session = m_snapshot(), path = m_path](const RunContext&) { return saveSession(session, path); },
        [this, replaced = m_replaced](const Result<void>& result) {
            if (!result) return emit failed(QString::fromStdString(describe(result.error())));
            for (const auto& path : replaced) {
                discard(path);
                m_replaced.removeAll(path);
            }
            emit saved(m_path);
        });
}

void Autosave::finish() {
    m_finished = true;
    m_timer.stop();
    m_runner.reset(); // a write under way would come after ours and look like a crash
    // The last write of the run happens here and not in a job: there is no event loop left to wait in.
    if (saveSession(m_snapshot(), m_path)) {
        for (const auto& path : m_replaced) discard(path);
        QFile::remove(lastSession());
        QFile::rename(m_path, lastSession());
    }
    m_lock.unlock();
}

QStringList Autosave::leftBehind() const {
    QStringList found;
    const QDir folder(m_folder);
    const auto names = folder.entryList({QStringLiteral("autosave-*.qscope")}, QDir::Files, QDir::Time);
    for (const auto& name : names) {
        const QString path = folder.filePath(name);
        if (path == m_path) continue;
        QLockFile lock(lockOf(path));
        lock.setStaleLockTime(0);
        if (lock.tryLock()) found << path;
    }
    return found;
}

void Autosave::replace(const QString& path) {
    m_replaced << path;
    touch();
}

void Autosave::discard(const QString& path) { QFile::remove(path); }

QString Autosave::lastSession() const { return QDir(m_folder).filePath(QStringLiteral("last.qscope")); }

} // namespace qscope
