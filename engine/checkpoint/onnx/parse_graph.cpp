// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/graph.h"
#include "engine/checkpoint/onnx/wire.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

/// How often each field number below 32 occurs in a message: vectors are made in their final size, after the budget
/// was asked.
Result<std::array<std::uint64_t, 32>> countFields(WireReader reader) {
    std::array<std::uint64_t, 32> counts{};
    WireField field;
    for (;;) {
        QSCOPE_TRY(const bool more, reader.next(field));
        if (!more) return counts;
        if (field.number < counts.size()) ++counts[field.number];
    }
}

/// Parses one kind of message after another; each function takes the fields of its own and leaves unknown ones aside,
/// as the encoding asks.
class GraphParser {
public:
    GraphParser(MemoryBudget& budget, const ReadLimits& limits) : m_budget(budget), m_limits(limits) {}

    Result<OnnxModel> model(WireReader message) {
        OnnxModel model;
        bool hasGraph = false;
        QSCOPE_CHECK(reserve(message, {{8, &model.opsets}, {25, &model.functions}, {14, &model.metadata}}));
        QSCOPE_CHECK(eachField(message, [&](const WireField& field) -> Result<void> {
            switch (field.number) {
            case 1: return set(model.irVersion, integerOf(field));
            case 2: return set(model.producer, textOf(field));
            case 3: return set(model.producerVersion, textOf(field));
            case 4: return set(model.domain, textOf(field));
            case 5: return set(model.modelVersion, integerOf(field));
            case 7:
                if (std::exchange(hasGraph, true)) return fail(ErrorCode::Malformed, "the model has two graphs");
                return within(field, "graph", model.graph, &GraphParser::graph);
            case 8: return add(field, "opset_import", model.opsets, &GraphParser::opset);
            case 14: return add(field, "metadata_props", model.metadata, &GraphParser::pair);
            case 25: return add(field, "function", model.functions, &GraphParser::function);
            default: return {};
            }
        }));
        if (!hasGraph) return fail(ErrorCode::Malformed, "the model has no graph");
        return model;
    }

    Result<OnnxTensor> tensor(WireReader message) {
        OnnxTensor tensor;
        tensor.message = message.message();
        tensor.offset = message.offset();
        QSCOPE_CHECK(reserve(message, {{13, &tensor.external}}));
        QSCOPE_CHECK(eachField(message, [&](const WireField& field) -> Result<void> {
            switch (field.number) {
            case 1: return axes(field, tensor.shape);
            case 2: return type(field, tensor.type);
            case 3: return fail(ErrorCode::Unsupported, "tensors in segments are not read");
            case 8: return set(tensor.name, textOf(field));
            case 9:
                QSCOPE_CHECK(require(field, WireType::Bytes));
                tensor.raw = field.bytes;
                return {};
            case 13: return add(field, "external_data", tensor.external, &GraphParser::pair);
            case 14: {
                QSCOPE_TRY(const auto location, integerOf(field));
                if (location != 0 && location != 1)
                    return fail(ErrorCode::Malformed, "data_location {} does not exist", location);
                tensor.isExternal = location == 1;
                return {};
            }
            default: return {};
            }
        }));
        return tensor;
    }

private:
    using Pair = std::pair<std::string_view, std::string_view>;

    /// A vector that `reserve` sizes, whatever its elements.
    struct Counted {
        std::uint32_t field;
        void* vector;
        void (*reserve)(void*, std::size_t);
        std::size_t size;
        template<class T>
        Counted(std::uint32_t number, std::vector<T>* into)
            : field(number), vector(into),
              reserve([](void* v, std::size_t count) { static_cast<std::vector<T>*>(v)->reserve(count); }), size(sizeof(T)) {}
    };

    Result<void> reserve(const WireReader& message, std::initializer_list<Counted> vectors) {
        QSCOPE_TRY(const auto counts, countFields(message));
        constexpr std::uint64_t kBlock = 32; // what the allocator adds to each vector, rounded up
        for (const Counted& counted : vectors) {
            const std::uint64_t count = counts[counted.field];
            if (count == 0) continue;
            if (count > m_limits.arrayItems) return fail(ErrorCode::Malformed, "{} entries of one kind are too many", count);
            QSCOPE_CHECK(m_budget.spend(count * counted.size + kBlock));
            counted.reserve(counted.vector, static_cast<std::size_t>(count));
        }
        return {};
    }

