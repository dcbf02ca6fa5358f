// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/registry.h"

namespace qscope::engine {

/// A method whose results depend on which checkpoint it is asked about. Plans put the bound method in its place; by
/// itself it takes no tensor.
class UnboundMethod : public QuantMethod {
public:
    /// The method for this checkpoint, which must outlive it. Errors as those of opening what the parameters name.
    [[nodiscard]] virtual Result<std::shared_ptr<const QuantMethod>> bind(const Checkpoint& source, const ParamValues& parameters,
                                                                          const Registries& registries) const = 0;
};

/// The method itself, or the bound one of an unbound method.
[[nodiscard]] inline Result<std::shared_ptr<const QuantMethod>> boundMethod(std::shared_ptr<const QuantMethod> method, const Checkpoint& source,
                                                                            const ParamValues& parameters, const Registries& registries) {
    const auto* unbound = dynamic_cast<const UnboundMethod*>(method.get());
    if (!unbound) return method;
    return unbound->bind(source, parameters, registries);
}

} // namespace qscope::engine
