// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn_gradients/small_network.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::nn;
using test::SmallNetwork;

namespace {

Gradients found(const SmallNetwork& network, const std::vector<ValueId>& wanted, DifferentiableObserver* observer,
                bool recompute = false) {
    test::TestRun run;
    auto result = gradients(*network.graph, {network.given, network.loss, {}, wanted}, network.weights, run.context,
                            {Precision::Double, observer, recompute});
    if (!result) FAIL(result.error().message);
    return *std::move(result);
}

template<class F>
Value mapped(const Value& value, F f) {
    std::vector<double> values(elements<double>(value).begin(), elements<double>(value).end());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = f(values[i], i);
    return makeValue<double>(value.shape(), std::move(values));
}

std::vector<double> listOf(const Value& value) {
    return {elements<double>(value).begin(), elements<double>(value).end()};
}

double roundTo(double x, double scale) { return scale * std::nearbyint(x / scale); }

EdgeFunction rounding(double scale) {
    return {[scale](Value value) -> Result<Value> {
        return mapped(value, [&](double x, std::size_t) { return roundTo(x, scale); });
    }};
}

} // namespace

TEST_CASE("Straight through a quantized weight comes the gradient at the quantized values") {
    SmallNetwork network(2);
    const ValueId weight = network.edge("block0.up");
    EdgeFunctions quantizers;
    quantizers.put(weight, rounding(0.25));
    const Gradients through = found(network, {weight, network.input}, &quantizers);
    SmallNetwork rounded(2);
    rounded.weights.values["block0.up"] =
        mapped(rounded.weights.values["block0.up"], [](double x, std::size_t) { return roundTo(x, 0.25); });
    const Gradients expected = found(rounded, {weight, network.input}, nullptr);
    CHECK(through.loss == expected.loss);
    CHECK(listOf(through.of.at(weight)) == listOf(expected.of.at(weight)));
    CHECK(listOf(through.of.at(network.input)) == listOf(expected.of.at(network.input)));
    CHECK(through.loss != found(network, {}, nullptr).loss);
}

TEST_CASE("A clipped identity stops the gradient outside of the quantizer's range") {
    SmallNetwork network(2);
    const ValueId weight = network.edge("block0.up");
    EdgeFunctions quantizers;
    EdgeFunction clipping = rounding(0.25);
    clipping.forward = [](Value value) -> Result<Value> {
        return mapped(value, [](double x, std::size_t) { return std::clamp(roundTo(x, 0.25), -0.5, 0.5); });
    };
    quantizers.put(weight, clipping);
    const Gradients all = found(network, {weight}, &quantizers);
    clipping.backward = [](const Value& original, const Value& gradient) {
        return clippedIdentity(original, gradient, -0.5, 0.5);
    };
    quantizers.put(weight, clipping);
    const Gradients inside = found(network, {weight}, &quantizers);
    const auto x = listOf(network.weights.values["block0.up"]);
    std::size_t outside = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const bool beyond = std::abs(x[i]) > 0.5;
        outside += beyond ? 1 : 0;
        CHECK(listOf(inside.of.at(weight))[i] == (beyond ? 0 : listOf(all.of.at(weight))[i]));
    }
    CHECK(outside > 10);
}

TEST_CASE("A quantizer's scale learns from the gradient that passes it") {
    // Learned step sizes (Esser et al., 2020, equation 3): ds = sum g (round(x / s) - x / s).
    SmallNetwork network(2);
    const ValueId edge = network.edge("block1.act.output");
    for (const bool recompute : {false, true}) {
        double scaleGradient = 0;
        std::vector<double> x, g;
        EdgeFunction learned = rounding(0.1);
        learned.learns = true;
        learned.backward = [&](const Value& original, Value gradient) -> Result<Value> {
            x = listOf(original);
            g = listOf(gradient);
            for (std::size_t i = 0; i < x.size(); ++i)
                scaleGradient += g[i] * (std::nearbyint(x[i] / 0.1) - x[i] / 0.1);
            return gradient;
        };
        EdgeFunctions quantizers;
        quantizers.put(edge, learned);
        (void)found(network, {}, &quantizers, recompute); // nothing else is wanted
        REQUIRE(x.size() == 6 * 16);
        // Against the loss when only the codes times the scale move, the codes standing still.
        const auto lossAt = [&](double scale) {
            EdgeFunctions moved;
            moved.put(edge, {[&](Value value) -> Result<Value> {
                          return mapped(value, [&](double v, std::size_t) { return scale * std::nearbyint(v / 0.1); });
                      }});
            return found(network, {}, &moved).loss;
        };
        double codes = 0;
        for (std::size_t i = 0; i < x.size(); ++i) codes += g[i] * std::nearbyint(x[i] / 0.1);
        CHECK(codes == Approx((lossAt(0.1 + 1e-6) - lossAt(0.1 - 1e-6)) / 2e-6).epsilon(1e-6));
        double positions = 0;
        for (std::size_t i = 0; i < x.size(); ++i) positions += g[i] * x[i] / 0.1;
        CHECK(scaleGradient == Approx(codes - positions));
    }
}

