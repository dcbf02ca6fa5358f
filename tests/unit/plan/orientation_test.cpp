// SPDX-License-Identifier: GPL-3.0-or-later
// GPT-2 as Hugging Face has it: matrices [inputs, outputs]. Methods must see [outputs, inputs], and calibration by
// inputs.
#include "engine/plan/loss_gradients.h"
#include "engine/plan/substituted_weights.h"
#include "engine/plan/weight_orientation.h"
#include "tests/unit/plan/sample_model.h"

#include <cmath>
#include <fstream>

using namespace qscope;
using namespace qscope::engine;

namespace {

constexpr std::int64_t kWidth = 16, kHidden = 24, kWords = 2048;
const std::string kRising = "transformer.h.0.mlp.c_fc.weight";

/// Numbers without a pattern, the same in every run.
std::vector<float> numbers(std::size_t count, std::uint32_t seed) {
    std::vector<float> values(count);
    for (float& value : values) {
        seed = seed * 1664525U + 1013904223U;
        value = static_cast<float>(seed >> 8) / static_cast<float>(1 << 24) - 0.5F;
    }
    return values;
}

/// A GPT-2 of one layer with the sample's tokenizer.
void writeModel(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    std::filesystem::copy_file(QSCOPE_SOURCE_DIR "/resources/samples/bard/tokenizer.json", folder / "tokenizer.json");
    std::ofstream(folder / "config.json") << R"({"model_type": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2,
        "n_positions": 64, "n_inner": 24, "vocab_size": 2048, "activation_function": "gelu_new"})";
    const std::string block = "transformer.h.0.";
    std::vector<std::pair<std::string, Shape>> tensors{{"transformer.wte.weight", {kWords, kWidth}},
                                                       {"transformer.wpe.weight", {64, kWidth}}};
    for (const std::string& norm : {block + "ln_1", block + "ln_2", std::string("transformer.ln_f")}) {
        tensors.emplace_back(norm + ".weight", Shape{kWidth});
        tensors.emplace_back(norm + ".bias", Shape{kWidth});
    }
    const auto linear = [&](const std::string& name, std::int64_t inputs, std::int64_t outputs) {
        tensors.emplace_back(block + name + ".weight", Shape{inputs, outputs});
        tensors.emplace_back(block + name + ".bias", Shape{outputs});
    };
    linear("attn.c_attn", kWidth, 3 * kWidth);
    linear("attn.c_proj", kWidth, kWidth);
    linear("mlp.c_fc", kWidth, kHidden);
    linear("mlp.c_proj", kHidden, kWidth);
    Json header = Json::object();
    std::vector<float> data;
    for (const auto& [name, shape] : tensors) {
        const auto values =
            numbers(static_cast<std::size_t>(elementCount(shape)), static_cast<std::uint32_t>(data.size()) + 1);
        header[name] = {
            {"dtype", "F32"}, {"shape", shape}, {"data_offsets", {4 * data.size(), 4 * (data.size() + values.size())}}};
        data.insert(data.end(), values.begin(), values.end());
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const std::uint64_t length = text.size();
    std::ofstream file(folder / "model.safetensors", std::ios::binary);
    file.write(reinterpret_cast<const char*>(&length), 8);
    file << text;
    file.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(4 * data.size()));
}

/// Round-to-nearest, one scale for each output, that keeps what it was told.
class Witness final : public QuantMethod {
public:
    struct Told {
        Shape shape;
        std::vector<float> weight, meanSquares, gradient;
        std::size_t moments = 0, sharing = 0;
    };
    Witness(std::string id, bool sequential, std::map<std::string, Told>& told)
        : m_told(told) {
        m_info.id = std::move(id);
        m_info.needsCalibration = true;
        m_info.sequential = sequential;
        m_info.needsGradients = !sequential;
    }
    const MethodInfo& info() const override { return m_info; }
    Result<QuantizedTensor> outline(const Subject& subject, const ParamValues&) const override {
        return m_rtn->outline(subject, rows());
    }
    Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues&, std::uint64_t seed,
                                     const RunContext& context) const override {
        Told& told = m_told[input.subject.name];
        told.shape = input.subject.shape;
        told.weight.resize(static_cast<std::size_t>(elementCount(input.weight.shape)));
        QSCOPE_CHECK(decode(input.weight, 0, told.weight));
        told.gradient.assign(input.gradient.begin(), input.gradient.end());
        told.sharing = input.sharing.size();
        if (input.calibration) {
            told.meanSquares = input.calibration->meanSquares;
            told.moments = input.calibration->secondMoments.size();
        }
        return m_rtn->quantize(input, rows(), seed, context);
    }

private:
    ParamValues rows() const {
        return resolveParameters(m_rtn->info().parameters,
                                 parseMethodSpec("rtn:bits=8,granularity=output-channel").value())
            .value();
    }
    std::map<std::string, Told>& m_told;
    MethodInfo m_info;
    std::unique_ptr<QuantMethod> m_rtn = makeRoundToNearest();
};

} // namespace

