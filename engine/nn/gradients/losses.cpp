// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/losses.h"

#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

#include <cmath>

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

namespace {

/// Logarithms of the softmax of one row, in double.
template<class T>
std::vector<double> logSoftmax(std::span<const T> row) {
    std::vector<double> logs(row.begin(), row.end());
    const double most = std::ranges::max(logs);
    double sum = 0;
    for (const double x : logs) sum += std::exp(x - most);
    for (double& x : logs) x -= most + std::log(sum);
    return logs;
}

} // namespace

LossFunction klDivergence(Value target) {
    return [target = std::move(target)](const Value& logits, const RunContext& run) -> Result<Loss> {
        if (target.shape() != logits.shape() || target.dtype() != logits.dtype() || logits.shape().empty() || logits.shape().back() == 0)
            return fail(ErrorCode::OutOfRange, "the target has another shape or type than the logits");
        return backward::withReal(logits.dtype(), [&](auto zero) -> Result<Loss> {
            using T = decltype(zero);
            const auto classes = static_cast<std::size_t>(logits.shape().back());
            const auto y = elements<T>(logits);
            const auto wished = elements<T>(target);
            const auto rows = static_cast<std::int64_t>(y.size() / classes);
            std::vector<T> gradient(y.size());
            std::vector<double> losses(static_cast<std::size_t>(rows)); // summed in order: the same on any number of threads
            Progress unseen;
            const RunContext quiet{run.stop, unseen, run.notes, run.backend};
            QSCOPE_CHECK(parallelChunks(rows, 16, quiet, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row) {
                    const auto given = logSoftmax(y.subspan(row * classes, classes));
                    const auto right = logSoftmax(wished.subspan(row * classes, classes));
                    for (std::size_t c = 0; c < classes; ++c) {
                        losses[row] += std::exp(right[c]) * (right[c] - given[c]);
                        gradient[row * classes + c] = static_cast<T>((std::exp(given[c]) - std::exp(right[c])) / static_cast<double>(rows));
                    }
                }
                return {};
            }));
            double sum = 0;
            for (const double loss : losses) sum += loss;
            return Loss{sum / static_cast<double>(rows), makeValue<T>(logits.shape(), std::move(gradient))};
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
