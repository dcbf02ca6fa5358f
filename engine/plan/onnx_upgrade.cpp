// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/onnx_upgrade.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

using nn::attributeOr;
using nn::kAbsent;
using nn::Value;
using nn::ValueId;
using Integers = std::vector<std::int64_t>;

/// What was an attribute once and is an input now. Operator sets are those of the change.
struct Moved {
    std::string_view op, attribute;
    std::size_t input;
};
constexpr std::array kMoved{
    Moved{"Squeeze", "axes", 1},
    Moved{"Unsqueeze", "axes", 1},
    Moved{"ReduceL1", "axes", 1},
    Moved{"ReduceL2", "axes", 1},
    Moved{"ReduceLogSum", "axes", 1},
    Moved{"ReduceLogSumExp", "axes", 1},
    Moved{"ReduceMax", "axes", 1},
    Moved{"ReduceMean", "axes", 1},
    Moved{"ReduceMin", "axes", 1},
    Moved{"ReduceProd", "axes", 1},
    Moved{"ReduceSum", "axes", 1},
    Moved{"ReduceSumSquare", "axes", 1},
    Moved{"Split", "split", 1},
    Moved{"Slice", "starts", 1},
    Moved{"Slice", "ends", 2},
    Moved{"Slice", "axes", 3},
    Moved{"TopK", "k", 1},
    Moved{"Pad", "pads", 1},
    Moved{"Pad", "value", 2},
    Moved{"Clip", "min", 1},
    Moved{"Clip", "max", 2},
    Moved{"Dropout", "ratio", 1},
    Moved{"Reshape", "shape", 1},
    Moved{"Upsample", "scales", 1},
};

/// The value of an attribute as an input: lists are 1-D, numbers are scalars.
std::optional<Value> asValue(const nn::Attribute& attribute) {
    if (const auto* list = std::get_if<Integers>(&attribute))
        return nn::makeValue<std::int64_t>({std::ssize(*list)}, *list);
    if (const auto* number = std::get_if<std::int64_t>(&attribute)) return nn::makeValue<std::int64_t>({}, {*number});
    if (const auto* number = std::get_if<double>(&attribute))
        return nn::makeValue<float>({}, {static_cast<float>(*number)});
    if (const auto* list = std::get_if<std::vector<double>>(&attribute))
        return nn::makeValue<float>({std::ssize(*list)}, {list->begin(), list->end()});
    return std::nullopt;
}

class Upgrade {
public:
    Upgrade(OnnxDraft& draft, nn::GraphBuilder& builder, const std::function<std::string(std::string)>& unique)
        : m_draft(draft)
        , m_node(draft.node)
        , m_builder(builder)
        , m_unique(unique) {}

    Result<void> run() {
        if (m_draft.domain == "com.microsoft") QSCOPE_CHECK(fromMicrosoft());
        for (const Moved& moved : kMoved)
            if (moved.op == m_draft.op) toInput(moved);
        const std::string& op = m_draft.op;
        if (op == "Upsample" || (op == "Resize" && m_node.opset < 11)) upsample();
        if (op == "Scatter") m_draft.op = "ScatterElements";
        if (op == "BatchNormalization" && m_node.opset < 14) {
            if (attributeOr<std::int64_t>(m_node, "spatial", 1) == 0)
                return fail(ErrorCode::Unsupported, "statistics per element (spatial = 0)");
            m_draft.outputs.resize(std::min<std::size_t>(m_draft.outputs.size(), 1)); // the others are for training
        }
        if (op == "Scan" && m_node.opset < 9) return fail(ErrorCode::Unsupported, "the batched form of operator set 8");
        if ((op == "Softmax" || op == "LogSoftmax" || op == "Hardmax") && m_node.opset < 13) flatSoftmax();
        if (op == "QuantizeLinear") nameCodes();
        if (op == "CastLike") castLike();
        return {};
    }

private:
    ValueId constant(std::string_view what, Value value) {
        return m_builder.constant(m_unique(m_node.name + "." + std::string(what)), std::move(value));
    }

