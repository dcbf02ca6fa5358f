// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/loss_gradients.h"

#include "engine/nn/device/device_run.h"
#include "engine/nn/gradients/losses.h"
#include "engine/nn/gradients/reverse.h"
#include "engine/plan/weight_orientation.h"

namespace qscope::engine {

Result<std::vector<float>> gradientAsMethodsSee(const Model& model, std::size_t tensor, const nn::Value& gradient) {
    QSCOPE_TRY(auto stored, model.weights->storedForm(tensor, gradient));
    if (!isStoredTransposed(*model.checkpoint, tensor)) return stored;
    const Shape& shape = model.checkpoint->tensors[tensor].shape;
    const auto rows = static_cast<std::size_t>(shape[0]), columns = static_cast<std::size_t>(shape[1]);
    std::vector<float> values(stored.size());
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t column = 0; column < columns; ++column)
            values[column * rows + row] = stored[row * columns + column];
    return values;
}

Result<std::map<std::size_t, std::shared_ptr<const WeightGradients>>>
lossGradients(const Model& model, const CalibrationText& text, std::span<const std::size_t> tensors,
              const RunContext& context) {
    nn::noteRunsOnCpu(context, "gradients of the loss", "the way back needs every value of the way there");
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    context.progress.done = 0;
    context.progress.total = static_cast<std::int64_t>(text.windows.size());
    const nn::Graph& graph = *model.graph;
    std::map<std::size_t, nn::ValueId> edges;
    for (const std::size_t tensor : tensors)
        if (const auto edge = graph.find(model.weights->nameOf(tensor))) edges.emplace(tensor, *edge);
    nn::GradientProblem problem;
    problem.loss = *graph.find("logits");
    for (const auto& [tensor, edge] : edges) problem.wanted.push_back(edge);
    std::map<std::size_t, std::shared_ptr<WeightGradients>> found;
    const auto share = 1.0F / static_cast<float>(text.windows.size());
    for (const TextWindow& window : text.windows) {
        const auto tokens = text.tokensOf(window);
        const std::vector<int> ids(tokens.begin(), tokens.end());
        const auto inputs = tokenInputs(ids);
        problem.given.clear();
        for (std::size_t i = 0; i < inputs.size(); ++i) problem.given.emplace_back(graph.inputs[i], inputs[i]);
        problem.lossOf = nn::crossEntropy(nextTokens(tokens));
        QSCOPE_TRY(const auto gradients,
                   nn::gradients(graph, problem, *model.weights, quiet, {Precision::Single, nullptr, true}));
        for (const auto& [tensor, edge] : edges) {
            QSCOPE_TRY(const auto values, gradientAsMethodsSee(model, tensor, gradients.of.at(edge)));
            auto& made = found[tensor];
            if (!made) made = std::make_shared<WeightGradients>();
            WeightGradients& sums = *made;
            sums.mean.resize(values.size());
            sums.meanSquares.resize(values.size());
            for (std::size_t i = 0; i < values.size(); ++i) {
                sums.mean[i] += share * values[i];
                sums.meanSquares[i] += share * values[i] * values[i];
            }
        }
        ++context.progress.done;
    }
    return std::map<std::size_t, std::shared_ptr<const WeightGradients>>(found.begin(), found.end());
}

} // namespace qscope::engine
