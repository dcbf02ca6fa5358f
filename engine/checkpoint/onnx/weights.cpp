// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/weights.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/onnx/unique_names.h"

#include <unordered_map>

namespace qscope::engine {

namespace {

/// Walks graphs from the outside in; names are looked up from the inside out, as inner graphs see outer values.
class Collector {
public:
    Collector(MemoryBudget& budget, const ReadLimits& limits) : m_budget(budget), m_limits(limits) {}

    Result<OnnxWeights> model(const OnnxModel& model, Diagnostics& notes) {
        QSCOPE_CHECK(graph(model.graph, ""));
        for (const OnnxFunction& function : model.functions) {
            const std::string prefix = fmt::format("{}.{}/", function.domain, function.name);
            QSCOPE_CHECK(body(function.nodes, {}, {}, {}, prefix));
        }
        if (m_texts > 0) notes.note(fmt::format("{} tensors hold texts and are left out", m_texts));
        return std::move(m_found);
    }

private:
    using Names = std::unordered_map<std::string_view, std::size_t>;

    Result<void> graph(const OnnxGraph& graph, const std::string& prefix) {
        if (!graph.sparseInitializers.empty())
            return fail(ErrorCode::Unsupported, "tensor '{}{}' is sparse, which is not read", printable(prefix),
                        printable(graph.sparseInitializers.front().values.name));
        return body(graph.nodes, graph.initializers, graph.outputs, {}, prefix);
    }

    Result<void> body(const std::vector<OnnxNode>& nodes, std::span<const OnnxTensor> initializers,
                      std::span<const OnnxValueInfo> outputs, Names names, const std::string& prefix) {
        for (const OnnxTensor& tensor : initializers) QSCOPE_CHECK(add(names, prefix, tensor.name, tensor));
        for (const OnnxNode& node : nodes)
            if (isStandard(node, "Constant")) QSCOPE_CHECK(constant(names, prefix, node));
        m_scopes.push_back(std::move(names));
        for (const OnnxValueInfo& output : outputs) use(output.name);
        for (std::size_t i = 0; i < nodes.size(); ++i) QSCOPE_CHECK(node(nodes[i], i, prefix));
        m_scopes.pop_back();
        return {};
    }

    Result<void> node(const OnnxNode& node, std::size_t index, const std::string& prefix) {
        OnnxCodedUse coded{&node, {}, {}};
        coded.inputs.fill(OnnxCodedUse::kNone);
        for (std::size_t i = 0; i < node.inputs.size(); ++i) {
            const std::size_t weight = use(node.inputs[i]);
            if (i < coded.inputs.size()) coded.inputs[i] = weight;
        }
        if (isStandard(node, "DequantizeLinear") || isMicrosoft(node, "DequantizeLinear") ||
            isMicrosoft(node, "MatMulNBits") || isMicrosoft(node, "MatMulBnb4")) {
            QSCOPE_TRY(coded.name, qualified(prefix, node.outputs.empty() ? node.name : node.outputs.front()));
            QSCOPE_CHECK(m_budget.spend(3 * sizeof coded));
            m_found.uses.push_back(std::move(coded));
        }
        for (const OnnxAttribute& attribute : node.attributes)
            if (const auto* graphs = std::get_if<std::vector<OnnxGraph>>(&attribute.value))
                for (std::size_t i = 0; i < graphs->size(); ++i) {
                    const std::string which = graphs->size() > 1 ? fmt::format("_{}", i) : "";
                    const std::string own = node.name.empty() ? fmt::format("{}_{}", node.opType, index) : std::string(node.name);
                    QSCOPE_TRY(const auto inner, qualified(prefix, fmt::format("{}/{}{}/", own, attribute.name, which)));
                    QSCOPE_CHECK(graph((*graphs)[i], inner));
                }
        return {};
    }

