// SPDX-License-Identifier: GPL-3.0-or-later
// Walking a network is checked against running the whole of it, naively, with the results so far in place.
#include "engine/plan/block_walk.h"

#include "engine/nn/taps/input_recorder.h"
#include "engine/nn/taps/quantize_activations.h"
#include "engine/nn/taps/watchers.h"
#include "engine/quant/pipeline.h"
#include "plugins/second_order/methods.h"
#include "tests/unit/plan/sample_model.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// Every linear layer's inputs of a run, by weight, row after row.
class AllInputs final : public nn::Observer {
public:
    bool wants(const nn::Graph&, nn::ValueId) override { return false; }
    Result<nn::Value> value(const nn::Graph&, nn::ValueId, nn::Value value) override { return value; }
    bool wantsUse(const nn::Graph&, const nn::Node& node, std::size_t input) override {
        return input == 0 && node.op->name == "Linear";
    }
    Result<nn::Value> use(const nn::Graph& graph, const nn::Node& node, std::size_t, nn::Value value) override {
        const auto found = nn::elements<float>(value);
        for (const std::string& name : nn::weightsBehind(graph, node.inputs[1]))
            rows[name].insert(rows[name].end(), found.begin(), found.end());
        return value;
    }
    std::map<std::string, std::vector<float>> rows;
};

class Replaced final : public nn::WeightSource {
public:
    explicit Replaced(const nn::WeightSource& given)
        : base(given) {}
    Result<nn::Value> weight(std::string_view name, Precision precision) const override {
        const auto found = values.find(std::string(name));
        return found == values.end() ? base.weight(name, precision) : Result<nn::Value>(found->second);
    }
    const nn::WeightSource& base;
    std::map<std::string, nn::Value> values;
};

struct Walked {
    explicit Walked(std::string selector = "*proj*")
        : network(*sample.model.weights) {
        settings.text = sample.page;
        settings.sequences = 3;
        settings.length = 24;
        settings.secondMoments = "lm_head*";
        text = readCalibrationText(sample.model, settings, sample.run.context).value();
        calibration = calibrate(sample.model, settings, sample.run.context).value();
        std::vector<ModelWeight> weights;
        std::vector<std::size_t> tensors;
        for (std::size_t i = 0; i < sample.checkpoint->tensors.size(); ++i) {
            if (!matchesGlob(sample.checkpoint->tensors[i].name, selector)) continue;
            Subject subject = subjectOf(*sample.checkpoint, i);
            subject.hasCalibration = true;
            weights.push_back({subject, sample.model.weights->nameOf(i), sample.checkpoint->view(i)});
            tensors.push_back(i);
        }
        access = makeModelAccess(sample.model, text, calibration, std::move(weights), std::move(tensors)).value();
    }

    std::size_t find(const std::string& part) const {
        for (std::size_t i = 0; i < access->weights().size(); ++i)
            if (access->weights()[i].name.find(part) != std::string::npos) return i;
        FAIL(part);
        return 0;
    }
    QuantizedTensor nearest(std::size_t weight) {
        const auto method = makeRoundToNearest();
        const auto parameters =
            resolveParameters(method->info().parameters, parseMethodSpec("rtn:bits=3,group=64").value()).value();
        return method->quantize(inputOf(access->weights()[weight].weight), parameters, 0, sample.run.context).value();
    }
    /// The result in the naive network.
    void replace(std::size_t weight, const QuantizedTensor& result) {
        std::vector<float> values(static_cast<std::size_t>(elementCount(result.shape)));
        REQUIRE(dequantize(result, 0, values));
        const auto tensor = sample.model.weights->tensorOf(access->weights()[weight].name).value();
        network.values[access->weights()[weight].name] =
            sample.model.weights->commonForm(tensor, makeTensor(result.shape, std::move(values)), Precision::Single)
                .value();
    }
    void install(std::size_t weight) {
        const auto result = std::make_shared<const QuantizedTensor>(nearest(weight));
        replace(weight, *result);
        access->install(weight, result);
    }
    std::map<std::string, std::vector<float>> naive(const nn::WeightSource& weights, nn::Observer* first = nullptr) {
        AllInputs inputs;
        nn::ObserverChain chain({first, &inputs});
        for (const TextWindow& window : text.windows) {
            nn::Execution execution(*sample.model.graph, weights, sample.run.context, {Precision::Single, &chain});
            REQUIRE(setTokens(execution, *sample.model.graph, text.tokensOf(window), 1));
            REQUIRE(execution.run());
        }
        return std::move(inputs.rows);
    }

    test::SampleModel sample;
    CalibrationSettings settings;
    CalibrationText text;
    std::shared_ptr<const Calibration> calibration;
    std::unique_ptr<ModelAccess> access;
    Replaced network;
};

/// Whether `sums` are Σ y xᵀ over rows, by definition in double.
void checkProducts(const std::vector<double>& sums, const std::vector<float>& y, const std::vector<float>& x,
                   std::size_t channels) {
    REQUIRE(sums.size() == channels * channels);
    REQUIRE(y.size() == x.size());
    const auto lengthOf = [&](const std::vector<float>& list, std::size_t channel) {
        double sum = 0;
        for (std::size_t at = channel; at < list.size(); at += channels)
            sum += static_cast<double>(list[at]) * static_cast<double>(list[at]);
        return std::sqrt(sum);
    };
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < channels; i += 3) // a third of the rows tell
        for (std::size_t j = 0; j < channels; ++j) {
            double sum = 0;
            for (std::size_t row = 0; row < x.size(); row += channels)
                sum += static_cast<double>(y[row + i]) * static_cast<double>(x[row + j]);
            worst = std::max(worst, std::abs(sum - sums[i * channels + j]) / (lengthOf(y, i) * lengthOf(x, j) + 1e-9));
            largest = std::max(largest, std::abs(sum));
        }
    CHECK(largest > 0);
    CHECK(worst < 1e-4);
}

