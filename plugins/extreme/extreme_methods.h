// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// Directions of groups as integer points of a pyramid, gains apart.
[[nodiscard]] std::unique_ptr<QuantMethod> makePvq();
/// Groups as sums of signs times free scales.
[[nodiscard]] std::unique_ptr<QuantMethod> makeBcq();
/// Three levels by the rule that ternary language models are trained with.
[[nodiscard]] std::unique_ptr<QuantMethod> makeTrilm();
/// Three levels per row with second moments, in the words of a fixed dictionary.
[[nodiscard]] std::unique_ptr<QuantMethod> makeQmoe();
/// Channels with strong inputs in four bits, all others as signs.
[[nodiscard]] std::unique_ptr<QuantMethod> makePtq161();

/// Context for inner loops that must leave the progress alone.
[[nodiscard]] inline RunContext quietContext(const RunContext& context, Progress& unseen) {
    return {context.stop, unseen, context.notes, context.backend};
}

/// A row of a parameter table: a number.
[[nodiscard]] inline ParamSpec numberRow(std::string key, std::string label, std::int64_t value, double least,
                                         double most, std::string help, std::string unit = {}) {
    return {std::move(key),  std::move(label), ParamType::Integer, value, least, most, {},
            std::move(help), std::move(unit)};
}

/// The same for real numbers.
[[nodiscard]] inline ParamSpec realRow(std::string key, std::string label, double value, double least, double most,
                                       std::string help, std::string unit = {}) {
    return {std::move(key),  std::move(label), ParamType::Real, value, least, most, {},
            std::move(help), std::move(unit)};
}

} // namespace qscope::engine
