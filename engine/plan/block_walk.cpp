// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/block_walk.h"

#include "engine/core/random.h"
#include "engine/nn/gradients/reverse.h"
#include "engine/nn/taps/input_recorder.h"
#include "engine/nn/taps/quantize_activations.h"
#include "engine/nn/taps/second_moments.h"
#include "engine/nn/taps/watchers.h"
#include "engine/plan/loss_gradients.h"
#include "engine/plan/network_parts.h"
#include "engine/plan/weight_orientation.h"
#include "engine/quant/element_stream.h"

#include <algorithm>

namespace qscope::engine {

namespace {

constexpr std::uint64_t kMostTargetBytes = std::uint64_t{1} << 29;

/// The model's weights with some of them replaced.
class Overlay final : public nn::WeightSource {
public:
    explicit Overlay(const nn::WeightSource& base) : m_base(base) {}
    void put(std::string name, nn::Value value) { m_values.insert_or_assign(std::move(name), std::move(value)); }
    [[nodiscard]] bool has(const std::string& name) const { return m_values.contains(name); }
    void remove(const std::string& name) { m_values.erase(name); }
    void clear() { m_values.clear(); }
    [[nodiscard]] Result<nn::Value> weight(std::string_view name, Precision precision) const override {
        if (const auto found = m_values.find(name); found != m_values.end()) return found->second;
        return m_base.weight(name, precision);
    }

private:
    const nn::WeightSource& m_base;
    std::map<std::string, nn::Value, std::less<>> m_values;
};

/// Holds what some linear nodes of one run read, each from another edge.
class InputCapture final : public nn::Observer {
public:
    explicit InputCapture(const std::map<nn::ValueId, const nn::Node*>& readers) : m_readers(readers) {}
    bool wants(const nn::Graph&, nn::ValueId) override { return false; }
    Result<nn::Value> value(const nn::Graph&, nn::ValueId, nn::Value value) override { return value; }
    bool wantsUse(const nn::Graph&, const nn::Node& node, std::size_t input) override {
        const auto found = input == 0 ? m_readers.find(node.inputs[0]) : m_readers.end();
        return found != m_readers.end() && found->second == &node;
    }
    Result<nn::Value> use(const nn::Graph&, const nn::Node& node, std::size_t, nn::Value value) override {
        QSCOPE_TRY(seen[node.inputs[0]], nn::converted(value, DType::F32));
        return value;
    }
    std::map<nn::ValueId, nn::Value> seen;

private:
    const std::map<nn::ValueId, const nn::Node*>& m_readers;
};

class BlockWalk final : public ModelAccess {
public:
    BlockWalk(Model model, NetworkParts parts, CalibrationText text, std::shared_ptr<const Calibration> calibration,
              std::vector<ModelWeight> weights, std::vector<std::size_t> tensors, std::map<std::size_t, std::vector<Trace>>* traces)
        : m_model(std::move(model)), m_graph(*m_model.graph), m_parts(std::move(parts)), m_text(std::move(text)),
          m_calibration(std::move(calibration)), m_weights(std::move(weights)), m_tensors(std::move(tensors)),
          m_installed(m_weights.size()), m_traces(traces), m_overlay(*m_model.weights) {}

