// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/description.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/onnx/types.h"

#include <unordered_set>

namespace qscope::engine {

namespace {

std::string text(std::string_view from) {
    if (isUtf8(from)) return std::string(from);
    return printable(from, from.size());
}

/// "image: FLOAT [1, channels, ?]"
std::string describe(const OnnxValueInfo& value) {
    const OnnxTypeInfo* type = info(value.type);
    std::string shown = fmt::format("{}: {}", text(value.name), type ? type->name : "not a tensor");
    if (!value.shape) return shown;
    shown += " [";
    for (const OnnxDimension& dimension : *value.shape) {
        if (shown.back() != '[') shown += ", ";
        if (const auto* size = std::get_if<std::int64_t>(&dimension)) shown += fmt::format("{}", *size);
        else if (const auto* name = std::get_if<std::string_view>(&dimension)) shown += text(*name);
        else shown += '?';
    }
    return shown + "]";
}

MetadataValue strings(std::vector<std::string> values) {
    return {MetadataType::Array, MetadataType::String, std::move(values)};
}

} // namespace

Metadata describeOnnxModel(const OnnxModel& model, const ReadLimits& limits) {
    Metadata metadata;
    const auto addText = [&](const char* key, std::string_view value) {
        if (!value.empty()) metadata.emplace_back(key, MetadataValue{MetadataType::String, {}, text(value)});
    };
    const auto addNumber = [&](const char* key, std::int64_t value) {
        metadata.emplace_back(key, MetadataValue{MetadataType::I64, {}, value});
    };
    addNumber("ir_version", model.irVersion);
    addText("producer_name", model.producer);
    addText("producer_version", model.producerVersion);
    addText("domain", model.domain);
    if (model.modelVersion != 0) addNumber("model_version", model.modelVersion);
    addText("graph.name", model.graph.name);
    std::string opsets;
    for (const OnnxOpset& opset : model.opsets)
        opsets += fmt::format("{}{} {}", opsets.empty() ? "" : ", ", opset.domain.empty() ? "ai.onnx" : text(opset.domain), opset.version);
    addText("opset_import", opsets);
    std::unordered_set<std::string_view> weights; // listed as inputs too before ir_version 4
    for (const OnnxTensor& tensor : model.graph.initializers) weights.insert(tensor.name);
    std::vector<std::string> inputs, outputs;
    for (const OnnxValueInfo& input : model.graph.inputs)
        if (!weights.contains(input.name)) inputs.push_back(describe(input));
    for (const OnnxValueInfo& output : model.graph.outputs) outputs.push_back(describe(output));
    metadata.emplace_back("graph.inputs", strings(std::move(inputs)));
    metadata.emplace_back("graph.outputs", strings(std::move(outputs)));
    addNumber("graph.nodes", static_cast<std::int64_t>(model.graph.nodes.size()));
    std::unordered_set<std::string_view> keys;
    for (const auto& [key, value] : model.metadata)
        if (key.size() <= limits.nameBytes && value.size() <= limits.stringBytes && keys.insert(key).second)
            metadata.emplace_back("metadata_props." + text(key), MetadataValue{MetadataType::String, {}, text(value)});
    return metadata;
}

} // namespace qscope::engine