    template<class Use>
    static Result<void> eachField(WireReader message, const Use& use) {
        WireField field;
        for (;;) {
            QSCOPE_TRY(const bool more, message.next(field));
            if (!more) return {};
            QSCOPE_CHECK(use(field));
        }
    }

    template<class T>
    static Result<void> set(T& to, Result<T> value) {
        QSCOPE_TRY(to, std::move(value));
        return {};
    }

    /// Parses the message inside a field with `parse`; errors say which kind of part it was.
    template<class T>
    Result<void> within(const WireField& field, const char* part, T& to, Result<T> (GraphParser::*parse)(WireReader)) {
        QSCOPE_CHECK(require(field, WireType::Bytes));
        auto parsed = (this->*parse)(WireReader(field));
        if (!parsed) return during(std::move(parsed).error(), part);
        to = *std::move(parsed);
        return {};
    }

    template<class T>
    Result<void> add(const WireField& field, const char* part, std::vector<T>& to, Result<T> (GraphParser::*parse)(WireReader)) {
        return within(field, part, to.emplace_back(), parse);
    }

    static Result<void> addText(const WireField& field, std::vector<std::string_view>& to) {
        QSCOPE_TRY(const auto text, textOf(field));
        to.push_back(text);
        return {};
    }

    Result<void> axes(const WireField& field, Shape& shape) {
        bool tooMany = false;
        QSCOPE_CHECK(eachVarint(field, [&](std::uint64_t size) {
            if (shape.size() >= static_cast<std::size_t>(m_limits.rank)) tooMany = true;
            else shape.push_back(static_cast<std::int64_t>(size));
        }));
        if (tooMany) return fail(ErrorCode::Malformed, "a tensor has more than {} axes", m_limits.rank);
        return {};
    }

    /// A number that no type has is kept: the reader names it together with the tensor.
    static Result<void> type(const WireField& field, OnnxType& to) {
        QSCOPE_TRY(const auto number, integerOf(field));
        to = static_cast<OnnxType>(number);
        return {};
    }

    Result<Pair> pair(WireReader message) {
        Pair pair;
        QSCOPE_CHECK(eachField(message, [&](const WireField& field) -> Result<void> {
            if (field.number == 1) return set(pair.first, textOf(field));
            if (field.number == 2) return set(pair.second, textOf(field));
            return {};
        }));
        return pair;
    }

    Result<OnnxOpset> opset(WireReader message) {
        OnnxOpset opset;
        QSCOPE_CHECK(eachField(message, [&](const WireField& field) -> Result<void> {
            if (field.number == 1) return set(opset.domain, textOf(field));
            if (field.number == 2) return set(opset.version, integerOf(field));
            return {};
        }));
        if (opset.domain == "ai.onnx") opset.domain = {};
        return opset;
    }

    Result<OnnxGraph> graph(WireReader message) {
        if (m_depth == m_limits.nestingDepth) return fail(ErrorCode::Malformed, "graphs are nested too deeply");
        ++m_depth;
        OnnxGraph graph;
        QSCOPE_CHECK(reserve(message, {{1, &graph.nodes}, {5, &graph.initializers}, {15, &graph.sparseInitializers},
                                       {11, &graph.inputs}, {12, &graph.outputs}, {13, &graph.values}}));
        QSCOPE_CHECK(eachField(message, [&](const WireField& field) -> Result<void> {
            switch (field.number) {
            case 1: return add(field, "node", graph.nodes, &GraphParser::node);
            case 2: return set(graph.name, textOf(field));
            case 5: return add(field, "initializer", graph.initializers, &GraphParser::tensor);
            case 11: return add(field, "input", graph.inputs, &GraphParser::valueInfo);
            case 12: return add(field, "output", graph.outputs, &GraphParser::valueInfo);
            case 13: return add(field, "value_info", graph.values, &GraphParser::valueInfo);
            case 15: return add(field, "sparse_initializer", graph.sparseInitializers, &GraphParser::sparseTensor);
            default: return {};
            }
        }));
        --m_depth;
        return graph;
    }

