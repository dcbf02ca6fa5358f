// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/substituted_weights.h"

#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"

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
    QSCOPE_CHECK(dequantizeParallel(*result.quantized, values, m_context));
    return m_model.weights->commonForm(result.tensor, makeTensor(result.quantized->shape, std::move(values)),
                                       precision);
}

namespace {

struct LowRankPart {
    const LowRankSum* form = nullptr;
    const std::vector<float>* factors = nullptr; ///< of columns, around it; null: none
};

LowRankPart lowRankOf(const QuantizedTensor& tensor) {
    if (const auto* outer = formOf<ColumnTransformed>(tensor); outer && outer->order.empty())
        return {formOf<LowRankSum>(*outer->base), outer->factors.empty() ? nullptr : &outer->factors};
    return {formOf<LowRankSum>(tensor), nullptr};
}

} // namespace

std::optional<ActivationQuantization> activationsOf(const Model& model, const MethodResult& method) {
    if (!method.activations) return std::nullopt;
    ActivationQuantization what = *method.activations;
    for (const TensorResult& tensor : method.tensors) {
        const std::string& name = model.weights->nameOf(tensor.tensor);
        // Columns multiplied by f stand for inputs divided by 1 / f.
        if (const auto* outer = formOf<ColumnTransformed>(*tensor.quantized); outer && !outer->factors.empty())
            for (const float factor : outer->factors) what.factors[name].push_back(1 / factor);
        if (const auto part = lowRankOf(*tensor.quantized); what.bypassLowRank && part.form) {
            ActivationBypass bypass{part.form->rank, part.form->left, part.form->right};
            for (std::size_t i = 0; part.factors && i < bypass.right.size(); ++i) bypass.right[i] *= (*part.factors)[i % part.factors->size()];
            what.bypasses.emplace(name, std::move(bypass));
        }
    }
    return what;
}

} // namespace qscope::engine
