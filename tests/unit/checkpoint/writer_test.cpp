// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/writer.h"
#include "tests/support/checkpoint_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

TensorToWrite fixed(std::string name, DType type, Shape shape) {
    std::vector<std::byte> bytes(*qscope::storedBytes(type, static_cast<std::uint64_t>(elementCount(shape))));
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + name.size());
    const TensorView view = makeTensor(type, shape, std::move(bytes));
    return {std::move(name), type, std::move(shape), [view]() -> Result<TensorView> { return view; }};
}

std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool isEmpty(const TemporaryFolder& folder) { return std::filesystem::is_empty(folder / ""); }

void expectSame(const Checkpoint& read, const std::vector<TensorToWrite>& meant) {
    CHECK(inconsistency(read).empty());
    REQUIRE(read.tensors.size() == meant.size());
    for (const TensorToWrite& tensor : meant) {
        INFO(tensor.name);
        const auto place = read.find(tensor.name);
        REQUIRE(place);
        const TensorView view = read.view(*place);
        CHECK(view.dtype == tensor.dtype);
        CHECK(view.shape == (tensor.shape.empty() && read.format == "gguf" ? Shape{1} : tensor.shape));
        CHECK(std::ranges::equal(view.bytes, tensor.bytes()->bytes));
    }
}

} // namespace

TEST_CASE("GGUF files come back with all metadata and every tensor type") {
    const TemporaryFolder folder;
    TestRun run;
    Diagnostics notes;
    const auto reader = makeGgufReader();
    const auto sample = openBytes(*reader, sampleGguf());
    REQUIRE(sample);
    Metadata metadata = (*sample)->metadata;
    for (const auto element : {MetadataType::U8, MetadataType::U64})
        metadata.emplace_back("more." + std::to_string(static_cast<int>(element)),
                              MetadataValue{MetadataType::Array, element, std::vector<std::uint64_t>{0, 255}});
    metadata.emplace_back("more.real", MetadataValue{MetadataType::Array, MetadataType::F32, std::vector<double>{0.5, -2}});
    metadata.emplace_back("more.none", MetadataValue{MetadataType::Array, MetadataType::String, std::vector<std::string>{}});
    std::vector<TensorToWrite> tensors;
    for (const DTypeInfo& row : dtypeTable())
        if (ggufHolds(row.type)) tensors.push_back(fixed("t." + std::string(row.name), row.type, {3, row.blockLength}));
    tensors.push_back(fixed("scalar", DType::F32, {}));
    tensors.push_back(fixed("empty", DType::F16, {0, 4}));
    tensors.push_back(fixed("four", DType::I16, {2, 1, 3, 5}));
    CHECK(tensors.size() == 35 + 3);
    REQUIRE(writeGguf(folder / "a.gguf", metadata, tensors, run.context));

    const auto opened = reader->open(folder / "a.gguf", {}, notes);
    REQUIRE(opened);
    expectSame(**opened, tensors);
    CHECK(notes.entries().empty());
    std::erase_if(metadata, [](const auto& pair) { return pair.first == "general.alignment"; });
    REQUIRE((*opened)->metadata.size() == metadata.size());
    for (std::size_t i = 0; i < metadata.size(); ++i) {
        INFO(metadata[i].first);
        CHECK((*opened)->metadata[i].first == metadata[i].first);
        CHECK((*opened)->metadata[i].second.type == metadata[i].second.type);
        CHECK((*opened)->metadata[i].second.value == metadata[i].second.value);
    }
}

TEST_CASE("safetensors files come back with every type, in the order of the reference writer") {
    const TemporaryFolder folder;
    TestRun run;
    const auto reader = makeSafetensorsReader();
    std::vector<TensorToWrite> tensors;
    for (const DTypeInfo& row : dtypeTable())
        if (safetensorsHolds(row.type)) tensors.push_back(fixed("t." + std::string(row.name), row.type, {4, 2}));
    tensors.push_back(fixed("z \"quoted\" \u00e9\n", DType::F32, {}));
    tensors.push_back(fixed("empty", DType::F16, {0, 4}));
    CHECK(tensors.size() == 22 + 2);
    REQUIRE(writeSafetensors(folder / "a.safetensors", {{"format", "pt"}, {"k", "\u2581"}}, tensors, run.context));
    const auto opened = reader->open(folder / "a.safetensors", {}, run.notes);
    REQUIRE(opened);
    expectSame(**opened, tensors);
    CHECK(describe(*find((*opened)->metadata, "k")) == "\u2581");
    CHECK((*opened)->tensors[0].offset % 8 == 0);
    for (std::size_t i = 1; i < tensors.size(); ++i) {
        const auto &before = (*opened)->tensors[i - 1], &after = (*opened)->tensors[i];
        const int a = info(before.dtype).blockBits, b = info(after.dtype).blockBits;
        CHECK((a > b || (a == b && before.name < after.name)));
        CHECK(before.offset + before.bytes == after.offset);
    }
}