    /// Finds the nodes behind the weights and brings these into their order; after construction.
    void arrange() {
        std::map<std::string, std::vector<const nn::Node*>, std::less<>> readers;
        for (const nn::Node& node : m_graph.nodes)
            if (node.op->name == "Linear")
                for (const std::string& weight : nn::weightsBehind(m_graph, node.inputs[1])) readers[weight].push_back(&node);
        const auto reader = [&](const std::string& name) -> const nn::Node* {
            const auto found = readers.find(name);
            return found == readers.end() ? nullptr : found->second.front();
        };
        std::vector<std::size_t> order(m_weights.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
            const nn::Node* left = reader(m_weights[a].name);
            const nn::Node* right = reader(m_weights[b].name);
            return left && right ? left < right : (left != nullptr) > (right != nullptr);
        });
        std::vector<ModelWeight> sorted;
        std::vector<std::size_t> tensors;
        for (const std::size_t i : order) {
            sorted.push_back(std::move(m_weights[i]));
            tensors.push_back(m_tensors[i]);
        }
        m_weights = std::move(sorted);
        m_tensors = std::move(tensors);
        for (const ModelWeight& weight : m_weights) {
            m_readers.push_back(reader(weight.name));
            m_edges.push_back(m_graph.find(weight.name).value_or(nn::kAbsent));
            m_blocks.push_back(m_readers.back() ? m_readers.back()->block : blockUsing(m_edges.back()));
        }
        for (std::size_t i = 0; i < m_weights.size(); ++i)
            for (std::size_t j = 0; m_readers[i] && j < m_weights.size(); ++j)
                if (m_readers[j] && m_readers[i]->inputs[0] == m_readers[j]->inputs[0]) m_weights[i].sharing.push_back(j);
    }

    [[nodiscard]] std::span<const ModelWeight> weights() const override { return m_weights; }
    [[nodiscard]] int blocks() const override { return m_parts.blocks(); }
    [[nodiscard]] std::vector<std::size_t> weightsOf(int block) const override {
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < m_weights.size(); ++i)
            if (m_readers[i] && m_readers[i]->block == block) found.push_back(i);
        return found;
    }
    [[nodiscard]] std::int64_t sequences() const override { return static_cast<std::int64_t>(m_text.windows.size()); }
    [[nodiscard]] std::int64_t length() const override { return m_text.windows.front().length; }
    [[nodiscard]] const Calibration& calibration() const override { return *m_calibration; }

    void install(std::size_t weight, std::shared_ptr<const QuantizedTensor> result) override {
        m_installed[weight] = std::move(result);
        m_overlay.remove(m_weights[weight].name);
        const auto block = m_blocks[weight];
        if (m_quantized.at && (!block || *block < *m_quantized.at)) m_quantized.at.reset(); // the stream behind it has changed
    }
    [[nodiscard]] std::shared_ptr<const QuantizedTensor> installed(std::size_t weight) const override { return m_installed[weight]; }
    void addTrace(std::size_t weight, Trace trace) override {
        if (m_traces) (*m_traces)[m_tensors.at(weight)].push_back(std::move(trace));
    }
    void quantizeActivations(const ActivationQuantization* what) override {
        m_quantizer = what ? std::make_unique<nn::QuantizeActivations>(m_graph, *what) : nullptr;
        m_quantized.at.reset();
    }

    [[nodiscard]] Result<std::map<std::size_t, StreamInputs>> inputs(int block, std::span<const std::size_t> weights, bool bothStreams,
                                                                     const RunContext& given) override {
        Progress unseen;
        const RunContext context{given.stop, unseen, given.notes, given.backend};
        QSCOPE_CHECK(goTo(block, bothStreams, context));
        QSCOPE_CHECK(loadInstalled(block, block, context));
        std::map<nn::ValueId, const nn::Node*> readers; // of each edge the first, which is the one that is recorded
        std::size_t behind = m_parts.begin(block);      // the last of them: what follows is of no interest
        for (const std::size_t weight : weights) {
            if (weight >= m_weights.size()) return fail(ErrorCode::OutOfRange, "there is no weight {}", weight);
            if (!m_readers[weight] || m_readers[weight]->block != block) continue;
            const nn::ValueId edge = m_readers[weight]->inputs[0];
            const std::size_t first = firstReader(edge);
            readers.emplace(edge, &m_graph.nodes[first]);
            behind = std::max(behind, first + 1);
        }
        nn::RecordingSettings settings;
        settings.samples = m_calibration->settings.samples;
        settings.secondMoments = [&](std::string_view name) {
            return std::ranges::any_of(weights, [&](std::size_t w) { return m_weights[w].name == name; });
        };
        nn::InputRecorder quantized(m_graph, settings, context), full(m_graph, settings, context);
        std::map<nn::ValueId, nn::CrossMoments> cross;
        for (std::size_t s = 0; s < m_text.windows.size(); ++s) {
            InputCapture seenQuantized(readers), seenFull(readers);
            nn::ObserverChain chain({m_quantizer.get(), &quantized, bothStreams ? &seenQuantized : nullptr});
            QSCOPE_CHECK(runUntil(block, behind, m_quantized.states[s], m_overlay, &chain, context));
            if (!bothStreams) continue;
            nn::ObserverChain fullChain({&full, &seenFull});
            QSCOPE_CHECK(runUntil(block, behind, m_full.states[s], *m_model.weights, &fullChain, context));
            for (const auto& [edge, x] : seenQuantized.seen) {
                const auto here = nn::elements<float>(x), there = nn::elements<float>(seenFull.seen.at(edge));
                std::vector<float> difference(here.size());
                for (std::size_t i = 0; i < here.size(); ++i) difference[i] = there[i] - here[i];
                QSCOPE_CHECK(cross.try_emplace(edge, x.shape().back()).first->second.add(difference, here, context));
            }
        }
        return gathered(weights, quantized.take(), bothStreams ? full.take() : decltype(full.take()){}, cross);
    }

