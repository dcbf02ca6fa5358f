// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/architectures/network_builder.h"

#include "engine/nn/architectures/rotary.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine::nn {

void NetworkBuilder::complain(Error error) {
    if (!m_error) m_error = std::move(error);
}

void NetworkBuilder::need(std::int64_t size, std::string_view what) {
    if (size <= 0) complain({ErrorCode::Malformed, fmt::format("the model's description gives no {}", what), {}});
}

void NetworkBuilder::needHeads() {
    need(config.heads, "number of heads");
    if (config.heads <= 0) return;
    if (config.headSize <= 0 && config.width % config.heads != 0)
        complain({ErrorCode::Malformed,
                  fmt::format("a width of {} does not divide into {} heads", config.width, config.heads),
                  {}});
    if (config.kvHeads <= 0 || config.heads % config.kvHeads != 0)
        complain({ErrorCode::Malformed,
                  fmt::format("{} heads cannot share {} key and value heads", config.heads, config.kvHeads),
                  {}});
    if (!config.windowed.empty() && static_cast<std::int64_t>(config.windowed.size()) != config.layers)
        complain(
            {ErrorCode::Malformed,
             fmt::format("the list of layer types has {} entries for {} layers", config.windowed.size(), config.layers),
             {}});
    if (config.rotated > headSize())
        complain({ErrorCode::Malformed,
                  fmt::format("rotary embedding over {} elements of heads of {}", config.rotated, headSize()),
                  {}});
}

std::int64_t NetworkBuilder::headSize() const {
    if (config.headSize > 0) return config.headSize;
    return config.heads > 0 ? config.width / config.heads : 0;
}

std::int64_t NetworkBuilder::window(std::int64_t layer, bool otherwise) const {
    const auto at = static_cast<std::size_t>(layer);
    const bool here = config.windowed.empty() ? otherwise : at < config.windowed.size() && config.windowed[at] != 0;
    return here ? config.window : 0;
}

std::int64_t NetworkBuilder::rows(std::string_view weight) const {
    const auto shape = m_options.find ? m_options.find(weight) : std::nullopt;
    return shape && !shape->empty() ? shape->front() : 0;
}

ValueId NetworkBuilder::weight(const std::string& name, const Shape& shape) {
    const ValueId edge = graph.weight(name);
    const auto known = std::ranges::find(m_weights, name, &WeightShape::name);
    if (known == m_weights.end()) m_weights.push_back({name, shape});
    return edge;
}

ValueId NetworkBuilder::scalar(const std::string& name, float value) {
    return graph.constant(name, makeValue<float>({}, {value}));
}

ValueId NetworkBuilder::index(const std::string& name, std::int64_t value) {
    return graph.constant(name, makeValue<std::int64_t>({}, {value}));
}

ValueId NetworkBuilder::list(const std::string& name, std::vector<std::int64_t> values) {
    const Shape shape{static_cast<std::int64_t>(values.size())};
    return graph.constant(name, makeValue(shape, std::move(values)));
}

ValueId NetworkBuilder::linear(const std::string& module, ValueId x, std::int64_t out, std::int64_t in) {
    std::vector<ValueId> inputs{x, weight(module + ".weight", {out, in})};
    if (has(module + ".bias")) inputs.push_back(weight(module + ".bias", {out}));
    return graph.add("Linear", module, std::move(inputs));
}

ValueId NetworkBuilder::embedding(const std::string& module, ValueId ids, std::int64_t rows, std::int64_t width) {
    return graph.add("Gather", module, {weight(module + ".weight", {rows, width}), ids});
}

ValueId NetworkBuilder::norm(std::string_view op, const std::string& module, ValueId x, std::vector<ValueId> weights) {
    weights.insert(weights.begin(), x);
    return graph.add(op, module, std::move(weights), {{"axis", std::int64_t{-1}}, {"epsilon", config.normEpsilon}});
}

ValueId NetworkBuilder::layerNorm(const std::string& module, ValueId x, std::int64_t size) {
    std::vector<ValueId> weights{weight(module + ".weight", {size})};
    if (has(module + ".bias")) weights.push_back(weight(module + ".bias", {size}));
    return norm("LayerNormalization", module, x, std::move(weights));
}

ValueId NetworkBuilder::rmsNorm(const std::string& module, ValueId x, std::int64_t size) {
    return norm("RMSNormalization", module, x, {weight(module + ".weight", {size})});
}

ValueId NetworkBuilder::shiftedNorm(const std::string& module, ValueId x, std::int64_t size) {
    const ValueId one = scalar(module + ".one", 1);
    const ValueId scale = binary("Add", module + ".scale", weight(module + ".weight", {size}), one);
    return norm("RMSNormalization", module, x, {scale});
}

ValueId NetworkBuilder::headNorm(const std::string& module, ValueId x, std::int64_t heads) {
    const ValueId apart = list(module + ".heads_shape", {0, 0, heads, headSize()}); // 0: as the input has it
    const ValueId together = list(module + ".shape", {0, 0, heads * headSize()});
    const ValueId cut = graph.add("Reshape", module + ".heads", {x, apart});
    const ValueId done =
        graph.add("RMSNormalization", module + ".normed", {cut, weight(module + ".weight", {headSize()})},
                  {{"axis", std::int64_t{-1}}, {"epsilon", config.normEpsilon}});
    return graph.add("Reshape", module, {done, together});
}

