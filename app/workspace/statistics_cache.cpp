// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/statistics_cache.h"

#include <numeric>

namespace qscope {

namespace {

using Statistics = std::shared_ptr<const engine::TensorStatistics>;

// Above this, opening a file would keep the disk busy for minutes without anyone having asked for it.
constexpr std::uint64_t kUnaskedBytes = 16ull << 30;
constexpr std::size_t kBudget = 256u << 20;

std::size_t memoryOf(const engine::TensorStatistics& statistics) {
    const auto bytes = [](const auto& values) { return values.size() * sizeof(values[0]); };
    return sizeof(statistics) + bytes(statistics.histogram.edges) + bytes(statistics.histogram.counts) +
           bytes(statistics.rowAbsMax) + bytes(statistics.columnAbsMax) + bytes(statistics.rowNorms) +
           bytes(statistics.columnNorms) + bytes(statistics.extremes) + bytes(statistics.quantiles);
}

} // namespace

/// Results on their way from a worker; one event per batch, so that many small tensors do not flood the window.
struct StatisticsCache::Mailbox {
    std::mutex mutex;
    std::vector<std::pair<std::int64_t, Statistics>> results;

    /// Whether the box was empty, which means that nobody has been told yet.
    bool post(std::int64_t tensor, Statistics statistics) {
        const std::lock_guard lock(mutex);
        results.emplace_back(tensor, std::move(statistics));
        return results.size() == 1;
    }
};

StatisticsCache::StatisticsCache(JobList& jobs, JobRunner::BackendSource backend, QObject* parent)
    : QObject(parent), m_mailbox(std::make_shared<Mailbox>()), m_background(jobs, backend), m_urgent(jobs, backend) {}

StatisticsCache::~StatisticsCache() = default;

void StatisticsCache::setCheckpoint(std::shared_ptr<const engine::Checkpoint> checkpoint) {
    m_background.cancel();
    m_urgent.cancel();
    m_mailbox = std::make_shared<Mailbox>(); // late results of the old checkpoint land in the old box
    m_checkpoint = std::move(checkpoint);
    const std::size_t count = m_checkpoint ? m_checkpoint->tensors.size() : 0;
    m_rows.assign(count, {});
    m_full.assign(count, nullptr);
    m_order.clear();
    m_bytes = 0;
    m_requested = -1;
    m_waitsForUser = m_checkpoint && engine::storedBytes(*m_checkpoint) > kUnaskedBytes;
    if (m_checkpoint && !m_waitsForUser) computeAll();
}

void StatisticsCache::computeAll() {
    m_waitsForUser = false;
    m_background.start(tr("Statistics of %n tensor(s)", nullptr, static_cast<int>(m_rows.size())),
                       [checkpoint = m_checkpoint, box = m_mailbox, this](const RunContext& context) -> Jobs::Completion {
        context.progress.total = static_cast<std::int64_t>(engine::storedBytes(*checkpoint));
        std::int64_t skipped = 0;
        for (std::size_t tensor = 0; tensor < checkpoint->tensors.size() && !context.cancelled(); ++tensor) {
            if (!checkpoint->tensors[tensor].isWhole()) continue; // parts are measured when someone looks at them
            Progress own;
            const RunContext inner{context.stop, own, context.notes, context.backend};
            auto statistics = engine::computeStatistics(checkpoint->view(tensor), {}, inner);
            context.progress.done += static_cast<std::int64_t>(checkpoint->tensors[tensor].bytes);
            if (!statistics) {
                if (statistics.error().code != ErrorCode::Cancelled) ++skipped;
                continue;
            }
            // `this` outlives the job: its runner is a member.
            if (box->post(static_cast<std::int64_t>(tensor), *std::move(statistics)))
                QMetaObject::invokeMethod(this, &StatisticsCache::collect, Qt::QueuedConnection);
        }
        if (skipped > 0 && !context.cancelled())
            context.notes.warn(fmt::format("{} tensors have a type whose values cannot be read; they have no statistics", skipped));
        return {};
    });
}

Statistics StatisticsCache::request(std::int64_t tensor) {
    if (tensor < 0 || tensor >= static_cast<std::int64_t>(m_full.size())) return nullptr;
    const auto& known = m_full[static_cast<std::size_t>(tensor)];
    if (known || m_requested == tensor) return known;
    m_requested = tensor;
    const QString name = QString::fromStdString(m_checkpoint->tensors[static_cast<std::size_t>(tensor)].name);
    m_urgent.start(tr("Statistics of %1").arg(name),
                   [checkpoint = m_checkpoint, box = m_mailbox, tensor, this](const RunContext& context) -> Jobs::Completion {
        auto statistics = engine::computeStatistics(checkpoint->view(static_cast<std::size_t>(tensor)), {}, context);
        if (statistics) {
            if (box->post(tensor, *std::move(statistics)))
                QMetaObject::invokeMethod(this, &StatisticsCache::collect, Qt::QueuedConnection);
        } else if (statistics.error().code != ErrorCode::Cancelled) {
            context.notes.add({Severity::Error, describe(statistics.error()), {}, {}, {}});
        }
        return {};
    });
    return nullptr;
}

void StatisticsCache::collect() {
    std::vector<std::pair<std::int64_t, Statistics>> results;
    {
        const std::lock_guard lock(m_mailbox->mutex);
        results.swap(m_mailbox->results);
    }
    for (auto& [tensor, statistics] : results) store(tensor, std::move(statistics));
}

void StatisticsCache::store(std::int64_t tensor, Statistics statistics) {
    const auto index = static_cast<std::size_t>(tensor);
    const auto& s = *statistics;
    m_rows[index] = {true, s.std, s.absmax, s.kurtosis, s.maxToMean, static_cast<double>(s.outliers)};
    if (m_full[index]) return; // computed by both runners
    m_bytes += memoryOf(s);
    m_full[index] = std::move(statistics);
    m_order.push_back(tensor);
    while (m_bytes > kBudget && m_order.size() > 1) {
        const auto oldest = m_order.front();
        m_order.pop_front();
        if (oldest == m_requested) { // on screen
            m_order.push_back(oldest);
            continue;
        }
        auto& dropped = m_full[static_cast<std::size_t>(oldest)];
        m_bytes -= memoryOf(*dropped);
        dropped = nullptr;
    }
    emit changed(tensor);
}

} // namespace qscope