    [[nodiscard]] Result<LossResult> loss(const LossRequest& request, const RunContext& given) override {
        Progress unseen;
        const RunContext context{given.stop, unseen, given.notes, given.backend};
        const int last = request.last.value_or(blocks() - 1);
        if (request.first < 0 || last < request.first || last >= blocks() || request.sequences.empty())
            return fail(ErrorCode::OutOfRange, "a loss is of some sequences through blocks of the {} there are", blocks());
        using Criterion = LossRequest::Criterion;
        if (request.last && request.criterion != Criterion::MeanSquares)
            return fail(ErrorCode::OutOfRange, "only logits have this loss");
        for (const std::size_t weight : request.wanted)
            if (weight >= m_weights.size()) return fail(ErrorCode::OutOfRange, "there is no weight {}", weight);
        for (const auto& [weight, view] : request.values)
            if (weight >= m_weights.size() || view.shape != m_weights[weight].subject.shape)
                return fail(ErrorCode::OutOfRange, "values for weight {} have the shape of none", weight);
        const bool needsFull = request.inputs == Stream::Full || request.mixed > 0 || (request.target == Stream::Full && request.criterion != Criterion::CrossEntropy);
        QSCOPE_CHECK(goTo(request.first, needsFull, context));
        // A loss behind the last block also runs the head.
        QSCOPE_CHECK(loadInstalled(request.first, request.last ? last : blocks(), context));
        Overlay weights(m_overlay);
        for (const auto& [index, view] : request.values) {
            QSCOPE_TRY(auto value, valueOf(index, view));
            weights.put(m_weights[index].name, std::move(value));
        }
        nn::GradientProblem problem;
        problem.loss = request.last ? m_parts.output(last) : m_parts.logits();
        for (const std::size_t weight : request.wanted) problem.wanted.push_back(m_edges.at(weight));
        std::unique_ptr<nn::QuantizeActivations> own;
        if (request.activations) own = std::make_unique<nn::QuantizeActivations>(m_graph, *request.activations);
        LossResult result;
        for (const std::int64_t s : request.sequences) {
            if (s < 0 || s >= sequences()) return fail(ErrorCode::OutOfRange, "there is no sequence {}", s);
            QSCOPE_TRY(problem.lossOf, lossFunction(request, last, static_cast<std::size_t>(s), context));
            const States states = entering(request, static_cast<std::size_t>(s));
            problem.given.assign(states.begin(), states.end());
            QSCOPE_TRY(const auto found, nn::gradients(m_graph, problem, weights, context,
                                                       {Precision::Single, own ? own.get() : m_quantizer.get(), !request.last}));
            const double share = 1.0 / static_cast<double>(request.sequences.size());
            result.loss += share * found.loss;
            for (const std::size_t weight : request.wanted) {
                QSCOPE_TRY(const auto part, gradientAsMethodsSee(m_model, m_tensors[weight], found.of.at(m_edges[weight])));
                auto& sum = result.gradients[weight];
                sum.resize(part.size());
                for (std::size_t i = 0; i < part.size(); ++i) sum[i] += static_cast<float>(share) * part[i];
            }
        }
        return result;
    }

private:
    /// Values of all edges that enter a part, of one sequence.
    using States = std::map<nn::ValueId, nn::Value>;

