// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/plan.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace qscope {

/// A method of the plan whose width can differ between tensors.
struct AdjustableMethod {
    engine::MethodSpec spec; ///< as the plan has it
    int index = 0;           ///< in the plan
    std::string key;         ///< the parameter that is the width: "bits", in a chain "rtn.bits"
    int bits = 0;            ///< in the plan
    std::vector<int> widths; ///< that it takes, from 2 to 8, ascending

    friend bool operator==(const AdjustableMethod&, const AdjustableMethod&) = default;
};

/// Methods with a parameter for the width that treat tensors one by one: rules cannot hold the others.
[[nodiscard]] std::vector<AdjustableMethod> adjustableMethods(const engine::Plan& plan,
                                                              const engine::Registries& registries);

/// The method at another width; at the plan's own it is the plan's.
[[nodiscard]] engine::MethodSpec withBits(const AdjustableMethod& method, int bits);
/// The width when `spec` is the method at some width; nothing for another method or other parameters.
[[nodiscard]] std::optional<int> widthOf(const AdjustableMethod& method, const engine::MethodSpec& spec);

/// What a plan does to tensors. As many rules as tensors are no burden: rules for single ones are found by name. The
/// rules outlive it.
class PlanRules {
public:
    explicit PlanRules(const std::vector<engine::TensorRule>& rules);
    /// That of the first rule that matches, else `otherwise`.
    [[nodiscard]] const engine::MethodSpec& methodFor(const std::string& tensor,
                                                      const engine::MethodSpec& otherwise) const;

private:
    const std::vector<engine::TensorRule>& m_rules;
    std::unordered_map<std::string_view, std::size_t> m_single; ///< the first rule for each name
    std::vector<std::size_t> m_globs;
};

/// The plan with these methods for these tensors, by name, and with no rule where `otherwise` does the same. Rules for
/// other tensors stay as they are.
[[nodiscard]] engine::Plan withMethods(engine::Plan plan, const std::map<std::string, engine::MethodSpec>& methods,
                                       const engine::MethodSpec& otherwise);

} // namespace qscope
