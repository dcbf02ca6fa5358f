// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/coverage.h"

#include "engine/plan/common_names.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace qscope::engine {

namespace {

/// Puts "*" in place of the number behind "experts." and returns the number.
std::optional<int> takeExpert(std::string& module) {
    constexpr std::string_view kExperts = "experts.";
    const std::size_t at = module.find(kExperts);
    if (at == module.npos) return std::nullopt;
    const char* const first = module.data() + at + kExperts.size();
    const char* const last = module.data() + module.size();
    int number = 0;
    const auto [end, error] = std::from_chars(first, last, number);
    if (error != std::errc() || (end != last && *end != '.')) return std::nullopt;
    module = module.substr(0, at) + "experts.*" + std::string(end, last);
    return number;
}

CoveredWeight describeWeight(std::string name) {
    CoveredWeight weight;
    weight.module = moduleName(name);
    weight.layer = layerIndex(name);
    weight.expert = takeExpert(weight.module);
    weight.name = std::move(name);
    return weight;
}

/// Whether the plan leaves a selected tensor as it is.
bool isKept(const Plan& plan, const std::string& tensor) {
    const auto rule = std::ranges::find_if(
        plan.rules, [&](const TensorRule& candidate) { return matchesGlob(tensor, candidate.tensors); });
    return rule != plan.rules.end() && rule->method.id == "keep";
}

} // namespace

std::vector<CoveredWeight> coverage(const Checkpoint& checkpoint, const Calibration& calibration) {
    std::set<std::string> linear; // modules that are linear layers: embeddings and the like take no inputs
    std::set<std::string, std::less<>> left;
    for (const auto& [name, seen] : calibration.inputs) {
        linear.insert(describeWeight(name).module);
        left.insert(name);
    }
    const std::string family = modelFamily(checkpoint);
    std::vector<CoveredWeight> weights;
    for (const std::size_t tensor : selectTensors({}, checkpoint)) {
        CoveredWeight weight = describeWeight(weightName(checkpoint, family, checkpoint.tensors[tensor].name));
        if (!linear.contains(weight.module)) continue;
        weight.tensor = tensor;
        if (const auto found = calibration.inputs.find(weight.name); found != calibration.inputs.end())
            weight.seen = found->second;
        left.erase(weight.name);
        weights.push_back(std::move(weight));
    }
    for (const std::string& name : left) {
        weights.push_back(describeWeight(name));
        weights.back().seen = calibration.inputs.find(name)->second;
    }
    return weights;
}

CoverageGaps coverageGaps(const Plan& plan, const Checkpoint& checkpoint, const Calibration& calibration) {
    const std::vector<std::size_t> treated = selectTensors(plan, checkpoint); // ascending
    CoverageGaps gaps;
    for (const CoveredWeight& weight : coverage(checkpoint, calibration)) {
        if (!weight.tensor || !std::ranges::binary_search(treated, *weight.tensor) ||
            isKept(plan, checkpoint.tensors[*weight.tensor].name))
            continue;
        if (!weight.seen) {
            ++gaps.unreached;
            continue;
        }
        const InputStatistics& seen = *weight.seen;
        if (seen.tokens < seen.channels) {
            gaps.fewestTokens = gaps.deficient == 0 ? seen.tokens : std::min(gaps.fewestTokens, seen.tokens);
            gaps.mostChannels = std::max(gaps.mostChannels, seen.channels);
            ++gaps.deficient;
        }
        const std::int64_t silent = seen.silentChannels();
        gaps.silentChannels += silent;
        gaps.silentWeights += silent > 0 ? 1 : 0;
    }
    return gaps;
}

} // namespace qscope::engine
