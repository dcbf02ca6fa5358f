// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/onnx_opset.h"

#include "engine/checkpoint/catalogue.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

/// An operator whose nodes of earlier versions are not nodes of this one: attributes that became inputs, defaults and
/// meanings that changed, operators that went away. Additions do not count. Source: docs/Changelog.md of ONNX.
struct Break {
    std::string_view opType;
    std::int64_t version;
};
constexpr std::array kBreaks{
    Break{"BatchNormalization", 9}, Break{"Cast", 6}, Break{"Clip", 6}, Break{"Clip", 11}, Break{"Concat", 4},
    Break{"DFT", 20}, Break{"Dropout", 7}, Break{"Dropout", 12}, Break{"GridSample", 20}, Break{"GroupNormalization", 21},
    Break{"Hardmax", 13}, Break{"LogSoftmax", 13}, Break{"Loop", 11}, Break{"NonMaxSuppression", 11}, Break{"Pad", 11},
    Break{"ReduceL1", 18}, Break{"ReduceL2", 18}, Break{"ReduceLogSum", 18}, Break{"ReduceLogSumExp", 18},
    Break{"ReduceMax", 18}, Break{"ReduceMean", 18}, Break{"ReduceMin", 18}, Break{"ReduceProd", 18}, Break{"ReduceSum", 13},
    Break{"ReduceSumSquare", 18}, Break{"Reshape", 5}, Break{"Resize", 11}, Break{"Resize", 13}, Break{"Scan", 9},
    Break{"Scatter", 11}, Break{"Slice", 10}, Break{"Softmax", 13}, Break{"Split", 13}, Break{"Split", 18},
    Break{"Squeeze", 13}, Break{"Tile", 6}, Break{"TopK", 10}, Break{"Unsqueeze", 13}, Break{"Upsample", 9},
    Break{"Upsample", 10}};
/// Arithmetic had its own attributes for broadcasting before.
constexpr std::int64_t kOldest = 7;

/// Reduce operators with all axes, and Split with stated sizes, read the same in both versions.
bool isUntouched(const OnnxNode& node, const Break& change) {
    if (node.opType.starts_with("Reduce")) return !find(node, "axes");
    if (node.opType == "Split" && change.version == 18) return node.inputs.size() > 1;
    if (node.opType == "Dropout" && change.version == 12) return !find(node, "ratio");
    if ((node.opType == "Squeeze") && change.version == 13) return !find(node, "axes");
    if (node.opType == "GridSample") return !find(node, "mode");
    if (node.opType == "Clip" && change.version == 11) return !find(node, "min") && !find(node, "max");
    return false;
}

Result<void> checkNodes(const std::vector<OnnxNode>& nodes, std::int64_t from, std::int64_t to) {
    for (const OnnxNode& node : nodes) {
        const auto change = std::ranges::find_if(kBreaks, [&](const Break& row) {
            return node.domain.empty() && row.opType == node.opType && row.version > from && row.version <= to && !isUntouched(node, row);
        });
        if (change != kBreaks.end())
            return fail(ErrorCode::Unsupported,
                        "the result needs opset {} of ONNX, and the model's {} node '{}' of opset {} changed in opset {}; convert the "
                        "model to a later opset first", to, node.opType, printable(node.name), from, change->version);
        for (const OnnxAttribute& attribute : node.attributes)
            if (const auto* graphs = std::get_if<std::vector<OnnxGraph>>(&attribute.value))
                for (const OnnxGraph& graph : *graphs) QSCOPE_CHECK(checkNodes(graph.nodes, from, to));
    }
    return {};
}

} // namespace

std::int64_t standardOpset(const OnnxModel& model) {
    const auto import = std::ranges::find(model.opsets, std::string_view(), &OnnxOpset::domain);
    return import == model.opsets.end() ? 1 : import->version;
}

Result<void> checkOpsetRaise(const OnnxModel& model, std::int64_t to) {
    const std::int64_t from = standardOpset(model);
    if (to <= from) return {};
    if (from < kOldest)
        return fail(ErrorCode::Unsupported, "the result needs opset {} of ONNX, and the model's is {}; convert the model to a later "
                    "opset first", to, from);
    return checkNodes(model.graph.nodes, from, to);
}

} // namespace qscope::engine
