// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/architectures/architecture.h"

#include "engine/nn/architectures/network_builder.h"

#include <algorithm>
#include <array>

namespace qscope::engine::nn {

namespace {

constexpr std::int64_t kMostLayers = 4'000;

struct Family {
    std::string_view name;
    void (*build)(NetworkBuilder& network);
};

constexpr std::array kFamilies{
    Family{"llama", buildLlama}, Family{"mistral", buildLlama}, Family{"qwen2", buildLlama},
    Family{"qwen3", buildLlama}, Family{"gemma", buildGemma},   Family{"gemma2", buildGemma2},
    Family{"phi3", buildPhi3},   Family{"gpt2", buildGpt2},     Family{"opt", buildOpt},
    Family{"bert", buildBert},   Family{"vit", buildVit},       Family{"mamba", buildMamba},
    Family{"rwkv", buildRwkv},
};

} // namespace

std::vector<std::string_view> architectureNames() {
    std::vector<std::string_view> names;
    for (const Family& family : kFamilies) names.push_back(family.name);
    return names;
}

Result<Architecture> buildArchitecture(std::string_view family, const ModelConfig& config,
                                       const ArchitectureOptions& options) {
    const auto found = std::ranges::find(kFamilies, family, &Family::name);
    if (found == kFamilies.end())
        return fail(ErrorCode::Unsupported, "models of architecture '{}' are not run; {} are", family,
                    fmt::join(architectureNames(), ", "));
    if (!config.unsupported.empty())
        return fail(ErrorCode::Unsupported, "the model's setting {} is not done", config.unsupported.front());
    if (config.layers > kMostLayers) return fail(ErrorCode::Malformed, "{} layers are too many", config.layers);
    if (config.experts > 0)
        return fail(ErrorCode::Unsupported, "models with experts are not run ({} experts)", config.experts);
    NetworkBuilder network(config, options);
    found->build(network);
    return network.finish();
}

} // namespace qscope::engine::nn
