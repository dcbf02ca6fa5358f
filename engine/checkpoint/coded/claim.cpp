// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/coded/claim.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/model_config.h"

#include <algorithm>

namespace qscope::engine {

namespace {

const Json* field(const Json& json, const char* key) {
    if (!json.is_object()) return nullptr;
    const auto found = json.find(key);
    return found == json.end() ? nullptr : &*found;
}

std::optional<std::int64_t> whole(const Json& json) {
    if (json.is_number_unsigned() && json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    if (!json.is_number_integer()) return std::nullopt;
    return json.get<std::int64_t>();
}

/// The object `key` of a JSON file, or nothing.
std::optional<Json> objectIn(const std::filesystem::path& place, const char* key, const ReadLimits& limits, Diagnostics& notes) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(place, ignored)) return std::nullopt;
    auto json = readSideJson(place, limits);
    if (!json) {
        notes.warn("ignored: " + describe(json.error()), place.filename().string());
        return std::nullopt;
    }
    if (!*key) return json->is_object() ? std::optional(*std::move(json)) : std::nullopt;
    const auto inner = json->is_object() ? json->find(key) : json->end();
    return inner != json->end() && inner->is_object() ? std::optional(std::move(*inner)) : std::nullopt;
}

} // namespace

std::optional<std::int64_t> wholeField(const Json& json, const char* key) {
    const Json* found = field(json, key);
    return found ? whole(*found) : std::nullopt;
}

std::string textField(const Json& json, const char* key) {
    const Json* found = field(json, key);
    return found && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<double> realField(const Json& json, const char* key) {
    const Json* found = field(json, key);
    return found && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

std::optional<std::vector<std::int64_t>> wholesField(const Json& json, const char* key) {
    const Json* found = field(json, key);
    if (!found || !found->is_array()) return std::nullopt;
    std::vector<std::int64_t> numbers;
    for (const Json& item : *found) {
        const auto number = whole(item);
        if (!number) return std::nullopt;
        numbers.push_back(*number);
    }
    return numbers;
}

QuantizationClaim claimInside(const Metadata& metadata, MemoryBudget& budget, const ReadLimits& limits) {
    const MetadataValue* said = find(metadata, "quantization");
    const auto* text = said ? std::get_if<std::string>(&said->value) : nullptr;
    auto json = text ? parseJson(*text, limits, budget) : Result<Json>(Json());
    const auto describesCodes = [](const Json& entry) { return wholeField(entry, "bits") && wholesField(entry, "group"); };
    if (!json || !json->is_object() || json->empty() || !std::all_of(json->begin(), json->end(), describesCodes)) return {};
    return {std::string(kPlainCodes), *std::move(json), "the file's metadata"};
}

QuantizationClaim claimBeside(const std::filesystem::path& checkpoint, const ReadLimits& limits, Diagnostics& notes) {
    Diagnostics saidElsewhere; // whoever reads the model's sizes from config.json tells of a broken one
    if (const auto config = configBeside(checkpoint))
        if (auto json = objectIn(*config, "quantization_config", limits, saidElsewhere)) {
            QuantizationClaim claim{textField(*json, "quant_method"), *std::move(json), config->filename().string()};
            // bitsandbytes' first configurations name no method.
            if (claim.method.empty() && (claim.json.contains("load_in_4bit") || claim.json.contains("load_in_8bit")))
                claim.method = "bitsandbytes";
            if (claim.method.starts_with("modelopt")) claim.method = "modelopt";
            if (claim.made()) return claim;
        }
    const auto folder = checkpoint.parent_path();
    if (auto json = objectIn(folder / "quantize_config.json", "", limits, notes)) {
        std::string method = textField(*json, "quant_method");
        if (method.empty() && wholeField(*json, "bits")) method = "gptq";
        if (!method.empty()) return {std::move(method), *std::move(json), "quantize_config.json"};
    }
    if (auto json = objectIn(folder / "hf_quant_config.json", "quantization", limits, notes))
        return {"modelopt", *std::move(json), "hf_quant_config.json"};
    return {};
}

} // namespace qscope::engine
