// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/onnx_importer.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/onnx/unique_names.h"
#include "engine/nn/graph/builder.h"
#include "engine/nn/graph/operator.h"
#include "engine/plan/onnx_upgrade.h"
#include "engine/plan/onnx_values.h"

#include <algorithm>
#include <array>
#include <deque>

namespace qscope::engine {

namespace {

using nn::kAbsent;
using nn::Value;
using nn::ValueId;

constexpr std::int64_t kOldestOpset = 7, kNewestOpset = 25;
constexpr std::size_t kMostNodes = 1'000'000; ///< functions that call each other may unfold to any number

/// Values that the graphs inside one node take from around it; all graphs of a node take the same.
struct Captures {
    std::vector<ValueId> outer;
    std::vector<std::string> names; ///< of the edges inside
};

/// One graph that is being written.
struct Frame {
    nn::GraphBuilder builder;
    Captures* captures = nullptr; ///< null: the outermost graph
    std::vector<ValueId> inner;   ///< edges of the captures, as far as they are made
    std::unordered_map<const OnnxStored*, ValueId> constants = {};

    /// Makes the edges that other graphs of the node asked for.
    void takeAll() {
        while (inner.size() < captures->names.size()) inner.push_back(builder.captured(captures->names[inner.size()]));
    }
};

/// What a name stands for: an edge, a stored tensor that may have no edge here yet, or, with neither, an absent input.
struct Known {
    ValueId edge = kAbsent;
    const OnnxStored* stored = nullptr;
    OnnxType type = OnnxType::Undefined;
};

/// The names that nodes of one graph or function see, and what holds for them.
struct Scope {
    Frame& frame;
    Scope* outer = nullptr; ///< that of the node around a graph; a function sees none
    std::string prefix = {};
    std::int64_t opset = kNewestOpset;
    const OnnxNode* call = nullptr; ///< of a function, whose attributes the nodes inside may refer to
    const OnnxFunction* function = nullptr;
    std::unordered_map<std::string_view, Known> names = {};
    std::unordered_map<std::string_view, OnnxType> types = {}; ///< as value_info states them
};

class Importer {
public:
    Importer(const OnnxModel& model, const OnnxStoredTensors& stored, MemoryBudget& budget, const ReadLimits& limits)
        : m_model(model)
        , m_stored(stored)
        , m_budget(budget)
        , m_limits(limits) {
        for (const auto& [key, tensor] : stored) static_cast<void>(unique(tensor.name));
    }

    Result<std::shared_ptr<const nn::Graph>> model(Diagnostics& notes) {
        QSCOPE_TRY(const std::int64_t opset, opsetOf(m_model.opsets, kNewestOpset));
        if (opset > kNewestOpset)
            notes.note(fmt::format("operator set {} is newer than {}, whose rules are applied", opset, kNewestOpset));
        Frame frame;
        Scope scope{frame};
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

    std::string unique(std::string name) { return m_names.make(std::move(name)); }
    std::string edgeName(const Scope& scope, std::string_view name) {
        return unique(printable(scope.prefix + std::string(name)));
    }

    Result<void> define(Scope& scope, std::string_view name, Known known) {
        if (scope.names.emplace(name, known).second) return {};
        return fail(ErrorCode::Malformed, "two values are called '{}'", printable(name));
    }

    /// What the name stands for, with an edge in this scope's graph unless it is absent.
    Result<Known> lookup(Scope& scope, std::string_view name) {
        const auto found = scope.names.find(name);
        if (found == scope.names.end() && !scope.outer)
            return fail(ErrorCode::Malformed, "'{}' is used, which nothing before it gives", printable(name));
        Known known;
        if (found != scope.names.end()) {
            known = found->second;
            if (known.edge != kAbsent || !known.stored) return known;
        } else {
            QSCOPE_TRY(known, lookup(*scope.outer, name));
            if (!known.stored && known.edge != kAbsent)
                known.edge = captured(scope.frame, known.edge, edgeName(scope, name));
        }
        if (known.stored) known.edge = storedEdge(scope.frame, *known.stored);
        scope.names[name] = known;
        return known;
    }

    static ValueId captured(Frame& frame, ValueId outer, std::string name) {
        Captures& captures = *frame.captures;
        const auto known = std::ranges::find(captures.outer, outer);
        const auto index = static_cast<std::size_t>(known - captures.outer.begin());
        if (known == captures.outer.end()) {
            captures.outer.push_back(outer);
            captures.names.push_back(std::move(name));
            frame.takeAll();
        }
        return frame.inner[index];
    }

    static ValueId storedEdge(Frame& frame, const OnnxStored& stored) {
        if (!stored.constant) return frame.builder.weight(stored.name);
        const auto [known, isNew] = frame.constants.try_emplace(&stored, kAbsent);
        if (isNew) known->second = frame.builder.constant(stored.name, *stored.constant);
        return known->second;
    }

    Result<void> graph(const OnnxGraph& graph, Scope& scope) {
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
            QSCOPE_TRY(Known known, lookup(scope, output.name));
            if (known.edge == kAbsent)
                return fail(ErrorCode::Malformed, "output '{}' has no value", printable(output.name));
            if (known.stored) // a weight is there only while a node uses it
                known.edge = scope.frame.builder.add("Identity", edgeName(scope, output.name), {known.edge});
            scope.frame.builder.output(known.edge);
        }
        return {};
    }

