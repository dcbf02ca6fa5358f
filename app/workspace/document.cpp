// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/document.h"

#include "app/workspace/change_value.h"

namespace qscope {

namespace {
// Each report keeps its codes in memory; more than a few runs of a large model would not fit.
constexpr std::size_t kKeptReports = 4;
} // namespace

void Document::setCheckpoint(std::shared_ptr<const engine::Checkpoint> checkpoint) {
    m_checkpoint = std::move(checkpoint);
    m_reports.clear();
    m_currentReport = -1;
    m_undoStack.clear();
    m_plan.source = m_checkpoint ? m_checkpoint->path.string() : std::string();
    emit changed(Change::Checkpoint);
    emit changed(Change::Report);
    emit changed(Change::Plan);
}

void Document::editPlan(engine::Plan plan, const QString& text, int mergeKey) {
    if (plan == m_plan) return;
    m_undoStack.push(new ChangeValue<engine::Plan>(
        m_plan, std::move(plan), [this] { emit changed(Change::Plan); }, text, mergeKey));
}

void Document::restorePlan(engine::Plan plan) {
    plan.source = m_plan.source;
    m_plan = std::move(plan);
    m_undoStack.clear();
    emit changed(Change::Plan);
}

std::shared_ptr<const engine::CompareReport> Document::report() const {
    return m_currentReport < 0 ? nullptr : m_reports[static_cast<std::size_t>(m_currentReport)];
}

void Document::addReport(std::shared_ptr<const engine::CompareReport> report) {
    m_reports.push_back(std::move(report));
    if (m_reports.size() > kKeptReports) m_reports.erase(m_reports.begin());
    m_currentReport = static_cast<int>(m_reports.size()) - 1;
    emit changed(Change::Report);
}

void Document::updateReport(std::shared_ptr<const engine::CompareReport> report) {
    Q_ASSERT(m_currentReport >= 0);
    m_reports[static_cast<std::size_t>(m_currentReport)] = std::move(report);
    emit changed(Change::Report);
}

void Document::showReport(int index) {
    Q_ASSERT(index >= 0 && index < static_cast<int>(m_reports.size()));
    if (index == m_currentReport) return;
    m_currentReport = index;
    emit changed(Change::Report);
}

void Document::setCircuit(std::shared_ptr<const OpenCircuit> circuit) {
    m_circuit = std::move(circuit);
    emit changed(Change::Circuit);
}

void Document::annotate(const QString& tensor, const QString& text) {
    Annotations after = m_annotations;
    if (text.isEmpty()) after.erase(tensor);
    else after[tensor] = text;
    if (after == m_annotations) return;
    m_undoStack.push(new ChangeValue<Annotations>(
        m_annotations, std::move(after), [this] { emit changed(Change::Notes); }, tr("Note on %1").arg(tensor)));
}

void Document::restoreAnnotations(Annotations annotations) {
    m_annotations = std::move(annotations);
    emit changed(Change::Notes);
}

} // namespace qscope