    Result<OnnxNode> node(WireReader message) {
        OnnxNode node;
        QSCOPE_CHECK(reserve(message, {{1, &node.inputs}, {2, &node.outputs}, {5, &node.attributes}}));
        QSCOPE_CHECK(eachField(message, [&](const WireField& field) -> Result<void> {
            switch (field.number) {
            case 1: return addText(field, node.inputs);
            case 2: return addText(field, node.outputs);
            case 3: return set(node.name, textOf(field));
            case 4: return set(node.opType, textOf(field));
            case 5: return add(field, "attribute", node.attributes, &GraphParser::attribute);
            case 7: return set(node.domain, textOf(field));
            default: return {};
            }
        }));
        if (node.domain == "ai.onnx") node.domain = {};
        return node;
    }

    Result<OnnxSparseTensor> sparseTensor(WireReader message) {
        OnnxSparseTensor sparse;
        QSCOPE_CHECK(eachField(message, [&](const WireField& field) -> Result<void> {
            switch (field.number) {
            case 1: return within(field, "values", sparse.values, &GraphParser::tensor);
            case 2: return within(field, "indices", sparse.indices, &GraphParser::tensor);
            case 3: return axes(field, sparse.shape);
            default: return {};
            }
        }));
        return sparse;
    }

    /// Numbers of a list attribute; a list may come in several fields.
    template<class T, class Each>
    Result<void> numbers(const WireField& field, std::vector<T>& to, const Each& each) {
        const std::uint64_t most = field.type == WireType::Bytes ? field.bytes.size() : 1; // one byte each or more
        const std::uint64_t size = std::is_same_v<T, float> ? most / sizeof(T) + 1 : most;
        QSCOPE_CHECK(m_budget.spend(3 * size * sizeof(T))); // a vector that grows, and what it grew out of
        return each(field, [&](auto number) { to.push_back(static_cast<T>(number)); });
    }

    /// The list inside an attribute's value, made when its first field comes.
    template<class List>
    static List& listOf(OnnxAttribute& attribute) {
        if (auto* list = std::get_if<List>(&attribute.value)) return *list;
        return attribute.value.emplace<List>();
    }

    Result<OnnxAttribute> attribute(WireReader message) {
        OnnxAttribute attribute;
        std::int64_t kind = 0;
        // Lists that are empty have no field of their own; the stated kind makes them. Older files state none.
        QSCOPE_CHECK(eachField(message, [&](const WireField& field) -> Result<void> {
            if (field.number == 20) return set(kind, integerOf(field));
            return {};
        }));
        switch (kind) {
        case 6: attribute.value = std::vector<float>{}; break;
        case 7: attribute.value = std::vector<std::int64_t>{}; break;
        case 8: attribute.value = std::vector<std::string_view>{}; break;
        case 9: attribute.value = std::vector<OnnxTensor>{}; break;
        case 10: attribute.value = std::vector<OnnxGraph>{}; break;
        case 12: attribute.value = std::vector<OnnxSparseTensor>{}; break;
        default: break;
        }
        QSCOPE_CHECK(eachField(message, [&](const WireField& field) { return attributeField(field, kind, attribute); }));
        return attribute;
    }

    Result<void> attributeField(const WireField& field, std::int64_t kind, OnnxAttribute& attribute) {
        // Field numbers of the kinds 1 to 12. A field of another kind than the stated one has no meaning.
        constexpr std::array<std::uint32_t, 13> kFieldOfKind{0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 22, 23};
        if (field.number == 1) return set(attribute.name, textOf(field));
        if (field.number == 21) return set(attribute.reference, textOf(field));
        if (kind > 0 && (kind >= std::ssize(kFieldOfKind) || kFieldOfKind[static_cast<std::size_t>(kind)] != field.number))
            return {};
        switch (field.number) {
        case 2:
            QSCOPE_CHECK(require(field, WireType::Fixed32));
            return eachFixed<float>(field, [&](float number) { attribute.value = number; });
        case 3: {
            QSCOPE_TRY(attribute.value, integerOf(field));
            return {};
        }
        case 4: {
            QSCOPE_TRY(attribute.value, textOf(field));
            return {};
        }
        case 7:
            return numbers(field, listOf<std::vector<float>>(attribute),
                           [](const auto& from, const auto& use) { return eachFixed<float>(from, use); });
        case 8:
            return numbers(field, listOf<std::vector<std::int64_t>>(attribute),
                           [](const auto& from, const auto& use) { return eachVarint(from, use); });
        case 9: return grow(listOf<std::vector<std::string_view>>(attribute), [&](auto& list) { return addText(field, list); });
        case 6:
        case 11:
            return grow(listOf<std::vector<OnnxGraph>>(attribute),
                        [&](auto& list) { return add(field, "subgraph", list, &GraphParser::graph); });
        case 5:
        case 10:
            return grow(listOf<std::vector<OnnxTensor>>(attribute),
                        [&](auto& list) { return add(field, "tensor", list, &GraphParser::tensor); });
        case 22:
        case 23:
            return grow(listOf<std::vector<OnnxSparseTensor>>(attribute),
                        [&](auto& list) { return add(field, "sparse tensor", list, &GraphParser::sparseTensor); });
        default: return {};
        }
    }

