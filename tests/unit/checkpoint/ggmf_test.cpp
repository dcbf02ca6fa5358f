// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/array_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

std::shared_ptr<const Checkpoint> openReal(const std::filesystem::path& path) {
    Diagnostics notes;
    CHECK(makeGgmfReader()->recognises(path));
    const auto opened = makeGgmfReader()->open(path, {}, notes);
    if (!opened) FAIL(describe(opened.error()));
    return *opened;
}

std::vector<double> values(const Checkpoint& checkpoint, std::size_t tensor) {
    std::vector<double> read(static_cast<std::size_t>(elementCount(checkpoint.tensors[tensor].shape)));
    REQUIRE(decode(checkpoint.view(tensor), 0, std::span(read)));
    return read;
}

} // namespace

TEST_CASE("a ggmf file's parameters are listed with their axes the right way round") {
    const auto opened = openBytes(*makeGgmfReader(), sampleGgmf());
    if (!opened) FAIL(describe(opened.error()));
    const Checkpoint& file = **opened;
    CHECK(inconsistency(file).empty());
    CHECK(file.architecture == "rwkv4");
    REQUIRE(file.config);
    CHECK(file.config->vocabulary == 3);
    CHECK(file.config->width == 32);
    CHECK(file.config->layers == 1);
    REQUIRE(file.tensors.size() == 3);
    CHECK(file.tensors[0].shape == Shape{3, 32});
    CHECK(values(file, 0)[35] == 35);
    CHECK(file.tensors[2].dtype == DType::Q4_0);
    CHECK(layerIndex(file.tensors[2].name) == 0);
}

TEST_CASE("each rule of ggmf files refuses the file that breaks it") {
    using enum ErrorCode;
    const auto expect = [](const std::string& bytes, ErrorCode code, const std::string& says) {
        INFO(says);
        const auto opened = openBytes(*makeGgmfReader(), bytes);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == code);
        CHECK_THAT(describe(opened.error()), Catch::Contains(says));
    };
    const auto one = [](std::string_view name, const std::vector<std::int32_t>& sizes, std::int32_t type, std::size_t bytes, std::uint32_t version = 101) {
        Bytes file = ggmfStart(version);
        putGgmfTensor(file, name, sizes, type, std::string(bytes, '\0'));
        return file.data;
    };
    REQUIRE(openBytes(*makeGgmfReader(), one("w", {4, 2}, 0, 32)));
    REQUIRE(openBytes(*makeGgmfReader(), one("w", {4, 2}, 1, 16, 100)));
    expect("", Malformed, "bytes needed");
    expect("xxxxxxxxxxxxxxxxxxxxxxxxxxxx", Malformed, "no ggmf file");
    expect(ggmfStart(1).data, Unsupported, "version 1");
    expect(ggmfStart(102).data, Unsupported, "version 102");
    expect(ggmfStart(101, 4).data, Unsupported, "data type 4");
    expect(ggmfStart(100, 2).data, Unsupported, "Q4_0 in the layout before version 101");
    expect(one("w", {32}, 7, 22, 100), Unsupported, "Q5_0 in the layout before");
    expect(one("w", {4}, 3, 16), Malformed, "no whole number of blocks");
    expect(one("w", {4, 8}, 2, 18), Malformed, "rows are no whole number");
    expect(one("w", {4}, 0, 15), Malformed, "parameter at offset 24");
    expect(one("w", {4}, 0, 17), Malformed, "parameter at offset 57");
    expect(one("w", {-4}, 0, 16), Malformed, "negative");
    expect(one("w", {2147483647, 2147483647, 2147483647}, 0, 16), Malformed, "overflows");
    expect(one("w", {1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, 4), Malformed, "9 axes");
    expect(one("", {1}, 0, 4), Malformed, "name");
    expect(one("emb.weight", {4, 2}, 0, 32), Malformed, "'emb.weight' is not of the header's 3 x 32");
    expect(one("w", {4, 2}, 0, 32) + one("w", {4, 2}, 0, 32).substr(24), Malformed, "'w' appears twice");
    std::string bytes = ggmfStart().data;
    bytes[8] = 0; // the vocabulary
    expect(bytes, Malformed, "size of 0");
}

TEST_CASE("the real RWKV files agree within the precision of their types") {
    const auto single = realData("llm-rwkv/tiny-rwkv-4v0-660K-FP32.bin");
    if (!single) return;
    const auto reference = openReal(*single);
    CHECK(reference->config->vocabulary == 256);
    for (const char* name : {"FP16", "Q5_0", "Q5_1"}) {
        INFO(name);
        const auto path = realData(fmt::format("llm-rwkv/tiny-rwkv-4v0-660K-{}.bin", name));
        REQUIRE(path);
        const auto other = openReal(*path);
        REQUIRE(other->tensors.size() == reference->tensors.size());
        for (std::size_t i = 0; i < other->tensors.size(); ++i) {
            INFO(other->tensors[i].name);
            const auto found = reference->find(other->tensors[i].name);
            REQUIRE(found);
            CHECK(reference->tensors[*found].shape == other->tensors[i].shape);
            const DType type = other->tensors[i].dtype;
            if (!canDecode(type)) continue;
            const auto exact = values(*reference, *found), rounded = values(*other, i);
            double error = 0, power = 0;
            for (std::size_t k = 0; k < exact.size(); ++k) {
                error += (exact[k] - rounded[k]) * (exact[k] - rounded[k]);
                power += exact[k] * exact[k];
                // Half precision rounds to 11 bits, and to 2^-25 below its normal numbers.
                if (type == DType::F16 && std::abs(exact[k] - rounded[k]) > std::abs(exact[k]) * 0x1p-11 + 0x1p-25) FAIL("element " << k);
                if (type == DType::F32 && exact[k] != rounded[k]) FAIL("element " << k);
            }
            // Five bits of weights near a normal distribution: an error of 0.038 to 0.043 of their size; twice that bounds any
            // tensor here. Scales of tiny weights are rounded to the steps of half precision, and count up to 16 times.
            const double roundedScale = 16 * 0x1p-25;
            if (info(type).kind == DTypeKind::Block)
                CHECK(error <= 0.085 * 0.085 * power + static_cast<double>(exact.size()) * roundedScale * roundedScale);
        }
    }
}
