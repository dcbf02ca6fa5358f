// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "plugins/extreme/extreme_methods.h"
#include "plugins/extreme/ternary_dictionary.h"
#include "tests/unit/methods_extreme/extreme_runs.h"

#include <queue>
#include <random>
#include <set>
#include <string>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kMethod = makeQmoe();

/// The dictionary as its paper has it: from a heap, the most probable first; a character per pair.
std::set<std::string> dictionaryByHeap(std::size_t words, double zero) {
    const double logZero = std::log(zero), logOther = std::log((1 - zero) / 2);
    // Negative logarithm in steps that make equal probabilities compare equal, then the sequence.
    struct Entry {
        std::int64_t cost;
        std::string sequence;
        bool operator<(const Entry& other) const { // the queue's largest is the next
            return cost != other.cost ? cost > other.cost : sequence > other.sequence;
        }
    };
    const auto costOf = [&](const std::string& sequence) {
        double sum = 0;
        for (const char pair : sequence)
            for (const int digit : {pair % 3, pair / 3}) sum -= digit == 0 ? logZero : logOther;
        return std::llround(sum * 1e9);
    };
    std::priority_queue<Entry> heap;
    const auto grow = [&](const std::string& from) {
        for (char pair = 0; pair < 9; ++pair) heap.push({costOf(from + pair), from + pair});
    };
    grow("");
    std::set<std::string> found;
    while (found.size() < words) {
        const Entry entry = heap.top();
        heap.pop();
        found.insert(entry.sequence);
        if (entry.sequence.size() < 14) grow(entry.sequence);
    }
    return found;
}

std::vector<std::uint8_t> randomDigits(std::size_t count, double zero, unsigned seed) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> uniform(0, 1);
    std::vector<std::uint8_t> digits(count);
    for (auto& digit : digits) {
        const double u = uniform(generator);
        digit = u < zero ? std::uint8_t{0} : u < zero + (1 - zero) / 2 ? std::uint8_t{1} : std::uint8_t{2};
    }
    return digits;
}

} // namespace

TEST_CASE("QMoE's dictionary has the lengths that are known", "[extreme]") {
    const TernaryDictionary dictionary;
    const std::vector<std::int64_t> known{9,    65,   233,  577,   1161,  2049, 3305,
                                          4993, 7177, 9921, 13289, 17345, 3843, 1569};
    for (int pairs = 1; pairs <= 14; ++pairs)
        CHECK(dictionary.wordsOf(pairs) == known[static_cast<std::size_t>(pairs - 1)]);
}

TEST_CASE("QMoE's dictionary holds the words that a heap finds", "[extreme]") {
    constexpr std::size_t kWords = 3000; // ends within one kind of sequence
    const TernaryDictionary dictionary(0.885, kWords);
    const auto found = dictionaryByHeap(kWords, 0.885);
    const auto bytes = [](const std::string& text) { return std::vector<std::uint8_t>(text.begin(), text.end()); };
    std::int64_t total = 0;
    for (int pairs = 1; pairs <= 14; ++pairs) total += dictionary.wordsOf(pairs);
    CHECK(total == static_cast<std::int64_t>(kWords));
    for (const std::string& word : found) {
        REQUIRE(dictionary.holds(bytes(word)));
        if (word.size() >= 14) continue;
        for (char pair = 0; pair < 9; ++pair)
            REQUIRE(dictionary.holds(bytes(word + pair)) == found.contains(word + pair));
    }
}

TEST_CASE("QMoE's code takes the words that are known", "[extreme]") {
    const TernaryDictionary dictionary;
    CHECK(dictionary.wordsFor(std::vector<std::uint8_t>(3072, 0)) == 110);
    CHECK(dictionary.wordsFor(std::vector<std::uint8_t>(29, 0)) == 2); // an odd row
    for (const auto& [zero, bits] : {std::pair{0.885, 0.739}, {0.80, 1.125}, {0.95, 0.592}, {1.0 / 3, 4.14}}) {
        std::int64_t words = 0;
        for (unsigned row = 0; row < 20; ++row) words += dictionary.wordsFor(randomDigits(3072, zero, row));
        CHECK(16 * static_cast<double>(words) / (20 * 3072) == Approx(bits).epsilon(0.02));
    }
}

TEST_CASE("QMoE on inputs that are not correlated is the row's three levels, and counts its words", "[extreme]") {
    test::TestRun run;
    InputStatistics statistics;
    statistics.channels = 4;
    statistics.tokens = 9;
    statistics.secondMoments.assign(16, 0);
    for (std::size_t c = 0; c < 4; ++c) statistics.secondMoments[c * 4 + c] = 2;
    const TensorView weight = makeTensor({2, 4}, {-1, 0.75F, 2, 1.5F, 0, 0, 0, 0});
    QuantInput input = inputOf(weight);
    input.subject.hasCalibration = true;
    input.calibration = &statistics;
    const auto made = kMethod->quantize(input, test::parametersFor(*kMethod, "qmoe"), 0, run.context);
    REQUIRE(made);
    CHECK(test::valuesOf(*made) == std::vector<float>{-1, 0, 2, 2, 0, 0, 0, 0});
    // Two pairs per row. (lo, 0), (hi, hi) has three non-zeros and is a word; so has (0, 0).
    CHECK(storedBits(*made) == 2 * 16 + 2 * 64);
}

TEST_CASE("QMoE's correction beats rounding to the same levels on correlated inputs", "[extreme]") {
    test::TestRun run;
    constexpr std::int64_t rows = 24, columns = 48;
    const test::CorrelatedInputs inputs(columns);
    const auto values = test::normalValues(rows * columns, 31);
    const TensorView weight = makeTensor({rows, columns}, values);
    const auto parameters = test::parametersFor(*kMethod, "qmoe");
    const auto made = kMethod->quantize(inputs.inputOf(weight), parameters, 0, run.context);
    REQUIRE(made);
    InputStatistics silent = inputs.statistics;
    silent.tokens = 0;
    QuantInput plain = inputs.inputOf(weight);
    plain.calibration = &silent;
    const auto rounded = kMethod->quantize(plain, parameters, 0, run.context);
    REQUIRE(rounded);
    CHECK(inputs.loss(test::valuesOf(*made), values) < 0.7 * inputs.loss(test::valuesOf(*rounded), values));
    const ThreadLimit limit(1);
    CHECK(test::valuesOf(*kMethod->quantize(inputs.inputOf(weight), parameters, 0, run.context)) ==
          test::valuesOf(*made));
    CHECK_FALSE(kMethod->quantize(inputOf(weight), parameters, 0, run.context));
}
