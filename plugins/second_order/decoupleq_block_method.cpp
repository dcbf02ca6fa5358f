// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/optimize/optimizers.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "engine/quant/model_access.h"
#include "engine/quant/trace_points.h"
#include "plugins/second_order/methods.h"

namespace qscope::engine {

namespace {

MethodInfo describeBlockStep() {
    MethodInfo info{"decoupleq_block",
                    "decoupleQ, block step",
                    "Second order",
                    "Guo, Kong, Zhang, Wu, decoupleQ: Towards 2-bit Post-Training Uniform Quantization via decoupling "
                    "Parameters into Integer and Floating Points, 2024",
                    "Trains the scales and offsets of a block's layers together, codes fixed, so that the block does "
                    "what it did in full precision on the inputs "
                    "that it now gets. Follows 'decoupleq', or any method with free scales and offsets.",
                    {
                        {"epochs",
                         "Epochs",
                         ParamType::Integer,
                         std::int64_t{4},
                         1,
                         100,
                         {},
                         "Passes through the calibration text.",
                         ""},
                        {"rate", "Learning rate", ParamType::Real, 1e-5, 1e-8, 1e-1, {}, "Of Adam.", ""},
                    }};
    info.needsCalibration = true;
    info.stage = Stage::Repair;
    info.wholeModel = true;
    info.help.objective = "Least mean square of Block_Ŵ(X) - Block_W(X) over scales and offsets of all layers of a "
                          "block, X the inputs from the quantized blocks before.";
    info.help.steps = {
        "Block after block, with the blocks before as they are by then.",
        "For each sequence of the text: the gradient with respect to the weights, summed up over each group as d/ds = "
        "Σ c d/dŵ and d/dz = Σ d/dŵ; one step of Adam.",
        "Round scales and offsets to how they are stored; keep them if the block's error on the whole text has fallen.",
    };
    info.help.cost = "Epochs x sequences runs of every block, forward and back.";
    info.help.differences = "All codes are found before the first block is trained, where the authors train each block "
                            "before they go on to the next. Norms are not trained. "
                            "What does not lower the error is dropped.";
    return info;
}

/// The scales and offsets of one weight while they are trained.
struct Trained {
    std::size_t weight = 0;
    AffineCodes codes;
    std::vector<float> scaleGradient, offsetGradient;

    TensorView values(const Shape& shape) const {
        std::vector<float> dense(codes.codes.size());
        for (std::size_t i = 0; i < dense.size(); ++i)
            dense[i] = static_cast<float>(codes.codes[i]) * codes.scales[groupOf(i)] + codes.offsets[groupOf(i)];
        return makeTensor(shape, std::move(dense));
    }
    void takeGradient(std::span<const float> gradient) {
        scaleGradient.assign(codes.scales.size(), 0);
        offsetGradient.assign(codes.scales.size(), 0);
        for (std::size_t i = 0; i < gradient.size(); ++i) {
            scaleGradient[groupOf(i)] += static_cast<float>(codes.codes[i]) * gradient[i];
            offsetGradient[groupOf(i)] += gradient[i];
        }
    }
    void round() {
        for (auto* list : {&codes.scales, &codes.offsets})
            for (float& value : *list) value = roundedTo(codes.type, value);
    }

private:
    std::size_t groupOf(std::size_t element) const {
        const auto i = static_cast<std::int64_t>(element);
        return static_cast<std::size_t>(codes.grouping.indexOf(i / codes.grouping.columns, i % codes.grouping.columns));
    }
};

class BlockStep final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject&, const ParamValues&) const override {
        return fail(ErrorCode::Unsupported,
                    "it repairs what another method left: write it behind one, as in 'decoupleq+decoupleq_block'");
    }
    [[nodiscard]] Result<QuantizedTensor> outlineRepair(QuantizedTensor result, const Subject&,
                                                        const ParamValues&) const override {
        if (!formOf<AffineCodes>(result))
            return fail(ErrorCode::Unsupported, "{} has no free scales and offsets to train", describe(result));
        return result;
    }

    [[nodiscard]] Result<void> quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t,
                                             const RunContext& context) const override {
        const std::int64_t epochs = valueOf<std::int64_t>(parameters, "epochs");
        context.progress.done = 0;
        context.progress.total = model.blocks() * epochs * model.sequences();
        for (int block = 0; block < model.blocks(); ++block)
            QSCOPE_CHECK(train(model, block, epochs, valueOf<double>(parameters, "rate"), context));
        return {};
    }

private:
    static Result<void> train(ModelAccess& model, int block, std::int64_t epochs, double rate,
                              const RunContext& context) {
        std::vector<Trained> trained;
        for (const std::size_t weight : model.weightsOf(block)) {
            const auto result = model.installed(weight);
            const auto* codes = result ? formOf<AffineCodes>(*result) : nullptr;
            if (codes) trained.push_back({weight, *codes, {}, {}});
        }
        if (trained.empty()) return {};
        std::vector<std::int64_t> all;
        for (std::int64_t s = 0; s < model.sequences(); ++s) all.push_back(s);
        LossRequest request;
        request.first = block;
        request.last = block;
        request.target = Stream::Quantized;
        request.sequences = all;
        QSCOPE_TRY(const LossResult before, model.loss(request, context));

        const auto putValues = [&] {
            for (const Trained& one : trained)
                request.values.insert_or_assign(one.weight, one.values(model.weights()[one.weight].weight.shape));
        };
        for (const Trained& one : trained) request.wanted.push_back(one.weight);
        std::vector<double> losses;
        optimize::Adam adam({.beta1 = 0.9, .beta2 = 0.99, .epsilon = 2e-5, .decay = 0});
        for (std::int64_t epoch = 0; epoch < epochs; ++epoch)
            for (const std::int64_t sequence : all) {
                putValues();
                request.sequences = std::span(&sequence, 1);
                QSCOPE_TRY(const LossResult found, model.loss(request, context));
                losses.push_back(found.loss);
                std::vector<optimize::Parameter> moving;
                for (Trained& one : trained) {
                    one.takeGradient(found.gradients.at(one.weight));
                    moving.push_back({fmt::format("{} scales", one.weight), one.codes.scales, one.scaleGradient});
                    moving.push_back({fmt::format("{} offsets", one.weight), one.codes.offsets, one.offsetGradient});
                }
                QSCOPE_CHECK(adam.step(moving, rate, context));
                context.progress.done.fetch_add(1, std::memory_order_relaxed);
            }

        const Trace course = courseOf(fmt::format("Loss while it is learned: scales of block {}", block), "sequence",
                                      "mean square error of the block", losses);
        for (const Trained& one : trained) model.addTrace(one.weight, course);
        for (Trained& one : trained) one.round();
        putValues();
        request.sequences = all;
        request.wanted.clear();
        QSCOPE_TRY(const LossResult after, model.loss(request, context));
        if (!(after.loss < before.loss)) {
            context.notes.note(fmt::format("training left the error of block {} at {:.4g} instead of {:.4g}: dropped",
                                           block, after.loss, before.loss));
            return {};
        }
        for (Trained& one : trained) {
            const Shape shape = model.weights()[one.weight].weight.shape;
            model.install(one.weight, std::make_shared<const QuantizedTensor>(tensorOf(shape, std::move(one.codes))));
        }
        return {};
    }

    MethodInfo m_info = describeBlockStep();
};

} // namespace

std::unique_ptr<QuantMethod> makeDecoupleQBlock() { return std::make_unique<BlockStep>(); }

} // namespace qscope::engine
