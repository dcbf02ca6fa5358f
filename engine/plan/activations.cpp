// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/activations.h"

#include "engine/nn/taps/map_recorder.h"
#include "engine/plan/language_text.h"

#include <algorithm>

namespace qscope::engine {

namespace {

constexpr double kMostBytes = 2e9;

} // namespace

Result<std::shared_ptr<const ActivationMaps>> recordActivations(const Model& model, const ActivationSettings& settings,
                                                                const RunContext& context) {
    QSCOPE_CHECK(requireLanguageModel(model));
    if (settings.tokens < 1) return fail(ErrorCode::OutOfRange, "{} tokens are none", settings.tokens);
    QSCOPE_TRY(const std::int64_t longest, windowLength(model, 0));
    QSCOPE_TRY(TokenizedText text, tokenizeFile(model, settings.text, AddEnds::No, context));
    const std::int64_t time = std::min({settings.tokens, longest, static_cast<std::int64_t>(text.tokens.size())});
    text.tokens.resize(static_cast<std::size_t>(time));

    nn::MapSettings chosen;
    chosen.layers = [&](int layer) {
        return settings.layers.empty() || std::ranges::find(settings.layers, layer) != settings.layers.end();
    };
    chosen.edges = [&](std::string_view name) { return !settings.edges.empty() && matchesGlob(name, settings.edges); };
    const nn::Graph graph = nn::withAttentionMaps(*model.graph, chosen);
    const auto maps = std::ranges::count_if(
        graph.nodes, [](const nn::Node& node) { return node.op->name == "Attention" && node.outputs.size() > 3; });
    const auto edges = std::ranges::count_if(graph.values, [&](const nn::ValueInfo& value) {
        return value.role == nn::ValueRole::Inner && chosen.edges(value.name);
    });
    const double width = static_cast<double>(std::max(model.config.width, model.config.hidden));
    const double bytes = 4.0 * static_cast<double>(time) *
                         (static_cast<double>(maps * model.config.heads * time) + static_cast<double>(edges) * width);
    if (bytes > kMostBytes)
        return fail(ErrorCode::OutOfMemory,
                    "maps of {} layers and {} edges over {} tokens take {:.1f} GB; choose fewer", maps, edges, time,
                    bytes / 1e9);

    context.progress.done = 0;
    context.progress.total = time;
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    nn::MapRecorder recorder(graph, chosen);
    nn::Execution execution(graph, *model.weights, quiet, {Precision::Single, &recorder, nullptr});
    QSCOPE_CHECK(setTokens(execution, graph, text.tokens, 1));
    QSCOPE_CHECK(runCounted(execution, graph, static_cast<std::size_t>(time), context.progress));
    auto recorded = std::make_shared<ActivationMaps>(recorder.take());
    QSCOPE_TRY(recorded->pieces, piecesOf(*text.tokenizer, text.tokens));
    recorded->tokens = std::move(text.tokens);
    return recorded;
}

} // namespace qscope::engine
