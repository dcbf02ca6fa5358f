// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/models/roles.h"
#include "app/workspace/job_list.h"
#include "app/workspace/messages.h"
#include "plugins/host/plugin_host.h"

#include <QAbstractTableModel>
#include <QTimer>

#include <memory>
#include <vector>

namespace qscope {

/// The jobs that run now: title, progress, time left. A timer reads their progress; jobs send no signal per step.
class JobsModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Title, Done, TimeLeft, Cancel, ColumnCount };

    explicit JobsModel(JobList& jobs, QObject* parent = nullptr);
    void cancel(int row);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    void add(const std::shared_ptr<JobRecord>& job);
    void remove(const std::shared_ptr<JobRecord>& job);

    std::vector<std::shared_ptr<JobRecord>> m_jobs;
    QTimer m_timer;
};

/// The message list, oldest first. `SortRole` of the first column is the severity.
class MessagesModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Time, Kind, Text, ColumnCount };

    explicit MessagesModel(Messages& messages, QObject* parent = nullptr);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    const Messages& m_messages;
    int m_rows = 0; ///< as told to views
};

/// All plugins with state and error; the check box switches one off or on for the next start.
class PluginsModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Name, Version, Kinds, State, ColumnCount };

    PluginsModel(std::vector<PluginRecord> records, QStringList disabled, QObject* parent = nullptr);
    [[nodiscard]] const QStringList& disabled() const { return m_disabled; }
    [[nodiscard]] const PluginRecord& record(int row) const { return m_records[static_cast<std::size_t>(row)]; }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

signals:
    void disabledChanged();

private:
    std::vector<PluginRecord> m_records;
    QStringList m_disabled;
};

} // namespace qscope
