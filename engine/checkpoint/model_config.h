// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/architecture.h"
#include "engine/core/diagnostics.h"
#include "engine/core/json.h"

namespace qscope::engine {

/// What a Hugging Face config.json says about the model.
struct DescribedModel {
    std::string architecture; ///< "model_type"
    std::optional<ModelConfig> config;
};

/// A whole number from 0 on, or nothing.
[[nodiscard]] std::optional<std::uint64_t> wholeNumber(const Json& json);

/// Where the description of the model in `path` lies: `<stem>.config.json` or config.json in its folder, or nothing.
[[nodiscard]] std::optional<std::filesystem::path> configBeside(const std::filesystem::path& path);

/// Fields that are absent or out of range stay zero; no sizes at all: no config.
[[nodiscard]] DescribedModel modelFromJson(const Json& json);

/// Reads the description beside `path`; one that cannot be read is noted as a warning and ignored.
[[nodiscard]] DescribedModel modelBeside(const std::filesystem::path& path, const ReadLimits& limits,
                                         Diagnostics& notes);

/// From GGUF keys "<architecture>.embedding_length" and so on.
[[nodiscard]] std::optional<ModelConfig> modelFromMetadata(const Metadata& metadata, const std::string& architecture);

/// The same as metadata for a GGUF file, without the general keys.
[[nodiscard]] Metadata toMetadata(const ModelConfig& config, const Architecture& family);

/// A config.json for a model of the family.
[[nodiscard]] Json toJson(const ModelConfig& config, const Architecture& family);

[[nodiscard]] inline MetadataValue metadataText(std::string text) {
    return {MetadataType::String, MetadataType::String, std::move(text)};
}
[[nodiscard]] inline MetadataValue metadataU32(std::uint64_t value) {
    return {MetadataType::U32, MetadataType::String, value};
}

} // namespace qscope::engine
