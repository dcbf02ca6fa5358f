// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/sweep.h"

#include "engine/registry.h"

#include <algorithm>

namespace qscope::engine {

namespace {

bool knows(const std::vector<ParamSpec>& table, const std::string& key) {
    return std::ranges::find(table, key, &ParamSpec::key) != table.end();
}

/// All combinations of one method with the axes that it knows.
Result<void> addCombinations(std::vector<MethodSpec>& specs, const MethodSpec& base, const Sweep& sweep,
                             const std::vector<ParamSpec>& table) {
    std::vector<MethodSpec> partial{base};
    for (const SweepAxis& axis : sweep.axes) {
        if (!knows(table, axis.parameter)) continue;
        std::vector<MethodSpec> longer;
        for (const MethodSpec& spec : partial)
            for (const std::string& value : axis.values) {
                longer.push_back(spec);
                longer.back().parameters[axis.parameter] = value;
            }
        if (specs.size() + longer.size() > kMostCombinations)
            return fail(ErrorCode::OutOfRange, "the sweep has more than {} combinations", kMostCombinations);
        partial = std::move(longer);
    }
    for (MethodSpec& spec : partial) {
        auto values = resolveParameters(table, spec);
        if (!values) return during(std::move(values).error(), "sweep");
        // In one spelling, so that 64 and 064 are one combination.
        for (auto& [key, text] : spec.parameters) text = toText(values->find(key)->second);
        if (std::ranges::find(specs, spec) == specs.end()) specs.push_back(std::move(spec));
    }
    return {};
}

} // namespace

Result<std::vector<MethodSpec>> sweptMethods(const Sweep& sweep, const Registries& registries) {
    std::vector<MethodSpec> specs;
    std::vector<std::string> known;
    for (const MethodSpec& base : sweep.methods) {
        QSCOPE_TRY(const auto method, findMethod(registries, base.id));
        const auto& table = method->info().parameters;
        for (const ParamSpec& param : table) known.push_back(param.key);
        QSCOPE_CHECK(addCombinations(specs, base, sweep, table));
    }
    for (const SweepAxis& axis : sweep.axes)
        if (!axis.values.empty() && std::ranges::find(known, axis.parameter) == known.end())
            return fail(ErrorCode::OutOfRange, "sweep: no method has a parameter '{}'", axis.parameter);
    if (specs.empty()) return fail(ErrorCode::OutOfRange, "the sweep has no combination to run");
    return specs;
}

} // namespace qscope::engine
