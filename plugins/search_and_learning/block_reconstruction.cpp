// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/block_reconstruction.h"

#include "engine/core/random.h"
#include "engine/quant/trace_points.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace qscope::engine {

namespace {

double mean(std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) /
           static_cast<double>(std::max<std::size_t>(1, values.size()));
}

/// Whether the loss has stopped falling.
class Plateau {
public:
    explicit Plateau(std::int64_t patience)
        : m_patience(static_cast<std::size_t>(patience)) {}
    bool reached(std::span<const double> losses) {
        if (m_patience == 0 || losses.size() % m_patience != 0) return false;
        const double now = mean(losses.last(m_patience));
        const bool fell = now < m_lowest * 0.999;
        m_lowest = std::min(m_lowest, now);
        return !fell;
    }

private:
    std::size_t m_patience;
    double m_lowest = std::numeric_limits<double>::infinity();
};

/// One training under way.
class Run {
public:
    Run(ModelAccess& model, const LearnedWeights& weights, const Training& training, const RunContext& context)
        : m_model(model)
        , m_weights(weights)
        , m_training(training)
        , m_context(context)
        , m_quiet{context.stop, m_unseen, context.notes, context.backend} {}

    Result<LossCurve> run() {
        LossCurve curve;
        Plateau plateau(m_training.patience);
        SequenceOrder order(m_model.sequences(), m_training.seed);
        for (std::int64_t step = 0; step < m_training.steps; ++step) {
            if (m_context.cancelled()) return cancelled();
            const Moment moment{step, m_training.steps, m_training.seed};
            QSCOPE_TRY(const double loss, this->step(moment, order.next(m_training.batch)));
            curve.losses.push_back(loss);
            m_context.progress.done.fetch_add(1, std::memory_order_relaxed);
            if (!plateau.reached(curve.losses)) continue;
            m_context.progress.done.fetch_add(m_training.steps - step - 1, std::memory_order_relaxed);
            break;
        }
        return curve;
    }

private:
    Result<double> step(const Moment& moment, std::span<const std::int64_t> sequences) {
        std::map<std::size_t, TensorView> values;
        std::vector<std::size_t> wanted;
        for (const auto& [index, weight] : m_weights) {
            QSCOPE_TRY(auto dense, weight->values(moment, m_quiet));
            values.emplace(index, makeTensor(m_model.weights()[index].subject.shape, std::move(dense)));
            wanted.push_back(index);
        }
        const ActivationQuantization* const activations = m_training.activations ? m_training.activations() : nullptr;
        double loss = 0;
        std::map<std::size_t, std::vector<float>> gradients;
        for (const LossTerm& term : m_training.terms) {
            LossRequest request = term.request;
            request.sequences = sequences;
            request.values = values;
            request.wanted = wanted;
            request.activations = activations;
            request.mixSeed = m_training.seed + static_cast<std::uint64_t>(moment.step);
            QSCOPE_TRY(auto found, m_model.loss(request, m_quiet));
            loss += term.factor * found.loss;
            for (auto& [index, gradient] : found.gradients) {
                auto& sum = gradients[index];
                sum.resize(gradient.size());
                for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<float>(term.factor) * gradient[i];
            }
        }
        for (const auto& [index, weight] : m_weights) QSCOPE_CHECK(weight->take(gradients.at(index), moment, m_quiet));
        QSCOPE_CHECK(move(moment.step));
        return loss;
    }

    Result<void> move(std::int64_t step) {
        std::vector<std::vector<optimize::Parameter>> byRate(m_training.rates.size());
        for (const auto& [index, weight] : m_weights)
            for (LearnedNumbers& numbers : weight->learned())
                byRate[numbers.rate].push_back(std::move(numbers.parameter));
        for (std::size_t r = 0; r < byRate.size(); ++r) {
            const Rate& rate = m_training.rates[r];
            QSCOPE_CHECK(rate.optimizer->step(byRate[r], rate.schedule.at(step), m_quiet));
        }
        for (const auto& [index, weight] : m_weights) weight->moved();
        return {};
    }

    ModelAccess& m_model;
    const LearnedWeights& m_weights;
    const Training& m_training;
    const RunContext& m_context;
    Progress m_unseen;
    RunContext m_quiet;
};

} // namespace

double LossCurve::first() const {
    return mean(std::span(losses).first(std::min(losses.size(), losses.size() / 10 + 1)));
}
double LossCurve::last() const { return mean(std::span(losses).last(std::min(losses.size(), losses.size() / 10 + 1))); }

