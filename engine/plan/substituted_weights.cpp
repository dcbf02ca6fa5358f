// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/substituted_weights.h"

#include "engine/core/parallel.h"

namespace qscope::engine {

SubstitutedWeights::SubstitutedWeights(const Model& model, const MethodResult& method, const RunContext& context,
                                       const std::function<bool(const TensorResult&)>& taken)
    : m_model(model)
    , m_context(context) {
    for (const TensorResult& tensor : method.tensors)
        if (!taken || taken(tensor)) m_results.emplace(tensor.tensor, &tensor);
}

Result<nn::Value> SubstitutedWeights::weight(std::string_view name, Precision precision) const {
    const auto tensor = m_model.weights->tensorOf(name);
    const auto found = tensor ? m_results.find(*tensor) : m_results.end();
    if (found == m_results.end()) return m_model.weights->weight(name, precision);
    const TensorResult& result = *found->second;
    std::vector<float> values(static_cast<std::size_t>(elementCount(result.quantized->shape)));
    Progress unseen;
    const RunContext quiet{m_context.stop, unseen, m_context.notes, m_context.backend};
    const auto count = static_cast<std::int64_t>(values.size());
    QSCOPE_CHECK(parallelChunks(count, 1 << 16, quiet, [&](std::int64_t first, std::int64_t end) {
        return dequantize(
            *result.quantized, first,
            std::span(values).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(end - first)));
    }));
    return m_model.weights->commonForm(result.tensor, makeTensor(result.quantized->shape, std::move(values)),
                                       precision);
}

} // namespace qscope::engine
