// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/random.h"
#include "engine/optimize/optimizers.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "engine/quant/model_access.h"
#include "engine/quant/trace_points.h"
#include "engine/quant/truncated_svd.h"
#include "plugins/low_rank/low_rank_methods.h"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope::engine {

namespace {

using Dense = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using DenseView = Eigen::Map<const Dense>;

const MethodInfo& describeLrec() {
    static const MethodInfo info = [] {
        MethodInfo made{
            "lrec",
            "LREC",
            "Low rank",
            "Chai et al., INT2.1: towards fine-tunable quantized large language models with error correction through "
            "low-rank adaptation, 2023",
            "Trains the factors of a product of low rank for each quantized matrix so that the whole model's "
            "predictions return to those in full precision: gptq:bits=2+lrec.",
            {
                {"rank", "Rank", ParamType::Integer, std::int64_t{32}, 1, 4096, {}, "Width of the two factors.", ""},
                {"scale",
                 "Scale of the product",
                 ParamType::Real,
                 4.0,
                 1e-3,
                 1e3,
                 {},
                 "What the product is multiplied by while it is trained.",
                 ""},
                {"steps", "Steps", ParamType::Integer, std::int64_t{200}, 1, 1000000, {}, "Of training.", ""},
                {"batch",
                 "Sequences per step",
                 ParamType::Integer,
                 std::int64_t{4},
                 1,
                 4096,
                 {},
                 "Of the calibration text.",
                 ""},
                {"rate", "Learning rate", ParamType::Real, 3e-4, 1e-8, 1, {}, "Of Adam.", ""},
                {"text",
                 "Weight of the text",
                 ParamType::Real,
                 0.1,
                 0,
                 1000,
                 {},
                 "How much the loss on the text's own next tokens counts beside the divergence from the full-precision "
                 "model.",
                 ""},
            }};
        made.needsCalibration = true;
        made.stage = Stage::Repair;
        made.wholeModel = true;
        made.help = {"min over A, B of all matrices of KL(full-precision model || model with Ŵ + scale B A), per "
                     "token, plus text times the cross entropy of the next token.",
                     {"Freeze the codes; A [rank, columns] starts at random, uniform up to 1 / sqrt(columns), and B "
                      "[rows, rank] at zero, so that nothing changes at first.",
                      "Each step: a few calibration sequences through the model, the loss back to the weights, from "
                      "there to A and B, one step of Adam.",
                      "Store scale B and A in 16 bits."},
                     "One pass forward and back through the network per sequence and step; the logits in full "
                     "precision are made once.",
                     "No dropout. The loss is a mean per token: 1 KL and 0.1 of cross entropy stand for the paper's "
                     "sum over 2048 tokens of KL and 200 of cross entropy. The number of steps is a parameter and far "
                     "below the paper's 20 epochs."};
        return made;
    }();
    return info;
}

/// What is trained of one matrix.
struct Adapter {
    std::size_t weight = 0;
    MatrixShape shape;
    Shape stored;
    std::vector<float> frozen;          ///< Ŵ
    LowRankFactors factors;             ///< left: B, right: A
    std::vector<float> ofLeft, ofRight; ///< gradients
};

class Training {
public:
    Training(ModelAccess& model, const ParamValues& parameters, std::uint64_t seed, const RunContext& context)
        : m_model(model)
        , m_seed(seed)
        , m_context(context)
        , m_scale(static_cast<float>(valueOf<double>(parameters, "scale")))
        , m_rate(valueOf<double>(parameters, "rate"))
        , m_text(valueOf<double>(parameters, "text"))
        , m_steps(valueOf<std::int64_t>(parameters, "steps"))
        , m_batch(std::min(valueOf<std::int64_t>(parameters, "batch"), model.sequences()))
        , m_rank(valueOf<std::int64_t>(parameters, "rank")) {}

    Result<void> run() {
        QSCOPE_CHECK(start());
        m_context.progress.done = 0;
        m_context.progress.total = m_steps;
        optimize::Adam adam({0.9, 0.999, 1e-8, 1e-5});
        for (std::int64_t step = 0; step < m_steps; ++step) {
            if (m_context.cancelled()) return cancelled();
            QSCOPE_CHECK(gradients(step));
            std::vector<optimize::Parameter> trained;
            for (Adapter& adapter : m_adapters) {
                trained.push_back({fmt::format("{} left", adapter.weight), adapter.factors.left, adapter.ofLeft});
                trained.push_back({fmt::format("{} right", adapter.weight), adapter.factors.right, adapter.ofRight});
            }
            QSCOPE_CHECK(adam.step(trained, m_rate, m_quiet));
            ++m_context.progress.done;
        }
        return finish();
    }

private:
    Result<void> start() {
        for (std::size_t w = 0; w < m_model.weights().size(); ++w) {
            const auto before = m_model.installed(w);
            if (!before || !m_model.calibration().find(m_model.weights()[w].name)) continue; // no layer of the network
            Adapter adapter{w,
                            asMatrix(before->shape),
                            before->shape,
                            std::vector<float>(static_cast<std::size_t>(elementCount(before->shape))),
                            {},
                            {},
                            {}};
            QSCOPE_CHECK(dequantizeParallel(*before, adapter.frozen, m_quiet));
            LowRankFactors& factors = adapter.factors;
            factors.rank = std::min({m_rank, adapter.shape.rows, adapter.shape.columns});
            factors.left.assign(static_cast<std::size_t>(adapter.shape.rows * factors.rank), 0.0F);
            factors.right.resize(static_cast<std::size_t>(factors.rank * adapter.shape.columns));
            const double reach = 1 / std::sqrt(static_cast<double>(adapter.shape.columns));
            for (std::size_t i = 0; i < factors.right.size(); ++i)
                factors.right[i] = static_cast<float>((2 * uniform(m_seed, w + 1, i) - 1) * reach);
            m_adapters.push_back(std::move(adapter));
        }
        if (m_adapters.empty()) return fail(ErrorCode::OutOfRange, "there is nothing to repair");
        return {};
    }

