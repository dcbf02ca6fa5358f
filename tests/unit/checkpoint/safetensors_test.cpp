// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/checkpoint_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

void save(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

ErrorCode codeOf(const Result<std::shared_ptr<const Checkpoint>>& opened) {
    REQUIRE_FALSE(opened);
    CHECK(describe(opened.error()).find('\n') == std::string::npos);
    return opened.error().code;
}

std::string entry(std::string_view name, std::string_view rest) {
    return "{\"" + std::string(name) + "\":" + std::string(rest) + "}";
}

} // namespace

TEST_CASE("a safetensors file opens with every kind of entry") {
    const auto reader = makeSafetensorsReader();
    const auto opened = openBytes(*reader, sampleSafetensors());
    REQUIRE(opened);
    const Checkpoint& file = **opened;
    CHECK(inconsistency(file).empty());
    REQUIRE(file.tensors.size() == 4);
    CHECK(file.tensors[0].shape == Shape{2, 3});
    CHECK(file.tensors[1].shape.empty());
    CHECK(file.tensors[1].bytes == 8);
    CHECK(file.tensors[2].bytes == 0);
    CHECK(file.tensors[3].dtype == DType::F4);
    CHECK(file.tensors[3].bytes == 3);
    CHECK(describe(*find(file.metadata, "note")) == "\u00e9");
    CHECK_FALSE(file.config);
    CHECK_FALSE(file.find("absent"));
}

