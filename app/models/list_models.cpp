// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/models/list_models.h"

#include "plugins/sdk/format.h"

#include <algorithm>

namespace qscope {

namespace {
constexpr int kPollMs = 50;
constexpr double kShowTimeLeftAfterSeconds = 2;
} // namespace

JobsModel::JobsModel(JobList& jobs, QObject* parent) : QAbstractTableModel(parent) {
    connect(&jobs, &JobList::added, this, &JobsModel::add);
    connect(&jobs, &JobList::removed, this, &JobsModel::remove);
    for (const auto& job : jobs.jobs()) add(job);
    m_timer.setInterval(kPollMs);
    connect(&m_timer, &QTimer::timeout, this, [this] {
        if (!m_jobs.empty()) emit dataChanged(index(0, Done), index(rowCount() - 1, TimeLeft));
    });
}

void JobsModel::add(const std::shared_ptr<JobRecord>& job) {
    if (job->title.isEmpty()) return;
    const int row = rowCount();
    beginInsertRows({}, row, row);
    m_jobs.push_back(job);
    endInsertRows();
    m_timer.start();
}

void JobsModel::remove(const std::shared_ptr<JobRecord>& job) {
    const auto found = std::find(m_jobs.begin(), m_jobs.end(), job);
    if (found == m_jobs.end()) return;
    const int row = static_cast<int>(found - m_jobs.begin());
    beginRemoveRows({}, row, row);
    m_jobs.erase(found);
    endRemoveRows();
    if (m_jobs.empty()) m_timer.stop();
}

void JobsModel::cancel(int row) { m_jobs[static_cast<std::size_t>(row)]->stop.request_stop(); }

int JobsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_jobs.size());
}

int JobsModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

QVariant JobsModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const auto& job = *m_jobs[static_cast<std::size_t>(index.row())];
    const auto fraction = fractionDone(job);
    if (role == FractionRole) return fraction ? QVariant(*fraction) : QVariant();
    if (role == SortRole && index.column() == Done) return fraction.value_or(0);
    if (role != Qt::DisplayRole) return {};
    switch (index.column()) {
    case Title: return job.title;
    case Done: return fraction ? tr("%1 %").arg(*fraction * 100, 0, 'f', 0) : QString();
    case TimeLeft: {
        if (job.stop.stop_requested()) return tr("Stopping…");
        const double left = secondsLeft(job);
        const bool early = static_cast<double>(job.clock.elapsed()) / 1000.0 < kShowTimeLeftAfterSeconds;
        return left < 0 || early ? QString() : tr("%1 left").arg(formatDuration(left));
    }
    case Cancel: return tr("Cancel");
    default: return {};
    }
}

QVariant JobsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (section) {
    case Title: return tr("Job");
    case Done: return tr("Done");
    case TimeLeft: return tr("Time left");
    default: return {};
    }
}

MessagesModel::MessagesModel(Messages& messages, QObject* parent)
    : QAbstractTableModel(parent), m_messages(messages), m_rows(static_cast<int>(messages.all().size())) {
    connect(&messages, &Messages::added, this, [this] {
        beginInsertRows({}, m_rows, m_rows);
        ++m_rows;
        endInsertRows();
    });
    connect(&messages, &Messages::droppedOldest, this, [this] {
        beginRemoveRows({}, 0, 0);
        --m_rows;
        endRemoveRows();
    });
    connect(&messages, &Messages::cleared, this, [this] {
        beginResetModel();
        m_rows = 0;
        endResetModel();
    });
}

int MessagesModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : m_rows; }
int MessagesModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

QVariant MessagesModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const auto& message = m_messages.all()[static_cast<std::size_t>(index.row())];
    if (role == SortRole) return static_cast<int>(message.severity);
    if (role == Qt::ToolTipRole) return message.text;
    if (role != Qt::DisplayRole) return {};
    switch (index.column()) {
    case Time: return message.time.toString(QStringLiteral("HH:mm:ss"));
    case Kind:
        switch (message.severity) {
        case Severity::Note: return tr("Note");
        case Severity::Warning: return tr("Warning");
        case Severity::Error: return tr("Error");
        }
        return {};
    default: return message.text;
    }
}

QVariant MessagesModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (section) {
    case Time: return tr("Time");
    case Kind: return tr("Kind");
    default: return tr("Message");
    }
}

PluginsModel::PluginsModel(std::vector<PluginRecord> records, QStringList disabled, QObject* parent)
    : QAbstractTableModel(parent), m_records(std::move(records)), m_disabled(std::move(disabled)) {}

int PluginsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_records.size());
}

int PluginsModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

Qt::ItemFlags PluginsModel::flags(const QModelIndex& index) const {
    auto flags = QAbstractTableModel::flags(index);
    if (index.column() == Name) flags |= Qt::ItemIsUserCheckable;
    return flags;
}

QVariant PluginsModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const auto& record = m_records[static_cast<std::size_t>(index.row())];
    if (role == Qt::CheckStateRole && index.column() == Name)
        return static_cast<int>(m_disabled.contains(record.id) ? Qt::Unchecked : Qt::Checked);
    if (role == Qt::ToolTipRole) return record.error.isEmpty() ? record.description : record.error;
    if (role == SortRole && index.column() == State) return static_cast<int>(record.state);
    if (role != Qt::DisplayRole && role != SortRole) return {};
    switch (index.column()) {
    case Name: return record.name.isEmpty() ? record.id : record.name;
    case Version: return record.version;
    case Kinds: return record.kinds.join(QStringLiteral(", "));
    default: break;
    }
    switch (record.state) {
    case PluginState::Found: return tr("Not used yet");
    case PluginState::Loaded: return tr("In use");
    case PluginState::Disabled: return tr("Off");
    case PluginState::Failed: return tr("Failed");
    }
    return {};
}

bool PluginsModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    if (!index.isValid() || index.column() != Name || role != Qt::CheckStateRole) return false;
    const QString id = m_records[static_cast<std::size_t>(index.row())].id;
    m_disabled.removeAll(id);
    if (value.toInt() == Qt::Unchecked) m_disabled << id;
    emit dataChanged(index, index, {Qt::CheckStateRole});
    emit disabledChanged();
    return true;
}

QVariant PluginsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (section) {
    case Name: return tr("Plugin");
    case Version: return tr("Version");
    case Kinds: return tr("Adds");
    default: return tr("State");
    }
}

} // namespace qscope
