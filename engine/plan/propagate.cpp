// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/propagate.h"

#include "engine/nn/device/device_run.h"
#include "engine/nn/taps/quantize_activations.h"
#include "engine/nn/taps/watchers.h"
#include "engine/plan/language_text.h"
#include "engine/plan/place_error.h"
#include "engine/plan/substituted_weights.h"

#include <algorithm>
#include <optional>
#include <set>

namespace qscope::engine {

namespace {

/// All runs hold their logits at once.
constexpr std::int64_t kMostTokens = 8192;

/// An edge that is compared, and the node behind which it is known.
struct Place {
    nn::ValueId edge = nn::kAbsent;
    std::size_t node = 0;
    int layer = 0;
    std::string name;
    bool isPart = false;
};

/// The residual stream behind a block is "<blocks>.<n>.output", a part of the block "<blocks>.<n>.<module>.output".
std::optional<Place> placeOf(const nn::Graph& graph, std::size_t node, nn::ValueId edge) {
    constexpr std::string_view kEnd = ".output";
    const std::string& name = graph.values[static_cast<std::size_t>(edge)].name;
    const auto block = graph.nodes[node].block;
    if (!block || !name.ends_with(kEnd)) return std::nullopt;
    const std::string module = name.substr(0, name.size() - kEnd.size());
    const std::string number = fmt::format(".{}", *block);
    const std::size_t at = module.find(number);
    if (at == module.npos) return std::nullopt;
    const std::string rest = module.substr(at + number.size());
    const bool isPart = !rest.empty();
    if (isPart && (rest[0] != '.' || rest.size() == 1 || rest.find('.', 1) != rest.npos)) return std::nullopt;
    return Place{edge, node, *block, module, isPart};
}

std::vector<Place> placesIn(const nn::Graph& graph) {
    std::vector<Place> places;
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
        for (const nn::ValueId edge : graph.nodes[n].outputs)
            if (edge != nn::kAbsent)
                if (auto place = placeOf(graph, n, edge)) places.push_back(*std::move(place));
    return places;
}

/// Lets another observer see the nodes of some blocks only.
class InBlocks final : public nn::Observer {
public:
    InBlocks(nn::Observer& observer, std::function<bool(std::optional<int>)> taken)
        : m_observer(observer)
        , m_taken(std::move(taken)) {}
    [[nodiscard]] bool wants(const nn::Graph&, nn::ValueId) override { return false; }
    [[nodiscard]] Result<nn::Value> value(const nn::Graph&, nn::ValueId, nn::Value value) override { return value; }
    [[nodiscard]] bool wantsUse(const nn::Graph& graph, const nn::Node& node, std::size_t input) override {
        return m_taken(node.block) && m_observer.wantsUse(graph, node, input);
    }
    [[nodiscard]] Result<nn::Value> use(const nn::Graph& graph, const nn::Node& node, std::size_t input,
                                        nn::Value value) override {
        return m_observer.use(graph, node, input, std::move(value));
    }

private:
    nn::Observer& m_observer;
    std::function<bool(std::optional<int>)> m_taken;
};

/// One run of the graph that is watched at the places.
class WatchedRun {
public:
    WatchedRun(const nn::Graph& graph, const std::vector<nn::ValueId>& edges, const nn::WeightSource& weights,
               nn::Observer* quantizer, nn::DeviceRun* device, const RunContext& context)
        : m_capture(graph, edges)
        , m_chain({quantizer, &m_capture})
        , m_execution(graph, weights, context, {Precision::Single, &m_chain, nullptr, device}) {}

    nn::Execution& execution() { return m_execution; }
    /// The captured value in single precision.
    Result<nn::Value> take(nn::ValueId edge) {
        auto value = m_capture.take(edge);
        if (!value) return fail(ErrorCode::Unsupported, "an edge of the network has no value");
        return nn::converted(*value, DType::F32);
    }

private:
    nn::EdgeCapture m_capture;
    nn::ObserverChain m_chain;
    nn::Execution m_execution;
};

/// The sample of the text, and how it goes through: [batch, time].
struct Sample {
    std::vector<std::int32_t> tokens;
    std::int64_t batch = 1;
};

class Propagation {
public:
    Propagation(const Model& model, Sample sample, nn::RunDevice device, const RunContext& context)
        : m_device(std::move(device))
        , m_model(model)
        , m_graph(*model.graph)
        , m_sample(std::move(sample))
        , m_counted{context.progress,
                    static_cast<double>(m_sample.tokens.size()) / static_cast<double>(m_graph.nodes.size())}
        , m_quiet{context.stop, m_unseen, context.notes, context.backend}
        , m_places(placesIn(m_graph))
        , m_logits(*m_graph.find("logits")) {
        for (const Place& place : m_places) m_edges.push_back(place.edge);
        m_edges.push_back(m_logits);
    }

