// SPDX-License-Identifier: GPL-3.0-or-later
// The bundled language model is watched alike wherever its operators run. Single precision in another order of sums
// moves a value by some 1e-6 of its layer's size.
#include "engine/plan/calibrate.h"
#include "engine/plan/propagate.h"
#include "tests/conformance/backends.h"
#include "tests/unit/plan/sample_model.h"

using namespace qscope;
using namespace qscope::engine;

namespace {

/// Whether an operator was said to run on the CPU.
bool ranOnCpu(const RunContext& context, std::string_view op) {
    for (const Diagnostic& entry : context.notes.entries())
        if (entry.subject == op && entry.message.starts_with("runs on the CPU")) return true;
    return false;
}

} // namespace

TEST_CASE("Error propagation on a device is that on the CPU") {
    test::SampleModel sample;
    const auto quantized =
        sample.ran(sample.plan({"rtn:bits=3,group=64", "rtn:bits=8,group=64,activations=8"}, {"*.mlp.*"}));
    std::vector<const MethodResult*> methods;
    for (const auto& method : quantized->methods) methods.push_back(&method);
    PropagationSettings settings;
    settings.text = sample.page;
    settings.tokens = 8;
    settings.attribution = false;
    const auto here = propagate(sample.model, settings, methods, sample.run.context).value();
    test::onEveryDevice([&](ComputeBackend&, const RunContext& context) {
        const auto there = propagate(sample.model, settings, methods, context);
        if (!there) FAIL(describe(there.error()));
        for (std::size_t m = 0; m < methods.size(); ++m) {
            const auto &a = here->methods[m], &b = (*there)->methods[m];
            REQUIRE(a.layers.size() == b.layers.size());
            for (std::size_t i = 0; i < a.layers.size(); ++i)
                CHECK(b.layers[i].metrics.relativeMse == Approx(a.layers[i].metrics.relativeMse).epsilon(1e-3));
            CHECK(b.logits.relativeMse == Approx(a.logits.relativeMse).epsilon(1e-3));
            CHECK(b.logits.klDivergence == Approx(a.logits.klDivergence).epsilon(1e-3));
        }
        CHECK(ranOnCpu(context, "Gather"));
    });
}

TEST_CASE("Calibration on a device sees what it sees on the CPU") {
    test::SampleModel sample;
    CalibrationSettings settings;
    settings.text = sample.page;
    settings.sequences = 2;
    settings.length = 8;
    settings.secondMoments = "*.5.mlp.up_proj*";
    const auto here = calibrate(sample.model, settings, sample.run.context).value();
    test::onEveryDevice([&](ComputeBackend&, const RunContext& context) {
        const auto there = calibrate(sample.model, settings, context);
        if (!there) FAIL(describe(there.error()));
        REQUIRE((*there)->inputs.size() == here->inputs.size());
        for (const auto& [name, a] : here->inputs) {
            CAPTURE(name);
            const InputStatistics* b = (*there)->find(name);
            REQUIRE(b);
            REQUIRE(b->meanSquares.size() == a->meanSquares.size());
            double difference = 0, size = 0;
            for (std::size_t c = 0; c < a->meanSquares.size(); ++c) {
                difference += std::abs(static_cast<double>(a->meanSquares[c]) - static_cast<double>(b->meanSquares[c]));
                size += static_cast<double>(a->meanSquares[c]);
            }
            CHECK(difference < 1e-4 * size);
            CHECK(b->secondMoments.size() == a->secondMoments.size());
        }
    });
}
