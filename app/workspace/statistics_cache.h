// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/job_runner.h"
#include "engine/analysis/statistics.h"
#include "engine/checkpoint/checkpoint.h"

#include <QObject>

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace qscope {

/// The numbers of one tensor that the navigator sorts by.
struct StatisticsRow {
    bool known = false;
    double std = 0;
    double absmax = 0;
    double kurtosis = 0;
    double maxToMean = 0;
    double outliers = 0;
};

/// Statistics of the open checkpoint: computed in the background for all tensors, at once for the one that is asked for.
/// The rows stay for all tensors; the full statistics only within a memory budget, and are computed again on request.
class StatisticsCache : public QObject {
    Q_OBJECT
public:
    StatisticsCache(JobList& jobs, JobRunner::BackendSource backend, QObject* parent = nullptr);
    ~StatisticsCache() override;

    void setCheckpoint(std::shared_ptr<const engine::Checkpoint> checkpoint);
    /// Null when unknown; then a job for it starts and `changed` follows.
    [[nodiscard]] std::shared_ptr<const engine::TensorStatistics> request(std::int64_t tensor);
    [[nodiscard]] const std::vector<StatisticsRow>& rows() const { return m_rows; }
    /// Starts the background pass even for a checkpoint too large to be read unasked.
    void computeAll();
    /// Whether the background pass was left out because of the checkpoint's size.
    [[nodiscard]] bool waitsForUser() const { return m_waitsForUser; }

signals:
    void changed(qint64 tensor);

private:
    struct Mailbox;
    void collect();
    void store(std::int64_t tensor, std::shared_ptr<const engine::TensorStatistics> statistics);

    std::shared_ptr<const engine::Checkpoint> m_checkpoint;
    std::vector<StatisticsRow> m_rows;
    std::vector<std::shared_ptr<const engine::TensorStatistics>> m_full;
    std::deque<std::int64_t> m_order; ///< of `m_full`, oldest first
    std::size_t m_bytes = 0;
    std::int64_t m_requested = -1;
    bool m_waitsForUser = false;
    std::shared_ptr<Mailbox> m_mailbox;
    JobRunner m_background;
    JobRunner m_urgent;
};

} // namespace qscope
