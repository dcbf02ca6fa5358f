// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/onnx_importer.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/nn/graph/operator.h"
#include "engine/plan/onnx_scope.h"
#include "engine/plan/onnx_upgrade.h"
#include "engine/plan/onnx_values.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>

namespace qscope::engine {

namespace {

using nn::kAbsent;
using nn::Value;
using nn::ValueId;

constexpr std::int64_t kOldestOpset = 7, kNewestOpset = 25;
constexpr std::size_t kMostNodes = 1'000'000; ///< functions that call each other may unfold to any number

class Importer {
public:
    Importer(const OnnxModel& model, const OnnxStoredTensors& stored, MemoryBudget& budget, const ReadLimits& limits)
        : m_model(model)
        , m_stored(stored)
        , m_budget(budget)
        , m_limits(limits) {
        for (const OnnxFunction& function : model.functions)
            m_functions.emplace(std::pair(plainDomain(function.domain), function.name), &function);
        for (const auto& [key, tensor] : stored) static_cast<void>(m_names.make(tensor.name));
    }

    Result<std::shared_ptr<const nn::Graph>> model(Diagnostics& notes) {
        QSCOPE_TRY(const std::int64_t opset, opsetOf(m_model.opsets, kNewestOpset));
        if (opset > kNewestOpset)
            notes.note(fmt::format("operator set {} is newer than {}, whose rules are applied", opset, kNewestOpset));
        OnnxFrame frame;
        OnnxScope scope{frame, m_names};
        scope.opset = opset;
        QSCOPE_CHECK(graph(m_model.graph, scope));
        return frame.builder.finish();
    }

private:
    static Result<std::int64_t> opsetOf(const std::vector<OnnxOpset>& opsets, std::int64_t otherwise) {
        const auto found = std::ranges::find(opsets, std::string_view(), &OnnxOpset::domain);
        const std::int64_t version = found == opsets.end() ? otherwise : found->version;
        if (version < kOldestOpset)
            return fail(ErrorCode::Unsupported, "operator set {} of ai.onnx is older than {}", version, kOldestOpset);
        return version;
    }

    Result<void> graph(const OnnxGraph& graph, OnnxScope& scope) {
        if (m_depth == m_limits.nestingDepth) return fail(ErrorCode::Malformed, "graphs are nested too deeply");
        ++m_depth;
        for (const OnnxValueInfo& value : graph.values) scope.types.emplace(value.name, value.type);
        for (const OnnxValueInfo& value : graph.outputs) scope.types.emplace(value.name, value.type);
        for (const OnnxTensor& tensor : graph.initializers) QSCOPE_CHECK(storedTensor(scope, tensor.name, tensor));
        for (const OnnxValueInfo& input : graph.inputs) {
            if (const auto known = scope.names.find(input.name); known != scope.names.end() && known->second.stored)
                continue;
            QSCOPE_CHECK(define(scope, input.name,
                                {scope.frame.builder.input(edgeName(scope, input.name)), nullptr, input.type}));
        }
        for (std::size_t i = 0; i < graph.nodes.size(); ++i) QSCOPE_CHECK(node(graph.nodes[i], i, scope));
        for (const OnnxValueInfo& output : graph.outputs) {
            QSCOPE_TRY(OnnxKnown known, lookup(scope, output.name));
            if (known.edge == kAbsent)
                return fail(ErrorCode::Malformed, "output '{}' has no value", printable(output.name));
            if (known.stored) // a weight is there only while a node uses it
                known.edge = scope.frame.builder.add("Identity", edgeName(scope, output.name), {known.edge});
            scope.frame.builder.output(known.edge);
        }
        --m_depth;
        return {};
    }

    Result<void> storedTensor(OnnxScope& scope, std::string_view name, const OnnxTensor& tensor) {
        if (const auto found = m_stored.find(&tensor); found != m_stored.end())
            return define(scope, name, {kAbsent, &found->second, found->second.type});
        // Texts, and tensors that a function takes from its call.
        auto value = onnxValue(tensor, m_budget, m_limits);
        if (!value) return during(std::move(value).error(), "tensor '" + printable(name) + "'");
        return constant(scope, name, std::move(*value), tensor.type);
    }

