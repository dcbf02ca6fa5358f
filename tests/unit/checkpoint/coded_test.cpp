// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/reader.h"
#include "engine/checkpoint/writer.h"
#include "engine/quant/from_coded.h"
#include "tests/support/checkpoint_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

/// A tensor of a type and shape from numbers, one per element.
template<class T>
std::pair<std::string, TensorView> tensor(std::string name, DType type, Shape shape, std::vector<T> values) {
    const auto bytes = std::as_bytes(std::span(values));
    return {std::move(name), makeTensor(type, std::move(shape), {bytes.begin(), bytes.end()})};
}

using Tensors = std::vector<std::pair<std::string, TensorView>>;

/// A folder with model.safetensors and, unless `config` is empty, config.json with this quantization_config.
struct Files {
    TemporaryFolder folder;
    Diagnostics notes;

    Files(const Tensors& tensors, const std::string& config) {
        TestRun run;
        std::vector<TensorToWrite> written;
        for (const auto& [name, view] : tensors)
            written.push_back({name, view.dtype, view.shape, [view = view]() -> Result<TensorView> { return view; }});
        REQUIRE(writeSafetensors(folder / "model.safetensors", {}, written, run.context));
        if (!config.empty()) std::ofstream(folder / "config.json") << R"({"quantization_config":)" << config << "}";
    }
    Result<std::shared_ptr<const Checkpoint>> open() { return makeSafetensorsReader()->open(folder / "model.safetensors", {}, notes); }
};

std::vector<float> valuesOf(const Checkpoint& file, std::string_view name) {
    const auto place = file.find(name);
    REQUIRE(place);
    std::vector<float> values(static_cast<std::size_t>(elementCount(file.tensors[*place].shape)));
    REQUIRE(decode(file.view(*place), 0, std::span<float>(values)));
    return values;
}

constexpr std::uint32_t kCounting = 0x76543210;
constexpr std::uint16_t kHalf = 0x3800; // 0.5 in half precision

/// Eight outputs of eight inputs each; input i has code i everywhere.
Tensors gptq(std::uint32_t zeros = 0x77777777) {
    return {tensor("m.qweight", DType::I32, {1, 8}, std::vector<std::uint32_t>(8, kCounting)),
            tensor("m.qzeros", DType::I32, {1, 1}, std::vector<std::uint32_t>{zeros}),
            tensor("m.scales", DType::F16, {1, 8}, std::vector<std::uint16_t>(8, kHalf)),
            tensor("m.g_idx", DType::I32, {8}, std::vector<std::int32_t>(8, 0))};
}
Tensors awq() {
    return {tensor("m.qweight", DType::I32, {2, 1}, std::vector<std::uint32_t>(2, kCounting)),
            tensor("m.qzeros", DType::I32, {1, 1}, std::vector<std::uint32_t>{0x11111111}),
            tensor("m.scales", DType::F16, {1, 8}, std::vector<std::uint16_t>(8, kHalf))};
}
Tensors nf4(const std::string& state) {
    return {tensor("w", DType::U8, {2, 1}, std::vector<std::uint8_t>{0x01, 0xF0}), tensor("w.absmax", DType::F32, {1}, std::vector<float>{2}),
            tensor("w.quant_map", DType::F32, {16}, std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}),
            tensor("w.quant_state.bitsandbytes__nf4", DType::U8, {static_cast<std::int64_t>(state.size())},
                   std::vector<std::uint8_t>(state.begin(), state.end()))};
}
Tensors packed() {
    return {tensor("m.weight_packed", DType::I32, {2, 1}, std::vector<std::uint32_t>(2, kCounting)),
            tensor("m.weight_scale", DType::F32, {2, 1}, std::vector<float>{1, 2}),
            tensor("m.weight_shape", DType::I64, {2}, std::vector<std::int64_t>{2, 8})};
}

Tensors without(Tensors tensors, std::string_view name) {
    std::erase_if(tensors, [&](const auto& pair) { return pair.first == name; });
    return tensors;
}
Tensors with(Tensors tensors, std::pair<std::string, TensorView> other) {
    tensors = without(std::move(tensors), other.first);
    tensors.push_back(std::move(other));
    return tensors;
}

const std::string kState = R"({"quant_type":"nf4","blocksize":64,"dtype":"float16","shape":[1,4]})";
const std::string kGptq = R"({"quant_method":"gptq","bits":4,"group_size":-1})";
const std::string kCompressed = R"({"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{"targets":["Linear"],
    "weights":{"num_bits":4,"type":"int","strategy":"channel"}}}})";

} // namespace

