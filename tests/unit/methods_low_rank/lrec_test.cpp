// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/block_walk.h"
#include "engine/quant/forms.h"
#include "plugins/low_rank/low_rank_methods.h"
#include "tests/support/method_runs.h"
#include "tests/unit/plan/sample_model.h"

using namespace qscope;
using namespace qscope::engine;

namespace {

/// Few short sequences of the page.
void shorten(Plan& plan, const std::string& page) {
    plan.calibration.text = plan.evaluation.text = page;
    plan.calibration.sequences = 4;
    plan.calibration.length = plan.evaluation.context = 48;
    plan.evaluation.tokens = 180;
}

} // namespace

TEST_CASE("LREC brings predictions back towards full precision, and changes nothing before it has learned",
          "[low rank]") {
    test::SampleModel sample;
    REQUIRE(sample.registries.methods.add(makeLrec()));
    Plan plan = sample.plan({"rtn:bits=2,group=64", "rtn:bits=2,group=64+lrec:rank=4,steps=1,rate=1e-8",
                             "rtn:bits=2,group=64+lrec:rank=4,steps=12,rate=2e-3"},
                            {"model.layers.0.*proj*|model.layers.5.*proj*"});
    shorten(plan, sample.page);
    const auto report = sample.ran(plan);
    REQUIRE(report->methods.size() == 3);
    const auto divergence = [&](std::size_t m) { return report->methods[m].quality->klDivergence; };
    CHECK(divergence(1) == Approx(divergence(0)).epsilon(1e-3));
    CHECK(divergence(2) < 0.9 * divergence(0));
    std::uint64_t factors = 0;
    for (const TensorResult& tensor : report->methods[2].tensors) {
        const MatrixShape matrix = asMatrix(tensor.quantized->shape);
        factors += 16 * 4 * static_cast<std::uint64_t>(matrix.rows + matrix.columns);
        REQUIRE(formOf<LowRankSum>(*tensor.quantized));
    }
    CHECK(report->methods[2].bytes == report->methods[0].bytes + factors / 8);

    const auto again = sample.ran(plan);
    CHECK(again->methods[2].quality->klDivergence == divergence(2));
}

TEST_CASE("A loss of both criteria is their sum, and so is its gradient", "[low rank]") {
    test::SampleModel sample;
    CalibrationSettings settings;
    settings.text = sample.page;
    settings.sequences = 2;
    settings.length = 32;
    auto text = readCalibrationText(sample.model, settings, sample.run.context);
    REQUIRE(text);
    const auto calibration = calibrate(sample.model, settings, sample.run.context);
    REQUIRE(calibration);
    const auto tensor = sample.model.weights->tensorOf("model.layers.5.mlp.down_proj.weight");
    REQUIRE(tensor);
    ModelWeight weight{{sample.checkpoint->tensors[*tensor].shape, sample.checkpoint->tensors[*tensor].name},
                       "model.layers.5.mlp.down_proj.weight",
                       sample.checkpoint->view(*tensor)};
    const auto access = makeModelAccess(sample.model, *text, *calibration, {weight}, {*tensor});
    REQUIRE(access);
    std::vector<float> values(static_cast<std::size_t>(elementCount(weight.subject.shape)));
    REQUIRE(decode(weight.weight, 0, values));
    for (std::size_t i = 0; i < values.size(); i += 3) values[i] *= 1.3F;
    const std::vector<std::int64_t> sequences{0, 1};
    LossRequest request;
    request.sequences = sequences;
    request.values.emplace(0, makeTensor(weight.subject.shape, values));
    request.wanted = {0};
    request.criterion = LossRequest::Criterion::KullbackLeibler;
    const auto divergence = (*access)->loss(request, sample.run.context);
    request.crossEntropy = 0.5;
    const auto both = (*access)->loss(request, sample.run.context);
    request.criterion = LossRequest::Criterion::CrossEntropy;
    request.crossEntropy = 0;
    const auto next = (*access)->loss(request, sample.run.context);
    REQUIRE((divergence && both && next));
    CHECK(divergence->loss > 0);
    CHECK(both->loss == Approx(divergence->loss + 0.5 * next->loss));
    for (std::size_t i = 0; i < values.size(); i += 97)
        CHECK(both->gradients.at(0)[i] ==
              Approx(divergence->gradients.at(0)[i] + 0.5F * next->gradients.at(0)[i]).epsilon(1e-3).margin(1e-6));
}