SequenceOrder::SequenceOrder(std::int64_t sequences, std::uint64_t seed)
    : m_order(static_cast<std::size_t>(sequences))
    , m_seed(seed) {
    std::iota(m_order.begin(), m_order.end(), 0);
    shuffle();
}

void SequenceOrder::shuffle() {
    for (std::size_t i = m_order.size(); i-- > 1;)
        std::swap(m_order[i],
                  m_order[static_cast<std::size_t>(uniform(m_seed, m_round, i) * static_cast<double>(i + 1))]);
    ++m_round;
    m_at = 0;
}

std::vector<std::int64_t> SequenceOrder::next(std::int64_t count) {
    std::vector<std::int64_t> taken;
    while (static_cast<std::int64_t>(taken.size()) < count) {
        if (m_at == m_order.size()) shuffle();
        taken.push_back(m_order[m_at++]);
    }
    return taken;
}

Result<LossCurve> train(ModelAccess& model, const LearnedWeights& weights, const Training& training,
                        const RunContext& context) {
    return Run(model, weights, training, context).run();
}

std::vector<std::size_t> weightsOutside(const ModelAccess& model) {
    std::vector<bool> inside(model.weights().size());
    for (int block = 0; block < model.blocks(); ++block)
        for (const std::size_t weight : model.weightsOf(block)) inside[weight] = true;
    std::vector<std::size_t> outside;
    for (std::size_t weight = 0; weight < inside.size(); ++weight)
        if (!inside[weight]) outside.push_back(weight);
    return outside;
}

std::int64_t widthOf(const ModelAccess& model, int block) {
    const auto weights = model.weightsOf(block);
    return weights.empty() ? 1 : asMatrix(model.weights()[weights.front()].subject.shape).columns;
}

bool leftOut(const Error& error, const ModelWeight& weight, const RunContext& context) {
    if (!concernsTensorAlone(error.code)) return false;
    context.notes.warn(fmt::format("left out: {}", describe(error)), weight.subject.name);
    return true;
}

Result<void> installFinished(ModelAccess& model, const LearnedWeights& weights, const RunContext& context) {
    for (const auto& [index, weight] : weights) {
        QSCOPE_TRY(auto result, weight->finished(context));
        model.install(index, std::make_shared<const QuantizedTensor>(std::move(result)));
        for (Trace& trace : weight->traces()) model.addTrace(index, std::move(trace));
    }
    return {};
}

void traceLoss(ModelAccess& model, const LearnedWeights& weights, const LossCurve& curve, const std::string& lossName,
               const std::string& what) {
    const Trace trace = courseOf("Loss while it is learned: " + what, "step", lossName, curve.losses);
    for (const auto& [index, weight] : weights) model.addTrace(index, trace);
}

Result<void> reconstructBlocks(ModelAccess& model, std::int64_t steps, const BeginBlock& begin, const TrainBlock& how,
                               const RunContext& context) {
    context.progress.done = 0;
    context.progress.total = steps * model.blocks();
    std::string curves;
    for (int block = 0; block < model.blocks(); ++block) {
        QSCOPE_TRY(const LearnedWeights weights, begin(block, model.weightsOf(block), context));
        if (!weights.empty()) {
            QSCOPE_TRY(const Training training, how(block));
            QSCOPE_TRY(const LossCurve curve, train(model, weights, training, context));
            curves += fmt::format("{}{:.3g} to {:.3g}", curves.empty() ? "" : ", ", curve.first(), curve.last());
            QSCOPE_CHECK(installFinished(model, weights, context));
            traceLoss(model, weights, curve, training.lossName, fmt::format("block {}", block));
        }
        context.progress.done = steps * (block + 1);
    }
    QSCOPE_TRY(const LearnedWeights outside, begin(-1, weightsOutside(model), context));
    QSCOPE_CHECK(installFinished(model, outside, context));
    if (!curves.empty()) context.notes.note(fmt::format("loss of the blocks while they were learned: {}", curves));
    return {};
}

std::vector<ParamSpec> trainingParameters(std::int64_t steps, double rate, std::int64_t batch) {
    return {
        {"steps",
         "Steps",
         ParamType::Integer,
         steps,
         0,
         1'000'000,
         {},
         "Steps of the optimizer: per block, or for a method that learns the whole network at once, in all.",
         ""},
        {"rate", "Learning rate", ParamType::Real, rate, 0, 10, {}, "Of the optimizer, at its highest.", ""},
        {"batch", "Batch", ParamType::Integer, batch, 1, 4096, {}, "Calibration sequences of a step.", "sequences"}};
}

} // namespace qscope::engine
