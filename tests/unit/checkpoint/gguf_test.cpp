// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/checkpoint_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

/// One tensor of 8 F32 values after `pairs`, as a complete file.
std::string withPairs(std::uint64_t count, const Bytes& pairs) {
    Bytes bytes = ggufStart(1, count);
    bytes.data += pairs.data;
    putGgufTensor(bytes, "w", {8}, 0, 0);
    return bytes.alignTo(32).zeros(32).data;
}

/// A file with these tensor entries and `dataBytes` bytes of data.
template<class Put>
std::string withTensors(std::uint64_t count, std::size_t dataBytes, Put put) {
    Bytes bytes = ggufStart(count, 0);
    put(bytes);
    return bytes.alignTo(32).zeros(dataBytes).data;
}

/// An empty array of numbers in arrays of one array each.
Bytes nestedArrays(int depth) {
    Bytes bytes;
    bytes.text("a").put(9u);
    for (int i = 0; i < depth; ++i) bytes.put(9u).put(std::uint64_t{1});
    return bytes.put(4u).put(std::uint64_t{0});
}

ErrorCode codeOf(std::string_view file) {
    const auto opened = openBytes(*makeGgufReader(), file);
    REQUIRE_FALSE(opened);
    CHECK(describe(opened.error()).find('\n') == std::string::npos);
    return opened.error().code;
}

} // namespace