TEST_CASE("every type of safetensors is known by its name") {
    const auto reader = makeSafetensorsReader();
    // Name and bytes of eight elements.
    const std::pair<const char*, int> types[] = {
        {"BOOL", 8}, {"U8", 8}, {"I8", 8}, {"I16", 16}, {"U16", 16}, {"F16", 16}, {"BF16", 16}, {"I32", 32}, {"U32", 32},
        {"F32", 32}, {"I64", 64}, {"U64", 64}, {"F64", 64}, {"C64", 64}, {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},
        {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F4", 4}, {"F6_E2M3", 6}, {"F6_E3M2", 6}};
    for (const auto& [name, bytes] : types) {
        INFO(name);
        const auto text = fmt::format(R"({{"w":{{"dtype":"{}","shape":[8],"data_offsets":[0,{}]}}}})", name, bytes);
        const auto opened = openBytes(*reader, safetensorsFile(text, static_cast<std::size_t>(bytes)));
        REQUIRE(opened);
        CHECK(info((*opened)->tensors[0].dtype).name == name);
    }
}

TEST_CASE("each rule of safetensors refuses the file that breaks it") {
    const auto reader = makeSafetensorsReader();
    const std::string good = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
    struct Case {
        const char* rule;
        std::string file;
    };
    const auto text = [](std::string_view header, std::size_t data = 8) { return safetensorsFile(header, data); };
    const std::vector<Case> cases = {
        {"no length", "short"},
        {"length above the limit", Bytes{}.put(std::uint64_t{100'000'001}).data + "{"},
        {"length above the file", Bytes{}.put(std::uint64_t{100}).data + "{}"},
        {"length overflows", Bytes{}.put(~std::uint64_t{0}).data + "{}"},
        {"no brace first", text(" {}", 0)},
        {"not JSON", text("{\"a\":", 0)},
        {"text after the JSON", text("{}x", 0)},
        {"not an object", text("[]", 0)},
        {"invalid UTF-8", text(entry("\xFF", good))},
        {"empty name", text(entry("", good))},
        {"entry is a number", text(entry("a", "1"))},
        {"entry is a list", text(entry("a", "[]"))},
        {"duplicate name", text("{\"a\":" + good + ",\"a\":" + good + "}")},
        {"duplicate name, other offsets",
         text("{\"a\":" + good + R"(,"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})", 12)},
        {"duplicate metadata", text(R"({"__metadata__":{},"__metadata__":{}})", 0)},
        {"duplicate metadata key", text(R"({"__metadata__":{"a":"1","a":"1"}})", 0)},
        {"metadata not text", text(R"({"__metadata__":{"a":1}})", 0)},
        {"metadata nested", text(R"({"__metadata__":{"a":{}}})", 0)},
        {"metadata is text", text(R"({"__metadata__":"a"})", 0)},
        {"unknown type", text(entry("a", R"({"dtype":"F33","shape":[2],"data_offsets":[0,8]})"))},
        {"a type of GGUF", text(entry("a", R"({"dtype":"Q4_0","shape":[32],"data_offsets":[0,18]})"), 18)},
        {"missing field", text(entry("a", R"({"dtype":"F32","shape":[2]})"))},
        {"duplicate field", text(entry("a", R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"))},
        {"unknown field", text(entry("a", R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"))},
        {"field is an object", text(entry("a", R"({"dtype":{},"shape":[2],"data_offsets":[0,8]})"))},
        {"negative size", text(entry("a", R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"))},
        {"fractional size", text(entry("a", R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"))},
        {"size above 2^63", text(entry("a", R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]})"))},
        {"size above 2^64", text(entry("a", R"({"dtype":"F32","shape":[18446744073709551618],"data_offsets":[0,8]})"))},
        {"shape overflows", text(entry("a", R"({"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,8]})"))},
        {"empty with huge axes", text(entry("a", R"({"dtype":"F32","shape":[4611686018427387904,0],"data_offsets":[0,0]})"), 0)},
        {"too many axes", text(entry("a", R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})"))},
        {"list in list", text(entry("a", R"({"dtype":"F32","shape":[[2]],"data_offsets":[0,8]})"))},
        {"nested without end", text("{\"a\":" + std::string(100'000, '['), 0)},
        {"one offset", text(entry("a", R"({"dtype":"F32","shape":[2],"data_offsets":[0]})"))},
        {"three offsets", text(entry("a", R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})"))},
        {"offsets reversed", text(entry("a", R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"))},
        {"size and shape disagree", text(entry("a", R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"))},
        {"no whole bytes", text(entry("a", R"({"dtype":"F4","shape":[3],"data_offsets":[0,2]})"), 2)},
        {"hole", text(entry("a", R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"))},
        {"overlap", text(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})")},
        {"outside the file", text(entry("a", good), 7)},
        {"trailing byte", text(entry("a", good), 9)},
    };
    for (const Case& broken : cases) {
        INFO(broken.rule);
        CHECK(codeOf(openBytes(*reader, broken.file)) == ErrorCode::Malformed);
    }
    CHECK(openBytes(*reader, text(entry("a", good))));
    CHECK(openBytes(*reader, text("{}", 0)));
}

TEST_CASE("a file with more tensors or longer names than the limits is refused") {
    const auto reader = makeSafetensorsReader();
    const MemoryFile file(safetensorsFile(
        R"({"aa":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2));
    Diagnostics notes;
    ReadLimits limits;
    CHECK(reader->open(file.path(), limits, notes));
    limits.tensors = 1;
    CHECK_FALSE(reader->open(file.path(), limits, notes));
    limits.tensors = 2;
    limits.nameBytes = 1;
    CHECK_FALSE(reader->open(file.path(), limits, notes));
}

TEST_CASE("shards open through their index and through their folder") {
    const TemporaryFolder folder;
    const auto reader = makeSafetensorsReader();
    Diagnostics notes;
    save(folder / "m-1.safetensors", safetensorsFile(entry("a", R"({"dtype":"U8","shape":[3],"data_offsets":[0,3]})"), 3));
    save(folder / "m-2.safetensors", safetensorsFile(
        R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"extra":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})", 3));
    const auto index = folder / "model.safetensors.index.json";
    const auto writeIndex = [&](std::string_view map) { save(index, "{\"metadata\":{},\"weight_map\":" + std::string(map) + "}"); };
    writeIndex(R"({"a":"m-1.safetensors","b":"m-2.safetensors"})");
    for (const auto& path : {index, folder / ""}) {
        REQUIRE(reader->recognises(path));
        const auto opened = reader->open(path, {}, notes);
        REQUIRE(opened);
        CHECK(inconsistency(**opened).empty());
        CHECK((*opened)->files.size() == 2);
        CHECK((*opened)->tensors.size() == 2);
        CHECK((*opened)->tensors[*(*opened)->find("b")].file == 1);
    }
    CHECK(notes.entries().size() == 2); // one tensor of the second shard is left out, said each time

    for (const char* map : {R"({"a":"../m-1.safetensors"})", R"({"a":"/etc/passwd"})", R"({"a":""})", R"({"a":".."})", R"({"a":1})",
                            R"({"a":"m-1.safetensors","b":"m-1.safetensors"})", R"([])", R"({"a":"m-1.safetensors","a":"m-2.safetensors"})"}) {
        INFO(map);
        writeIndex(map);
        CHECK(codeOf(reader->open(index, {}, notes)) == ErrorCode::Malformed);
    }
    writeIndex(R"({"a":"m-3.safetensors"})");
    CHECK(codeOf(reader->open(index, {}, notes)) == ErrorCode::Io);
    save(index, "{}");
    CHECK(codeOf(reader->open(index, {}, notes)) == ErrorCode::Malformed);
}

TEST_CASE("the description beside a file gives architecture and sizes, a broken one is ignored with a warning") {
    const TemporaryFolder folder;
    const auto reader = makeSafetensorsReader();
    const auto path = folder / "model.safetensors";
    save(path, sampleSafetensors());
    const auto open = [&](Diagnostics& notes) {
        const auto opened = reader->open(path, {}, notes);
        REQUIRE(opened);
        return *opened;
    };
    Diagnostics notes;
    save(folder / "config.json", R"({"model_type":"llama","hidden_size":64,"num_attention_heads":8,"rms_norm_eps":1e-6,
        "vocab_size":-3,"num_hidden_layers":99999999999,"tie_word_embeddings":true})");
    const auto checkpoint = open(notes);
    CHECK(checkpoint->architecture == "llama");
    REQUIRE(checkpoint->config);
    CHECK(checkpoint->config->width == 64);
    CHECK(checkpoint->config->kvHeads == 8); // as many as heads when not stated
    CHECK(checkpoint->config->vocabulary == 0);
    CHECK(checkpoint->config->layers == 0);
    CHECK(checkpoint->config->normEpsilon == 1e-6);
    CHECK(checkpoint->config->tiedOutput);
    REQUIRE(notes.entries().size() == 2); // the two sizes that cannot be
    CHECK(notes.entries()[0].message.find("'num_hidden_layers'") != std::string::npos);
    CHECK(notes.entries()[1].message.find("'vocab_size'") != std::string::npos);
    save(folder / "model.config.json", R"({"model_type":"own"})");
    CHECK(open(notes)->architecture == "own");
    save(folder / "model.config.json", "{");
    CHECK(open(notes)->architecture.empty());
    REQUIRE(notes.entries().size() == 3);
    CHECK(notes.entries()[2].severity == Severity::Warning);
}

TEST_CASE("real safetensors files open with the sizes that their own headers give") {
    const auto reader = makeSafetensorsReader();
    Diagnostics notes;
    const std::pair<const char*, std::int64_t> files[] = {{"safetensors/retsim.safetensors", 535811},
                                                          {"safetensors/mnist-cnn.safetensors", 376940},
                                                          {"safetensors/multi_layer.safetensors", 4241}};
    for (const auto& [name, parameters] : files)
        if (const auto path = realData(name)) {
            CHECK(reader->recognises(*path));
            const auto opened = reader->open(*path, {}, notes);
            REQUIRE(opened);
            CHECK(inconsistency(**opened).empty());
            CHECK(parameterCount(**opened) == parameters);
        }
}
