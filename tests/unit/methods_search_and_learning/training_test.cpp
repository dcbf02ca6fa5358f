// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/block_reconstruction.h"
#include "tests/unit/plan/sample_access.h"

#include <algorithm>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

/// The values themselves are learned.
class FreeWeight final : public LearnedWeight {
public:
    FreeWeight(std::string name, std::vector<float> values)
        : m_name(std::move(name))
        , m_values(std::move(values))
        , m_gradient(m_values.size()) {}
    Result<std::vector<float>> values(const Moment&, const RunContext&) override { return m_values; }
    Result<double> take(std::span<const float> gradient, const Moment&, const RunContext&) override {
        m_gradient.assign(gradient.begin(), gradient.end());
        return 0;
    }
    std::vector<LearnedNumbers> learned() override { return {{{m_name, m_values, m_gradient}, 0}}; }
    Result<QuantizedTensor> finished(const RunContext&) override { return fail(ErrorCode::Unsupported, "not used"); }

private:
    std::string m_name;
    std::vector<float> m_values, m_gradient;
};

Training blockTraining(int block, std::int64_t steps) {
    Training training;
    training.steps = steps;
    training.batch = 2;
    training.seed = 4;
    LossTerm term;
    term.request.first = block;
    term.request.last = block;
    training.terms.push_back(term);
    optimize::Schedule schedule;
    schedule.rate = 1e-3;
    training.rates.push_back({std::make_shared<optimize::Adam>(), schedule});
    return training;
}

} // namespace

TEST_CASE("Sequences come in a seeded order, each once before any comes again") {
    SequenceOrder order(7, 3), same(7, 3), other(7, 4);
    std::vector<std::int64_t> first = order.next(7);
    CHECK(first == same.next(7));
    CHECK(first != other.next(7));
    const auto second = order.next(7);
    CHECK(second != first);
    std::ranges::sort(first);
    CHECK(first == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6});
    CHECK(SequenceOrder(2, 1).next(5).size() == 5);
}

TEST_CASE("Training a block's weights away from where they should be leads back, and stops when it no longer helps") {
    SampleAccess sample(*makeSafetensorsReader(), QSCOPE_SOURCE_DIR "/resources/samples/bard",
                        QSCOPE_SOURCE_DIR "/resources/samples/bard/page.txt");
    const std::size_t index = sample.weight("model.layers.1.mlp.up_proj.weight");
    std::vector<float> moved = sample.valuesOf(index);
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += i % 2 == 0 ? 0.01F : -0.01F;
    LearnedWeights weights;
    weights.emplace(index, std::make_unique<FreeWeight>("w", moved));
    sample.run.progress.done = 0;
    const auto curve = train(*sample.access, weights, blockTraining(1, 20), sample.run.context);
    REQUIRE(curve);
    CHECK(curve->losses.size() == 20);
    CHECK(curve->last() < 0.2 * curve->first());
    CHECK(sample.run.progress.done == 20);

    Training patient = blockTraining(1, 60);
    patient.rates[0].schedule.rate = 0; // nothing moves
    patient.patience = 5;
    const auto stopped = train(*sample.access, weights, patient, sample.run.context);
    REQUIRE(stopped);
    CHECK(stopped->losses.size() == 10); // five to compare with, five that are no better
    CHECK(sample.run.progress.done == 80);

    sample.run.stop.request_stop();
    const auto cancelled = train(*sample.access, weights, blockTraining(1, 20), sample.run.context);
    REQUIRE_FALSE(cancelled);
    CHECK(cancelled.error().code == ErrorCode::Cancelled);
}
