// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/activations.h"

#include "tests/unit/plan/sample_model.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;

TEST_CASE("Attention maps are causal probabilities, and norms multiply to their outputs") {
    test::SampleModel sample;
    ActivationSettings settings;
    settings.text = sample.page;
    settings.tokens = 24;
    settings.layers = {1, 4};
    settings.edges = "model.layers.0.output|model.layers.1.input_layernorm.output";
    const auto maps = recordActivations(sample.model, settings, sample.run.context);
    REQUIRE(maps);
    REQUIRE((*maps)->tokens.size() == 24);
    REQUIRE((*maps)->attention.size() == 2);
    CHECK((*maps)->attention[1].layer == 4);
    for (const AttentionMap& map : (*maps)->attention) {
        REQUIRE(map.heads == 8);
        REQUIRE(map.queries == 24);
        REQUIRE(map.keys == 24);
        for (std::size_t row = 0; row < 8 * 24; ++row) {
            double sum = 0;
            for (std::size_t key = 0; key < 24; ++key) {
                const float p = map.probabilities[row * 24 + key];
                if (key > row % 24) CHECK(p == 0);
                sum += static_cast<double>(p);
            }
            CHECK(sum == Approx(1).epsilon(1e-5));
        }
    }
    REQUIRE((*maps)->norms.size() == 4);
    const NormScales& norm = (*maps)->norms[0];
    CHECK(norm.module == "model.layers.1.input_layernorm");
    REQUIRE((*maps)->edges.size() == 2);
    const ActivationMap& before = (*maps)->edges[0];
    const ActivationMap& after = (*maps)->edges[1];
    REQUIRE(before.values.size() == 24 * 256);
    REQUIRE(norm.rows.size() == 24);
    REQUIRE(norm.channels.size() == 256);
    for (std::size_t i = 0; i < before.values.size(); ++i)
        CHECK(after.values[i] ==
              Approx(before.values[i] * norm.rows[i / 256] * norm.channels[i % 256]).epsilon(1e-4).margin(1e-6));
    settings.tokens = 0;
    CHECK(recordActivations(sample.model, settings, sample.run.context).error().code == ErrorCode::OutOfRange);
}
