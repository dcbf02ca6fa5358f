// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/graph/operator.h"

#include <unordered_map>

namespace qscope::engine::nn {

const Operator* findOperator(std::string_view name) {
    static const auto table = [] {
        std::unordered_map<std::string_view, const Operator*> found;
        for (const auto family :
             {attentionOperators(),   basicOperators(),     binaryOperators(),        castOperators(),
              channelNormOperators(), constantOperators(),  controlOperators(),       convolutionOperators(),
              einsumOperators(),      gatherOperators(),    gatheringOperators(),     integerProductOperators(),
              layoutOperators(),      logicOperators(),     normalizationOperators(), orderingOperators(),
              paddingOperators(),     poolingOperators(),   productOperators(),       quantizationOperators(),
              recurrentOperators(),   reductionOperators(), resizeOperators(),        rotaryOperators(),
              scatteringOperators(),  sequenceOperators(),  shapingOperators(),       softmaxOperators(),
              stateSpaceOperators(),  unaryOperators()})
            for (const Operator& op : family) found.emplace(op.name, &op);
        return found;
    }();
    const auto found = table.find(name);
    return found == table.end() ? nullptr : found->second;
}

} // namespace qscope::engine::nn
