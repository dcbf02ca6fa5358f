// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_bit_allocation/costs.h"

#include "engine/plan/calibrate.h"

#include <algorithm>

namespace qscope {

namespace {

void add(CostTable& table, const engine::MethodResult& result) {
    auto& costs = table[engine::toText(result.spec)];
    for (const engine::TensorResult& tensor : result.tensors) {
        Cost cost{engine::storedBits(*tensor.quantized)};
        if (tensor.sums.count > 0) {
            cost.error = tensor.sums.difference;
            cost.reference = tensor.sums.reference;
        }
        costs.emplace(tensor.tensor, cost);
    }
}

bool isFatal(const Error& error, const engine::Plan& plan, const engine::MethodSpec& needed) {
    return plan.methods.front() == needed || error.code != ErrorCode::OutOfRange;
}

} // namespace

std::vector<engine::Plan> costPlans(const engine::Plan& plan, const AdjustableMethod& method,
                                    const engine::Checkpoint& checkpoint) {
    engine::Plan bare = plan;
    bare.rules.clear();
    bare.sweeps.clear();
    bare.evaluation = {};
    std::vector<engine::Plan> plans;
    const auto add = [&](const engine::MethodSpec& spec, std::vector<std::string> selectors) {
        bare.methods = {spec};
        plans.push_back(bare);
        plans.back().selectors = std::move(selectors);
    };
    add(method.spec, plan.selectors);
    for (const int bits : method.widths)
        if (bits != method.bits) add(withBits(method, bits), plan.selectors);
    const PlanRules rules(plan.rules);
    std::map<std::string, std::pair<engine::MethodSpec, std::vector<std::string>>> others;
    for (const std::size_t tensor : engine::selectTensors(plan, checkpoint)) {
        const std::string& name = checkpoint.tensors[tensor].name;
        const engine::MethodSpec& spec = rules.methodFor(name, method.spec);
        if (spec.id == "keep" || widthOf(method, spec)) continue;
        auto& [known, names] = others[engine::toText(spec)];
        known = spec;
        names.push_back(name);
    }
    for (auto& [text, other] : others) add(other.first, std::move(other.second));
    return plans;
}

Result<CostTable> sizes(const std::vector<engine::Plan>& plans, const engine::MethodSpec& needed,
                        const engine::Checkpoint& checkpoint, const engine::Registries& registries) {
    CostTable table;
    for (const engine::Plan& plan : plans) {
        auto outline = engine::outlineResult(plan, 0, checkpoint, registries);
        if (outline)
            add(table, *outline);
        else if (isFatal(outline.error(), plan, needed))
            return tl::unexpected<Error>(std::move(outline).error());
    }
    return table;
}

Result<CostTable> measure(const std::vector<engine::Plan>& plans, const engine::MethodSpec& needed,
                          const engine::Checkpoint& checkpoint, const engine::Registries& registries,
                          const RunContext& context) {
    CostTable table;
    engine::CalibrationCache calibrations; // the text goes through the model once
    context.progress.done = 0;
    context.progress.total = static_cast<std::int64_t>(plans.size());
    for (const engine::Plan& plan : plans) {
        Progress own;
        Diagnostics unseen; // a run of the plan tells the same
        const RunContext quiet{context.stop, own, unseen, context.backend};
        auto report = engine::runPlan(plan, checkpoint, registries, quiet, &calibrations);
        if (report)
            add(table, (*report)->methods.front());
        else if (isFatal(report.error(), plan, needed))
            return tl::unexpected<Error>(std::move(report).error());
        ++context.progress.done;
    }
    return table;
}

std::optional<Sensitivity> sensitivityOf(const engine::PropagationReport* propagation,
                                         const engine::CompareReport* report, const std::string& preferred) {
    if (!propagation || !report) return std::nullopt;
    const engine::MethodPropagation* effects = nullptr;
    for (const auto& each : propagation->methods)
        if (!each.attribution.empty() && (!effects || each.label == preferred)) effects = &each;
    if (!effects) return std::nullopt;
    const auto result = std::ranges::find(report->methods, effects->label, &engine::MethodResult::label);
    if (result == report->methods.end()) return std::nullopt;

    std::map<int, double> errors;
    for (const engine::TensorResult& tensor : result->tensors)
        errors[tensor.layer.value_or(-1)] += tensor.sums.difference;
    Sensitivity made{effects->label, propagation->tokens.size(), {}};
    const auto put = [&](int layer, double divergence) {
        if (const auto error = errors.find(layer); error != errors.end() && error->second > 0)
            made.natsPerError[layer] = std::max(divergence, 0.0) / error->second;
    };
    for (const engine::LayerEffect& effect : effects->attribution) put(effect.layer, effect.alone.klDivergence);
    put(-1, effects->outside.klDivergence);
    return made;
}

} // namespace qscope
