// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/graph/builder.h"
#include "engine/nn/taps/quantize_activations.h"
#include "engine/plan/substituted_weights.h"
#include "engine/quant/forms.h"
#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"
#include "tests/unit/plan/sample_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;

namespace {

struct NamedWeights : nn::WeightSource {
    std::map<std::string, nn::Value, std::less<>> values;
    Result<nn::Value> weight(std::string_view name, Precision) const override { return values.find(name)->second; }
};

/// A row of inputs on the grid of one token, by the definition, in double.
std::vector<double> roundedToken(const std::vector<double>& x, int bits) {
    double largest = 0;
    for (const double value : x) largest = std::max(largest, std::abs(value));
    const double top = (1 << (bits - 1)) - 1, scale = largest / top;
    std::vector<double> rounded;
    for (const double value : x) rounded.push_back(scale > 0 ? std::nearbyint(value / scale) * scale : 0);
    return rounded;
}

std::vector<std::int32_t> permutation(std::size_t count, std::size_t stride) {
    std::vector<std::int32_t> order;
    for (std::size_t i = 0; i < count; ++i) order.push_back(static_cast<std::int32_t>(i * stride % count));
    return order;
}

} // namespace

TEST_CASE("A layer's inputs round behind their factors, and a bypass sees what rounding took", "[activations]") {
    constexpr std::size_t tokens = 5, channels = 6, outputs = 3, rank = 2;
    nn::GraphBuilder builder;
    const auto x = builder.input("x");
    const auto y = builder.add("Linear", "a", {x, builder.weight("a.weight")});
    builder.output(y);
    builder.output(builder.add("Linear", "b", {y, builder.weight("b.weight")}));
    const auto graph = builder.finish().value();
    const auto input = test::normalValues(tokens * channels, 1), a = test::normalValues(outputs * channels, 2);
    NamedWeights weights;
    weights.values["a.weight"] = nn::makeValue<float>({outputs, channels}, a);
    weights.values["b.weight"] = nn::makeValue<float>({3, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1});
    ActivationQuantization what;
    what.linearInputs = true;
    what.inputGrid = {3, true, ActivationScope::Token, 0};
    what.factors["a.weight"] = {0.5F, 2, 8, 1, 0.25F, 3};
    what.bypasses["a.weight"] = {rank, test::normalValues(outputs * rank, 3), test::normalValues(rank * channels, 4)};
    what.layers = {"a.weight"}; // and not b
    nn::QuantizeActivations quantizer(*graph, what);
    test::TestRun run;
    const auto given = {nn::makeValue<float>({1, tokens, channels}, input)};
    for (int again = 0; again < 2; ++again) { // one object serves several runs
        const auto result =
            nn::runGraph(*graph, std::vector<nn::Value>(given), weights, run.context, {Precision::Single, &quantizer});
        REQUIRE(result);
        const auto found = nn::elements<float>((*result)[0]), behind = nn::elements<float>((*result)[1]);
        CHECK(std::ranges::equal(found, behind));
        for (std::size_t t = 0; t < tokens; ++t) {
            std::vector<double> scaled;
            for (std::size_t c = 0; c < channels; ++c)
                scaled.push_back(static_cast<double>(input[t * channels + c]) /
                                 static_cast<double>(what.factors["a.weight"][c]));
            const auto rounded = roundedToken(scaled, 3);
            for (std::size_t o = 0; o < outputs; ++o) {
                double sum = 0;
                for (std::size_t c = 0; c < channels; ++c) {
                    const double exact = static_cast<double>(input[t * channels + c]);
                    const double seen = rounded[c] * static_cast<double>(what.factors["a.weight"][c]);
                    double low = 0;
                    for (std::size_t k = 0; k < rank; ++k)
                        low += static_cast<double>(what.bypasses["a.weight"].left[o * rank + k]) *
                               static_cast<double>(what.bypasses["a.weight"].right[k * channels + c]);
                    sum += static_cast<double>(a[o * channels + c]) * seen + low * (exact - seen);
                }
                CHECK(static_cast<double>(found[t * outputs + o]) == Approx(sum).epsilon(1e-4).margin(1e-4));
            }
        }
    }
}