TEST_CASE("codes are found where the formats put them") {
    {
        Files files(gptq(), kGptq);
        const auto opened = files.open();
        REQUIRE(opened);
        const auto values = valuesOf(**opened, "m.weight");
        for (std::size_t i = 0; i < 64; ++i) CHECK(values[i] == (static_cast<float>(i % 8) - 8) / 2); // 7 stored stands for 8
        CHECK(valuesOf(**opened, "m.weight.zeros") == std::vector<float>(8, 8));
        CHECK(valuesOf(**opened, "m.weight.codes")[3] == 3);
        CHECK(inconsistency(**opened).empty());
        CHECK((*opened)->tensors.size() == 5);
        CHECK((*opened)->tensors[0].form == "GPTQ, 4 bit, a scale per output channel");
        CHECK((*opened)->tensors[0].bytes == 32 + 4 + 16 + 32);
        CHECK(parameterCount(**opened) == 64);
    }
    {
        Files files(gptq(), R"({"quant_method":"gptq","bits":4,"group_size":-1,"checkpoint_format":"gptq_v2"})");
        CHECK(valuesOf(**files.open(), "m.weight")[0] == -3.5f);
    }
    {
        Files files(awq(), R"({"quant_method":"awq","bits":4,"group_size":2,"version":"GEMM"})");
        const auto values = valuesOf(**files.open(), "m.weight"); // nibble n holds output 0 2 4 6 1 3 5 7
        const float outputs[] = {0, 4, 1, 5, 2, 6, 3, 7};
        for (std::size_t i = 0; i < 16; ++i) CHECK(values[i] == (outputs[i / 2] - 1) / 2);
    }
    {
        Files files(nf4(kState), ""); // high nibble first
        CHECK(valuesOf(**files.open(), "w.weight") == std::vector<float>{0, 2, 30, 0});
    }
    {
        Files files(packed(), kCompressed);
        CHECK(valuesOf(**files.open(), "m.weight") ==
              std::vector<float>{-8, -7, -6, -5, -4, -3, -2, -1, -16, -14, -12, -10, -8, -6, -4, -2});
    }
}

TEST_CASE("a weight becomes a quantized tensor with the same values, symmetric where its zero points are in the middle") {
    for (const std::uint32_t zeros : {0x77777777u, 0x67777777u, 0xFFFFFFFFu}) {
        Files files(gptq(zeros), kGptq);
        const auto opened = files.open();
        REQUIRE(opened);
        const TensorInfo& weight = (*opened)->tensors[0];
        const auto quantized = fromCoded(*weight.source->coded(), weight.shape);
        REQUIRE(quantized);
        CHECK(std::get<GridCodes>(quantized->codes).grid.symmetric == (zeros == 0x77777777u));
        CHECK(std::get<GridCodes>(quantized->codes).grid.scaleType == ScaleType::F16);
        std::vector<float> values(64);
        REQUIRE(dequantize(*quantized, 0, values));
        CHECK(values == valuesOf(**opened, "m.weight"));
        const auto outline = fromCoded(*weight.source->coded(), weight.shape, CodedValues::None);
        REQUIRE(outline);
        CHECK(describe(*outline) == describe(*quantized));
        CHECK(storedBits(*outline) == storedBits(*quantized));
    }
}

