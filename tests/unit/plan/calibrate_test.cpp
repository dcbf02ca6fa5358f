// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/calibrate.h"

#include "engine/nn/taps/watchers.h"
#include "engine/plan/language_text.h"
#include "tests/unit/plan/sample_model.h"

#include <algorithm>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// Round-to-nearest that asks for calibration, and remembers what it was given.
class CuriousMethod final : public QuantMethod {
public:
    struct Seen {
        std::string name;
        bool outlined = false;
        std::int64_t channels = 0;
        std::size_t moments = 0;
        std::vector<float> importance, meanSquares;
    };
    explicit CuriousMethod(std::vector<Seen>& seen)
        : m_seen(seen) {
        m_info.id = "curious";
        m_info.needsCalibration = true;
    }
    const MethodInfo& info() const override { return m_info; }
    Result<QuantizedTensor> outline(const Subject& subject, const ParamValues&) const override {
        m_seen.push_back({subject.name, true, subject.hasCalibration ? 1 : 0, 0, {}, {}});
        return m_rtn->outline(subject, defaults());
    }
    Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues&, std::uint64_t seed,
                                     const RunContext& context) const override {
        Seen seen{input.subject.name, false, 0, 0, {input.importance.begin(), input.importance.end()}, {}};
        if (input.calibration) {
            seen.channels = input.calibration->channels;
            seen.moments = input.calibration->secondMoments.size();
            seen.meanSquares = input.calibration->meanSquares;
        }
        m_seen.push_back(std::move(seen));
        return m_rtn->quantize(input, defaults(), seed, context);
    }

private:
    ParamValues defaults() const { return resolveParameters(m_rtn->info().parameters, {}).value(); }
    std::vector<Seen>& m_seen;
    MethodInfo m_info;
    std::unique_ptr<QuantMethod> m_rtn = makeRoundToNearest();
};

CalibrationSettings shortText(const test::SampleModel& sample) {
    CalibrationSettings settings;
    settings.text = sample.page;
    settings.sequences = 3;
    settings.length = 64;
    return settings;
}

} // namespace

TEST_CASE("Calibration records every linear layer of a model, shared inputs once") {
    test::SampleModel sample;
    CalibrationSettings settings = shortText(sample);
    settings.secondMoments = "*.2.mlp.*|lm_head*";
    CalibrationCache cache;
    const auto calibration = calibrate(sample.model, settings, sample.run.context, &cache);
    REQUIRE(calibration);
    CHECK(sample.run.progress.done == sample.run.progress.total);
    const Calibration& found = **calibration;
    CHECK(found.sequences == 3);
    CHECK(found.length == 64);
    CHECK(found.vocabulary == 2048);
    CHECK(found.distinctTokens > 50);
    CHECK(found.distinctTokens <= 3 * 64);
    CHECK(found.inputs.size() == 6 * 7 + 1);
    CHECK(found.find("model.layers.0.self_attn.q_proj.weight") == found.find("model.layers.0.self_attn.v_proj.weight"));
    CHECK(found.find("model.embed_tokens.weight") == nullptr);

    const InputStatistics* down = found.find("model.layers.2.mlp.down_proj.weight");
    REQUIRE(down);
    CHECK(down->channels == 768);
    CHECK(down->tokens == 3 * 64);
    CHECK(down->sampleRows == 3 * 64);
    REQUIRE(down->secondMoments.size() == 768 * 768);
    for (std::size_t c = 0; c < 768; c += 97)
        CHECK(down->secondMoments[c * 769] == Approx(192.0 * static_cast<double>(down->meanSquares[c])).epsilon(1e-5));
    CHECK(found.find("model.layers.1.mlp.down_proj.weight")->secondMoments.empty());

    // The same again comes from the cache; other settings do not.
    CHECK(calibrate(sample.model, settings, sample.run.context, &cache).value() == *calibration);
    settings.sequences = 2;
    CHECK(calibrate(sample.model, settings, sample.run.context, &cache).value() != *calibration);
}

TEST_CASE("A calibration with second moments serves who needs none, and not the other way round") {
    test::SampleModel sample;
    CalibrationSettings plain = shortText(sample);
    plain.sequences = 1;
    CalibrationSettings all = plain;
    all.secondMoments = "*";
    CalibrationCache cache;
    const auto run = [&](const CalibrationSettings& settings) {
        auto made = calibrate(sample.model, settings, sample.run.context, &cache);
        if (!made) FAIL(describe(made.error()));
        return *made;
    };
    const std::string weight = "model.layers.0.mlp.up_proj.weight";
    const auto without = run(plain);
    CHECK(without->find(weight)->secondMoments.empty());
    const auto with = run(all);
    CHECK(with->find(weight)->secondMoments.size() == 256 * 256);
    CHECK(with->find(weight) != without->find(weight));
    all.secondMoments = "*.up_proj.*"; // part of what is there
    CHECK(run(all)->find(weight) == with->find(weight));

    CalibrationCache fresh;
    all.secondMoments = "*";
    const auto first = calibrate(sample.model, all, sample.run.context, &fresh).value();
    const auto second = calibrate(sample.model, plain, sample.run.context, &fresh).value();
    CHECK(second->find(weight) == first->find(weight));

    // The same tokens from another file are known under that file's name.
    test::TemporaryFolder folder;
    std::filesystem::copy_file(sample.page, folder / "copy.txt");
    plain.text = (folder / "copy.txt").string();
    const auto copied = calibrate(sample.model, plain, sample.run.context, &fresh).value();
    CHECK(copied->find(weight) == first->find(weight));
    CHECK(copied->settings.text == plain.text);
}