TEST_CASE("Factors and low-rank parts are found wherever they stand in a result", "[activations]") {
    test::SampleModel sample;
    const auto tensor = sample.model.weights->tensorOf("model.layers.0.self_attn.k_proj.weight");
    REQUIRE(tensor);
    const Shape shape = sample.checkpoint->tensors[*tensor].shape;
    const MatrixShape matrix = asMatrix(shape);
    const auto rows = static_cast<std::size_t>(matrix.rows), columns = static_cast<std::size_t>(matrix.columns);
    const auto share = [](QuantizedTensor made) { return std::make_shared<const QuantizedTensor>(std::move(made)); };
    const auto positive = [&](unsigned seed) {
        auto values = test::normalValues(columns, seed);
        for (float& value : values) value = std::exp2(value);
        return values;
    };
    // From the inside: numbers, + low rank, columns scaled and moved, single values, + low rank, columns scaled.
    const auto build = [&](float lowRank) {
        AffineCodes codes;
        codes.bits = 1;
        codes.grouping = {matrix.rows, matrix.columns, 1, matrix.columns};
        codes.codes.assign(rows * columns, 1);
        codes.scales.assign(rows, 0.25F);
        codes.offsets.assign(rows, 0.5F);
        const auto sum = [&](QuantizedTensor base, std::int64_t rank, unsigned seed) {
            LowRankSum form;
            form.base = share(std::move(base));
            form.rank = rank;
            form.left = test::normalValues(rows * static_cast<std::size_t>(rank), seed, lowRank);
            form.right = test::normalValues(columns * static_cast<std::size_t>(rank), seed + 1);
            return tensorOf(shape, std::move(form));
        };
        ColumnTransformed inner;
        inner.base = share(sum(tensorOf(shape, std::move(codes)), 2, 10));
        inner.factors = positive(20);
        inner.order = permutation(columns, 5);
        WithOutliers single;
        single.base = share(tensorOf(shape, std::move(inner)));
        single.rowStart.assign(rows + 1, 0);
        ColumnTransformed outer;
        outer.base = share(sum(tensorOf(shape, std::move(single)), 1, 30));
        outer.factors = positive(40);
        return tensorOf(shape, std::move(outer));
    };
    const auto full = build(1);
    MethodResult method;
    method.activations.emplace();
    method.activations->linearInputs = true;
    method.tensors.push_back({*tensor, "k", 0, 0, {}, {}, share(full)});
    const auto plain = activationsOf(sample.model, method);
    REQUIRE(plain);
    CHECK(plain->bypasses.empty());
    REQUIRE(plain->layers);
    CHECK(*plain->layers == std::set<std::string, std::less<>>{"model.layers.0.self_attn.k_proj.weight"});
    const auto& factors = plain->factors.at("model.layers.0.self_attn.k_proj.weight");
    REQUIRE(factors.size() == columns);
    const auto near = positive(20), far = positive(40);
    for (std::size_t c = 0; c < columns; ++c) CHECK(factors[c] == Approx(1 / (near[c] * far[c])));

    method.activations->bypassLowRank = true;
    const auto bypassing = activationsOf(sample.model, method);
    const ActivationBypass& bypass = bypassing->bypasses.at("model.layers.0.self_attn.k_proj.weight");
    REQUIRE(bypass.rank == 3);
    const auto with = test::valuesOf(full), without = test::valuesOf(build(0));
    for (std::size_t i = 0; i < with.size(); ++i) {
        double product = 0;
        for (std::size_t k = 0; k < 3; ++k)
            product += static_cast<double>(bypass.left[i / columns * 3 + k]) *
                       static_cast<double>(bypass.right[k * columns + i % columns]);
        CHECK(product == Approx(static_cast<double>(with[i] - without[i])).epsilon(1e-3).margin(1e-3));
    }
}