TEST_CASE("parts that contradict each other or the configuration are refused with one line") {
    struct Case {
        Tensors tensors;
        std::string config;
        std::string told;
    };
    const auto scales = [](Shape shape) { return tensor("m.scales", DType::F16, shape, std::vector<std::uint16_t>(static_cast<std::size_t>(elementCount(shape)), kHalf)); };
    const auto shape = [](std::int64_t a, std::int64_t b) { return tensor("m.weight_shape", DType::I64, {2}, std::vector<std::int64_t>{a, b}); };
    const std::string awqConfig = R"({"quant_method":"awq","bits":4,"group_size":2})", bnb = R"({"quant_method":"bitsandbytes","load_in_4bit":true})";
    const Case cases[] = {
        {without(gptq(), "m.scales"), kGptq, "'m.scales' is missing"},
        {without(gptq(), "m.qzeros"), kGptq, "'m.qzeros' is missing"},
        {with(gptq(), scales({1, 7})), kGptq, "do not fit each other"},
        {with(gptq(), scales({2, 8})), kGptq, "do not fit each other"},
        {with(gptq(), scales({8})), kGptq, "no matrices"},
        {with(gptq(), tensor("m.qzeros", DType::I32, {1, 3}, std::vector<std::int32_t>(3))), kGptq, "none of GPTQ's"},
        {with(gptq(), tensor("m.g_idx", DType::I32, {4}, std::vector<std::int32_t>(4))), kGptq, "'.g_idx' has shape"},
        {with(gptq(), tensor("m.g_idx", DType::I32, {8}, std::vector<std::int32_t>{0, -1, 0, 0, 0, 0, 0, 0})), kGptq, "out of range"},
        {gptq(), R"({"quant_method":"gptq","bits":8,"group_size":-1})", "codes of 4 bits contradict the configuration's 8"},
        {gptq(), R"({"quant_method":"gptq","bits":4,"group_size":4})", "contradict the configuration's group size 4"},
        {gptq(), awqConfig, "do not fit each other"},
        {with(awq(), scales({2, 8})), awqConfig, "'.qzeros' has shape"},
        {with(awq(), scales({1, 0})), awqConfig, "do not fit each other"},
        {nf4("not json"), bnb, "quantization state"},
        {nf4(R"({"quant_type":"fp4","blocksize":64,"shape":[1,4]})"), bnb, "not that of nf4"},
        {nf4(R"({"quant_type":"nf4","blocksize":0,"shape":[1,4]})"), bnb, "no shape or block size"},
        {nf4(R"({"quant_type":"nf4","blocksize":64,"shape":[4611686018427387904,4]})"), bnb, "no shape or block size"},
        {nf4(R"({"quant_type":"nf4","blocksize":64,"shape":[-1,-4]})"), bnb, "no shape or block size"},
        {nf4(R"({"quant_type":"nf4","blocksize":64,"shape":[1,6]})"), bnb, "do not hold the 6 codes"},
        {nf4(R"({"quant_type":"nf4","blocksize":2,"shape":[1,4]})"), bnb, "'.absmax' has shape"},
        {nf4(R"({"quant_type":"nf4","blocksize":64,"shape":[0,4]})"), bnb, "do not hold"},
        {without(nf4(kState), "w.quant_map"), bnb, "'w.quant_map' is missing"},
        {nf4(kState), R"({"quant_method":"bitsandbytes","bnb_4bit_quant_type":"fp4"})", "contradicts the configuration's fp4"},
        {with(packed(), shape(2, 9)), kCompressed, "do not hold 9 codes of 4 bits"},
        {with(packed(), shape(3, 8)), kCompressed, "do not fit its shape"},
        {with(packed(), shape(2, -8)), kCompressed, "a shape of 2 x -8"},
        {with(packed(), shape(2, INT64_MAX)), kCompressed, "a shape of"},
        {with(packed(), tensor("m.weight_scale", DType::F32, {3, 1}, std::vector<float>(3))), kCompressed, "scales [3, 1] do not fit"},
        {with(packed(), tensor("m.weight_zero_point", DType::I32, {2, 2}, std::vector<std::int32_t>(4))), kCompressed, "zero points [2, 2]"},
        {packed(), R"({"quant_method":"compressed-tensors","format":"float-quantized","config_groups":{"g":{"weights":{"num_bits":8}}}})",
         "it is pack-quantized, the configuration says float-quantized"},
    };
    for (const Case& wrong : cases) {
        Files files(wrong.tensors, wrong.config);
        const auto opened = files.open();
        INFO(wrong.told);
        REQUIRE_FALSE(opened);
        const std::string told = describe(opened.error());
        INFO(told);
        CHECK(opened.error().code == ErrorCode::Malformed);
        CHECK(told.find(wrong.told) != std::string::npos);
        CHECK(told.find('\n') == std::string::npos);
    }
}

TEST_CASE("without a configuration, what does not fit stays as it is stored") {
    for (const Tensors& tensors : {without(gptq(), "m.scales"), without(awq(), "m.qzeros"), nf4("[]"), without(packed(), "m.weight_shape")}) {
        Files files(tensors, "");
        const auto opened = files.open();
        REQUIRE(opened);
        CHECK((*opened)->tensors.size() == tensors.size());
        for (const TensorInfo& tensor : (*opened)->tensors) CHECK_FALSE(tensor.source);
    }
}

TEST_CASE("methods that are not read leave the tensors as stored and say so") {
    for (const std::string config : {R"({"quant_method":"eetq"})", R"({"quant_method":"gptq","checkpoint_format":"gptq_p"})",
                                     R"({"quant_method":"awq","version":"gemv"})", R"({"quant_method":"compressed-tensors","format":"marlin-24"})",
                                     R"({"quant_method":"compressed-tensors","sparsity_config":{"format":"sparse-blocks"}})"}) {
        Files files(gptq(), config);
        const auto opened = files.open();
        REQUIRE(opened);
        CHECK((*opened)->tensors.size() == 4);
        REQUIRE(files.notes.entries().size() == 1);
        CHECK(files.notes.entries()[0].message.find("is not read") != std::string::npos);
    }
}

TEST_CASE("coded checkpoints damaged in any header bit load consistently or are refused") {
    for (const auto& [tensors, config] : {std::pair(gptq(), kGptq), std::pair(nf4(kState), std::string()), std::pair(packed(), kCompressed)}) {
        Files files(tensors, config);
        const auto path = files.folder / "model.safetensors";
        std::string bytes;
        {
            std::ifstream file(path, std::ios::binary);
            bytes.assign(std::istreambuf_iterator<char>(file), {});
        }
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            std::string damaged = bytes;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
            std::ofstream(path, std::ios::binary) << damaged;
            const auto opened = files.open();
            INFO("byte " << at);
            if (opened) REQUIRE(inconsistency(**opened).empty());
            else REQUIRE((opened.error().code == ErrorCode::Malformed || opened.error().code == ErrorCode::Unsupported));
        }
    }
}
