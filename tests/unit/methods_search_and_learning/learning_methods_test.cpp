// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "engine/quant/uniform_step.h"
#include "plugins/search_and_learning/discquant_method.h"
#include "plugins/search_and_learning/gsq_method.h"
#include "plugins/search_and_learning/omniquant_method.h"
#include "plugins/search_and_learning/rounding_method.h"
#include "tests/unit/plan/sample_access.h"

#include <algorithm>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

const std::string kSample = QSCOPE_SOURCE_DIR "/resources/samples/bard";

struct Sample : SampleAccess {
    Sample()
        : SampleAccess(*makeSafetensorsReader(), kSample, kSample + "/page.txt", 4, 32) {}

    Result<void> treat(const QuantMethod& method, std::map<std::string, std::string> parameters,
                       std::uint64_t seed = 1) {
        const auto& rows = method.info().parameters; // searching ranges takes longer than all the rest
        if (std::ranges::find(rows, "range", &ParamSpec::key) != rows.end()) parameters["range"] = "max";
        const auto values = resolveParameters(method.info().parameters, {method.info().id, std::move(parameters)});
        if (!values) FAIL(values.error().message);
        return method.quantizeModel(*access, *values, seed, run.context);
    }
    std::vector<std::uint8_t> codes() const {
        std::vector<std::uint8_t> all;
        for (std::size_t i = 0; i < access->weights().size(); ++i) {
            const auto result = access->installed(i);
            REQUIRE(result);
            const auto* outer = formOf<ColumnTransformed>(*result);
            const auto& own = std::get<GridCodes>((outer ? *outer->base : *result).codes).values.codes;
            all.insert(all.end(), own.begin(), own.end());
        }
        return all;
    }
    /// On the sequences that the method learned from.
    double loss(LossRequest::Criterion criterion) {
        const std::vector<std::int64_t> all{0, 1, 2, 3};
        LossRequest request;
        request.sequences = all;
        request.criterion = criterion;
        return SampleAccess::loss(request).loss;
    }
};

std::vector<std::unique_ptr<QuantMethod>> learningMethods() {
    std::vector<std::unique_ptr<QuantMethod>> methods;
    for (const auto make : {makeAdaroundBlock, makePdQuant, makeOmniquant, makeGsq, makeDiscquant})
        methods.push_back(make());
    return methods;
}

} // namespace

TEST_CASE("Every learning method installs codes of the size that it said, the same on any number of threads") {
    for (const auto& method : learningMethods()) {
        INFO(method->info().id);
        std::vector<std::uint8_t> first;
        for (const int threads : {1, 2}) {
            const ThreadLimit limit(threads);
            Sample sample;
            const std::map<std::string, std::string> parameters{{"bits", "3"}, {"group", "64"}, {"steps", "2"}};
            REQUIRE(sample.treat(*method, parameters));
            const auto codes = sample.codes();
            if (first.empty()) first = codes;
            CHECK(codes == first);
            const auto values = resolveParameters(method->info().parameters, {method->info().id, parameters});
            for (std::size_t i = 0; i < sample.access->weights().size(); ++i) {
                const auto& shape = sample.access->weights()[i].subject.shape;
                const auto elements = static_cast<std::uint64_t>(elementCount(shape));
                CHECK(storedBits(*sample.access->installed(i)) == elements * 3 + elements / 64 * (16 + 3));
                CHECK(storedBits(*method->outline(sample.access->weights()[i].subject, *values)) ==
                      storedBits(*sample.access->installed(i)));
            }
            CHECK(sample.run.progress.done == sample.run.progress.total);
        }
    }
}

TEST_CASE("Learning lowers the network's divergence below that of no steps") {
    for (const auto& method : learningMethods()) {
        INFO(method->info().id);
        Sample before, after;
        std::map<std::string, std::string> parameters{{"bits", "2"}, {"group", "64"}, {"steps", "0"}};
        if (method->info().id == "discquant") parameters["start"] = "weight";
        REQUIRE(before.treat(*method, parameters));
        parameters["steps"] = method->info().id == "discquant" || method->info().id == "gsq" ? "30" : "12";
        if (method->info().id == "omniquant") parameters["rate"] = "0.2";
        if (method->info().id == "gsq") parameters["rate"] = "0.0015";
        REQUIRE(after.treat(*method, parameters));
        CHECK(after.loss(LossRequest::Criterion::KullbackLeibler) <
              before.loss(LossRequest::Criterion::KullbackLeibler));
    }
}