TEST_CASE("writers refuse what the format cannot say and leave nothing behind") {
    const TemporaryFolder folder;
    TestRun run;
    const auto path = folder / "a";
    const auto gguf = [&](std::vector<TensorToWrite> tensors, const Metadata& metadata = {}) {
        return writeGguf(path, metadata, std::move(tensors), run.context);
    };
    const auto safetensors = [&](std::vector<TensorToWrite> tensors) {
        return writeSafetensors(path, {}, std::move(tensors), run.context);
    };
    CHECK_FALSE(gguf({fixed("a", DType::U8, {4})}));
    CHECK_FALSE(gguf({fixed(std::string(64, 'n'), DType::F32, {4})}));
    CHECK_FALSE(gguf({fixed("a", DType::F32, {1, 1, 1, 1, 4})}));
    CHECK_FALSE(gguf({fixed("a", DType::F32, {4}), fixed("a", DType::F32, {4})}));
    CHECK_FALSE(gguf({fixed("a", DType::Q4_0, {32, 1})})); // rows of one element
    CHECK_FALSE(gguf({}, {{"a", MetadataValue{MetadataType::U8, MetadataType::String, std::uint64_t{256}}}}));
    CHECK_FALSE(gguf({}, {{"a", MetadataValue{MetadataType::I8, MetadataType::String, std::int64_t{-129}}}}));
    CHECK_FALSE(gguf({}, {{"a", MetadataValue{MetadataType::U8, MetadataType::String, std::string("text")}}}));
    CHECK_FALSE(gguf({}, {{"a", MetadataValue{MetadataType::Array, MetadataType::Array, std::vector<std::string>{}}}}));
    CHECK_FALSE(safetensors({fixed("a", DType::Q4_0, {32})}));
    CHECK_FALSE(safetensors({fixed("a", DType::F32, {4}), fixed("a", DType::F32, {4})}));
    CHECK_FALSE(safetensors({fixed("__metadata__", DType::F32, {4})}));
    CHECK_FALSE(safetensors({fixed("\xFF", DType::F32, {4})}));
    TensorToWrite lying = fixed("a", DType::F32, {4});
    lying.shape = {5};
    CHECK_FALSE(safetensors({lying}));
    CHECK_FALSE(gguf({lying}));
    TensorToWrite failing = fixed("a", DType::F32, {4});
    failing.bytes = []() -> Result<TensorView> { return fail(ErrorCode::Device, "gone"); };
    const auto failed = gguf({failing});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ErrorCode::Device);
    CHECK(isEmpty(folder));
    CHECK_FALSE(writeGguf(folder / "no such folder/a", {}, {}, run.context));
}

TEST_CASE("a stopped or refused write leaves the old file as it was") {
    const TemporaryFolder folder;
    TestRun run;
    const auto path = folder / "a.gguf";
    std::ofstream(path) << "old";
    const auto refused = writeGguf(path, {}, {fixed("a", DType::F32, {4})}, run.context, [&](const std::filesystem::path& written) -> Result<void> {
        CHECK(std::filesystem::file_size(written) > 16);
        CHECK(contents(path) == "old");
        return fail(ErrorCode::Io, "differs");
    });
    REQUIRE_FALSE(refused);
    CHECK(contents(path) == "old");
    // Stopped while the second tensor is due.
    auto second = fixed("b", DType::F32, {4});
    second.bytes = [&, view = *second.bytes()]() -> Result<TensorView> {
        run.stop.request_stop();
        return view;
    };
    const auto stopped = writeSafetensors(path, {}, {fixed("a", DType::F32, {4}), second}, run.context);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == ErrorCode::Cancelled);
    CHECK(contents(path) == "old");
    CHECK(std::distance(std::filesystem::directory_iterator(folder / ""), {}) == 1);
}

TEST_CASE("sizes of a model are the same in all three forms") {
    const ModelConfig config{64, 172, 5, 8, 4, 512, 256, 1e-5, 500000.0, false};
    const auto same = [&](const std::optional<ModelConfig>& other) {
        REQUIRE(other);
        CHECK(other->width == config.width);
        CHECK(other->hidden == config.hidden);
        CHECK(other->layers == config.layers);
        CHECK(other->heads == config.heads);
        CHECK(other->kvHeads == config.kvHeads);
        CHECK(other->vocabulary == config.vocabulary);
        CHECK(other->context == config.context);
        CHECK(other->normEpsilon == config.normEpsilon);
        CHECK(other->ropeBase == config.ropeBase);
    };
    const Architecture& llama = *architectureInGguf("llama");
    same(modelFromMetadata(toMetadata(config, llama), "llama"));
    same(modelFromJson(toJson(config, llama)).config);
    CHECK(modelFromJson(toJson(config, llama)).architecture == "llama");
    CHECK_FALSE(modelFromMetadata({}, "llama"));
    CHECK_FALSE(modelFromJson(Json::array()).config);
}