    ValueId node(std::string_view op, std::string_view suffix, std::vector<ValueId> inputs,
                 std::map<std::string, nn::Attribute, std::less<>> attributes = {}) {
        nn::Node added;
        added.name = m_node.name + "." + std::string(suffix);
        added.inputs = std::move(inputs);
        added.attributes = std::move(attributes);
        std::string name = m_unique(added.name);
        return m_builder.addNode(op, std::move(added), {std::move(name)}).front();
    }

    void toInput(const Moved& moved) {
        const auto found = m_node.attributes.find(moved.attribute);
        if (found == m_node.attributes.end()) return;
        auto value = asValue(found->second);
        if (!value) return;
        if (moved.op == "TopK") value = nn::reshaped(*value, {1});
        m_node.attributes.erase(found);
        if (m_node.inputs.size() <= moved.input) m_node.inputs.resize(moved.input + 1, kAbsent);
        // An attribute beside its input means nothing.
        if (m_node.inputs[moved.input] != kAbsent) return;
        m_node.inputs[moved.input] = constant(moved.attribute, std::move(*value));
        if (moved.op == "Clip" || (moved.op == "Pad" && moved.attribute == "value"))
            m_node.inputs[moved.input] = node("CastLike", std::string(moved.attribute) + "_cast",
                                              {m_node.inputs[moved.input], m_node.inputs[0]});
    }

    /// Resize before operator set 11, and Upsample: x and scales, no region, rounded down.
    void upsample() {
        m_draft.op = "Resize";
        if (m_node.inputs.size() == 2) m_node.inputs.insert(m_node.inputs.begin() + 1, kAbsent);
        m_node.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
        m_node.attributes["nearest_mode"] = std::string("floor");
    }

    /// Over all axes from `axis` on as one.
    void flatSoftmax() {
        const std::int64_t axis = attributeOr<std::int64_t>(m_node, "axis", 1);
        const ValueId x = m_node.inputs.empty() ? kAbsent : m_node.inputs.front();
        const ValueId shape = node("Shape", "shape", {x});
        const ValueId flat = node("Flatten", "flat", {x}, {{"axis", axis}});
        const ValueId result = node(m_draft.op, "rows", {flat}, {{"axis", std::int64_t{-1}}});
        m_draft.op = "Reshape";
        m_node.inputs = {result, shape};
        m_node.attributes = {};
    }

    /// The type of codes narrower than what holds them.
    void nameCodes() {
        OnnxType type = m_draft.inputTypes.size() > 2 ? m_draft.inputTypes[2] : OnnxType::Undefined;
        if (const auto asked = attributeOr<std::int64_t>(m_node, "output_dtype", 0); asked != 0)
            type = static_cast<OnnxType>(asked);
        else if (type != OnnxType::Undefined)
            m_node.attributes["output_dtype"] = static_cast<std::int64_t>(type);
        if (!m_draft.outputTypes.empty()) m_draft.outputTypes[0] = type;
    }

    void castLike() {
        if (m_draft.inputTypes.size() != 2 || m_draft.inputTypes[1] == OnnxType::Undefined) return;
        m_draft.op = "Cast";
        m_node.inputs.resize(1);
        m_node.attributes["to"] = static_cast<std::int64_t>(m_draft.inputTypes[1]);
    }

    /// Operators of ONNX Runtime that are those of ai.onnx, or two of ours.
    Result<void> fromMicrosoft() {
        std::string& op = m_draft.op;
        if (op == "MatMulNBits") {
            auto input = [&](std::size_t i) { return i < m_node.inputs.size() ? m_node.inputs[i] : kAbsent; };
            const ValueId weight =
                node("DequantizeNBits", "weight", {input(1), input(2), input(3), input(4)}, m_node.attributes);
            m_node.inputs = {input(0), weight, input(5)};
            m_node.attributes = {};
            op = "Linear";
        } else if (op != "QuantizeLinear" && op != "DequantizeLinear" && op != "Gelu") {
            return {}; // unknown: the importer says so
        }
        m_draft.domain = {};
        return {};
    }

    OnnxDraft& m_draft;
    nn::Node& m_node;
    nn::GraphBuilder& m_builder;
    const std::function<std::string(std::string)>& m_unique;
};

} // namespace

Result<void> upgrade(OnnxDraft& draft, nn::GraphBuilder& builder,
                     const std::function<std::string(std::string)>& unique) {
    return Upgrade(draft, builder, unique).run();
}

} // namespace qscope::engine
