// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/operators/arguments.h"

namespace qscope::engine::nn {

/// The session's entry of a node with a "slot", or null when the run or the node remembers nothing.
[[nodiscard]] inline std::vector<Value>* slotOf(const Node& node, OperatorContext& context) {
    if (!context.session || !node.attributes.contains("slot")) return nullptr;
    return &context.session->slots[attributeOr<std::int64_t>(node, "slot", 0)];
}

/// A state as the session left it, or `fresh` everywhere when there is none yet. OutOfRange when it is that of a model
/// or batch of another size.
template<class T>
[[nodiscard]] Result<std::vector<T>> stateOf(const std::vector<Value>* slot, std::size_t index, const Shape& shape,
                                             T fresh = 0) {
    QSCOPE_TRY(std::vector<T> state, makeElements<T>(shape));
    if (!slot || slot->empty()) {
        std::ranges::fill(state, fresh);
        return state;
    }
    if (index >= slot->size() || (*slot)[index].dtype() != kDTypeOf<T> || (*slot)[index].shape() != shape)
        return fail(ErrorCode::OutOfRange, "the session holds no state of shape {} here", describe(shape));
    std::ranges::copy(elements<T>((*slot)[index]), state.begin());
    return state;
}

} // namespace qscope::engine::nn