TEST_CASE("Learned rounding has the gradient of its logits") {
    // AdaRound (Nagel et al., 2020): w' = s (floor(w / s) + h(v)) with h = clamp(1.2 sigmoid(v) - 0.1, 0, 1).
    constexpr double kScale = 0.2;
    SmallNetwork network(2);
    const ValueId weight = network.edge("block0.down");
    const auto drawn = test::normalValues(128, 7);
    const std::vector<double> start(drawn.begin(), drawn.end());
    const auto h = [](double v) { return std::clamp(1.2 / (1 + std::exp(-v)) - 0.1, 0.0, 1.0); };
    const auto softly = [&](const std::vector<double>& logits) {
        return [&, logits](Value value) -> Result<Value> {
            return mapped(value,
                          [&](double w, std::size_t i) { return kScale * (std::floor(w / kScale) + h(logits[i])); });
        };
    };
    std::vector<double> gradient(128);
    EdgeFunctions rounding;
    rounding.put(weight, {softly(start),
                          [&](const Value&, Value arrived) -> Result<Value> {
                              for (std::size_t i = 0; i < gradient.size(); ++i) {
                                  const double s = 1 / (1 + std::exp(-start[i]));
                                  const double open = h(start[i]) > 0 && h(start[i]) < 1 ? 1.2 * s * (1 - s) : 0;
                                  gradient[i] = listOf(arrived)[i] * kScale * open;
                              }
                              return arrived;
                          },
                          true});
    (void)found(network, {}, &rounding, true);
    for (std::size_t i = 0; i < 128; i += 9) {
        const auto lossAt = [&](double by) {
            auto logits = start;
            logits[i] += by;
            EdgeFunctions moved;
            moved.put(weight, {softly(logits)});
            return found(network, {}, &moved).loss;
        };
        CHECK(gradient[i] == Approx((lossAt(6e-6) - lossAt(-6e-6)) / 1.2e-5).epsilon(1e-6).margin(1e-9));
    }
}

TEST_CASE("A transform across two edges learns, and leaves the network's function alone") {
    // Scales between an activation and the weight that follows (SmoothQuant, Xiao et al., 2023): x / s and w s.
    SmallNetwork network(2);
    const ValueId x = network.borders[0];
    const ValueId weight = network.edge("block1.up");
    const auto column = [](std::size_t i) { return 1 + 0.1 * static_cast<double>(i % 8); };
    struct Smoothing : DifferentiableObserver {
        bool wants(const Graph&, ValueId edge) override { return edge == weight; }
        Result<Value> value(const Graph&, ValueId, Value value) override {
            return mapped(value, [&](double w, std::size_t i) { return w * scales[i % 8]; });
        }
        bool learns(const Graph&, ValueId) override { return true; }
        Result<Value> valueGradient(const Graph&, ValueId, const Value& original, Value gradient) override {
            for (std::size_t i = 0; i < 128; ++i) gradients[i % 8] += listOf(gradient)[i] * listOf(original)[i];
            return mapped(gradient, [&](double g, std::size_t i) { return g * scales[i % 8]; });
        }
        // The residual stream goes past the block too: only this node sees it scaled.
        bool wantsUse(const Graph&, const Node& node, std::size_t input) override {
            return node.name == "block1.up" && input == 0;
        }
        Result<Value> use(const Graph&, const Node&, std::size_t, Value value) override {
            return mapped(value, [&](double v, std::size_t i) { return v / scales[i % 8]; });
        }
        bool learnsUse(const Graph&, const Node&, std::size_t) override { return true; }
        Result<Value> useGradient(const Graph&, const Node&, std::size_t, const Value& original,
                                  Value gradient) override {
            for (std::size_t i = 0; i < 48; ++i)
                gradients[i % 8] -= listOf(gradient)[i] * listOf(original)[i] / (scales[i % 8] * scales[i % 8]);
            return mapped(gradient, [&](double g, std::size_t i) { return g / scales[i % 8]; });
        }
        ValueId weight = kAbsent;
        std::vector<double> scales;
        std::vector<double> gradients = std::vector<double>(8);
    };
    Smoothing smoothing;
    smoothing.weight = weight;
    for (std::size_t i = 0; i < 8; ++i) smoothing.scales.push_back(column(i));
    const std::vector<ValueId> wanted{weight, x, network.input, network.edge("tied")};
    const Gradients scaled = found(network, wanted, &smoothing);
    const Gradients plain = found(network, wanted, nullptr);
    CHECK(scaled.loss == Approx(plain.loss).epsilon(1e-12));
    for (const ValueId edge : wanted)
        for (std::size_t i = 0; i < listOf(plain.of.at(edge)).size(); ++i)
            CHECK(listOf(scaled.of.at(edge))[i] == Approx(listOf(plain.of.at(edge))[i]).epsilon(1e-9).margin(1e-12));
    // The function does not depend on the scales: both parts of their gradient cancel.
    for (const double gradient : smoothing.gradients) CHECK(std::abs(gradient) < 1e-12);
}

TEST_CASE("Observers that only watch leave gradients as they are") {
    struct Watching : DifferentiableObserver {
        bool wants(const Graph&, ValueId) override { return true; }
        Result<Value> value(const Graph&, ValueId, Value value) override {
            ++seen;
            return value;
        }
        int seen = 0;
    };
    SmallNetwork network(2);
    Watching watching;
    const std::vector<ValueId> wanted{network.edge("tied"), network.input, network.borders[0]};
    const Gradients watched = found(network, wanted, &watching);
    const Gradients plain = found(network, wanted, nullptr);
    CHECK(watching.seen > 10);
    for (const ValueId edge : wanted) CHECK(listOf(watched.of.at(edge)) == listOf(plain.of.at(edge)));
}
