// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/gguf_blocks/block_method.h"

#include "engine/core/mapped_file.h"
#include "engine/core/random.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace qscope;
using namespace qscope::engine;

namespace {

const QuantMethod& method(std::string_view id) {
    static const auto methods = makeBlockMethods();
    const auto found = std::find_if(methods.begin(), methods.end(), [&](const auto& m) { return m->info().id == id; });
    REQUIRE(found != methods.end());
    return **found;
}

/// Independent normal numbers (Box-Muller).
std::vector<float> gaussian(std::size_t count) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i)
        values[i] = static_cast<float>(std::sqrt(-2 * std::log(1 - uniform(3, 0, i))) * std::cos(6.283185307179586 * uniform(3, 1, i)));
    return values;
}

double relativeError(const std::vector<float>& weights, const QuantizedTensor& quantized) {
    std::vector<float> decoded(weights.size());
    REQUIRE(dequantize(quantized, 0, decoded));
    double difference = 0;
    double reference = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        difference += std::pow(static_cast<double>(weights[i]) - static_cast<double>(decoded[i]), 2);
        reference += std::pow(static_cast<double>(weights[i]), 2);
    }
    return std::sqrt(difference / reference);
}

/// The single-precision values of a version 1 NumPy file.
std::vector<float> readNpy(const std::filesystem::path& path) {
    const auto file = MappedFile::open(path);
    REQUIRE(file);
    const auto bytes = (*file)->bytes();
    const auto header = static_cast<std::size_t>(bytes[8]) + 256 * static_cast<std::size_t>(bytes[9]);
    std::vector<float> values((bytes.size() - 10 - header) / 4);
    std::memcpy(values.data(), bytes.data() + 10 + header, 4 * values.size());
    return values;
}

} // namespace

TEST_CASE("block formats cost exactly their bits per weight", "[quant]") {
    test::TestRun run;
    const auto weights = gaussian(4 * 512);
    const std::pair<const char*, double> formats[] = {{"q4_0", 4.5}, {"q8_0", 8.5}, {"q4_k", 4.5}, {"q6_k", 6.5625}};
    for (const auto& [id, bits] : formats) {
        const auto quantized = method(id).quantize(inputOf(makeTensor({4, 512}, weights)), {}, 0, run.context);
        REQUIRE(quantized);
        CHECK(bitsPerWeight(*method(id).outline({{4, 512}}, {})) == bits);
        CHECK(static_cast<double>(storedBits(*quantized)) == bits * 4 * 512);
    }
    CHECK(run.progress.done == 4 * 4 * 512);
}

TEST_CASE("rows that are no whole number of blocks are refused with the sizes that fit", "[quant]") {
    CHECK(method("q4_0").outline({{3, 64}}, {}));
    CHECK(method("q4_k").outline({{2, 2, 512}}, {}));
    const auto small = method("q4_0").outline({{64, 172}}, {});
    REQUIRE_FALSE(small);
    CHECK(small.error().code == ErrorCode::Unsupported);
    CHECK(small.error().message == "Q4_0 takes rows of a multiple of 32 weights, this tensor's have 172");
    CHECK_FALSE(method("q4_k").outline({{4, 384}}, {}));
    CHECK_FALSE(method("q6_k").outline({{256, 32}}, {}));
    CHECK_FALSE(method("q8_0").outline({{0, 32}}, {}));
}

TEST_CASE("Q4_0 and Q8_0 give the reference encoder's bytes on real weights", "[quant]") {
    test::TestRun run;
    for (const char* source : {"retsim", "mnistfc"}) {
        const auto input = test::realData(fmt::format("quant-kat/{}.input.npy", source));
        if (!input) return;
        const auto weights = readNpy(*input);
        for (const char* id : {"q4_0", "q8_0"}) {
            INFO(source << " " << id);
            const auto quantized = method(id).quantize(inputOf(makeTensor({32, 512}, weights)), {}, 0, run.context);
            REQUIRE(quantized);
            const auto expected = MappedFile::open(input->parent_path() / fmt::format("{}.{}.blocks.bin", source, id));
            REQUIRE(expected);
            const auto& bytes = std::get<BlockCodes>(quantized->codes).bytes;
            CHECK(std::equal(bytes.begin(), bytes.end(), (*expected)->bytes().begin(), (*expected)->bytes().end()));
        }
    }
}

TEST_CASE("block formats are as accurate on Gaussian weights as the reference encoders", "[quant]") {
    test::TestRun run;
    const auto weights = gaussian(256 * 1024);
    // formats.md, section 11: relative error (root of the mean square) of the reference encoders.
    const std::pair<const char*, double> formats[] = {{"q4_0", 0.0860}, {"q8_0", 0.00535}, {"q4_k", 0.0713}, {"q6_k", 0.0178}};
    for (const auto& [id, expected] : formats) {
        INFO(id);
        const auto quantized = method(id).quantize(inputOf(makeTensor({256, 1024}, weights)), {}, 0, run.context);
        REQUIRE(quantized);
        const double error = relativeError(weights, *quantized);
        CHECK(error < 1.01 * expected);
        CHECK(error > 0.85 * expected);
    }
}

TEST_CASE("block formats refuse weights that are not finite and stop when asked", "[quant]") {
    test::TestRun run;
    auto weights = gaussian(512);
    weights[300] = std::nanf("");
    const auto refused = method("q8_0").quantize(inputOf(makeTensor({2, 256}, weights)), {}, 0, run.context);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("row 1, column 44 is NaN") == 0);
    run.stop.request_stop();
    CHECK(method("q8_0").quantize(inputOf(makeTensor({2, 256}, gaussian(512))), {}, 0, run.context).error().code == ErrorCode::Cancelled);
}

TEST_CASE("importance reaches the encoder, each column's in every row", "[quant]") {
    test::TestRun run;
    const std::vector<float> weights = gaussian(6 * 512);
    std::vector<float> importance(512, 1.f);
    for (std::size_t i = 0; i < importance.size(); i += 3) importance[i] = 50;
    for (const char* id : {"q4_1", "q3_k", "iq4_xs"}) {
        CAPTURE(id);
        QuantInput input = inputOf(makeTensor({6, 512}, weights));
        const auto plain = method(id).quantize(input, {}, 0, run.context);
        input.importance = importance;
        const auto weighted = method(id).quantize(input, {}, 0, run.context);
        REQUIRE((plain && weighted));
        const auto error = [&](const QuantizedTensor& quantized) {
            std::vector<float> decoded(weights.size());
            REQUIRE(dequantize(quantized, 0, decoded));
            double sum = 0;
            for (std::size_t i = 0; i < weights.size(); ++i)
                sum += static_cast<double>(importance[i % 512]) * std::pow(static_cast<double>(decoded[i] - weights[i]), 2);
            return sum;
        };
        CHECK(error(*weighted) < 0.9 * error(*plain));
        input.importance = std::span(importance).first(256);
        const auto wrong = method(id).quantize(input, {}, 0, run.context);
        REQUIRE_FALSE(wrong);
        CHECK(wrong.error().code == ErrorCode::OutOfRange);
    }
}
