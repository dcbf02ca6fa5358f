// SPDX-License-Identifier: GPL-3.0-or-later
// First: Qt's keyword macros must not reach the engine's names.
#include "engine/plan/calibrate.h"

#include "app/workspace/board_keeper.h"

#include "app/workspace/change_value.h"

#include <algorithm>
#include <set>

namespace qscope {

namespace {

using engine::CompareReport;
using engine::MethodResult;

const MethodResult* labelled(const CompareReport& report, const std::string& label) {
    const auto found = std::ranges::find(report.methods, label, &MethodResult::label);
    return found == report.methods.end() ? nullptr : &*found;
}

bool isSameResult(const MethodResult& a, const MethodResult& b) {
    return a.spec == b.spec && a.tensors.size() == b.tensors.size() && a.bytes == b.bytes &&
           a.metrics.relativeMse == b.metrics.relativeMse;
}

bool isSameText(const CompareReport& a, const CompareReport& b) {
    if (!a.text || !b.text) return true; // nothing to mix up
    return a.text->source == b.text->source && a.text->scoring == b.text->scoring &&
           a.text->context == b.text->context && a.text->reference.tokens == b.text->reference.tokens;
}

/// A label that no result has yet.
std::string freeLabel(const CompareReport& report, const std::string& wanted) {
    std::string label = wanted;
    for (int number = 2; labelled(report, label); ++number) label = fmt::format("{} #{}", wanted, number);
    return label;
}

} // namespace

std::shared_ptr<const CompareReport> withPinned(std::span<const std::shared_ptr<const CompareReport>> earlier,
                                                const CompareReport& made, std::vector<PinnedColumn>& pinned) {
    auto report = std::make_shared<CompareReport>(made);
    std::vector<MethodResult> kept;
    std::map<std::string, std::string> renamed; // old label to new
    const auto isPinned = [&](const MethodResult& method) {
        return std::ranges::find(pinned, QString::fromStdString(method.label), &PinnedColumn::label) != pinned.end();
    };
    for (const auto& before : earlier)
        for (const MethodResult& old : before->methods) {
            if (renamed.contains(old.label) || !isPinned(old)) continue;
            const auto again = std::ranges::find_if(
                made.methods, [&](const MethodResult& method) { return isSameResult(method, old); });
            if (again != made.methods.end()) {
                renamed[old.label] = again->label;
                continue;
            }
            kept.push_back(old);
            kept.back().label = renamed[old.label] = freeLabel(*report, old.label);
            if (!isSameText(*before, made)) kept.back().quality = nullptr;
            if (!report->text && kept.back().quality) report->text = before->text;
        }
    for (PinnedColumn& column : pinned) {
        if (const auto found = renamed.find(column.label.toStdString()); found != renamed.end()) {
            column.label = QString::fromStdString(found->second);
        } else { // one of a session: whatever has its method
            const auto result = std::ranges::find(made.methods, column.spec, &MethodResult::spec);
            if (result != made.methods.end()) column.label = QString::fromStdString(result->label);
        }
    }
    report->methods.insert(report->methods.begin(), std::make_move_iterator(kept.begin()),
                           std::make_move_iterator(kept.end()));
    return report;
}

BoardKeeper::BoardKeeper(Document& document, TextRunner& texts, const engine::Registries& registries,
                         engine::CalibrationCache& calibrations, JobList& jobs, const JobRunner::BackendSource& backend,
                         ViewContext& context)
    : ResultBoard(&context)
    , m_document(document)
    , m_texts(texts)
    , m_registries(registries)
    , m_calibrations(calibrations)
    , m_sweeper(jobs, backend)
    , m_rerunner(jobs, backend)
    , m_filler(jobs, backend) {
    for (const auto* runner : {&m_sweeper, &m_rerunner, &m_filler})
        connect(runner, &JobRunner::runningChanged, this, &ResultBoard::runChanged);
    connect(this, &ResultBoard::changed, this, [this] {
        std::set<std::string> labels;
        for (const PinnedColumn& column : m_pinned) labels.insert(column.label.toStdString());
        m_texts.setPreferred(std::move(labels));
    });
    connect(&document, &Document::changed, this, [this](Document::Change change) {
        if (change != Document::Change::Checkpoint) return;
        cancel();
        m_filler.cancel();
        m_origins.clear();
        m_problem.clear();
        restore({}, {});
    });
}

void BoardKeeper::cancel() {
    m_sweeper.cancel();
    m_rerunner.cancel();
}

void BoardKeeper::setPinned(std::vector<PinnedColumn> columns, const QString& text) {
    if (columns == m_pinned) return;
    m_document.undoStack().push(new ChangeValue<std::vector<PinnedColumn>>(
        m_pinned, std::move(columns), [this] { emit changed(); }, text));
}

void BoardKeeper::setBaseline(const QString& label) {
    if (label == m_baseline) return;
    m_baseline = label;
    emit changed();
}

void BoardKeeper::restore(std::vector<PinnedColumn> pinned, const QString& baseline) {
    m_pinned = std::move(pinned);
    m_baseline = baseline;
    emit changed();
}

void BoardKeeper::adopt(Report made, const engine::Plan& plan) {
    std::vector<Report> earlier(m_document.reports().rbegin(), m_document.reports().rend());
    if (const auto shown = m_document.report()) earlier.insert(earlier.begin(), shown);
    auto pinned = m_pinned;
    const auto report = withPinned(earlier, *made, pinned);
    std::map<std::string, engine::Plan> origins;
    for (std::size_t i = 0; i < pinned.size(); ++i)
        if (const auto found = m_origins.find(m_pinned[i].label.toStdString()); found != m_origins.end())
            origins[pinned[i].label.toStdString()] = found->second;
    for (const MethodResult& method : made->methods) {
        engine::Plan& origin = origins[method.label] = plan;
        origin.sweeps.clear();
    }
    m_origins = std::move(origins);
    const auto base = std::ranges::find(m_pinned, m_baseline, &PinnedColumn::label);
    if (base != m_pinned.end()) m_baseline = pinned[static_cast<std::size_t>(base - m_pinned.begin())].label;
    m_pinned = std::move(pinned);
    m_document.addReport(report);
    emit changed();
}

void BoardKeeper::run(JobRunner& runner, const QString& title, const engine::Plan& plan,
                      std::function<void(const Report&)> done) {
    const auto checkpoint = m_document.checkpoint();
    if (!checkpoint) return;
    m_problem.clear();
    runJob(
        runner, title,
        [checkpoint, plan, &registries = m_registries, &calibrations = m_calibrations](const RunContext& context) {
            return engine::runPlan(plan, *checkpoint, registries, context, &calibrations);
        },
        [this, checkpoint, done = std::move(done)](Result<Report> report) {
            if (checkpoint != m_document.checkpoint()) return;
            if (report) return done(*report);
            m_problem = QString::fromStdString(describe(report.error()));
            emit runChanged();
        });
}

void BoardKeeper::runSweeps(const QString& tensor) {
    engine::Plan plan = m_document.plan();
    plan.methods.clear();
    if (!tensor.isEmpty()) plan.selectors = {tensor.toStdString()};
    const auto methods = engine::planMethods(plan, m_registries);
    if (!methods || methods->empty()) return;
    run(m_sweeper, tr("Sweep of %n result(s)", nullptr, static_cast<int>(methods->size())), plan,
        [this, plan](const Report& report) { adopt(report, plan); });
}

void BoardKeeper::runMissing() {
    engine::Plan plan = m_document.plan();
    plan.methods.clear();
    plan.sweeps.clear();
    const auto report = m_document.report();
    for (const PinnedColumn& column : m_pinned) {
        if (report && labelled(*report, column.label.toStdString())) continue;
        if (std::ranges::find(plan.methods, column.spec) == plan.methods.end()) plan.methods.push_back(column.spec);
        // A pinned tensor takes part even where the plan has come to select others.
        if (!plan.selectors.empty() && !column.tensor.isEmpty()) plan.selectors.push_back(column.tensor.toStdString());
    }
    if (plan.methods.empty()) return;
    run(m_sweeper, tr("Making %n pinned result(s) again", nullptr, static_cast<int>(plan.methods.size())), plan,
        [this, plan](const Report& made) { adopt(made, plan); });
}

engine::Plan BoardKeeper::originOf(const MethodResult& result) const {
    const auto found = m_origins.find(result.label);
    engine::Plan plan = found == m_origins.end() ? m_document.plan() : found->second;
    plan.methods = {result.spec};
    plan.sweeps.clear();
    return plan;
}

void BoardKeeper::extend(CompareReport report) {
    auto shared = std::make_shared<const CompareReport>(std::move(report));
    m_texts.extendReport(shared);
    m_extending = true;
    m_document.updateReport(std::move(shared));
    m_extending = false;
}

void BoardKeeper::rerun(int method, const QString& tensor, const engine::MethodSpec& spec) {
    const auto report = m_document.report();
    if (!report || method < 0 || static_cast<std::size_t>(method) >= report->methods.size()) return;
    const MethodResult& model = report->methods[static_cast<std::size_t>(method)];
    engine::Plan plan = originOf(model);
    plan.methods = {spec};
    if (!tensor.isEmpty()) plan.selectors = {tensor.toStdString()};
    const QString label = QString::fromStdString(model.label);
    run(m_rerunner, tr("Running %1 again").arg(QString::fromStdString(engine::toText(spec))), plan,
        [this, plan, tensor, label](const Report& made) {
            const auto current = m_document.report();
            if (!current) return;
            CompareReport longer = *current;
            MethodResult result = made->methods.front();
            result.label = freeLabel(longer, result.label);
            if (!isSameText(*current, *made)) result.quality = nullptr;
            m_origins[result.label] = plan;
            const PinnedColumn column{result.spec, QString::fromStdString(result.label), tensor};
            longer.methods.push_back(std::move(result));
            extend(std::move(longer));
            auto pinned = m_pinned;
            const auto place = std::ranges::find_if(
                pinned, [&](const PinnedColumn& pin) { return pin.label == label && pin.tensor == tensor; });
            if (place == pinned.end()) return;
            pinned.insert(place + 1, column);
            setPinned(std::move(pinned), tr("Pin a result"));
        });
}

void BoardKeeper::fillCodes(int method) {
    const auto report = m_document.report();
    if (!report || method < 0 || static_cast<std::size_t>(method) >= report->methods.size()) return;
    const MethodResult& result = report->methods[static_cast<std::size_t>(method)];
    if (std::ranges::all_of(result.tensors, [](const auto& tensor) { return tensor.quantized != nullptr; })) return;
    engine::Plan plan = originOf(result);
    plan.evaluation = {}; // its numbers are known
    run(m_filler, tr("Making %1 again").arg(QString::fromStdString(result.label)), plan,
        [this, label = result.label](const Report& made) {
            const auto current = m_document.report();
            if (!current) return;
            CompareReport fuller = *current;
            const auto place = std::ranges::find(fuller.methods, label, &MethodResult::label);
            if (place == fuller.methods.end()) return;
            place->tensors = made->methods.front().tensors;
            extend(std::move(fuller));
        });
}

} // namespace qscope