    [[nodiscard]] int layers() const {
        std::set<int> blocks;
        for (const nn::Node& node : m_graph.nodes)
            if (node.block) blocks.insert(*node.block);
        return static_cast<int>(blocks.size());
    }

    /// All methods beside the reference, from place to place.
    Result<void> run(std::span<const MethodResult* const> methods, std::vector<MethodPropagation>& results) {
        std::vector<std::unique_ptr<SubstitutedWeights>> weights;
        std::vector<std::unique_ptr<nn::QuantizeActivations>> quantizers;
        std::vector<std::unique_ptr<WatchedRun>> runs;
        runs.push_back(
            std::make_unique<WatchedRun>(m_graph, m_edges, *m_model.weights, nullptr, m_device.run(), m_quiet));
        for (const MethodResult* method : methods) {
            weights.push_back(std::make_unique<SubstitutedWeights>(m_model, *method, m_quiet));
            quantizers.push_back(quantizerOf(*method));
            runs.push_back(std::make_unique<WatchedRun>(m_graph, m_edges, *weights.back(), quantizers.back().get(),
                                                        m_device.run(), m_quiet));
        }
        for (auto& run : runs) QSCOPE_CHECK(setTokens(run->execution(), m_graph, m_sample.tokens, m_sample.batch));
        std::size_t ran = 0;
        for (const Place& place : m_places) {
            QSCOPE_CHECK(advance(runs, ran, place.node + 1));
            ran = place.node + 1;
            QSCOPE_TRY(const nn::Value expected, runs[0]->take(place.edge));
            for (std::size_t m = 0; m < methods.size(); ++m) {
                QSCOPE_TRY(const nn::Value given, runs[m + 1]->take(place.edge));
                PropagatedPlace measured;
                measured.layer = place.layer;
                measured.name = place.name;
                QSCOPE_CHECK(measurePlace(measured, nn::elements<float>(expected), nn::elements<float>(given),
                                          expected.shape().empty() ? 1 : expected.shape().back(), m_quiet));
                (place.isPart ? results[m].parts : results[m].layers).push_back(std::move(measured));
            }
        }
        QSCOPE_CHECK(advance(runs, ran, m_graph.nodes.size()));
        QSCOPE_TRY(m_expected, runs[0]->take(m_logits));
        for (std::size_t m = 0; m < methods.size(); ++m) {
            QSCOPE_TRY(const nn::Value given, runs[m + 1]->take(m_logits));
            QSCOPE_TRY(results[m].logits, compareLogits(given));
        }
        return {};
    }

    /// Runs with parts of the network quantized; after `run`.
    Result<void> attribute(const MethodResult& method, MethodPropagation& result) {
        using Block = std::optional<int>;
        QSCOPE_TRY(result.outside, effectOf(method, [](Block block) { return !block; }));
        for (const PropagatedPlace& place : result.layers) {
            const int layer = place.layer;
            LayerEffect effect;
            effect.layer = layer;
            QSCOPE_TRY(effect.alone, effectOf(method, [=](Block block) { return block == layer; }));
            QSCOPE_TRY(effect.upTo, effectOf(method, [=](Block block) { return block && *block <= layer; }));
            QSCOPE_TRY(effect.without, effectOf(method, [=](Block block) { return block != layer; }));
            result.attribution.push_back(effect);
        }
        return {};
    }

private:
    std::unique_ptr<nn::QuantizeActivations> quantizerOf(const MethodResult& method) const {
        auto what = activationsOf(m_model, method);
        return what ? std::make_unique<nn::QuantizeActivations>(m_graph, *std::move(what)) : nullptr;
    }