ValueId NetworkBuilder::activation(const std::string& name, ValueId x, std::string_view kind) {
    if (kind == "relu") return graph.add("Relu", name, {x});
    if (kind == "tanh") return graph.add("Tanh", name, {x});
    if (kind == "silu" || kind == "swish") return graph.add("Swish", name, {x}, {{"alpha", 1.0}});
    if (kind == "quick_gelu") return graph.add("Swish", name, {x}, {{"alpha", 1.702}});
    if (kind == "gelu") return graph.add("Gelu", name, {x}, {{"approximate", std::string("none")}});
    if (kind == "gelu_new" || kind == "gelu_fast" || kind == "gelu_pytorch_tanh")
        return graph.add("Gelu", name, {x}, {{"approximate", std::string("tanh")}});
    complain({ErrorCode::Unsupported, fmt::format("the activation '{}' is not known", kind), {}});
    return x;
}

std::vector<ValueId> NetworkBuilder::split(const std::string& name, ValueId x, std::vector<std::int64_t> sizes) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < sizes.size(); ++i) names.push_back(fmt::format("{}.{}", name, i));
    Node node;
    node.name = name;
    node.inputs = {x, list(name + ".sizes", std::move(sizes))};
    node.attributes = {{"axis", std::int64_t{-1}}};
    return graph.addNode("Split", std::move(node), names);
}

ValueId NetworkBuilder::rotary(const std::string& name, ValueId x, std::int64_t heads) {
    const std::int64_t rotated = config.rotated > 0 ? config.rotated : headSize();
    if (m_cosines == kAbsent) {
        auto tables = rotaryTables(config, rotated, m_options.positions);
        if (!tables) {
            complain(std::move(tables).error());
            return x;
        }
        m_cosines = graph.constant("rotary.cosines", std::move(tables->cosines));
        m_sines = graph.constant("rotary.sines", std::move(tables->sines));
        const ValueId shape = graph.add("Shape", "tokens.shape", {m_tokens});
        m_positionIds = graph.add("Expand", "positions.each", {m_positions, shape});
    }
    std::map<std::string, Attribute, std::less<>> attributes{{"num_heads", heads}};
    if (rotated < headSize()) attributes.emplace("rotary_embedding_dim", rotated);
    return graph.add("RotaryEmbedding", name, {x, m_cosines, m_sines, m_positionIds}, std::move(attributes));
}

ValueId NetworkBuilder::attention(const std::string& name, ValueId q, ValueId k, ValueId v, const AttentionForm& form) {
    std::map<std::string, Attribute, std::less<>> attributes{{"q_num_heads", form.heads},
                                                             {"kv_num_heads", form.kvHeads}};
    if (form.causal) attributes.emplace("is_causal", std::int64_t{1});
    if (form.scale > 0) attributes.emplace("scale", form.scale);
    if (form.cap > 0) attributes.emplace("softcap", form.cap);
    if (form.window > 0) attributes.emplace("window", form.window);
    if (form.slot >= 0) attributes.emplace("slot", form.slot);
    return graph.add("Attention", name, {q, k, v}, std::move(attributes));
}

ValueId NetworkBuilder::gatedFeedForward(const std::string& module, ValueId x, std::string_view act) {
    const ValueId gate = linear(module + ".gate_proj", x, config.hidden, config.width);
    const ValueId up = linear(module + ".up_proj", x, config.hidden, config.width);
    const ValueId open = activation(module + ".act_fn", gate, act);
    const ValueId product = binary("Mul", module + ".product", open, up);
    const ValueId down = linear(module + ".down_proj", product, config.width, config.hidden);
    graph.rename(down, module + ".output");
    return down;
}

ValueId NetworkBuilder::textInputs() {
    need(config.width, "width");
    need(config.layers, "number of layers");
    need(config.vocabulary, "size of the vocabulary");
    m_tokens = graph.input("tokens");
    m_positions = graph.input("positions");
    return m_tokens;
}

void NetworkBuilder::logits(const std::string& module, const std::string& embeddingModule, ValueId hidden,
                            std::int64_t width) {
    graph.setBlock(std::nullopt);
    const bool own = !config.tiedOutput && has(module + ".weight");
    const std::string name = (own ? module : embeddingModule) + ".weight";
    std::vector<ValueId> inputs{hidden, weight(name, {config.vocabulary, width})};
    if (has(module + ".bias")) inputs.push_back(weight(module + ".bias", {config.vocabulary}));
    ValueId scores = graph.add("Linear", module, std::move(inputs));
    if (config.outputCap > 0) { // cap * tanh(x / cap)
        const ValueId cap = scalar("logits.cap", static_cast<float>(config.outputCap));
        scores = binary("Div", "logits.scaled", scores, cap);
        scores = graph.add("Tanh", "logits.bounded", {scores});
        scores = binary("Mul", "logits.capped", scores, cap);
    }
    output(scores, "logits");
}

void NetworkBuilder::output(ValueId value, const std::string& name) {
    graph.rename(value, name);
    graph.output(value);
}

Result<Architecture> NetworkBuilder::finish() {
    if (m_error) return tl::unexpected<Error>(*m_error);
    QSCOPE_TRY(auto made, graph.finish());
    return Architecture{std::move(made), std::move(m_weights)};
}

} // namespace qscope::engine::nn
