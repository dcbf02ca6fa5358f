// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_bit_allocation/plan_bits.h"

#include <algorithm>
#include <charconv>

namespace qscope {

namespace {

constexpr int kLeast = 2;
constexpr int kMost = 8;

bool isWidth(const engine::ParamSpec& parameter) {
    return parameter.type == engine::ParamType::Integer &&
           (parameter.key == "bits" || parameter.key.ends_with(".bits"));
}

std::optional<int> number(const std::string& text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

} // namespace

std::vector<AdjustableMethod> adjustableMethods(const engine::Plan& plan, const engine::Registries& registries) {
    std::vector<AdjustableMethod> found;
    for (std::size_t i = 0; i < plan.methods.size(); ++i) {
        const engine::MethodSpec& spec = plan.methods[i];
        const auto method = engine::findMethod(registries, spec.id);
        if (!method || (*method)->info().sequential || (*method)->info().wholeModel) continue;
        const auto& table = (*method)->info().parameters;
        const auto width = std::ranges::find_if(table, isWidth);
        const auto values = engine::resolveParameters(table, spec);
        if (width == table.end() || !values) continue; // what is wrong with the parameters, the plan's form says
        AdjustableMethod made{spec, static_cast<int>(i), width->key, 0, {}};
        made.bits = static_cast<int>(engine::valueOf<std::int64_t>(*values, width->key));
        const int most = std::min(kMost, static_cast<int>(width->maximum));
        for (int bits = std::max(kLeast, static_cast<int>(width->minimum)); bits <= most; ++bits)
            made.widths.push_back(bits);
        if (std::ranges::find(made.widths, made.bits) != made.widths.end()) found.push_back(std::move(made));
    }
    return found;
}

engine::MethodSpec withBits(const AdjustableMethod& method, int bits) {
    engine::MethodSpec spec = method.spec;
    if (bits != method.bits) spec.parameters[method.key] = std::to_string(bits);
    return spec;
}

std::optional<int> widthOf(const AdjustableMethod& method, const engine::MethodSpec& spec) {
    if (spec.id != method.spec.id) return std::nullopt;
    auto mine = method.spec.parameters, other = spec.parameters;
    const auto written = other.find(method.key);
    const auto bits = written == other.end() ? std::nullopt : number(written->second);
    if (written != other.end() && !bits) return std::nullopt;
    mine.erase(method.key);
    other.erase(method.key);
    if (mine != other) return std::nullopt;
    if (bits) return bits;
    // Nothing written is the table's default, which is the plan's width only where the plan writes nothing either.
    return method.spec.parameters.contains(method.key) ? std::nullopt : std::optional(method.bits);
}

PlanRules::PlanRules(const std::vector<engine::TensorRule>& rules)
    : m_rules(rules) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (rules[i].tensors.find_first_of("*?|") == std::string::npos)
            m_single.try_emplace(rules[i].tensors, i);
        else
            m_globs.push_back(i);
    }
}

const engine::MethodSpec& PlanRules::methodFor(const std::string& tensor, const engine::MethodSpec& otherwise) const {
    const auto single = m_single.find(tensor);
    std::size_t first = single == m_single.end() ? m_rules.size() : single->second;
    for (const std::size_t glob : m_globs) {
        if (glob > first) break;
        if (engine::matchesGlob(tensor, m_rules[glob].tensors)) first = glob;
    }
    return first == m_rules.size() ? otherwise : m_rules[first].method;
}

engine::Plan withMethods(engine::Plan plan, const std::map<std::string, engine::MethodSpec>& methods,
                         const engine::MethodSpec& otherwise) {
    std::erase_if(plan.rules, [&](const engine::TensorRule& rule) { return methods.contains(rule.tensors); });
    const PlanRules others(plan.rules);
    std::vector<engine::TensorRule> rules; // in front: the first that matches counts
    for (const auto& [tensor, spec] : methods)
        if (others.methodFor(tensor, otherwise) != spec) rules.push_back({tensor, spec});
    plan.rules.insert(plan.rules.begin(), std::make_move_iterator(rules.begin()), std::make_move_iterator(rules.end()));
    return plan;
}

} // namespace qscope