    /// Charges for one more element of a list whose length is not known beforehand, then adds it.
    template<class T, class Add>
    Result<void> grow(std::vector<T>& list, const Add& addOne) {
        QSCOPE_CHECK(m_budget.spend(3 * sizeof(T)));
        return addOne(list);
    }

    Result<OnnxValueInfo> valueInfo(WireReader message) {
        OnnxValueInfo value;
        QSCOPE_CHECK(eachField(message, [&](const WireField& field) -> Result<void> {
            if (field.number == 1) return set(value.name, textOf(field));
            if (field.number != 2) return {};
            return eachIn(field, [&](const WireField& kind) -> Result<void> {
                if (kind.number != 1) return {}; // sequences, maps and optional values are no tensors
                return eachIn(kind, [&](const WireField& part) -> Result<void> {
                    if (part.number == 1) return type(part, value.type);
                    if (part.number == 2) return dimensions(part, value.shape.emplace());
                    return {};
                });
            });
        }));
        return value;
    }

    template<class Use>
    static Result<void> eachIn(const WireField& field, const Use& use) {
        QSCOPE_CHECK(require(field, WireType::Bytes));
        return eachField(WireReader(field), use);
    }

    Result<void> dimensions(const WireField& shape, std::vector<OnnxDimension>& to) {
        QSCOPE_CHECK(require(shape, WireType::Bytes));
        QSCOPE_CHECK(reserve(WireReader(shape), {{1, &to}}));
        return eachIn(shape, [&](const WireField& field) -> Result<void> {
            if (field.number != 1) return {};
            OnnxDimension& dimension = to.emplace_back();
            return eachIn(field, [&](const WireField& size) -> Result<void> {
                if (size.number == 1) {
                    QSCOPE_TRY(dimension, integerOf(size));
                } else if (size.number == 2) {
                    QSCOPE_TRY(dimension, textOf(size));
                }
                return {};
            });
        });
    }

    Result<OnnxFunction> function(WireReader message) {
        OnnxFunction function;
        QSCOPE_CHECK(reserve(message, {{4, &function.inputs}, {5, &function.outputs}, {6, &function.attributes},
                                       {7, &function.nodes}, {9, &function.opsets}, {11, &function.defaults}}));
        QSCOPE_CHECK(eachField(message, [&](const WireField& field) -> Result<void> {
            switch (field.number) {
            case 1: return set(function.name, textOf(field));
            case 4: return addText(field, function.inputs);
            case 5: return addText(field, function.outputs);
            case 6: return addText(field, function.attributes);
            case 7: return add(field, "node", function.nodes, &GraphParser::node);
            case 9: return add(field, "opset_import", function.opsets, &GraphParser::opset);
            case 10: return set(function.domain, textOf(field));
            case 11: return add(field, "attribute", function.defaults, &GraphParser::attribute);
            default: return {};
            }
        }));
        return function;
    }

    MemoryBudget& m_budget;
    const ReadLimits& m_limits;
    int m_depth = 0;
};

} // namespace

Result<OnnxModel> parseOnnxModel(std::span<const std::byte> file, MemoryBudget& budget, const ReadLimits& limits) {
    return GraphParser(budget, limits).model(WireReader(file));
}

Result<OnnxTensor> parseOnnxTensor(std::span<const std::byte> file, MemoryBudget& budget, const ReadLimits& limits) {
    return GraphParser(budget, limits).tensor(WireReader(file));
}

const OnnxAttribute* find(const OnnxNode& node, std::string_view name) {
    const auto found = std::ranges::find(node.attributes, name, &OnnxAttribute::name);
    return found == node.attributes.end() ? nullptr : &*found;
}

} // namespace qscope::engine