    /// Every run through nodes [first, end).
    Result<void> advance(std::vector<std::unique_ptr<WatchedRun>>& runs, std::size_t first, std::size_t end) {
        for (auto& run : runs) QSCOPE_CHECK(runCounted(run->execution(), first, end, m_counted));
        return {};
    }

    Result<PropagatedLogits> compareLogits(const nn::Value& given) const {
        return measureLogits(nn::elements<float>(m_expected), nn::elements<float>(given),
                             m_expected.shape().empty() ? 0 : m_expected.shape().back(), m_quiet);
    }

    Result<PartialEffect> effectOf(const MethodResult& method, const std::function<bool(std::optional<int>)>& taken) {
        const SubstitutedWeights weights(m_model, method, m_quiet,
                                         [&](const TensorResult& tensor) { return taken(tensor.layer); });
        const auto quantizer = quantizerOf(method);
        std::optional<InBlocks> inBlocks;
        if (quantizer) inBlocks.emplace(*quantizer, taken);
        WatchedRun run(m_graph, {m_logits}, weights, inBlocks ? &*inBlocks : nullptr, m_device.run(), m_quiet);
        QSCOPE_CHECK(setTokens(run.execution(), m_graph, m_sample.tokens, m_sample.batch));
        QSCOPE_CHECK(runCounted(run.execution(), 0, m_graph.nodes.size(), m_counted));
        QSCOPE_TRY(const nn::Value given, run.take(m_logits));
        QSCOPE_TRY(const PropagatedLogits logits, compareLogits(given));
        return PartialEffect{logits.klDivergence, logits.relativeMse};
    }

    nn::RunDevice m_device;
    const Model& m_model;
    const nn::Graph& m_graph;
    Sample m_sample;
    NodeProgress m_counted;
    Progress m_unseen;
    const RunContext m_quiet;
    std::vector<Place> m_places;
    nn::ValueId m_logits;
    std::vector<nn::ValueId> m_edges;
    nn::Value m_expected; ///< logits of the reference
};

} // namespace

Result<std::shared_ptr<const PropagationReport>> propagate(const Model& model, const PropagationSettings& settings,
                                                           std::span<const MethodResult* const> methods,
                                                           const RunContext& context) {
    QSCOPE_CHECK(requireLanguageModel(model));
    if (settings.tokens < 1 || settings.tokens > kMostTokens)
        return fail(ErrorCode::OutOfRange, "{} tokens are not from 1 to {}", settings.tokens, kMostTokens);
    QSCOPE_TRY(const std::int64_t longest, windowLength(model, 0));
    QSCOPE_TRY(TokenizedText text, tokenizeFile(model, settings.text, AddEnds::No, context));
    const std::int64_t taken = std::min(settings.tokens, static_cast<std::int64_t>(text.tokens.size()));
    const std::int64_t time = std::min(taken, longest);
    Sample sample{{}, taken / time};
    sample.tokens.assign(text.tokens.begin(), text.tokens.begin() + sample.batch * time);

    auto report = std::make_shared<PropagationReport>();
    report->source = model.checkpoint->path.string();
    report->text = settings.text;
    report->tokens = sample.tokens;
    QSCOPE_TRY(report->pieces, piecesOf(*text.tokenizer, report->tokens));
    for (const MethodResult* method : methods) {
        report->methods.emplace_back();
        report->methods.back().spec = method->spec;
        report->methods.back().label = method->label;
    }
    QSCOPE_TRY(auto device, nn::RunDevice::start(context));
    Propagation propagation(model, std::move(sample), std::move(device), context);
    const auto runs = static_cast<std::int64_t>(methods.size());
    const std::int64_t partial = settings.attribution ? runs * (3 * propagation.layers() + 1) : 0;
    context.progress.done = 0;
    context.progress.total = static_cast<std::int64_t>(report->tokens.size()) * (1 + runs + partial);
    QSCOPE_CHECK(propagation.run(methods, report->methods));
    for (std::size_t m = 0; settings.attribution && m < methods.size(); ++m)
        QSCOPE_CHECK(propagation.attribute(*methods[m], report->methods[m]));
    return report;
}

} // namespace qscope::engine