    Result<void> constant(OnnxScope& scope, std::string_view name, Value value, OnnxType type) {
        const OnnxStored& kept = m_ownStored.emplace_back(OnnxStored{edgeName(scope, name), type, std::move(value)});
        return define(scope, name, {kAbsent, &kept, type});
    }

    Result<void> node(const OnnxNode& raw, std::size_t index, OnnxScope& scope) {
        if (++m_nodes > kMostNodes) return fail(ErrorCode::Unsupported, "it unfolds to more than {} nodes", kMostNodes);
        const std::string own = raw.name.empty() ? fmt::format("{}_{}", raw.opType, index) : std::string(raw.name);
        auto done = [&]() -> Result<void> {
            // Functions write their nodes again and again, each with the name of where.
            const std::uint64_t name = scope.prefix.size() + own.size();
            QSCOPE_CHECK(m_budget.spend(sizeof(nn::Node) + 3 * name));
            for (const std::string_view output : raw.outputs)
                QSCOPE_CHECK(m_budget.spend(sizeof(nn::ValueInfo) + 3 * (scope.prefix.size() + output.size())));
            QSCOPE_TRY(const OnnxNode resolved, withAttributesOfCall(raw, scope));
            // Stored tensors are known by where they are, which a copy is not.
            const bool copied =
                std::ranges::any_of(raw.attributes, [](const OnnxAttribute& a) { return !a.reference.empty(); });
            const OnnxNode& node = copied ? resolved : raw;
            const auto function = m_functions.find({node.domain, node.opType});
            if (function != m_functions.end()) return inlined(node, *function->second, own, scope);
            if (node.domain.empty() && node.opType == "Constant") return constantNode(node, scope);
            return plainNode(node, own, scope);
        }();
        if (!done) return during(std::move(done).error(), fmt::format("node '{}'", printable(scope.prefix + own)));
        return {};
    }

    static std::string_view plainDomain(std::string_view domain) {
        return domain == "ai.onnx" ? std::string_view() : domain;
    }

    Result<OnnxNode> withAttributesOfCall(const OnnxNode& raw, const OnnxScope& scope) const {
        if (std::ranges::none_of(raw.attributes, [](const OnnxAttribute& a) { return !a.reference.empty(); }))
            return OnnxNode{};
        OnnxNode node = raw;
        if (!scope.function) return fail(ErrorCode::Malformed, "an attribute refers to a function outside of any");
        std::erase_if(node.attributes, [&](OnnxAttribute& attribute) {
            if (attribute.reference.empty()) return false;
            const OnnxAttribute* given = find(*scope.call, attribute.reference);
            const auto fallback =
                std::ranges::find(scope.function->defaults, attribute.reference, &OnnxAttribute::name);
            if (!given && fallback != scope.function->defaults.end()) given = &*fallback;
            if (!given) return true; // an optional attribute that the call leaves out
            attribute.value = given->value;
            attribute.reference = {};
            return false;
        });
        return node;
    }

    Result<void> inlined(const OnnxNode& call, const OnnxFunction& function, const std::string& own, OnnxScope& scope) {
        if (m_depth == m_limits.nestingDepth) return fail(ErrorCode::Malformed, "functions call each other too deeply");
        if (call.inputs.size() > function.inputs.size() || call.outputs.size() > function.outputs.size())
            return fail(ErrorCode::Malformed, "the function takes {} inputs and gives {} outputs",
                        function.inputs.size(), function.outputs.size());
        ++m_depth;
        OnnxScope inner{scope.frame, m_names};
        inner.prefix = scope.prefix + own + "/";
        QSCOPE_TRY(inner.opset, opsetOf(function.opsets, scope.opset));
        inner.call = &call;
        inner.function = &function;
        for (std::size_t i = 0; i < function.inputs.size(); ++i) {
            OnnxKnown given;
            if (i < call.inputs.size() && !call.inputs[i].empty()) {
                QSCOPE_TRY(given, lookup(scope, call.inputs[i]));
            }
            QSCOPE_CHECK(define(inner, function.inputs[i], given));
        }
        for (std::size_t i = 0; i < function.nodes.size(); ++i) QSCOPE_CHECK(node(function.nodes[i], i, inner));
        for (std::size_t i = 0; i < call.outputs.size(); ++i) {
            if (call.outputs[i].empty()) continue;
            QSCOPE_TRY(const OnnxKnown made, lookup(inner, function.outputs[i]));
            QSCOPE_CHECK(define(scope, call.outputs[i], made));
        }
        --m_depth;
        return {};
    }

