// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/block_walk.h"

#include "engine/core/random.h"
#include "engine/nn/gradients/reverse.h"
#include "engine/nn/taps/input_recorder.h"
#include "engine/nn/taps/quantize_activations.h"
#include "engine/nn/taps/watchers.h"
#include "engine/plan/network_parts.h"
#include "engine/quant/element_stream.h"

#include <Eigen/Core>

#include <algorithm>

namespace qscope::engine {

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

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

/// Holds the inputs of some linear nodes of one run.
class InputCapture final : public nn::Observer {
public:
    explicit InputCapture(std::map<const nn::Node*, std::size_t> readers) : m_readers(std::move(readers)) {}
    bool wants(const nn::Graph&, nn::ValueId) override { return false; }
    Result<nn::Value> value(const nn::Graph&, nn::ValueId, nn::Value value) override { return value; }
    bool wantsUse(const nn::Graph&, const nn::Node& node, std::size_t input) override { return input == 0 && m_readers.contains(&node); }
    Result<nn::Value> use(const nn::Graph&, const nn::Node& node, std::size_t, nn::Value value) override {
        QSCOPE_TRY(seen[m_readers.at(&node)], nn::converted(value, DType::F32));
        return value;
    }
    std::map<std::size_t, nn::Value> seen; ///< by weight

private:
    std::map<const nn::Node*, std::size_t> m_readers;
};

Eigen::Map<const Matrix> rowsOf(const nn::Value& value) {
    const std::int64_t channels = value.shape().back();
    const auto elements = nn::elements<float>(value);
    return {elements.data(), static_cast<Eigen::Index>(elements.size()) / channels, channels};
}

class BlockWalk final : public ModelAccess {
public:
    BlockWalk(Model model, NetworkParts parts, CalibrationText text, std::shared_ptr<const Calibration> calibration,
              std::vector<ModelWeight> weights, std::vector<std::size_t> tensors)
        : m_model(std::move(model)), m_graph(*m_model.graph), m_parts(std::move(parts)), m_text(std::move(text)),
          m_calibration(std::move(calibration)), m_weights(std::move(weights)), m_tensors(std::move(tensors)),
          m_installed(m_weights.size()), m_overlay(*m_model.weights) {}

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
        const auto block = m_readers[weight] ? m_readers[weight]->block : std::optional<int>();
        if (m_at && (!block || *block < *m_at)) m_at.reset(); // the stream behind it has changed
    }
    [[nodiscard]] std::shared_ptr<const QuantizedTensor> installed(std::size_t weight) const override { return m_installed[weight]; }
    void quantizeActivations(const ActivationQuantization* what) override {
        m_quantizer = what ? std::make_unique<nn::QuantizeActivations>(m_graph, *what) : nullptr;
        m_at.reset();
    }