TEST_CASE("OmniQuant without steps is round to nearest on 0.982 of the range") {
    Sample sample;
    REQUIRE(sample.treat(*makeOmniquant(), {{"bits", "4"}, {"group", "128"}, {"steps", "0"}, {"scale", "f32"}}));
    const std::size_t index = sample.weight("model.layers.3.mlp.gate_proj.weight");
    const auto weight = sample.valuesOf(index);
    const auto& codes = std::get<GridCodes>(sample.access->installed(index)->codes);
    const float part = 1 / (1 + std::exp(-4.0F));
    for (std::size_t g = 0; g < codes.values.scales.size(); ++g) {
        const auto [low, high] = std::ranges::minmax(std::span(weight).subspan(g * 128, 128));
        CHECK(codes.values.scales[g] == Approx(part * (high - low) / 15).epsilon(1e-5));
    }
}

TEST_CASE("OmniQuant's factors are shared by what reads the same inputs, and leave an 8-bit network as it was") {
    Sample plain, factored;
    REQUIRE(plain.treat(*makeOmniquant(), {{"bits", "8"}, {"group", "64"}, {"steps", "0"}}));
    REQUIRE(factored.treat(*makeOmniquant(),
                           {{"bits", "8"}, {"group", "64"}, {"steps", "1"}, {"let", "true"}, {"activations", "8"}}));
    const auto factorsOf = [&](const char* part) {
        const auto result = factored.access->installed(factored.weight(fmt::format("model.layers.2.{}.weight", part)));
        const auto* form = formOf<ColumnTransformed>(*result);
        return form ? form->factors : std::vector<float>();
    };
    CHECK_FALSE(factorsOf("self_attn.q_proj").empty());
    CHECK(factorsOf("self_attn.q_proj") == factorsOf("self_attn.v_proj"));
    CHECK(factorsOf("mlp.up_proj") == factorsOf("mlp.gate_proj"));
    CHECK(factorsOf("self_attn.q_proj") != factorsOf("mlp.up_proj"));
    CHECK(factorsOf("mlp.down_proj").empty());
    CHECK(factorsOf("self_attn.o_proj").empty()); // heads share values here
    factored.access->quantizeActivations(nullptr);
    CHECK(factored.loss(LossRequest::Criterion::KullbackLeibler) <
          4 * plain.loss(LossRequest::Criterion::KullbackLeibler) + 1e-5);
}

TEST_CASE("Mixed precision keeps to its budget, and gives different widths") {
    Sample sample;
    REQUIRE(
        sample.treat(*makeAdaroundBlock(), {{"bits", "3"}, {"group", "64"}, {"steps", "0"}, {"mixed-bits", "true"}}));
    std::int64_t bits = 0, weights = 0;
    std::map<int, int> widths;
    for (std::size_t i = 0; i < sample.access->weights().size(); ++i) {
        const auto& codes = std::get<GridCodes>(sample.access->installed(i)->codes);
        const std::int64_t count = elementCount(sample.access->weights()[i].subject.shape);
        bits += codes.grid.bits * count;
        weights += count;
        ++widths[codes.grid.bits];
    }
    CHECK(bits <= 3 * weights);
    CHECK(10 * bits > 29 * weights);
    CHECK(widths.size() > 1);
}

TEST_CASE("Learning methods leave out what their groups do not divide, and stop when told") {
    for (const auto& method : learningMethods()) {
        INFO(method->info().id);
        Sample sample;
        REQUIRE(sample.treat(*method,
                             {{"group", "512"}, {"bits", "3"}, {"steps", "1"}})); // 768 columns are no multiple of 512
        CHECK_FALSE(sample.access->installed(sample.weight("model.layers.0.mlp.down_proj.weight")));
        CHECK(sample.access->installed(sample.weight("model.layers.0.mlp.up_proj.weight"))); // one group of 256
        CHECK(sample.run.notes.entries().front().message == "left out: group 512 does not divide 768 columns");
        sample.run.stop.request_stop();
        const auto stopped = sample.treat(*method, {{"group", "64"}, {"bits", "3"}, {"steps", "1000"}});
        REQUIRE_FALSE(stopped);
        CHECK(stopped.error().code == ErrorCode::Cancelled);
    }
}
