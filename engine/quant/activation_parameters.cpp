// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/activation_parameters.h"

namespace qscope::engine {

namespace {

ActivationScope scopeOf(const std::string& name) {
    if (name == "tensor") return ActivationScope::Tensor;
    if (name == "channel") return ActivationScope::Channel;
    return name == "group" ? ActivationScope::Group : ActivationScope::Token;
}

} // namespace

std::vector<ParamSpec> activationParameters(std::int64_t defaultBits) {
    return {
        {"activations", "Bits of activations", ParamType::Integer, defaultBits, 0, 16, {},
         "What enters linear layers, rounded while the model runs; 0 leaves it as it is.", "bit"},
        {"activation-scale", "One activation scale per", ParamType::Choice, std::string("token"), 0, 0,
         {"token", "tensor", "channel", "group"}, "Which activations share a scale.", ""},
        {"activation-group", "Activation group", ParamType::Integer, std::int64_t{128}, 1, 1 << 20, {},
         "Channels that share a scale, for activation-scale group.", "channels"},
        {"activation-symmetric", "Symmetric activations", ParamType::Flag, true, 0, 0, {},
         "Signed codes around zero; off: a zero point with every scale.", ""},
        {"static", "Static activation ranges", ParamType::Flag, false, 0, 0, {},
         "Ranges from the calibration text instead of each batch; for activation-scale tensor and channel.", ""},
        {"cache", "Bits of keys and values", ParamType::Integer, std::int64_t{0}, 0, 16, {},
         "Keys and values as attention reads them, one scale per token and head; 0 leaves them as they are.", "bit"},
    };
}

std::optional<ActivationQuantization> activationsFrom(const ParamValues& parameters, const Calibration* calibration) {
    const auto bits = static_cast<int>(valueOf<std::int64_t>(parameters, "activations"));
    const auto cacheBits = static_cast<int>(valueOf<std::int64_t>(parameters, "cache"));
    if (bits == 0 && cacheBits == 0) return std::nullopt;
    const bool symmetric = valueOf<bool>(parameters, "activation-symmetric");
    ActivationQuantization what;
    what.linearInputs = bits > 0;
    what.cache = cacheBits > 0;
    what.inputGrid = {std::max(2, bits), symmetric, scopeOf(valueOf<std::string>(parameters, "activation-scale")),
                      valueOf<std::int64_t>(parameters, "activation-group")};
    what.cacheGrid = {std::max(2, cacheBits), symmetric, ActivationScope::Token};
    if (valueOf<bool>(parameters, "static") && calibration && what.linearInputs)
        what.ranges = staticRanges(*calibration, what.inputGrid.scope);
    return what;
}

} // namespace qscope::engine