    Result<void> constant(Names& names, const std::string& prefix, const OnnxNode& node) {
        if (node.outputs.empty()) return {};
        const std::string_view name = node.outputs.front();
        const auto list = [&]<class T>(const std::vector<T>& values, OnnxType type) {
            return add(names, prefix, name, std::as_bytes(std::span(values)), type, {std::ssize(values)});
        };
        const auto one = [&]<class T>(const T& value, OnnxType type) {
            return add(names, prefix, name, std::as_bytes(std::span(&value, 1)), type, {});
        };
        for (const OnnxAttribute& attribute : node.attributes) {
            if (attribute.name == "value") {
                const auto* tensors = std::get_if<std::vector<OnnxTensor>>(&attribute.value);
                if (tensors && tensors->size() == 1) return add(names, prefix, name, tensors->front());
            } else if (attribute.name == "value_float") {
                if (const auto* value = std::get_if<float>(&attribute.value)) return one(*value, OnnxType::F32);
            } else if (attribute.name == "value_int") {
                if (const auto* value = std::get_if<std::int64_t>(&attribute.value)) return one(*value, OnnxType::I64);
            } else if (attribute.name == "value_floats") {
                if (const auto* values = std::get_if<std::vector<float>>(&attribute.value)) return list(*values, OnnxType::F32);
            } else if (attribute.name == "value_ints") {
                if (const auto* values = std::get_if<std::vector<std::int64_t>>(&attribute.value))
                    return list(*values, OnnxType::I64);
            } else if (attribute.name == "value_string" || attribute.name == "value_strings") {
                ++m_texts;
            } else if (attribute.name == "sparse_value") {
                return fail(ErrorCode::Unsupported, "tensor '{}{}' is sparse, which is not read", printable(prefix),
                            printable(name));
            }
        }
        return {};
    }

    Result<void> add(Names& names, const std::string& prefix, std::string_view name, const OnnxTensor& tensor) {
        if (tensor.type == OnnxType::String) {
            ++m_texts;
            return {};
        }
        QSCOPE_CHECK(add(names, prefix, name, {}, tensor.type, tensor.shape));
        m_found.weights.back().tensor = &tensor;
        return {};
    }

    Result<void> add(Names& names, const std::string& prefix, std::string_view name, std::span<const std::byte> numbers,
                     OnnxType type, Shape shape) {
        QSCOPE_TRY(std::string full, qualified(prefix, name));
        // The weight, its place in two tables, and the entry that the catalogue makes of it.
        QSCOPE_CHECK(m_budget.spend(3 * sizeof(OnnxWeight) + 3 * full.size() + 256));
        if (m_found.weights.size() >= m_limits.tensors) return fail(ErrorCode::Malformed, "too many tensors");
        if (!names.emplace(name, m_found.weights.size()).second)
            return fail(ErrorCode::Malformed, "tensor '{}' appears twice", printable(full));
        // Two nodes may have one name, and an outer name may look like a path.
        full = m_names.make(std::move(full));
        m_found.weights.push_back({std::move(full), name, nullptr, numbers, type, std::move(shape), 0});
        return {};
    }

    Result<std::string> qualified(const std::string& prefix, std::string_view name) const {
        if (prefix.size() + name.size() > m_limits.nameBytes)
            return fail(ErrorCode::Malformed, "the name '{}{}' is too long", printable(prefix), printable(name));
        return prefix + std::string(name);
    }

    /// Counts one use of a value; the weight that it is, or kNone.
    std::size_t use(std::string_view name) {
        if (name.empty()) return OnnxCodedUse::kNone;
        for (auto scope = m_scopes.rbegin(); scope != m_scopes.rend(); ++scope)
            if (const auto found = scope->find(name); found != scope->end()) {
                ++m_found.weights[found->second].uses;
                return found->second;
            }
        return OnnxCodedUse::kNone;
    }

    MemoryBudget& m_budget;
    const ReadLimits& m_limits;
    OnnxWeights m_found;
    std::vector<Names> m_scopes;
    UniqueNames m_names;
    std::size_t m_texts = 0;
};

} // namespace

Result<OnnxWeights> collectWeights(const OnnxModel& model, MemoryBudget& budget, const ReadLimits& limits, Diagnostics& notes) {
    return Collector(budget, limits).model(model, notes);
}

bool isStandard(const OnnxNode& node, std::string_view opType) { return node.domain.empty() && node.opType == opType; }
bool isMicrosoft(const OnnxNode& node, std::string_view opType) {
    return node.domain == "com.microsoft" && node.opType == opType;
}

} // namespace qscope::engine