    /// Nodes of blocks [first, last] (last == blocks(): and what follows) on one sequence.
    Result<nn::Execution> runPart(int first, int last, const States& states, const nn::WeightSource& weights, nn::Observer* observer,
                                  const RunContext& context, std::span<const nn::ValueId> kept = {}) const {
        nn::Execution execution(m_graph, weights, context, {Precision::Single, observer});
        for (const nn::ValueId edge : kept) execution.keep(edge);
        for (const auto& [edge, value] : states) QSCOPE_CHECK(execution.set(edge, value));
        QSCOPE_CHECK(execution.run(m_parts.begin(first), m_parts.end(last)));
        return execution;
    }

    /// Nodes of a block up to `end` on one sequence, for the sake of the observer.
    Result<void> runUntil(int block, std::size_t end, const States& states, const nn::WeightSource& weights, nn::Observer* observer,
                          const RunContext& context) const {
        nn::Execution execution(m_graph, weights, context, {Precision::Single, observer});
        for (const auto& [edge, value] : states) QSCOPE_CHECK(execution.set(edge, value));
        return execution.run(m_parts.begin(block), end);
    }

    std::size_t firstReader(nn::ValueId edge) const {
        const auto reads = [&](const nn::Node& node) { return node.op->name == "Linear" && node.inputs[0] == edge; };
        return static_cast<std::size_t>(std::ranges::find_if(m_graph.nodes, reads) - m_graph.nodes.begin());
    }

    Result<States> statesBehind(const nn::Execution& execution, int block) const {
        States states;
        for (const nn::ValueId edge : m_parts.entering(block)) {
            QSCOPE_TRY(states[edge], execution.value(edge));
        }
        return states;
    }

    /// A network on its way through the blocks.
    struct Flow {
        std::vector<States> states; ///< by sequence
        std::optional<int> at = {}; ///< block that they stand in front of
    };

    Result<void> start(Flow& flow, const nn::WeightSource& weights, nn::Observer* observer, const RunContext& context) const {
        flow.states.clear();
        for (const TextWindow& window : m_text.windows) {
            nn::Execution execution(m_graph, weights, context, {Precision::Single, observer});
            for (const nn::ValueId edge : m_parts.entering(0)) execution.keep(edge);
            QSCOPE_CHECK(setTokens(execution, m_graph, m_text.tokensOf(window), 1));
            QSCOPE_CHECK(execution.run(0, m_parts.begin(0)));
            QSCOPE_TRY(auto states, statesBehind(execution, 0));
            flow.states.push_back(std::move(states));
        }
        flow.at = 0;
        return {};
    }

    Result<void> advance(Flow& flow, const nn::WeightSource& weights, nn::Observer* observer, const RunContext& context) const {
        const int block = *flow.at;
        flow.at.reset(); // until all sequences are there
        for (States& states : flow.states) {
            QSCOPE_TRY(const auto run, runPart(block, block, states, weights, observer, context, m_parts.entering(block + 1)));
            QSCOPE_TRY(states, statesBehind(run, block + 1));
        }
        flow.at = block + 1;
        return {};
    }

    /// Brings the quantized network in front of a block, and the one in full precision when it is asked for.
    Result<void> goTo(int block, bool both, const RunContext& context) {
        if (block < 0 || block >= blocks()) return fail(ErrorCode::OutOfRange, "there is no block {}", block);
        const auto leave = [this] {
            m_overlay.clear();
            m_targets.clear();
        };
        if (!m_quantized.at || *m_quantized.at > block) {
            leave();
            QSCOPE_CHECK(loadInstalled(-1, -1, context));
            QSCOPE_CHECK(start(m_quantized, m_overlay, m_quantizer.get(), context));
        }
        while (*m_quantized.at < block) {
            QSCOPE_CHECK(loadInstalled(*m_quantized.at, *m_quantized.at, context));
            QSCOPE_CHECK(advance(m_quantized, m_overlay, m_quantizer.get(), context));
            leave();
        }
        if (!both) return {};
        if (!m_full.at || *m_full.at > block) QSCOPE_CHECK(start(m_full, *m_model.weights, nullptr, context));
        while (*m_full.at < block) QSCOPE_CHECK(advance(m_full, *m_model.weights, nullptr, context));
        return {};
    }