std::vector<float> differenceOf(const std::vector<float>& a, const std::vector<float>& b) {
    std::vector<float> difference(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
    return difference;
}

/// Rounds to nearest and checks what it is told about the inputs.
class Spy final : public QuantMethod {
public:
    Spy(Walked& given, bool stages)
        : walked(given)
        , trueSequential(stages) {
        m_info.needsCalibration = true;
        m_info.sequential = true;
    }
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues&) const override {
        return QuantizedTensor{subject.shape, {}};
    }
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues&, std::uint64_t,
                                                   const RunContext&) const override {
        const std::size_t weight = walked.find(input.subject.commonName);
        if (input.subject.layer != layer) {
            for (const auto& [index, result] : pending) walked.replace(index, result);
            pending.clear();
            layer = input.subject.layer;
        }
        ++seen;
        const auto rows = walked.naive(walked.network)[input.subject.commonName];
        INFO(input.subject.commonName);
        REQUIRE(input.calibration);
        CHECK(input.calibration->tokens == 72);
        checkProducts(input.calibration->secondMoments, rows, rows,
                      static_cast<std::size_t>(input.calibration->channels));
        CHECK(input.sharing.size() ==
              (input.subject.commonName.find("q_proj") != std::string::npos ? 3U : input.sharing.size()));
        QuantizedTensor result = walked.nearest(weight);
        if (trueSequential)
            walked.replace(weight, result);
        else
            pending.emplace(weight, result);
        return result;
    }
    mutable int seen = 0;

private:
    Walked& walked;
    bool trueSequential;
    mutable std::optional<int> layer;
    mutable std::map<std::size_t, QuantizedTensor> pending;
    MethodInfo m_info{"spy", "Spy", "", "", "", {}};
};

} // namespace

TEST_CASE("inputs of a block are those of the whole network with the results so far", "[second order][plan]") {
    Walked walked;
    const auto full = walked.naive(*walked.sample.model.weights);
    const auto check = [&](int block, const std::string& part) {
        const std::size_t weight = walked.find(part);
        const std::string& name = walked.access->weights()[weight].name;
        INFO(name);
        const auto inputs = walked.access->inputs(block, std::span(&weight, 1), true, walked.sample.run.context);
        REQUIRE(inputs);
        REQUIRE(inputs->contains(weight));
        const StreamInputs& found = inputs->at(weight);
        const auto here = walked.naive(walked.network)[name];
        const auto channels = static_cast<std::size_t>(found.quantized->channels);
        checkProducts(found.quantized->secondMoments, here, here, channels);
        checkProducts(found.full->secondMoments, full.at(name), full.at(name), channels);
        if (walked.network.values.empty()) return;
        checkProducts(found.crossMoments, differenceOf(full.at(name), here), here, channels);
    };
    check(0, "layers.0.mlp.down_proj");
    for (const std::size_t weight : walked.access->weightsOf(0)) walked.install(weight);
    check(0, "layers.0.self_attn.o_proj"); // behind what was installed in the block itself
    check(1, "layers.1.self_attn.k_proj");
    walked.install(walked.find("layers.1.self_attn.v_proj"));
    check(1, "layers.1.self_attn.o_proj");
    check(1, "layers.1.mlp.up_proj");
    walked.access->install(walked.find("layers.0.mlp.up_proj"), nullptr); // back in a block that was passed
    walked.network.values.erase("model.layers.0.mlp.up_proj.weight");
    check(1, "layers.1.mlp.down_proj");
    check(0, "layers.0.mlp.down_proj");
    CHECK(walked.access->inputs(99, {}, false, walked.sample.run.context).error().code == ErrorCode::OutOfRange);
}

TEST_CASE("inputs of a block are rounded as readers see them when activations are quantized", "[second order][plan]") {
    Walked walked;
    ActivationQuantization what;
    what.linearInputs = true;
    what.inputGrid.bits = 4;
    walked.access->quantizeActivations(&what);
    nn::QuantizeActivations quantizer(*walked.sample.model.graph, what);
    const std::size_t weight = walked.find("layers.1.mlp.down_proj");
    const std::string name = walked.access->weights()[weight].name;
    const auto inputs = walked.access->inputs(1, std::span(&weight, 1), true, walked.sample.run.context);
    REQUIRE(inputs);
    const auto full = walked.naive(*walked.sample.model.weights)[name],
               here = walked.naive(*walked.sample.model.weights, &quantizer)[name];
    const auto channels = static_cast<std::size_t>(inputs->at(weight).quantized->channels);
    checkProducts(inputs->at(weight).quantized->secondMoments, here, here, channels);
    checkProducts(inputs->at(weight).full->secondMoments, full, full, channels);
    checkProducts(inputs->at(weight).crossMoments, differenceOf(full, here), here, channels);
}

TEST_CASE("a sequential method is told what the layers before it, already rounded, send", "[second order][plan]") {
    for (const bool trueSequential : {true, false}) {
        Walked walked("*.0.*proj*|*.1.*proj*");
        Spy spy(walked, trueSequential);
        REQUIRE(quantizeSequentially(spy, *walked.access, {}, 0, trueSequential, walked.sample.run.context));
        CHECK(spy.seen == static_cast<int>(walked.access->weights().size()));
        for (std::size_t i = 0; i < walked.access->weights().size(); ++i) CHECK(walked.access->installed(i));
    }
}
