// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/losses.h"

#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

namespace qscope::engine::nn {

LossFunction meanSquaredError(Value target, std::optional<Value> importance) {
    return [target = std::move(target), importance = std::move(importance)](const Value& value,
                                                                            const RunContext&) -> Result<Loss> {
        for (const Value* other : {&target, importance ? &*importance : &target})
            if (other->shape() != value.shape() || other->dtype() != value.dtype())
                return fail(ErrorCode::OutOfRange, "the target has another shape or type than the value");
        return backward::withReal(value.dtype(), [&](auto zero) -> Result<Loss> {
            using T = decltype(zero);
            const auto y = elements<T>(value);
            const auto wished = elements<T>(target);
            const auto weights = importance ? elements<T>(*importance) : std::span<const T>();
            const auto count = static_cast<double>(y.size());
            std::vector<T> gradient(y.size());
            double sum = 0;
            for (std::size_t i = 0; i < y.size(); ++i) {
                const double error = static_cast<double>(y[i]) - static_cast<double>(wished[i]);
                const double weight = weights.empty() ? 1 : static_cast<double>(weights[i]);
                sum += weight * error * error;
                gradient[i] = static_cast<T>(2 * weight * error / count);
            }
            return Loss{sum / count, makeValue<T>(value.shape(), std::move(gradient))};
        });
    };
}

LossFunction crossEntropy(Value targets) {
    return [targets = std::move(targets)](const Value& logits, const RunContext& run) -> Result<Loss> {
        Node node;
        node.op = findOperator("CrossEntropy");
        const std::array<const Value*, 2> inputs{&logits, &targets};
        OperatorContext context{run};
        QSCOPE_TRY(const std::vector<Value> outputs, node.op->forward(node, inputs, context));
        return backward::withReal(logits.dtype(), [&](auto zero) -> Result<Loss> {
            using T = decltype(zero);
            const Value one = makeValue<T>(outputs[0].shape(), {T{1}});
            const std::array<const Value*, 1> made{&outputs[0]};
            const std::array<const Value*, 1> arrived{&one};
            QSCOPE_TRY(InputGradients found, inputGradients({node, inputs, made, arrived, {true, false}, run}));
            return Loss{static_cast<double>(elements<T>(outputs[0])[0]), *std::move(found[0])};
        });
    };
}

} // namespace qscope::engine::nn