    /// The block whose nodes use an edge.
    std::optional<int> blockUsing(nn::ValueId edge) const {
        for (const nn::Node& node : m_graph.nodes)
            if (edge != nn::kAbsent && std::ranges::find(node.inputs, edge) != node.inputs.end()) return node.block;
        return std::nullopt;
    }

    /// What enters the first block of a loss.
    States entering(const LossRequest& request, std::size_t sequence) const {
        States states = (request.inputs == Stream::Full ? m_full : m_quantized).states[sequence];
        if (request.mixed <= 0) return states;
        for (auto& [edge, value] : states) {
            const nn::Value& other = m_full.states[sequence].at(edge);
            if (value.dtype() != DType::F32 || value.host.bytes.data() == other.host.bytes.data()) continue;
            const auto full = nn::elements<float>(other);
            std::vector<float> mix(nn::elements<float>(value).begin(), nn::elements<float>(value).end());
            for (std::size_t i = 0; i < mix.size(); ++i)
                if (uniform(request.mixSeed, sequence, i) < request.mixed) mix[i] = full[i];
            value = nn::makeValue<float>(value.shape(), std::move(mix));
        }
        return states;
    }

    /// What the graph reads for a weight that has these values where methods see it.
    Result<nn::Value> valueOf(std::size_t weight, TensorView view) const {
        const std::size_t tensor = m_tensors.at(weight);
        if (isStoredTransposed(*m_model.checkpoint, tensor)) {
            QSCOPE_TRY(view, turned(view));
        }
        return m_model.weights->commonForm(tensor, view, Precision::Single);
    }

    /// The installed results of blocks [first, last] as values; -1 and blocks() stand for what lies outside of the blocks.
    Result<void> loadInstalled(int first, int last, const RunContext& context) {
        for (std::size_t i = 0; i < m_weights.size(); ++i) {
            const std::optional<int> block = m_blocks[i];
            const bool inside = block ? *block >= first && *block <= last : first == -1 || last == blocks();
            if (!inside || !m_installed[i] || m_overlay.has(m_weights[i].name)) continue;
            std::vector<float> values(static_cast<std::size_t>(elementCount(m_installed[i]->shape)));
            QSCOPE_CHECK(dequantizeParallel(*m_installed[i], values, context));
            QSCOPE_TRY(auto value, valueOf(i, makeTensor(m_installed[i]->shape, std::move(values))));
            m_overlay.put(m_weights[i].name, std::move(value));
        }
        return {};
    }

    /// Of one sequence, with its target: the part in full precision.
    Result<nn::LossFunction> lossFunction(const LossRequest& request, int last, std::size_t sequence, const RunContext& context) {
        if (request.criterion == LossRequest::Criterion::CrossEntropy)
            return nn::crossEntropy(nextTokens(m_text.tokensOf(m_text.windows[sequence])));
        const bool onQuantized = request.target == Stream::Quantized && request.inputs == Stream::Quantized;
        const std::tuple key{last, request.last.has_value(), onQuantized, sequence};
        auto found = m_targets.find(key);
        if (found == m_targets.end()) {
            const nn::ValueId edge = request.last ? m_parts.output(last) : m_parts.logits();
            const std::array kept{edge};
            QSCOPE_TRY(const auto run, runPart(request.first, request.last ? last : blocks(), (onQuantized ? m_quantized : m_full).states[sequence],
                                               *m_model.weights, nullptr, context, kept));
            QSCOPE_TRY(nn::Value target, run.value(edge));
            if (target.host.bytes.size() * m_text.windows.size() > kMostTargetBytes) return lossTo(request, sequence, std::move(target));
            found = m_targets.emplace(key, std::move(target)).first;
        }
        return lossTo(request, sequence, found->second);
    }