    /// Sequences of a step: each once before any comes again, in an order of its own every time around.
    std::vector<std::int64_t> sequencesOf(std::int64_t step) const {
        std::vector<std::int64_t> chosen;
        const std::int64_t all = m_model.sequences();
        for (std::int64_t i = step * m_batch; i < (step + 1) * m_batch; ++i) {
            std::vector<std::int64_t> order(static_cast<std::size_t>(all));
            std::iota(order.begin(), order.end(), std::int64_t{0});
            for (std::size_t n = order.size(); n > 1; --n)
                std::swap(
                    order[n - 1],
                    order[static_cast<std::size_t>(uniform(m_seed, 0, static_cast<std::uint64_t>(i / all * all) + n) *
                                                   static_cast<double>(n))]);
            chosen.push_back(order[static_cast<std::size_t>(i % all)]);
        }
        return chosen;
    }

    Result<std::vector<float>> dense(const Adapter& adapter) const {
        std::vector<float> values = adapter.frozen;
        QSCOPE_CHECK(addProduct(values, adapter.shape, adapter.factors, m_scale, m_quiet));
        return values;
    }

    Result<void> gradients(std::int64_t step) {
        const auto sequences = sequencesOf(step);
        LossRequest request;
        request.criterion = LossRequest::Criterion::KullbackLeibler;
        request.crossEntropy = m_text;
        request.sequences = sequences;
        for (const Adapter& adapter : m_adapters) {
            QSCOPE_TRY(auto values, dense(adapter));
            request.values.emplace(adapter.weight, makeTensor(adapter.stored, std::move(values)));
            request.wanted.push_back(adapter.weight);
        }
        QSCOPE_TRY(const LossResult loss, m_model.loss(request, m_quiet));
        m_losses.push_back(loss.loss);
        for (Adapter& adapter : m_adapters) {
            const LowRankFactors& factors = adapter.factors;
            const DenseView all(loss.gradients.at(adapter.weight).data(), adapter.shape.rows, adapter.shape.columns);
            const DenseView left(factors.left.data(), adapter.shape.rows, factors.rank),
                right(factors.right.data(), factors.rank, adapter.shape.columns);
            adapter.ofLeft.resize(factors.left.size());
            adapter.ofRight.resize(factors.right.size());
            Eigen::Map<Dense>(adapter.ofLeft.data(), adapter.shape.rows, factors.rank).noalias() =
                m_scale * (all * right.transpose());
            Eigen::Map<Dense>(adapter.ofRight.data(), factors.rank, adapter.shape.columns).noalias() =
                m_scale * (left.transpose() * all);
        }
        return {};
    }

    Result<void> finish() {
        const Trace course =
            courseOf("Loss while it is learned: whole network", "step",
                     fmt::format("KL divergence + {:.3g} cross entropy (nat per token)", m_text), m_losses);
        for (Adapter& adapter : m_adapters) {
            m_model.addTrace(adapter.weight, course);
            for (float& x : adapter.factors.left) x *= m_scale;
            QSCOPE_CHECK(roundToHalves(adapter.factors));
            LowRankSum form;
            form.base = m_model.installed(adapter.weight);
            form.rank = adapter.factors.rank;
            form.left = std::move(adapter.factors.left);
            form.right = std::move(adapter.factors.right);
            m_model.install(adapter.weight,
                            std::make_shared<const QuantizedTensor>(tensorOf(adapter.stored, std::move(form))));
        }
        return {};
    }

    ModelAccess& m_model;
    std::uint64_t m_seed;
    const RunContext& m_context;
    Progress m_unseen;
    RunContext m_quiet{m_context.stop, m_unseen, m_context.notes, m_context.backend};
    float m_scale;
    double m_rate, m_text;
    std::int64_t m_steps, m_batch, m_rank;
    std::vector<Adapter> m_adapters;
    std::vector<double> m_losses; ///< of the steps
};

class Lrec final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeLrec(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject&, const ParamValues&) const override {
        return fail(ErrorCode::Unsupported,
                    "LREC repairs what another method left: write it behind one, as in 'rtn+lrec'");
    }

    [[nodiscard]] Result<QuantizedTensor> outlineRepair(QuantizedTensor result, const Subject& subject,
                                                        const ParamValues& parameters) const override {
        const MatrixShape matrix = asMatrix(subject.shape);
        LowRankSum form;
        form.base = std::make_shared<const QuantizedTensor>(std::move(result));
        form.rank = std::min({valueOf<std::int64_t>(parameters, "rank"), matrix.rows, matrix.columns});
        return tensorOf(subject.shape, std::move(form));
    }

    [[nodiscard]] Result<void> quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t seed,
                                             const RunContext& context) const override {
        return Training(model, parameters, seed, context).run();
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeLrec() { return std::make_unique<Lrec>(); }

} // namespace qscope::engine
