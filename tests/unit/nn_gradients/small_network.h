// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/gradients/reverse.h"
#include "engine/nn/graph/builder.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <map>
#include <string>

namespace qscope::test {

/// Weights that a test holds, as doubles; floats when asked for.
struct HeldWeights : engine::nn::WeightSource {
    std::map<std::string, engine::nn::Value, std::less<>> values;

    void put(const std::string& name, engine::Shape shape, unsigned seed, float deviation = 0.5F) {
        const auto drawn = normalValues(static_cast<std::size_t>(engine::elementCount(shape)), seed, deviation);
        values[name] = engine::nn::makeValue<double>(std::move(shape), {drawn.begin(), drawn.end()});
    }
    Result<engine::nn::Value> weight(std::string_view name, engine::Precision precision) const override {
        const auto found = values.find(name);
        if (found == values.end()) return fail(ErrorCode::OutOfRange, "there is no weight '{}'", name);
        return engine::nn::converted(found->second, engine::nn::dtypeOf(precision));
    }
};

/// A residual network of `blocks` blocks of two layers, width 8, and a cross-entropy over three classes. The first
/// layer's weight is used again in the last, as embeddings are.
struct SmallNetwork {
    explicit SmallNetwork(int blocks) {
        using engine::nn::ValueId;
        engine::nn::GraphBuilder builder;
        input = builder.input("x");
        targets = builder.input("targets");
        weights.put("tied", {8, 8}, 1);
        ValueId hidden = builder.add("Linear", "first", {input, builder.weight("tied")});
        for (int block = 0; block < blocks; ++block) {
            builder.setBlock(block);
            const std::string name = "block" + std::to_string(block);
            weights.put(name + ".up", {16, 8}, 10U + static_cast<unsigned>(block));
            weights.put(name + ".down", {8, 16}, 50U + static_cast<unsigned>(block));
            ValueId inner = builder.add("Linear", name + ".up", {hidden, builder.weight(name + ".up")});
            inner = builder.add("Gelu", name + ".act", {inner});
            inner = builder.add("Linear", name + ".down", {inner, builder.weight(name + ".down")});
            hidden = builder.add("Add", name + ".add", {hidden, inner});
            builder.rename(hidden, name + ".output");
            borders.push_back(hidden);
        }
        builder.setBlock(std::nullopt);
        hidden = builder.add("Linear", "tied_again", {hidden, builder.weight("tied")});
        weights.put("head", {3, 8}, 2);
        logits = builder.add("Linear", "head", {hidden, builder.weight("head")});
        loss = builder.add("CrossEntropy", "loss", {logits, targets});
        builder.output(loss);
        graph = *builder.finish();
        const auto drawn = normalValues(6 * 8, 3);
        given = {{input, engine::nn::makeValue<double>({6, 8}, {drawn.begin(), drawn.end()})},
                 {targets, engine::nn::makeValue<std::int64_t>({6}, {0, 1, 2, 1, 0, 2})}};
    }

    [[nodiscard]] engine::nn::ValueId edge(std::string_view name) const { return *graph->find(name); }

    HeldWeights weights;
    std::shared_ptr<const engine::nn::Graph> graph;
    engine::nn::ValueId input, targets, logits, loss;
    std::vector<engine::nn::ValueId> borders;
    std::vector<std::pair<engine::nn::ValueId, engine::nn::Value>> given;
};

} // namespace qscope::test