    Result<void> storedTensor(Scope& scope, std::string_view name, const OnnxTensor& tensor) {
        if (const auto found = m_stored.find(&tensor); found != m_stored.end())
            return define(scope, name, {kAbsent, &found->second, found->second.type});
        // Texts, and tensors that a function takes from its call.
        auto value = onnxValue(tensor, m_budget, m_limits);
        if (!value) return during(std::move(value).error(), "tensor '" + printable(name) + "'");
        return constant(scope, name, std::move(*value), tensor.type);
    }

    Result<void> constant(Scope& scope, std::string_view name, Value value, OnnxType type) {
        const OnnxStored& kept = m_ownStored.emplace_back(OnnxStored{edgeName(scope, name), type, std::move(value)});
        return define(scope, name, {kAbsent, &kept, type});
    }

    Result<void> node(const OnnxNode& raw, std::size_t index, Scope& scope) {
        if (++m_nodes > kMostNodes) return fail(ErrorCode::Unsupported, "it unfolds to more than {} nodes", kMostNodes);
        const std::string own = raw.name.empty() ? fmt::format("{}_{}", raw.opType, index) : std::string(raw.name);
        auto done = [&]() -> Result<void> {
            QSCOPE_TRY(const OnnxNode resolved, withAttributesOfCall(raw, scope));
            // Stored tensors are known by where they are, which a copy is not.
            const bool copied =
                std::ranges::any_of(raw.attributes, [](const OnnxAttribute& a) { return !a.reference.empty(); });
            const OnnxNode& node = copied ? resolved : raw;
            const auto function = std::ranges::find_if(m_model.functions, [&](const OnnxFunction& f) {
                return f.name == node.opType && plainDomain(f.domain) == node.domain;
            });
            if (function != m_model.functions.end()) return inlined(node, *function, own, scope);
            if (node.domain.empty() && node.opType == "Constant") return constantNode(node, scope);
            return plainNode(node, own, scope);
        }();
        if (!done) return during(std::move(done).error(), fmt::format("node '{}'", printable(scope.prefix + own)));
        return {};
    }

    static std::string_view plainDomain(std::string_view domain) {
        return domain == "ai.onnx" ? std::string_view() : domain;
    }

    Result<OnnxNode> withAttributesOfCall(const OnnxNode& raw, const Scope& scope) const {
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

    Result<void> inlined(const OnnxNode& call, const OnnxFunction& function, const std::string& own, Scope& scope) {
        if (m_depth == m_limits.nestingDepth) return fail(ErrorCode::Malformed, "functions call each other too deeply");
        if (call.inputs.size() > function.inputs.size() || call.outputs.size() > function.outputs.size())
            return fail(ErrorCode::Malformed, "the function takes {} inputs and gives {} outputs",
                        function.inputs.size(), function.outputs.size());
        ++m_depth;
        Scope inner{scope.frame};
        inner.prefix = scope.prefix + own + "/";
        QSCOPE_TRY(inner.opset, opsetOf(function.opsets, scope.opset));
        inner.call = &call;
        inner.function = &function;
        for (std::size_t i = 0; i < function.inputs.size(); ++i) {
            Known given;
            if (i < call.inputs.size() && !call.inputs[i].empty()) {
                QSCOPE_TRY(given, lookup(scope, call.inputs[i]));
            }
            QSCOPE_CHECK(define(inner, function.inputs[i], given));
        }
        for (std::size_t i = 0; i < function.nodes.size(); ++i) QSCOPE_CHECK(node(function.nodes[i], i, inner));
        for (std::size_t i = 0; i < call.outputs.size(); ++i) {
            if (call.outputs[i].empty()) continue;
            QSCOPE_TRY(const Known made, lookup(inner, function.outputs[i]));
            QSCOPE_CHECK(define(scope, call.outputs[i], made));
        }
        --m_depth;
        return {};
    }

    Result<void> constantNode(const OnnxNode& node, Scope& scope) {
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

    Result<void> plainNode(const OnnxNode& node, const std::string& own, Scope& scope) {
        OnnxDraft draft;
        draft.op = node.opType;
        draft.domain = node.domain;
        draft.node.name = unique(printable(scope.prefix + own));
        draft.node.opset = static_cast<int>(std::min(scope.opset, kNewestOpset));
        if ((!node.domain.empty() && node.domain != "com.microsoft") ||
            (node.domain.empty() && !isVocabulary(draft.op)))
            return unknown(node, scope);
        for (const std::string_view name : node.inputs) {
            Known known;
            if (!name.empty()) {
                QSCOPE_TRY(known, lookup(scope, name));
            }
            draft.node.inputs.push_back(known.edge);
            draft.inputTypes.push_back(known.type);
        }
        Captures captures;
        std::deque<Frame> frames; // in the order of the graphs among the attributes
        std::vector<std::string> graphNames;
        for (const OnnxAttribute& attribute : node.attributes) {
            if (const auto* graphs = std::get_if<std::vector<OnnxGraph>>(&attribute.value)) {
                if (graphs->size() != 1) return fail(ErrorCode::Unsupported, "lists of graphs");
                Frame& frame = frames.emplace_back(Frame{{}, &captures, {}});
                frame.takeAll();
                Scope inner{frame, &scope};
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
        QSCOPE_CHECK(upgrade(draft, builder, [this](std::string name) { return unique(std::move(name)); }));
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

    static Result<void> unknown(const OnnxNode& node, const Scope& scope) {
        return fail(ErrorCode::Unsupported, "operator {} of {} (operator set {}) is not done", printable(node.opType),
                    node.domain.empty() ? "ai.onnx" : printable(node.domain), scope.opset);
    }

    /// The element type of an output, where the model says it or the operator keeps that of its input.
    static OnnxType outputType(const OnnxDraft& draft, const OnnxNode& node, std::string_view name,
                               const Scope& scope) {
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