TEST_CASE("a GGUF file opens with metadata of every type") {
    const auto opened = openBytes(*makeGgufReader(), sampleGguf());
    REQUIRE(opened);
    const Checkpoint& file = **opened;
    CHECK(inconsistency(file).empty());
    const auto value = [&](std::string_view key) {
        const auto* found = find(file.metadata, key);
        REQUIRE(found);
        return *found;
    };
    CHECK(std::get<std::uint64_t>(value("t.u8").value) == 200);
    CHECK(std::get<std::int64_t>(value("t.i8").value) == -100);
    CHECK(std::get<std::uint64_t>(value("t.u16").value) == 60000);
    CHECK(std::get<std::int64_t>(value("t.i16").value) == -30000);
    CHECK(std::get<std::int64_t>(value("t.i32").value) == -2'000'000'000);
    CHECK(std::get<double>(value("t.f32").value) == static_cast<double>(0.1f));
    CHECK(std::get<bool>(value("t.bool").value));
    CHECK(std::get<std::uint64_t>(value("t.u64").value) == std::uint64_t{1} << 63);
    CHECK(std::get<std::int64_t>(value("t.i64").value) == -5'000'000'000);
    CHECK(std::get<double>(value("t.f64").value) == 0.1);
    CHECK(std::get<std::vector<std::string>>(value("t.texts").value) == std::vector<std::string>{"one", ""});
    CHECK(std::get<std::vector<std::int64_t>>(value("t.numbers").value) == std::vector<std::int64_t>{-1, 0, 1});
    CHECK(std::get<std::vector<bool>>(value("t.flags").value) == std::vector<bool>{true, false});
    CHECK(value("t.numbers").elementType == MetadataType::I16);

    CHECK(file.architecture == "llama");
    CHECK(file.ropeLayout == RopeLayout::Interleaved);
    CHECK(file.naming == Naming::Gguf);
    REQUIRE(file.config);
    CHECK(file.config->width == 32);
    CHECK_FALSE(file.config->tiedOutput);
    CHECK(file.tensors[0].shape == Shape{3, 32}); // the file has the fastest axis first
    CHECK(file.tensors[0].dtype == DType::Q8_0);
    CHECK(file.tensors[0].bytes == 102);
    CHECK(file.tensors[1].offset % 64 == 0); // the file's own alignment
    CHECK(file.tensors[2].dtype == DType::BF16);
}

TEST_CASE("GGUF versions, byte orders and parts that are not read are named") {
    CHECK(codeOf(ggufStart(0, 0, 1).data) == ErrorCode::Unsupported);
    CHECK(codeOf(ggufStart(0, 0, 4).data) == ErrorCode::Unsupported);
    CHECK(codeOf(ggufStart(0, 0, 0).data) == ErrorCode::Malformed);
    const auto bigEndian = openBytes(*makeGgufReader(), ggufStart(0, 0, 0x03000000).data);
    REQUIRE_FALSE(bigEndian);
    CHECK(bigEndian.error().code == ErrorCode::Unsupported);
    CHECK(bigEndian.error().message.find("big-endian") != std::string::npos);
    CHECK(openBytes(*makeGgufReader(), withPairs(1, Bytes{}.text("split.count").put(2u).put(std::uint16_t{1}))));
    CHECK(openBytes(*makeGgufReader(), ggufStart(0, 0, 2).data)); // a vocabulary may come without tensors
}

TEST_CASE("each rule of the GGUF header refuses the file that breaks it") {
    const std::uint64_t huge = ~std::uint64_t{0};
    struct Case {
        const char* rule;
        std::string file;
        ErrorCode code = ErrorCode::Malformed;
    };
    const std::vector<Case> cases = {
        {"empty file", ""},
        {"bad magic", "GGUX" + ggufStart(0, 0).data.substr(4)},
        {"tensor count", ggufStart(huge, 0).data},
        {"pair count", ggufStart(0, huge).data},
        {"empty key", withPairs(1, Bytes{}.text("").put(0u).put(std::uint8_t{1}))},
        {"key not ASCII", withPairs(1, Bytes{}.text("k\xC3\xA9").put(0u).put(std::uint8_t{1}))},
        {"key with a space", withPairs(1, Bytes{}.text("a b").put(0u).put(std::uint8_t{1}))},
        {"key too long", withPairs(1, Bytes{}.text(std::string(65536, 'k')).put(0u).put(std::uint8_t{1}))},
        {"key length huge", withPairs(1, Bytes{}.put(huge))},
        {"duplicate key", withPairs(2, Bytes{}.text("a").put(0u).put(std::uint8_t{1}).text("a").put(0u).put(std::uint8_t{1}))},
        {"unknown value type", withPairs(1, Bytes{}.text("a").put(13u).put(0u))},
        {"truth value 2", withPairs(1, Bytes{}.text("a").put(7u).put(std::uint8_t{2}))},
        {"truth value 2 in an array", withPairs(1, Bytes{}.text("a").put(9u).put(7u).put(std::uint64_t{1}).put(std::uint8_t{2}))},
        {"string length huge", withPairs(1, Bytes{}.text("a").put(8u).put(huge))},
        {"array count huge", withPairs(1, Bytes{}.text("a").put(9u).put(4u).put(huge))},
        {"array longer than the file", withPairs(1, Bytes{}.text("a").put(9u).put(8u).put(std::uint64_t{1'000'000}))},
        {"array of unknown type", withPairs(1, Bytes{}.text("a").put(9u).put(99u).put(std::uint64_t{1}).put(0u))},
        {"array of more arrays than bytes", withPairs(1, Bytes{}.text("a").put(9u).put(9u).put(std::uint64_t{9}))},
        {"array of arrays of unknown type",
         withPairs(1, Bytes{}.text("a").put(9u).put(9u).put(std::uint64_t{1}).put(13u).put(std::uint64_t{0}))},
        {"too many arrays within arrays",
         withPairs(1, Bytes{}.text("a").put(9u).put(9u).put(std::uint64_t{2'000'000}).zeros(2'000'000 * 12)), ErrorCode::Unsupported},
        {"arrays a hundred deep", withPairs(1, nestedArrays(100))},
        {"too many array items in all", withPairs(2, Bytes{}.text("a").put(9u).put(0u).put(std::uint64_t{9'000'000}).zeros(9'000'000)
                                                         .text("b").put(9u).put(0u).put(std::uint64_t{9'000'000}).zeros(9'000'000))},
        {"too many pairs", ggufStart(0, 200'000).zeros(200'000 * 14).data},
        {"alignment not a power of two", withPairs(1, Bytes{}.text("general.alignment").put(4u).put(48u))},
        {"alignment too small", withPairs(1, Bytes{}.text("general.alignment").put(4u).put(4u))},
        {"alignment zero", withPairs(1, Bytes{}.text("general.alignment").put(4u).put(0u))},
        {"alignment of another type", withPairs(1, Bytes{}.text("general.alignment").put(10u).put(std::uint64_t{32}))},
        {"alignment that puts the data after the file", withPairs(1, Bytes{}.text("general.alignment").put(4u).put(1u << 31))},
        {"architecture not text", withPairs(1, Bytes{}.text("general.architecture").put(4u).put(1u))},
    };
    for (const Case& broken : cases) {
        INFO(broken.rule);
        CHECK(codeOf(broken.file) == broken.code);
    }
    CHECK(openBytes(*makeGgufReader(), withPairs(0, {})));
}

TEST_CASE("a GGUF file of version 2 opens like one of version 3") {
    std::string older = sampleGguf();
    older[4] = 2;
    const auto two = openBytes(*makeGgufReader(), older), three = openBytes(*makeGgufReader(), sampleGguf());
    REQUIRE(two);
    REQUIRE(three);
    CHECK((*two)->metadata == (*three)->metadata);
    REQUIRE((*two)->tensors.size() == (*three)->tensors.size());
    for (std::size_t i = 0; i < (*two)->tensors.size(); ++i) {
        CHECK((*two)->tensors[i].name == (*three)->tensors[i].name);
        CHECK(std::ranges::equal((*two)->view(i).bytes, (*three)->view(i).bytes));
    }
}

TEST_CASE("arrays of arrays in GGUF metadata are read as they are nested") {
    const auto opened = openBytes(*makeGgufReader(), withPairs(1, Bytes{}.text("a").put(9u).put(9u).put(std::uint64_t{2})
                                                                      .put(4u).put(std::uint64_t{2}).put(7u).put(8u)
                                                                      .put(9u).put(std::uint64_t{1})
                                                                      .put(8u).put(std::uint64_t{1}).text("deep")));
    REQUIRE(opened);
    const auto& outer = std::get<std::vector<MetadataValue>>((*opened)->metadata.front().second.value);
    REQUIRE(outer.size() == 2);
    CHECK(outer[0].elementType == MetadataType::U32);
    CHECK(std::get<std::vector<std::uint64_t>>(outer[0].value) == std::vector<std::uint64_t>{7, 8});
    const auto& inner = std::get<std::vector<MetadataValue>>(outer[1].value);
    CHECK(std::get<std::vector<std::string>>(inner.at(0).value) == std::vector<std::string>{"deep"});
    CHECK(describe((*opened)->metadata.front().second) == "[2 arrays]");
    CHECK(openBytes(*makeGgufReader(), withPairs(1, nestedArrays(60))));
}

TEST_CASE("each rule of GGUF tensors refuses the file that breaks it") {
    struct Case {
        const char* rule;
        std::string file;
        ErrorCode code = ErrorCode::Malformed;
    };
    const auto one = [](std::string_view name, const std::vector<std::uint64_t>& sizes, std::uint32_t type,
                        std::uint64_t offset = 0, std::size_t data = 64) {
        return withTensors(1, data, [&](Bytes& bytes) { putGgufTensor(bytes, name, sizes, type, offset); });
    };
    const auto two = [](std::uint64_t secondOffset, std::string_view secondName = "b", std::size_t data = 96) {
        return withTensors(2, data, [&](Bytes& bytes) {
            putGgufTensor(bytes, "a", {9}, 0, 0); // 36 bytes, padded to 64
            putGgufTensor(bytes, secondName, {8}, 0, secondOffset);
        });
    };
    const std::vector<Case> cases = {
        {"empty name", one("", {8}, 0)},
        {"name too long", one(std::string(64, 'n'), {8}, 0)},
        {"name not UTF-8", one("\xFF", {8}, 0)},
        {"no axes", one("w", {}, 0)},
        {"five axes", one("w", {1, 1, 1, 1, 8}, 0)},
        {"size above 2^63", one("w", {~std::uint64_t{0}}, 0)},
        {"sizes overflow", one("w", {std::uint64_t{1} << 62, 4}, 0)},
        {"bytes overflow", one("w", {std::uint64_t{1} << 62}, 28)},
        {"unknown type", one("w", {8}, 43), ErrorCode::Unsupported},
        {"removed type", one("w", {32}, 4), ErrorCode::Unsupported},
        {"row of no whole blocks", one("w", {16}, 2)},
        {"rows of no whole blocks that sum to whole ones", one("w", {16, 2}, 2)},
        {"first offset not 0", one("w", {8}, 0, 32)},
        {"data ends early", one("w", {8}, 0, 0, 31)},
        {"overlap", two(32)},
        {"gap", two(96, "b", 160)},
        {"offset not aligned", two(36)},
        {"duplicate name", two(64, "a")},
        {"second outside", two(64, "b", 64)},
    };
    for (const Case& broken : cases) {
        INFO(broken.rule);
        CHECK(codeOf(broken.file) == broken.code);
    }
    CHECK(openBytes(*makeGgufReader(), one("w", {8}, 0, 0, 32)));
    CHECK(openBytes(*makeGgufReader(), one(std::string(63, 'n'), {8}, 0)));
    CHECK(openBytes(*makeGgufReader(), one("w", {32, 0}, 2, 0, 0)));
    CHECK(openBytes(*makeGgufReader(), two(64)));
}

TEST_CASE("every GGUF tensor type is catalogued with its size") {
    // Number, block length, block bytes: formats.md, section 2, typed in once more.
    const std::array<std::uint32_t, 3> rows[] = {
        {0, 1, 4}, {1, 1, 2}, {2, 32, 18}, {3, 32, 20}, {6, 32, 22}, {7, 32, 24}, {8, 32, 34}, {9, 32, 36},
        {10, 256, 84}, {11, 256, 110}, {12, 256, 144}, {13, 256, 176}, {14, 256, 210}, {15, 256, 292}, {16, 256, 66},
        {17, 256, 74}, {18, 256, 98}, {19, 256, 50}, {20, 32, 18}, {21, 256, 110}, {22, 256, 82}, {23, 256, 136},
        {24, 1, 1}, {25, 1, 2}, {26, 1, 4}, {27, 1, 8}, {28, 1, 8}, {29, 256, 56}, {30, 1, 2}, {34, 256, 54},
        {35, 256, 66}, {39, 32, 17}, {40, 64, 36}, {41, 128, 18}, {42, 64, 18}};
    std::array<bool, 64> known{};
    for (const auto& [id, length, bytes] : rows) {
        INFO(id);
        known[id] = true;
        const auto opened = openBytes(*makeGgufReader(), withTensors(1, 3 * bytes, [&, type = id, size = length](Bytes& file) {
                                          putGgufTensor(file, "w", {size, 3}, type, 0);
                                      }));
        REQUIRE(opened);
        CHECK((*opened)->tensors[0].bytes == 3 * bytes);
    }
    for (std::uint32_t id = 0; id < known.size(); ++id)
        if (!known[id])
            CHECK(codeOf(withTensors(1, 4096, [&](Bytes& file) { putGgufTensor(file, "w", {256}, id, 0); })) ==
                  ErrorCode::Unsupported);
}

TEST_CASE("real GGUF files open, vocabularies without tensors included") {
    const auto reader = makeGgufReader();
    Diagnostics notes;
    for (const char* name : {"llm-llama/stories260K-f32.gguf", "llm-bard/model-bf16.gguf", "tokenizers/ggml-vocab-phi-3.gguf",
                             "tokenizers/ggml-vocab-bert-bge.gguf", "tokenizers/ggml-vocab-gpt-2.gguf"})
        if (const auto path = realData(name)) {
            INFO(name);
            CHECK(reader->recognises(*path));
            const auto opened = reader->open(*path, {}, notes);
            REQUIRE(opened);
            CHECK(inconsistency(**opened).empty());
            CHECK(std::get<std::vector<std::string>>(find((*opened)->metadata, "tokenizer.ggml.tokens")->value).size() >= 512);
        }
    CHECK(notes.entries().empty());
}