    nn::LossFunction lossTo(const LossRequest& request, std::size_t sequence, nn::Value target) const {
        if (request.criterion == LossRequest::Criterion::MeanSquares) return nn::meanSquaredError(std::move(target));
        if (request.crossEntropy == 0) return nn::klDivergence(std::move(target));
        const auto next = nn::crossEntropy(nextTokens(m_text.tokensOf(m_text.windows[sequence])));
        return [divergence = nn::klDivergence(std::move(target)), next, share = request.crossEntropy](
                   const nn::Value& logits, const RunContext& context) -> Result<nn::Loss> {
            QSCOPE_TRY(nn::Loss sum, divergence(logits, context));
            QSCOPE_TRY(const nn::Loss more, next(logits, context));
            const auto first = nn::elements<float>(sum.gradient), second = nn::elements<float>(more.gradient);
            std::vector<float> gradient(first.begin(), first.end());
            for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] += static_cast<float>(share) * second[i];
            return nn::Loss{sum.value + share * more.value, nn::makeValue(logits.shape(), std::move(gradient))};
        };
    }

    Result<std::map<std::size_t, StreamInputs>>
    gathered(std::span<const std::size_t> weights, const std::map<std::string, std::shared_ptr<const InputStatistics>, std::less<>>& quantized,
             const std::map<std::string, std::shared_ptr<const InputStatistics>, std::less<>>& full, std::map<nn::ValueId, nn::CrossMoments>& cross) const {
        std::map<nn::ValueId, std::vector<double>> products;
        for (auto& [edge, sums] : cross) products.emplace(edge, sums.take());
        std::map<std::size_t, StreamInputs> result;
        for (const std::size_t weight : weights) {
            const auto seen = quantized.find(m_weights[weight].name);
            if (seen == quantized.end()) continue;
            StreamInputs& inputs = result[weight];
            inputs.quantized = seen->second;
            if (const auto other = full.find(m_weights[weight].name); other != full.end()) inputs.full = other->second;
            if (const auto found = products.find(m_readers[weight]->inputs[0]); found != products.end()) inputs.crossMoments = found->second;
        }
        return result;
    }

    Model m_model;
    const nn::Graph& m_graph;
    NetworkParts m_parts;
    CalibrationText m_text;
    std::shared_ptr<const Calibration> m_calibration;
    std::vector<ModelWeight> m_weights;
    std::vector<std::size_t> m_tensors;           ///< of the checkpoint
    std::vector<const nn::Node*> m_readers;       ///< linear nodes; null: none
    std::vector<nn::ValueId> m_edges;
    std::vector<std::optional<int>> m_blocks;     ///< nothing: outside
    std::vector<std::shared_ptr<const QuantizedTensor>> m_installed;
    std::map<std::size_t, std::vector<Trace>>* m_traces;
    std::unique_ptr<nn::QuantizeActivations> m_quantizer;
    Overlay m_overlay;                            ///< installed results of the blocks at hand, as values
    Flow m_full, m_quantized;
    std::map<std::tuple<int, bool, bool, std::size_t>, nn::Value> m_targets; ///< of the block at hand
};

} // namespace

Result<std::unique_ptr<ModelAccess>> makeModelAccess(Model model, CalibrationText text, std::shared_ptr<const Calibration> calibration,
                                                     std::vector<ModelWeight> weights, std::vector<std::size_t> tensors,
                                                     std::map<std::size_t, std::vector<Trace>>* traces) {
    QSCOPE_TRY(auto parts, NetworkParts::of(*model.graph));
    auto walk = std::make_unique<BlockWalk>(std::move(model), std::move(parts), std::move(text), std::move(calibration), std::move(weights), std::move(tensors), traces);
    walk->arrange();
    return walk;
}

} // namespace qscope::engine