    Result<void> constantNode(const OnnxNode& node, OnnxScope& scope) {
        if (node.outputs.size() != 1 || node.attributes.size() != 1)
            return fail(ErrorCode::Malformed, "a constant has one value and one output");
        const OnnxAttribute& attribute = node.attributes.front();
        const std::string_view name = node.outputs.front();
        const auto keep = [&]<class T>(std::span<const T> numbers, Shape shape, OnnxType type) -> Result<void> {
            const auto found = numbers.empty() ? m_stored.end() : m_stored.find(numbers.data());
            if (found != m_stored.end()) return define(scope, name, {kAbsent, &found->second, type});
            return constant(scope, name, nn::makeValue<T>(std::move(shape), {numbers.begin(), numbers.end()}), type);
        };
        if (const auto* tensors = std::get_if<std::vector<OnnxTensor>>(&attribute.value);
            tensors && tensors->size() == 1)
            return storedTensor(scope, name, tensors->front());
        if (const auto* number = std::get_if<float>(&attribute.value))
            return keep(std::span(number, 1), {}, OnnxType::F32);
        if (const auto* number = std::get_if<std::int64_t>(&attribute.value))
            return keep(std::span(number, 1), {}, OnnxType::I64);
        if (const auto* list = std::get_if<std::vector<float>>(&attribute.value))
            return keep(std::span(*list), {std::ssize(*list)}, OnnxType::F32);
        if (const auto* list = std::get_if<std::vector<std::int64_t>>(&attribute.value))
            return keep(std::span(*list), {std::ssize(*list)}, OnnxType::I64);
        if (const auto* text = std::get_if<std::string_view>(&attribute.value))
            return constant(scope, name, nn::makeTexts({}, {std::string(*text)}), OnnxType::String);
        if (const auto* texts = std::get_if<std::vector<std::string_view>>(&attribute.value))
            return constant(scope, name, nn::makeTexts({std::ssize(*texts)}, {texts->begin(), texts->end()}),
                            OnnxType::String);
        return fail(ErrorCode::Unsupported, "constants by '{}' are not read", printable(attribute.name));
    }

    Result<void> plainNode(const OnnxNode& node, const std::string& own, OnnxScope& scope) {
        OnnxDraft draft;
        draft.op = node.opType;
        draft.domain = node.domain;
        draft.node.name = m_names.make(printable(scope.prefix + own));
        draft.node.opset = static_cast<int>(std::min(scope.opset, kNewestOpset));
        if ((!node.domain.empty() && node.domain != "com.microsoft") ||
            (node.domain.empty() && !isVocabulary(draft.op)))
            return unknown(node, scope);
        for (const std::string_view name : node.inputs) {
            OnnxKnown known;
            if (!name.empty()) {
                QSCOPE_TRY(known, lookup(scope, name));
            }
            draft.node.inputs.push_back(known.edge);
            draft.inputTypes.push_back(known.type);
        }
        OnnxCaptures captures;
        std::deque<OnnxFrame> frames; // in the order of the graphs among the attributes
        std::vector<std::string> graphNames;
        for (const OnnxAttribute& attribute : node.attributes) {
            if (const auto* graphs = std::get_if<std::vector<OnnxGraph>>(&attribute.value)) {
                if (graphs->size() != 1) return fail(ErrorCode::Unsupported, "lists of graphs");
                OnnxFrame& frame = frames.emplace_back(OnnxFrame{{}, &captures, {}});
                frame.takeAll();
                OnnxScope inner{frame, m_names, &scope};
                inner.prefix = fmt::format("{}{}/{}/", scope.prefix, own, attribute.name);
                inner.opset = scope.opset;
                inner.call = scope.call;
                inner.function = scope.function;
                QSCOPE_CHECK(graph(graphs->front(), inner));
                graphNames.emplace_back(attribute.name);
            } else {
                QSCOPE_CHECK(copied(attribute, draft.node));
            }
        }
        for (std::size_t i = 0; i < frames.size(); ++i) {
            frames[i].takeAll();
            QSCOPE_TRY(draft.node.attributes[graphNames[i]], frames[i].builder.finish());
        }
        draft.node.captures = captures.outer;
        for (const std::string_view name : node.outputs) {
            draft.outputs.push_back(name.empty() ? std::string() : edgeName(scope, name));
            draft.outputTypes.push_back(outputType(draft, node, name, scope));
        }
        nn::GraphBuilder& builder = scope.frame.builder;
        QSCOPE_CHECK(upgrade(draft, builder, [this](std::string name) { return m_names.make(std::move(name)); }));
        if (!draft.domain.empty() || !nn::findOperator(draft.op)) return unknown(node, scope);
        while (!draft.node.inputs.empty() && draft.node.inputs.back() == kAbsent) draft.node.inputs.pop_back();
        const auto made = builder.addNode(draft.op, std::move(draft.node), draft.outputs);
        for (std::size_t i = 0; i < made.size(); ++i)
            if (!node.outputs[i].empty())
                QSCOPE_CHECK(define(scope, node.outputs[i], {made[i], nullptr, draft.outputTypes[i]}));
        return {};
    }

