// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/parameters.h"

#include <string>
#include <vector>

namespace qscope::engine {

struct Registries;

/// The values that a sweep gives one parameter.
struct SweepAxis {
    std::string parameter;           ///< a key of the methods' tables; of a chain: "gptq.bits"
    std::vector<std::string> values; ///< as text, as in a `MethodSpec`

    friend bool operator==(const SweepAxis&, const SweepAxis&) = default;
};

/// Every combination of some methods with the values of some parameters, as data.
struct Sweep {
    std::vector<MethodSpec> methods; ///< with the parameters that stay as they are
    std::vector<SweepAxis> axes;

    friend bool operator==(const Sweep&, const Sweep&) = default;
};

/// No sweep has more combinations than this.
inline constexpr std::size_t kMostCombinations = 2'000;

/// The methods of a sweep, method after method, the last axis fastest; each names its value on every axis. A method
/// that lacks a parameter ignores that axis; equal combinations count once. OutOfRange for an unknown method, a value
/// that a method does not take, a parameter that no method has, nothing to run, or too many combinations.
[[nodiscard]] Result<std::vector<MethodSpec>> sweptMethods(const Sweep& sweep, const Registries& registries);

} // namespace qscope::engine
