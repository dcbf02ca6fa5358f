// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/model_config.h"

namespace qscope::engine {

// What a description says besides the sizes of `model_config.h`: rotary scaling, activation, and what single families
// add. Fields that are absent or of the wrong type keep what `config` has.

void readDetails(const Json& json, ModelConfig& config, std::string_view architecture);
void readGgufDetails(const Metadata& metadata, ModelConfig& config, const std::string& architecture);

/// Adds what both worlds have words for.
void writeDetails(const ModelConfig& config, const Architecture& family, Json& json);
void writeGgufDetails(const ModelConfig& config, const Architecture& family, Metadata& metadata);

} // namespace qscope::engine