    [[nodiscard]] Result<std::map<std::size_t, StreamInputs>> inputs(int block, std::span<const std::size_t> weights, bool bothStreams,
                                                                     const RunContext& given) override {
        Progress unseen;
        const RunContext context{given.stop, unseen, given.notes, given.backend};
        QSCOPE_CHECK(goTo(block, context));
        QSCOPE_CHECK(loadInstalled(block, block, context));
        std::map<const nn::Node*, std::size_t> readers;
        for (const std::size_t weight : weights) {
            if (weight >= m_weights.size()) return fail(ErrorCode::OutOfRange, "there is no weight {}", weight);
            if (m_readers[weight] && m_readers[weight]->block == block) readers.emplace(m_readers[weight], weight);
        }
        nn::RecordingSettings settings;
        settings.samples = m_calibration->settings.samples;
        settings.secondMoments = [&](std::string_view name) {
            return std::ranges::any_of(weights, [&](std::size_t w) { return m_weights[w].name == name; });
        };
        nn::InputRecorder quantized(m_graph, settings, context), full(m_graph, settings, context);
        std::map<std::size_t, Eigen::MatrixXd> cross;
        for (std::size_t s = 0; s < m_text.windows.size(); ++s) {
            InputCapture seenQuantized(readers), seenFull(readers);
            nn::ObserverChain chain({m_quantizer.get(), &quantized, bothStreams ? &seenQuantized : nullptr});
            QSCOPE_CHECK(runPart(block, block, m_quantized[s], m_overlay, &chain, context));
            if (!bothStreams) continue;
            nn::ObserverChain fullChain({&full, &seenFull});
            QSCOPE_CHECK(runPart(block, block, m_full[s], *m_model.weights, &fullChain, context));
            for (const auto& [weight, x] : seenQuantized.seen) {
                const auto xq = rowsOf(x), xf = rowsOf(seenFull.seen.at(weight));
                const Matrix product = (xf - xq).transpose() * xq;
                auto& sum = cross[weight];
                if (sum.size() == 0) sum = Eigen::MatrixXd::Zero(product.rows(), product.cols());
                sum += product.cast<double>();
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
        QSCOPE_CHECK(goTo(request.first, context));
        // A loss behind the last block also runs the head.
        QSCOPE_CHECK(loadInstalled(request.first, request.last ? last : blocks(), context));
        Overlay weights(m_overlay);
        for (const auto& [index, view] : request.values) {
            QSCOPE_TRY(auto value, m_model.weights->commonForm(m_tensors.at(index), view, Precision::Single));
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
                QSCOPE_TRY(const auto part, m_model.weights->storedForm(m_tensors[weight], found.of.at(m_edges[weight])));
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

    Result<States> statesBehind(const nn::Execution& execution, int block) const {
        States states;
        for (const nn::ValueId edge : m_parts.entering(block)) {
            QSCOPE_TRY(states[edge], execution.value(edge));
        }
        return states;
    }

    Result<void> goTo(int block, const RunContext& context) {
        if (block < 0 || block >= blocks()) return fail(ErrorCode::OutOfRange, "there is no block {}", block);
        if (!m_at || *m_at > block) QSCOPE_CHECK(start(context));
        while (*m_at < block) QSCOPE_CHECK(advance(context));
        return {};
    }

    Result<void> start(const RunContext& context) {
        m_overlay.clear();
        m_targets.clear();
        QSCOPE_CHECK(loadInstalled(-1, -1, context));
        for (auto* stream : {&m_full, &m_quantized}) {
            stream->clear();
            for (const TextWindow& window : m_text.windows) {
                const nn::WeightSource& weights = stream == &m_full ? *m_model.weights : static_cast<const nn::WeightSource&>(m_overlay);
                nn::Execution execution(m_graph, weights, context, {Precision::Single, stream == &m_full ? nullptr : m_quantizer.get()});
                for (const nn::ValueId edge : m_parts.entering(0)) execution.keep(edge);
                QSCOPE_CHECK(setTokens(execution, m_graph, m_text.tokensOf(window), 1));
                QSCOPE_CHECK(execution.run(0, m_parts.begin(0)));
                QSCOPE_TRY(auto states, statesBehind(execution, 0));
                stream->push_back(std::move(states));
            }
        }
        m_at = 0;
        return {};
    }

    Result<void> advance(const RunContext& context) {
        const int block = *m_at;
        QSCOPE_CHECK(loadInstalled(block, block, context));
        std::vector<States> nextFull, nextQuantized;
        for (std::size_t s = 0; s < m_text.windows.size(); ++s) {
            QSCOPE_TRY(const auto full, runPart(block, block, m_full[s], *m_model.weights, nullptr, context, m_parts.entering(block + 1)));
            QSCOPE_TRY(auto fullStates, statesBehind(full, block + 1));
            nextFull.push_back(std::move(fullStates));
            QSCOPE_TRY(const auto quantized, runPart(block, block, m_quantized[s], m_overlay, m_quantizer.get(), context, m_parts.entering(block + 1)));
            QSCOPE_TRY(auto quantizedStates, statesBehind(quantized, block + 1));
            nextQuantized.push_back(std::move(quantizedStates));
        }
        m_full = std::move(nextFull);
        m_quantized = std::move(nextQuantized);
        m_overlay.clear();
        m_targets.clear();
        m_at = block + 1;
        return {};
    }

    /// What enters the first block of a loss.
    States entering(const LossRequest& request, std::size_t sequence) const {
        States states = (request.inputs == Stream::Full ? m_full : m_quantized)[sequence];
        if (request.mixed <= 0) return states;
        for (auto& [edge, value] : states) {
            const nn::Value& other = m_full[sequence].at(edge);
            if (value.dtype() != DType::F32 || value.host.bytes.data() == other.host.bytes.data()) continue;
            const auto full = nn::elements<float>(other);
            std::vector<float> mix(nn::elements<float>(value).begin(), nn::elements<float>(value).end());
            for (std::size_t i = 0; i < mix.size(); ++i)
                if (uniform(request.mixSeed, sequence, i) < request.mixed) mix[i] = full[i];
            value = nn::makeValue<float>(value.shape(), std::move(mix));
        }
        return states;
    }

    /// The installed results of blocks [first, last] as values; -1 and blocks() stand for what lies outside of the blocks.
    Result<void> loadInstalled(int first, int last, const RunContext& context) {
        for (std::size_t i = 0; i < m_weights.size(); ++i) {
            const std::optional<int> block = m_readers[i] ? m_readers[i]->block : std::nullopt;
            const bool inside = block ? *block >= first && *block <= last : first == -1 || last == blocks();
            if (!inside || !m_installed[i] || m_overlay.has(m_weights[i].name)) continue;
            std::vector<float> values(static_cast<std::size_t>(elementCount(m_installed[i]->shape)));
            QSCOPE_CHECK(dequantizeParallel(*m_installed[i], values, context));
            QSCOPE_TRY(auto value, m_model.weights->commonForm(m_tensors[i], makeTensor(m_installed[i]->shape, std::move(values)), Precision::Single));
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
            QSCOPE_TRY(const auto run, runPart(request.first, request.last ? last : blocks(), (onQuantized ? m_quantized : m_full)[sequence],
                                               *m_model.weights, nullptr, context, kept));
            QSCOPE_TRY(nn::Value target, run.value(edge));
            if (target.host.bytes.size() * m_text.windows.size() > kMostTargetBytes) return lossTo(request, std::move(target));
            found = m_targets.emplace(key, std::move(target)).first;
        }
        return lossTo(request, found->second);
    }

    static nn::LossFunction lossTo(const LossRequest& request, nn::Value target) {
        return request.criterion == LossRequest::Criterion::MeanSquares ? nn::meanSquaredError(std::move(target))
                                                                        : nn::klDivergence(std::move(target));
    }

    Result<std::map<std::size_t, StreamInputs>>
    gathered(std::span<const std::size_t> weights, const std::map<std::string, std::shared_ptr<const InputStatistics>, std::less<>>& quantized,
             const std::map<std::string, std::shared_ptr<const InputStatistics>, std::less<>>& full, const std::map<std::size_t, Eigen::MatrixXd>& cross) const {
        std::map<std::size_t, StreamInputs> result;
        for (const std::size_t weight : weights) {
            const auto seen = quantized.find(m_weights[weight].name);
            if (seen == quantized.end()) continue;
            StreamInputs& inputs = result[weight];
            inputs.quantized = seen->second;
            if (const auto other = full.find(m_weights[weight].name); other != full.end()) inputs.full = other->second;
            for (const auto& [source, sum] : cross)
                if (m_readers[source]->inputs[0] == m_readers[weight]->inputs[0])
                    for (Eigen::Index r = 0; inputs.crossMoments.size() < static_cast<std::size_t>(sum.size()) && r < sum.rows(); ++r)
                        for (Eigen::Index c = 0; c < sum.cols(); ++c) inputs.crossMoments.push_back(sum(r, c));
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
    std::vector<std::shared_ptr<const QuantizedTensor>> m_installed;
    std::unique_ptr<nn::QuantizeActivations> m_quantizer;
    Overlay m_overlay;                            ///< installed results of the blocks at hand, as values
    std::optional<int> m_at;                      ///< block that the streams stand in front of
    std::vector<States> m_full, m_quantized;      ///< by sequence
    std::map<std::tuple<int, bool, bool, std::size_t>, nn::Value> m_targets; ///< of the block at hand
};

} // namespace

Result<std::unique_ptr<ModelAccess>> makeModelAccess(Model model, CalibrationText text, std::shared_ptr<const Calibration> calibration,
                                                     std::vector<ModelWeight> weights, std::vector<std::size_t> tensors) {
    QSCOPE_TRY(auto parts, NetworkParts::of(*model.graph));
    auto walk = std::make_unique<BlockWalk>(std::move(model), std::move(parts), std::move(text), std::move(calibration), std::move(weights), std::move(tensors));
    walk->arrange();
    return walk;
}

Result<std::map<std::size_t, std::shared_ptr<const WeightGradients>>>
lossGradients(const Model& model, const CalibrationText& text, std::span<const std::size_t> tensors, const RunContext& context) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    context.progress.done = 0;
    context.progress.total = static_cast<std::int64_t>(text.windows.size());
    const nn::Graph& graph = *model.graph;
    std::map<std::size_t, nn::ValueId> edges;
    for (const std::size_t tensor : tensors)
        if (const auto edge = graph.find(model.weights->nameOf(tensor))) edges.emplace(tensor, *edge);
    nn::GradientProblem problem;
    problem.loss = *graph.find("logits");
    for (const auto& [tensor, edge] : edges) problem.wanted.push_back(edge);
    std::map<std::size_t, std::shared_ptr<WeightGradients>> found;
    const auto share = 1.0F / static_cast<float>(text.windows.size());
    for (const TextWindow& window : text.windows) {
        const auto tokens = text.tokensOf(window);
        const std::vector<int> ids(tokens.begin(), tokens.end());
        const auto inputs = tokenInputs(ids);
        problem.given.clear();
        for (std::size_t i = 0; i < inputs.size(); ++i) problem.given.emplace_back(graph.inputs[i], inputs[i]);
        problem.lossOf = nn::crossEntropy(nextTokens(tokens));
        QSCOPE_TRY(const auto gradients, nn::gradients(graph, problem, *model.weights, quiet, {Precision::Single, nullptr, true}));
        for (const auto& [tensor, edge] : edges) {
            QSCOPE_TRY(const auto values, model.weights->storedForm(tensor, gradients.of.at(edge)));
            auto& made = found[tensor];
            if (!made) made = std::make_shared<WeightGradients>();
            WeightGradients& sums = *made;
            sums.mean.resize(values.size());
            sums.meanSquares.resize(values.size());
            for (std::size_t i = 0; i < values.size(); ++i) {
                sums.mean[i] += share * values[i];
                sums.meanSquares[i] += share * values[i] * values[i];
            }
        }
        ++context.progress.done;
    }
    return std::map<std::size_t, std::shared_ptr<const WeightGradients>>(found.begin(), found.end());
}

} // namespace qscope::engine
