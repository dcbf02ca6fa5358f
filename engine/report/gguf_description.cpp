// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/gguf_description.h"

#include "engine/checkpoint/gguf_scales.h"
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

/// `general.file_type` of the mixes that are not just the type of most of their elements (formats.md, section 1.2).
struct MixType {
    std::string_view method;
    std::uint32_t number;
};
constexpr MixType kMixTypes[] = {
    {"q2_k_s", 21}, {"q3_k_s", 11}, {"q3_k_m", 12}, {"q3_k_l", 13}, {"q4_k_s", 14}, {"q4_k_m", 15}, {"q5_k_s", 16}, {"q5_k_m", 17},
    {"iq2_s_mix", 28}, {"iq2_m", 29}, {"iq3_xs", 22}, {"iq3_s_mix", 26}, {"iq3_m", 27}, {"mxfp4_moe", 38}};

std::optional<std::uint32_t> fileType(const MethodResult* result, const std::vector<TensorToWrite>& tensors) {
    constexpr std::string_view kMix = "_mix";
    if (result) {
        std::string id = result->spec.id;
        if (const auto mix = std::ranges::find(kMixTypes, id, &MixType::method); mix != std::end(kMixTypes)) return mix->number;
        if (id.ends_with(kMix)) {
            id.resize(id.size() - kMix.size());
            std::ranges::transform(id, id.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
            if (const auto type = dtypeFromName(id)) return ggufFileType(*type);
        }
    }
    return ggufFileType(mainType(tensors));
}

void recordImportance(Metadata& metadata, const ImportanceFacts& facts) {
    set(metadata, "quantize.imatrix.file", metadataText(facts.file));
    if (!facts.dataset.empty()) set(metadata, "quantize.imatrix.dataset", metadataText(facts.dataset));
    set(metadata, "quantize.imatrix.entries_count", metadataU32(facts.entries));
    set(metadata, "quantize.imatrix.chunks_count", metadataU32(facts.chunks));
}

/// The name of a model that has none of its own: of its file, or of its folder when the file is just "model".
std::string modelName(const Checkpoint& source) {
    std::error_code ignored;
    const auto path = std::filesystem::weakly_canonical(source.path, ignored);
    const bool folder = std::filesystem::is_directory(path, ignored);
    const auto stem = folder ? path.filename() : path.stem();
    return stem == "model" ? path.parent_path().filename().string() : stem.string();
}

/// The kinds that `toMetadata` writes are those that GGUF has keys for; the others are tensors there, or unknown.
void noteRopeScaling(const RopeScaling& rope, Diagnostics& notes) {
    using Kind = RopeScaling::Kind;
    if (rope.kind != Kind::None && rope.kind != Kind::Linear && rope.kind != Kind::Yarn)
        notes.warn(fmt::format("rotary scaling of the kind '{}' is left out", rope.name), "config.json");
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

Metadata ggufDescription(const Checkpoint& source, const MethodResult* result, const std::vector<TensorToWrite>& tensors,
                         const std::map<std::string, float>& divisors, Diagnostics& notes) {
    Metadata metadata;
    if (source.format == "gguf") {
        metadata = source.metadata;
        std::erase_if(metadata, [](const auto& pair) { return pair.first.starts_with(kGgufDivisorPrefix); });
    } else {
        if (!source.architecture.empty())
            metadata.emplace_back("general.architecture", metadataText(targetArchitecture(source, Naming::Gguf)));
        metadata.emplace_back("general.name", metadataText(modelName(source)));
    }
    if (const auto type = fileType(result, tensors)) set(metadata, "general.file_type", metadataU32(*type));
    if (std::ranges::any_of(tensors, [](const TensorToWrite& t) { return info(t.dtype).kind == DTypeKind::Block; }))
        set(metadata, "general.quantization_version", metadataU32(2));
    if (result && result->importance) recordImportance(metadata, *result->importance);
    if (source.format != "gguf" && isTranslatable(source)) {
        std::ranges::move(toMetadata(*source.config, *architectureOf(source)), std::back_inserter(metadata));
        noteRopeScaling(source.config->rope, notes);
        std::ranges::move(tokenizerOf(source, notes), std::back_inserter(metadata));
    }
    for (const auto& [weight, divisor] : divisors)
        metadata.emplace_back(std::string(kGgufDivisorPrefix) + weight, MetadataValue{MetadataType::F32, MetadataType::String, double{divisor}});
    return metadata;
}

} // namespace qscope::engine
