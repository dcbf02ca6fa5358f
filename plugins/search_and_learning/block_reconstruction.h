// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/optimize/optimizers.h"
#include "engine/quant/model_access.h"

#include <functional>

namespace qscope::engine {

// The engine that the learning methods of this family share: numbers behind weights are moved by gradients until a part
// of the network gives what it should. A method brings small classes that turn its numbers into a dense weight and take
// the loss's gradient back.

/// Where a training stands.
struct Moment {
    std::int64_t step = 0;
    std::int64_t steps = 1;
    std::uint64_t seed = 0;
    [[nodiscard]] double part() const {
        return static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, steps));
    }
};

/// Numbers that an optimizer moves, and which of the training's rates they follow.
struct LearnedNumbers {
    optimize::Parameter parameter;
    std::size_t rate = 0;
};

/// One weight of the model while it is learned. Calls come in the order of a step: values, take, learned, moved.
class LearnedWeight {
public:
    virtual ~LearnedWeight() = default;
    /// What stands in for the weight now, row-major.
    [[nodiscard]] virtual Result<std::vector<float>> values(const Moment& moment, const RunContext& context) = 0;
    /// Turns the loss's gradient with respect to these values into gradients of the learned numbers. Adds the gradient
    /// of a penalty of its own, which it returns.
    [[nodiscard]] virtual Result<double> take(std::span<const float> gradient, const Moment& moment,
                                              const RunContext& context) = 0;
    /// After every weight of the part took its gradient.
    [[nodiscard]] virtual std::vector<LearnedNumbers> learned() = 0;
    /// After a step of the optimizer: back to where the numbers are allowed.
    virtual void moved() {}
    /// The result, hard.
    [[nodiscard]] virtual Result<QuantizedTensor> finished(const RunContext& context) = 0;
    /// After `finished`: what is worth seeing of what was learned.
    [[nodiscard]] virtual std::vector<Trace> traces() const { return {}; }
};
using LearnedWeights = std::map<std::size_t, std::unique_ptr<LearnedWeight>>; ///< by weight of the model

/// One summand of what is minimised. The request's sequences, values and wanted weights are the training's.
struct LossTerm {
    LossRequest request;
    double factor = 1;
};

/// An optimizer with its rate over the training.
struct Rate {
    std::shared_ptr<optimize::Optimizer> optimizer;
    optimize::Schedule schedule;
};

struct Training {
    std::int64_t steps = 100;
    std::int64_t batch = 1; ///< sequences of a step
    /// Stops once the mean loss of so many steps is no longer 0.1 % below the lowest of such means before; 0: never.
    std::int64_t patience = 0;
    std::vector<LossTerm> terms;
    std::vector<Rate> rates;
    std::string lossName = "loss"; ///< what the terms add up to, for traces: "mean square error"
    std::uint64_t seed = 0;
    /// Before each step: activations as they are then quantized; empty: as the model has them.
    std::function<const ActivationQuantization*()> activations = {};
};

/// The loss (without penalties) at each step.
struct LossCurve {
    std::vector<double> losses;
    /// Means over the first and the last tenth.
    [[nodiscard]] double first() const;
    [[nodiscard]] double last() const;
};

/// The model's sequences in an order that follows from the seed: each once, then again in another order.
class SequenceOrder {
public:
    SequenceOrder(std::int64_t sequences, std::uint64_t seed);
    [[nodiscard]] std::vector<std::int64_t> next(std::int64_t count);

private:
    void shuffle();
    std::vector<std::int64_t> m_order;
    std::size_t m_at = 0;
    std::uint64_t m_seed;
    std::uint64_t m_round = 0;
};

/// Moves the numbers behind the weights. Adds each step to the context's progress.
[[nodiscard]] Result<LossCurve> train(ModelAccess& model, const LearnedWeights& weights, const Training& training,
                                      const RunContext& context);

/// Makes the learned form of some weights that are treated together: those of a block, or (block -1) those outside of
/// all blocks, which stay as they begin. Leaves out, with a warning, those that it does not take.
using BeginBlock =
    std::function<Result<LearnedWeights>(int block, std::span<const std::size_t> weights, const RunContext& context)>;
/// How a block is trained; activation ranges and the like are the caller's.
using TrainBlock = std::function<Result<Training>(int block)>;

/// Learns block after block, on what the blocks before, already quantized, give; installs every result.
[[nodiscard]] Result<void> reconstructBlocks(ModelAccess& model, std::int64_t steps, const BeginBlock& begin,
                                             const TrainBlock& how, const RunContext& context);

/// Indices of the weights outside of all blocks.
[[nodiscard]] std::vector<std::size_t> weightsOutside(const ModelAccess& model);
/// Channels of the residual stream that enters a block.
[[nodiscard]] std::int64_t widthOf(const ModelAccess& model, int block);
/// Installs what the weights have become, with their traces.
[[nodiscard]] Result<void> installFinished(ModelAccess& model, const LearnedWeights& weights,
                                           const RunContext& context);
/// Leaves a copy of the curve with every weight that was learned; `what` names the curve: "block 3".
void traceLoss(ModelAccess& model, const LearnedWeights& weights, const LossCurve& curve, const std::string& lossName,
               const std::string& what);
/// Whether the error speaks of one weight alone; then it is left out, with a warning.
[[nodiscard]] bool leftOut(const Error& error, const ModelWeight& weight, const RunContext& context);

/// Rows of the parameter table that say how long and fast to learn.
[[nodiscard]] std::vector<ParamSpec> trainingParameters(std::int64_t steps, double rate, std::int64_t batch = 1);

} // namespace qscope::engine