TEST_CASE("A calibration text is not run for methods that look at the weights alone") {
    test::SampleModel sample;
    std::vector<CuriousMethod::Seen> seen;
    REQUIRE(sample.registries.methods.add(std::make_unique<CuriousMethod>(seen)));
    Plan plan = sample.plan({"rtn"}, {"*.0.mlp.up_proj*"});
    plan.calibration = shortText(sample);
    plan.calibration.sequences = 1;
    const auto alone = sample.ran(plan);
    CHECK_FALSE(alone->calibration);
    CHECK_FALSE(alone->methods[0].importance);
    CHECK(std::ranges::any_of(alone->notes, [](const auto& note) { return note.subject == "calibration text"; }));
    // Static ranges, or another method beside it, ask for the text.
    plan.methods = {parseMethodSpec("rtn:activations=8,activation-scale=tensor,static=true").value()};
    CHECK(sample.ran(plan)->calibration);
    plan.methods = {parseMethodSpec("rtn").value(), parseMethodSpec("curious").value()};
    CHECK(sample.ran(plan)->calibration);
    REQUIRE(!seen.empty());
    CHECK(seen.back().channels == 256);
}

TEST_CASE("What calibration records is what flows along the edge") {
    test::SampleModel sample;
    CalibrationSettings settings = shortText(sample);
    settings.sequences = 1;
    const auto calibration = calibrate(sample.model, settings, sample.run.context);
    REQUIRE(calibration);
    const auto text = tokenizeFile(sample.model, sample.page, AddEnds::No, sample.run.context);
    REQUIRE(text);
    const nn::Graph& graph = *sample.model.graph;
    const auto edge = graph.find("model.layers.3.post_attention_layernorm.output");
    REQUIRE(edge);
    nn::EdgeCapture capture(graph, {*edge});
    nn::Execution execution(graph, *sample.model.weights, sample.run.context, {Precision::Single, &capture, nullptr});
    REQUIRE(setTokens(execution, graph, std::span(text->tokens).first(64), 1));
    REQUIRE(execution.run());
    const auto value = capture.take(*edge);
    REQUIRE(value);
    const auto rows = nn::elements<float>(*value);
    const InputStatistics* seen = (*calibration)->find("model.layers.3.mlp.up_proj.weight");
    REQUIRE(seen);
    REQUIRE(seen->channels == 256);
    for (std::size_t c = 0; c < 256; ++c) {
        double squares = 0;
        float most = 0;
        for (std::size_t row = 0; row < 64; ++row) {
            const float x = rows[row * 256 + c];
            squares += static_cast<double>(x) * static_cast<double>(x);
            most = std::max(most, std::abs(x));
        }
        CHECK(seen->channelMax[c] == most);
        CHECK(seen->meanSquares[c] == Approx(squares / 64).epsilon(1e-6));
    }
}

TEST_CASE("A plan's calibration text reaches methods by the name of their weight") {
    test::SampleModel sample;
    std::vector<CuriousMethod::Seen> seen;
    REQUIRE(sample.registries.methods.add(std::make_unique<CuriousMethod>(seen)));
    engine::Plan plan = sample.plan({"curious"}, {"*.layers.4.mlp.down_proj.*", "*embed_tokens*"});
    const auto without = runPlan(plan, *sample.checkpoint, sample.registries, sample.run.context);
    REQUIRE_FALSE(without);
    CHECK(without.error().code == ErrorCode::OutOfRange);
    CHECK(without.error().message == "method 'curious' needs a calibration text, and the plan has none");

    plan.calibration = shortText(sample);
    REQUIRE(outlineResult(plan, 0, *sample.checkpoint, sample.registries));
    const auto report = sample.ran(plan);
    REQUIRE(report->calibration);
    CHECK(report->calibration->sequences == 3);
    std::erase_if(seen, [](const auto& entry) { return entry.outlined; });
    REQUIRE(seen.size() == 2);
    for (const auto& entry : seen) {
        CAPTURE(entry.name);
        const bool layer = entry.name.find("down_proj") != std::string::npos;
        CHECK(entry.channels == (layer ? 768 : 0)); // nothing flows into an embedding
        CHECK(entry.moments == (layer ? 768U * 768U : 0U));
        CHECK(entry.importance == entry.meanSquares);
    }
    const Json json = toJson(plan);
    CHECK(planFromJson(json).value() == plan);
}
