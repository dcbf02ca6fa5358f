// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/substituted_weights.h"

#include "engine/plan/weight_orientation.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"

#include <numeric>

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

/// A way from a result's outside to its inside: what has happened to the columns so far.
class FormWalk {
public:
    explicit FormWalk(const QuantizedTensor& tensor) {
        const auto columns = static_cast<std::size_t>(asMatrix(tensor.shape).columns);
        m_factors.assign(columns, 1.0F);
        m_order.resize(columns);
        std::iota(m_order.begin(), m_order.end(), std::size_t{0});
        into(tensor);
    }

    /// Of all transforms together, in the order of the inputs; empty: none.
    [[nodiscard]] const std::vector<float>& factors() const { return m_scaled ? m_factors : m_none; }
    /// All low-rank parts side by side, for inputs as they come.
    [[nodiscard]] const ActivationBypass& lowRank() const { return m_lowRank; }

private:
    void into(const QuantizedTensor& tensor) {
        if (const auto* transformed = formOf<ColumnTransformed>(tensor)) {
            // Column c is column order[c] of the base times factors[c]: c is a place among this form's own columns.
            for (std::size_t c = 0; c < m_order.size(); ++c) {
                if (!transformed->factors.empty()) m_factors[c] *= transformed->factors[m_order[c]];
                if (!transformed->order.empty()) m_order[c] = static_cast<std::size_t>(transformed->order[m_order[c]]);
            }
            m_scaled |= !transformed->factors.empty();
            into(*transformed->base);
        } else if (const auto* sum = formOf<LowRankSum>(tensor)) {
            add(*sum);
            into(*sum->base);
        } else if (const auto* outliers = formOf<WithOutliers>(tensor)) {
            into(*outliers->base);
        }
    }

    void add(const LowRankSum& sum) {
        const auto before = static_cast<std::size_t>(m_lowRank.rank), more = static_cast<std::size_t>(sum.rank);
        if (more == 0) return;
        std::vector<float> left;
        for (std::size_t row = 0; row < sum.left.size() / more; ++row) {
            for (std::size_t k = 0; k < before; ++k) left.push_back(m_lowRank.left[row * before + k]);
            for (std::size_t k = 0; k < more; ++k) left.push_back(sum.left[row * more + k]);
        }
        m_lowRank.left = std::move(left);
        for (std::size_t k = 0; k < more; ++k)
            for (std::size_t c = 0; c < m_order.size(); ++c)
                m_lowRank.right.push_back(sum.right[k * m_order.size() + m_order[c]] * m_factors[c]);
        m_lowRank.rank += sum.rank;
    }

    std::vector<float> m_factors, m_none;
    std::vector<std::size_t> m_order; ///< of the columns at hand, by input
    bool m_scaled = false;
    ActivationBypass m_lowRank;
};

} // namespace

std::optional<ActivationQuantization> activationsOf(const Model& model, const MethodResult& method) {
    if (!method.activations) return std::nullopt;
    ActivationQuantization what = *method.activations;
    if (!method.tensors.empty()) what.layers.emplace(); // what keeps its weight keeps its inputs too
    for (const TensorResult& tensor : method.tensors) {
        const std::string& name = model.weights->nameOf(tensor.tensor);
        what.layers->insert(name);
        const FormWalk walk(*asMethodsSee(tensor.quantized));
        // Columns multiplied by f stand for inputs divided by 1 / f.
        for (const float factor : walk.factors()) what.factors[name].push_back(1 / factor);
        if (what.bypassLowRank && walk.lowRank().rank > 0) what.bypasses.emplace(name, walk.lowRank());
    }
    return what;
}

} // namespace qscope::engine