TEST_CASE("A matrix that is stored as [inputs, outputs] is calibrated and quantized by its inputs") {
    test::TemporaryFolder folder;
    writeModel(folder / "gpt2");
    test::SampleModel sample;
    const bool sequential = GENERATE(false, true);
    CAPTURE(sequential);
    std::map<std::string, Witness::Told> told;
    REQUIRE(sample.registries.methods.add(std::make_unique<Witness>("witness", sequential, told)));
    const auto checkpoint = openCheckpoint((folder / "gpt2").string(), sample.registries, sample.run.notes);
    if (!checkpoint) FAIL(describe(checkpoint.error()));
    Plan plan = sample.plan({"witness"}, {"*.c_*.weight"});
    plan.calibration.text = sample.page;
    plan.calibration.sequences = 2;
    plan.calibration.length = 32;
    const auto report = runPlan(plan, **checkpoint, sample.registries, sample.run.context);
    if (!report) FAIL(describe(report.error()));
    const MethodResult& method = (*report)->methods[0];
    REQUIRE(method.tensors.size() == 4);

    const Witness::Told& rising = told.at(kRising);
    CHECK(rising.shape == Shape{kHidden, kWidth});
    CHECK(rising.meanSquares.size() == kWidth);
    CHECK(rising.moments == kWidth * kWidth);
    CHECK(rising.sharing == 1);
    CHECK(told.at("transformer.h.0.mlp.c_proj.weight").meanSquares.size() == kHidden);
    if (!sequential) CHECK(rising.gradient.size() == kWidth * kHidden);

    auto loaded = loadModel(*checkpoint, {}, sample.run.notes);
    REQUIRE(loaded);
    const SubstitutedWeights substituted(*loaded, method, sample.run.context);
    for (const TensorResult& result : method.tensors) {
        CAPTURE(result.name);
        const TensorView stored = (*checkpoint)->view(result.tensor);
        CHECK(result.quantized->shape == stored.shape);
        const auto inputs = static_cast<std::size_t>(stored.shape[0]),
                   outputs = static_cast<std::size_t>(stored.shape[1]);
        std::vector<float> values(inputs * outputs), made(values.size());
        REQUIRE(decode(stored, 0, values));
        for (std::size_t first = 0; first < made.size(); first += 37) // pieces that end in the middle of rows
            REQUIRE(dequantize(*result.quantized, static_cast<std::int64_t>(first),
                               std::span(made).subspan(first, std::min<std::size_t>(37, made.size() - first))));
        double error = 0, size = 0;
        for (std::size_t o = 0; o < outputs; ++o) {
            float most = 0;
            for (std::size_t i = 0; i < inputs; ++i) most = std::max(most, std::abs(values[i * outputs + o]));
            for (std::size_t i = 0; i < inputs; ++i) {
                const float x = values[i * outputs + o], y = made[i * outputs + o];
                CHECK(told.at(result.name).weight[o * inputs + i] == x);
                CHECK(std::abs(x - y) <= most / 127 * 0.5001F); // half a step of the output's own scale
                error += std::pow(static_cast<double>(x) - static_cast<double>(y), 2);
                size += std::pow(static_cast<double>(x), 2);
            }
        }
        CHECK(result.metrics.relativeMse == Approx(error / size).epsilon(1e-5));
        // The network reads the same numbers, as [outputs, inputs].
        const auto weight = substituted.weight(result.name, Precision::Single);
        REQUIRE(weight);
        const auto seen = nn::elements<float>(*weight);
        for (std::size_t e = 0; e < seen.size(); ++e) CHECK(seen[e] == made[e % inputs * outputs + e / inputs]);
    }
}

TEST_CASE("Gradients of a matrix that is stored as [inputs, outputs] come as [outputs, inputs]") {
    test::TemporaryFolder folder;
    writeModel(folder / "gpt2");
    test::SampleModel sample;
    const auto checkpoint = openCheckpoint((folder / "gpt2").string(), sample.registries, sample.run.notes).value();
    const auto model = loadModel(checkpoint, {}, sample.run.notes).value();
    const std::size_t tensor = model.weights->tensorOf(kRising).value();
    CHECK(isStoredTransposed(*checkpoint, tensor));
    CHECK_FALSE(isStoredTransposed(*checkpoint, model.weights->tensorOf("transformer.wte.weight").value()));
    CHECK_FALSE(isStoredTransposed(*sample.checkpoint, 0));
    std::vector<float> values = numbers(kWidth * kHidden, 7);
    const auto turned =
        gradientAsMethodsSee(model, tensor, nn::makeValue<float>({kHidden, kWidth}, std::vector<float>(values)));
    REQUIRE(turned);
    CHECK(*turned == values); // the graph has it as methods do
}
