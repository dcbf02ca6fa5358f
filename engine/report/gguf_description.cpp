// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/gguf_description.h"

#include "engine/checkpoint/gguf_types.h"
#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/tokenizer_json.h"
#include "engine/report/export_common.h"

#include <algorithm>
#include <map>

namespace qscope::engine {

namespace {

void set(Metadata& metadata, std::string key, MetadataValue value) {
    const auto found = std::ranges::find(metadata, key, &Metadata::value_type::first);
    if (found != metadata.end()) found->second = std::move(value);
    else metadata.emplace_back(std::move(key), std::move(value));
}

/// The type of most elements of the matrices.
DType mainType(const std::vector<TensorToWrite>& tensors) {
    std::map<DType, std::int64_t> elements;
    for (const TensorToWrite& tensor : tensors)
        if (tensor.shape.size() >= 2) elements[tensor.dtype] += elementCount(tensor.shape);
    const auto most = std::ranges::max_element(elements, {}, [](const auto& entry) { return entry.second; });
    return most == elements.end() ? DType::F32 : most->first;
}

/// The name of a model that has none of its own: of its file, or of its folder when the file is just "model".
std::string modelName(const Checkpoint& source) {
    std::error_code ignored;
    const auto path = std::filesystem::weakly_canonical(source.path, ignored);
    const bool folder = std::filesystem::is_directory(path, ignored);
    const auto stem = folder ? path.filename() : path.stem();
    return stem == "model" ? path.parent_path().filename().string() : stem.string();
}

Metadata tokenizerOf(const Checkpoint& source, Diagnostics& notes) {
    Metadata found;
    for (const auto& pair : source.metadata)
        if (pair.first.starts_with("tokenizer.")) found.push_back(pair);
    if (!found.empty()) return found;
    if (auto beside = tokenizerBeside(source.path, {}, notes)) return *std::move(beside);
    notes.note("there is no tokenizer beside the source, so that the file holds none");
    return {};
}

} // namespace

Metadata ggufDescription(const Checkpoint& source, const std::vector<TensorToWrite>& tensors, Diagnostics& notes) {
    Metadata metadata;
    if (source.format == "gguf") {
        metadata = source.metadata;
    } else {
        if (!source.architecture.empty())
            metadata.emplace_back("general.architecture", metadataText(source.architecture));
        metadata.emplace_back("general.name", metadataText(modelName(source)));
    }
    if (const auto type = ggufFileType(mainType(tensors))) set(metadata, "general.file_type", metadataU32(*type));
    if (std::ranges::any_of(tensors, [](const TensorToWrite& t) { return info(t.dtype).kind == DTypeKind::Block; }))
        set(metadata, "general.quantization_version", metadataU32(2));
    if (source.format != "gguf" && isTranslatable(source)) {
        std::ranges::move(toMetadata(*source.config, source.architecture), std::back_inserter(metadata));
        std::ranges::move(tokenizerOf(source, notes), std::back_inserter(metadata));
    }
    return metadata;
}

} // namespace qscope::engine