    /// Whether the operator is ours, or a form that `upgrade` knows.
    static bool isVocabulary(std::string_view op) {
        return nn::findOperator(op) || op == "Upsample" || op == "Scatter";
    }

    static Result<void> unknown(const OnnxNode& node, const OnnxScope& scope) {
        return fail(ErrorCode::Unsupported, "operator {} of {} (operator set {}) is not done", printable(node.opType),
                    node.domain.empty() ? "ai.onnx" : printable(node.domain), scope.opset);
    }

    /// The element type of an output, where the model says it or the operator keeps that of its input.
    static OnnxType outputType(const OnnxDraft& draft, const OnnxNode& node, std::string_view name,
                               const OnnxScope& scope) {
        constexpr std::array kKeeping{"Identity", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Slice",
                                      "Split",    "Concat",  "Expand",    "Tile",    "Gather",  "Pad"};
        if (draft.op == "Cast") return static_cast<OnnxType>(valueOr<std::int64_t>(node, "to", 0));
        if (const auto said = scope.types.find(name); said != scope.types.end()) return said->second;
        if (!draft.inputTypes.empty() && std::ranges::find(kKeeping, draft.op) != kKeeping.end())
            return draft.inputTypes.front();
        return OnnxType::Undefined;
    }

    Result<void> copied(const OnnxAttribute& attribute, nn::Node& node) {
        nn::Attribute& to = node.attributes[std::string(attribute.name)];
        if (const auto* number = std::get_if<float>(&attribute.value))
            to = static_cast<double>(*number);
        else if (const auto* whole = std::get_if<std::int64_t>(&attribute.value))
            to = *whole;
        else if (const auto* text = std::get_if<std::string_view>(&attribute.value))
            to = std::string(*text);
        else if (const auto* numbers = std::get_if<std::vector<float>>(&attribute.value))
            to = std::vector<double>(numbers->begin(), numbers->end());
        else if (const auto* wholes = std::get_if<std::vector<std::int64_t>>(&attribute.value))
            to = *wholes;
        else if (const auto* texts = std::get_if<std::vector<std::string_view>>(&attribute.value))
            to = std::vector<std::string>(texts->begin(), texts->end());
        else if (const auto* tensors = std::get_if<std::vector<OnnxTensor>>(&attribute.value);
                 tensors && tensors->size() == 1) {
            QSCOPE_TRY(to, onnxValue(tensors->front(), m_budget, m_limits));
        } else {
            node.attributes.erase(std::string(attribute.name)); // types and empty values
        }
        return {};
    }

    const OnnxModel& m_model;
    const OnnxStoredTensors& m_stored;
    MemoryBudget& m_budget;
    const ReadLimits& m_limits;
    std::deque<OnnxStored> m_ownStored; ///< constants that the collector of weights leaves out
    UniqueNames m_names;
    std::map<std::pair<std::string_view, std::string_view>, const OnnxFunction*> m_functions; ///< by domain and name
    std::size_t m_nodes = 0;
    int m_depth = 0;
};

} // namespace

Result<std::shared_ptr<const nn::Graph>> importOnnx(const OnnxModel& model, const OnnxStoredTensors& stored,
                                                    MemoryBudget& budget, const ReadLimits& limits,
                                                    Diagnostics& notes) {
    return Importer(model, stored, budget, limits).model(notes);
}

} // namespace qscope::engine
