// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/model.h"
#include "engine/report/compare_report.h"

#include <functional>
#include <map>

namespace qscope::engine {

/// The weights of a model in which a method's results stand in for the stored tensors, dequantized whenever they are
/// asked for. Holds on to the model; the method's result and the context must outlive it.
class SubstitutedWeights final : public nn::WeightSource {
public:
    /// `taken` chooses among the method's tensors; nothing: all.
    SubstitutedWeights(const Model& model, const MethodResult& method, const RunContext& context,
                       const std::function<bool(const TensorResult&)>& taken = {});

    [[nodiscard]] Result<nn::Value> weight(std::string_view name, Precision precision) const override;

private:
    Model m_model;
    const RunContext& m_context;
    std::map<std::size_t, const TensorResult*> m_results; ///< by tensor of the checkpoint
};

/// What the method does to activations while the model runs, with what its results say about it (`layers`, `factors`,
/// `bypasses`). A result without tensors is about the activations of all layers.
[[nodiscard]] std::optional<ActivationQuantization> activationsOf(const Model& model, const MethodResult& method);

} // namespace qscope::engine
