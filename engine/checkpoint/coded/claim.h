// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/metadata.h"
#include "engine/core/diagnostics.h"
#include "engine/core/json.h"

#include <optional>
#include <string>
#include <vector>

namespace qscope::engine {

/// What the files beside a checkpoint say about its quantization; `method` is empty when they say nothing, and then the
/// names and shapes of the tensors must speak for themselves.
struct QuantizationClaim {
    std::string method; ///< "compressed-tensors", "gptq", "awq", "bitsandbytes", "modelopt", "fp8", "mxfp4", ...
    Json json = Json::object();
    std::string file;   ///< where it stands

    [[nodiscard]] bool made() const { return !method.empty(); }
};

/// The method of this program's own plain layout, which a file claims in its own metadata.
inline constexpr std::string_view kPlainCodes = "plain-codes";
[[nodiscard]] QuantizationClaim claimInside(const Metadata& metadata, MemoryBudget& budget, const ReadLimits& limits);

/// From config.json, quantize_config.json (GPTQ) or hf_quant_config.json (ModelOpt) beside `checkpoint`, in this order.
/// Files that cannot be read are ignored, with a warning unless it is config.json, of which `modelBeside` warns.
[[nodiscard]] QuantizationClaim claimBeside(const std::filesystem::path& checkpoint, const ReadLimits& limits, Diagnostics& notes);

// Fields of untrusted JSON: absent, null or of another type gives nothing.
[[nodiscard]] std::optional<std::int64_t> wholeField(const Json& json, const char* key);
[[nodiscard]] std::string textField(const Json& json, const char* key);
[[nodiscard]] std::optional<double> realField(const Json& json, const char* key);
/// A list of whole numbers.
[[nodiscard]] std::optional<std::vector<std::int64_t>> wholesField(const Json& json, const char* key);

} // namespace qscope::engine
