// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/graph.h"
#include "engine/checkpoint/writer.h"
#include "engine/report/exporter.h"
#include "engine/tensor/small_floats.h"
#include "tests/support/checkpoint_samples.h"
#include "tests/support/onnx_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <random>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<const Checkpoint> read(const fs::path& path) {
    Diagnostics notes;
    const auto opened = makeOnnxReader()->open(path, {}, notes);
    if (!opened) FAIL(describe(opened.error()));
    return *opened;
}

std::string contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

OnnxModel parse(const std::string& bytes) {
    MemoryBudget budget(100'000'000);
    auto model = parseOnnxModel(std::as_bytes(std::span(bytes)), budget, {});
    REQUIRE(model);
    return *std::move(model);
}

std::vector<float> valuesOf(const Checkpoint& file, std::string_view name) {
    INFO(name);
    const auto place = file.find(name);
    REQUIRE(place);
    std::vector<float> values(static_cast<std::size_t>(elementCount(file.tensors[*place].shape)));
    REQUIRE(decode(file.view(*place), 0, std::span<float>(values)));
    return values;
}

std::vector<float> valuesOf(const QuantizedTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(tensor.shape)));
    REQUIRE(dequantize(tensor, 0, values));
    return values;
}

/// Random codes on a grid: what a method could have left, without one.
std::shared_ptr<const QuantizedTensor> randomGrid(const Shape& shape, UniformGrid grid, std::int64_t groupRows, std::int64_t groupColumns) {
    std::mt19937 random(7);
    const MatrixShape matrix = asMatrix(shape);
    GridCodes codes{grid, {matrix.rows, matrix.columns, groupRows, groupColumns}, {}};
    const int top = (1 << (grid.bits - 1)) - 1;
    for (std::int64_t i = 0; i < elementCount(shape); ++i)
        codes.values.codes.push_back(static_cast<std::uint8_t>(grid.symmetric ? static_cast<int>(random() % static_cast<unsigned>(2 * top + 1)) - top
                                                                              : static_cast<int>(random() % (1u << grid.bits))));
    for (std::int64_t i = 0; i < codes.grouping.count(); ++i) {
        const float half = static_cast<float>(1 + random() % 1000) / 4096; // a number in half precision
        codes.values.scales.push_back(grid.scaleType == ScaleType::F16 ? half : half + 1e-6f);
        if (!grid.symmetric) codes.values.zeros.push_back(static_cast<std::uint8_t>(random() % (1u << grid.bits)));
    }
    return std::make_shared<const QuantizedTensor>(QuantizedTensor{shape, std::move(codes)});
}

MethodResult resultFor(const Checkpoint& source, std::string_view name, std::shared_ptr<const QuantizedTensor> quantized) {
    MethodResult result;
    TensorResult entry;
    entry.tensor = *source.find(name);
    entry.name = name;
    entry.quantized = std::move(quantized);
    result.tensors.push_back(std::move(entry));
    return result;
}

/// A model of opset 13 with a convolution, a matrix in an inner graph, a Constant and a scale's name already taken.
std::string model(std::int64_t opset = 13, const std::vector<Proto>& more = {}) {
    const std::vector<float> numbers(96, 0.5f);
    Proto inner;
    inner.text(2, "inner").message(5, onnxTensor("m", 1, {8, 12}, bytesOf(numbers)));
    inner.message(1, onnxNode("MatMul", {"y", "m"}, {"z"})).message(12, Proto{}.text(1, "z"));
    Proto graph;
    graph.message(1, onnxNode("Constant", {}, {"c"}, {Proto{}.text(1, "value").message(5, onnxTensor("", 1, {8, 12}, bytesOf(numbers))).number(20, 4)}));
    graph.message(1, onnxNode("Conv", {"x", "w"}, {"y"}).text(6, "kept as it is"));
    graph.message(1, onnxNode("If", {"y"}, {"o"}, {Proto{}.text(1, "then_branch").message(6, inner).number(20, 5)}).text(3, "branch"));
    for (const Proto& node : more) graph.message(1, node);
    graph.message(5, onnxTensor("w", 1, {4, 2, 3, 4}, bytesOf(numbers))).message(5, onnxTensor("w_scale", 1, {1}, bytesOf<float>({1})));
    graph.message(5, onnxTensor("h", 10, {8, 12}, bytesOf(std::vector<std::uint16_t>(96, 0x3800))));
    graph.message(5, onnxTensor("d", 11, {8, 12}, bytesOf(std::vector<double>(96, 0.5))));
    graph.message(11, Proto{}.text(1, "x")).message(11, Proto{}.text(1, "w")).message(12, Proto{}.text(1, "o")).text(10, "a text of the graph");
    return Proto{}.number(1, 4).text(2, "maker").message(7, graph).message(8, Proto{}.text(1, "").number(2, opset)).text(99, "unknown").data;
}

} // namespace

TEST_CASE("results on a grid become integer weights behind DequantizeLinear in an ONNX model") {
    const TemporaryFolder folder;
    std::ofstream(folder / "in.onnx", std::ios::binary) << model();
    const auto source = read(folder / "in.onnx");
    struct Case {
        const char* name;
        UniformGrid grid;
        std::int64_t groupRows, groupColumns;
        std::int64_t opset, irVersion;
        const char* form;
    };
    for (const Case& entry : {Case{"w", {8, true}, 24, 4, 13, 5, "QDQ INT8, one scale"}, Case{"w", {8, true}, 6, 4, 13, 7, "QDQ INT8, axis 0"},
                              Case{"w", {8, false}, 24, 1, 13, 7, "QDQ UINT8, axis 3"}, Case{"w", {8, false}, 1, 4, 21, 10, "QDQ UINT8, axis 3, blocks of 4"},
                              Case{"w", {4, true}, 1, 2, 21, 10, "QDQ INT4, axis 3, blocks of 2"}, Case{"w", {3, false}, 1, 3, 21, 10, "QDQ UINT4, axis 3, blocks of 3"},
                              Case{"c", {4, false}, 1, 4, 21, 10, "QDQ UINT4, axis 1, blocks of 4"}, Case{"c", {8, true}, 1, 12, 13, 7, "QDQ INT8, axis 0"},
                              Case{"branch/then_branch/m", {4, true}, 4, 1, 21, 10, "QDQ INT4, axis 0, blocks of 4"},
                              Case{"branch/then_branch/m", {8, false}, 3, 1, 21, 10, "QDQ UINT8, axis 0, blocks of 3"},
                              Case{"h", {8, true, ScaleType::F16}, 1, 12, 13, 7, "QDQ INT8, axis 0"}}) {
        INFO(entry.name << ": " << entry.form);
        const Shape shape = source->tensors[*source->find(entry.name)].shape;
        const auto quantized = randomGrid(shape, entry.grid, entry.groupRows, entry.groupColumns);
        const auto result = resultFor(*source, entry.name, quantized);
        TestRun run;
        const auto outcome = makeOnnxExporter()->write(*source, &result, folder / "out.onnx", run.context);
        if (!outcome) FAIL(describe(outcome.error()));
        CHECK(outcome->verified == 6);
        CHECK(outcome->bytes == fs::file_size(folder / "out.onnx"));
        const auto written = read(folder / "out.onnx");
        const auto place = written->find(entry.name);
        REQUIRE(place);
        CHECK(written->tensors[*place].form == entry.form);
        CHECK(valuesOf(*written, entry.name) == valuesOf(*quantized));
        const std::string bytes = contents(folder / "out.onnx");
        const OnnxModel now = parse(bytes);
        CHECK(now.irVersion == entry.irVersion);
        REQUIRE(now.opsets.size() == 1);
        CHECK(now.opsets[0].version == entry.opset);
        CHECK(bytes.find("kept as it is") != bytes.npos);
        CHECK(bytes.find("a text of the graph") != bytes.npos);
        CHECK(bytes.find("unknown") != bytes.npos);
        const auto isWeight = [](const auto& input) { return input.name == "w"; }; // what a node gives is no input
        CHECK(std::ranges::any_of(now.graph.inputs, isWeight) == (std::string(entry.name) != "w"));
    }
    CHECK(contents(folder / "in.onnx") == model());
}

TEST_CASE("an ONNX model is copied byte for byte where nothing changes") {
    const TemporaryFolder folder;
    std::ofstream(folder / "in.onnx", std::ios::binary) << model();
    TestRun run;
    const auto outcome = makeOnnxExporter()->write(*read(folder / "in.onnx"), nullptr, folder / "out.onnx", run.context);
    REQUIRE(outcome);
    CHECK(outcome->verified == 6);
    CHECK(contents(folder / "out.onnx") == model());
    for (const char* name : {"ch_ppocr_mobile_v2.0_cls_infer.onnx", "silero_vad.onnx"})
        if (const auto path = realData(std::string("onnx-models/") + name)) {
            const auto copied = makeOnnxExporter()->write(*read(*path), nullptr, folder / "real.onnx", run.context);
            REQUIRE(copied);
            CHECK(contents(folder / "real.onnx") == contents(*path));
        }
}

TEST_CASE("what ONNX cannot hold is refused before anything is written") {
    const TemporaryFolder folder;
    std::ofstream(folder / "in.onnx", std::ios::binary) << model();
    const auto source = read(folder / "in.onnx");
    const auto messageFor = [&](const Checkpoint& from, std::string_view name, std::shared_ptr<const QuantizedTensor> quantized) {
        const auto result = resultFor(from, name, std::move(quantized));
        const auto accepted = makeOnnxExporter()->accepts(from, &result);
        REQUIRE_FALSE(accepted);
        CHECK(accepted.error().code == ErrorCode::Unsupported);
        TestRun run;
        CHECK_FALSE(makeOnnxExporter()->write(from, &result, folder / "out.onnx", run.context));
        CHECK_FALSE(fs::exists(folder / "out.onnx"));
        return accepted.error().message;
    };
    const auto contains = [](const std::string& text) { return Catch::Matchers::Contains(text); };
    CHECK_THAT(messageFor(*source, "w", randomGrid({4, 2, 3, 4}, {8, true}, 2, 2)), contains("no single axis"));
    CHECK_THAT(messageFor(*source, "h", randomGrid({8, 12}, {8, true}, 1, 12)), contains("FLOAT16"));
    CHECK_THAT(messageFor(*source, "d", randomGrid({8, 12}, {8, true}, 1, 12)), contains("DOUBLE"));
    BlockCodes blocks{DType::Q8_0, std::vector<std::byte>(34 * 3)};
    CHECK_THAT(messageFor(*source, "c", std::make_shared<const QuantizedTensor>(QuantizedTensor{{8, 12}, blocks})), contains("GGUF"));
    auto act = std::get<GridCodes>(randomGrid({8, 12}, {8, true}, 1, 6)->codes);
    act.columnGroup = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
    CHECK_THAT(messageFor(*source, "c", std::make_shared<const QuantizedTensor>(QuantizedTensor{{8, 12}, act})), contains("GPTQ"));
    LevelCodes levels{"NF4", 4, std::vector<float>(16), {8, 12, 1, 12}, DType::F32, false, false, 1, std::vector<std::uint8_t>(96), std::vector<float>(8), nullptr};
    CHECK_THAT(messageFor(*source, "c", std::make_shared<const QuantizedTensor>(QuantizedTensor{{8, 12}, levels})), contains("NF4"));
    levels.levelSet = "E2M1";
    levels.levels.assign(kE2M1.begin(), kE2M1.end());
    levels.hasTensorScale = true;
    CHECK_THAT(messageFor(*source, "c", std::make_shared<const QuantizedTensor>(QuantizedTensor{{8, 12}, levels})), contains("whole tensor"));

    std::ofstream(folder / "old.onnx", std::ios::binary) << model(12, {onnxNode("Squeeze", {"y"}, {"q"}, {Proto{}.text(1, "axes").number(8, 0).number(20, 7)})});
    CHECK_THAT(messageFor(*read(folder / "old.onnx"), "c", randomGrid({8, 12}, {8, true}, 1, 12)), contains("Squeeze"));
    std::ofstream(folder / "coded.onnx", std::ios::binary) << sampleOnnxCodes();
    for (const auto& [name, shape] : {std::pair<const char*, Shape>{"a", {2, 3}}, {"b", {3, 2}}})
        CHECK_THAT(messageFor(*read(folder / "coded.onnx"), name, randomGrid(shape, {8, true}, 1, shape[1])), contains("codes in the model already"));
}

TEST_CASE("other checkpoints become ONNX models that hold their weights") {
    const TemporaryFolder folder;
    TestRun run;
    std::vector<TensorToWrite> tensors;
    const auto add = [&](std::string name, const TensorView& view) {
        tensors.push_back({std::move(name), view.dtype, view.shape, [view]() -> Result<TensorView> { return view; }});
    };
    add("a.weight", makeTensor({4, 32}, std::vector<float>(128, 0.75f)));
    add("b.weight", makeTensor({4, 32}, std::vector<float>(128, 0.25f)));
    add("c", makeTensor(DType::BF16, {1}, {std::byte{0x80}, std::byte{0x3F}}));
    add("e", makeTensor(DType::F8_E4M3, {2}, {std::byte{0x38}, std::byte{0xC0}}));
    add("f", makeTensor(DType::F6_E2M3, {4}, {std::byte{0x11}, std::byte{0x22}, std::byte{0x33}}));
    add("i", makeTensor(DType::I64, {1}, std::vector<std::byte>(8)));
    REQUIRE(writeSafetensors(folder / "in.safetensors", {{"author", "somebody"}}, tensors, run.context));
    const auto opened = makeSafetensorsReader()->open(folder / "in.safetensors", {}, run.notes);
    REQUIRE(opened);
    const Checkpoint& source = **opened;
    SECTION("as they are") {
        REQUIRE(makeOnnxExporter()->write(source, nullptr, folder / "out.onnx", run.context));
        const auto written = read(folder / "out.onnx");
        for (const auto& tensor : source.tensors) CHECK(valuesOf(*written, tensor.name) == valuesOf(source, tensor.name));
        CHECK(written->tensors[*written->find("c")].dtype == DType::BF16);
        CHECK(written->tensors[*written->find("f")].dtype == DType::F32);
        CHECK(std::get<std::string>(find(written->metadata, "metadata_props.author")->value) == "somebody");
    }
    SECTION("with blocks of four bits") {
        const auto quantized = randomGrid({4, 32}, {4, false}, 1, 8);
        const auto result = resultFor(source, "a.weight", quantized);
        REQUIRE(makeOnnxExporter()->write(source, &result, folder / "out.onnx", run.context));
        CHECK(valuesOf(*read(folder / "out.onnx"), "a.weight") == valuesOf(*quantized));
    }
    SECTION("with small floats") {
        LevelCodes levels{"E2M1", 4, {kE2M1.begin(), kE2M1.end()}, {4, 32, 1, 16}, DType::F32, false, false, 1, {}, {}, nullptr};
        for (int i = 0; i < 128; ++i) levels.codes.push_back(static_cast<std::uint8_t>(i * 7 % 16));
        for (int i = 0; i < 8; ++i) levels.scales.push_back(0.5f * static_cast<float>(i + 1));
        for (const char* set : {"E2M1", "E4M3", "E5M2"}) {
            INFO(set);
            levels.levelSet = set;
            if (set != std::string("E2M1")) {
                const auto& table = set == std::string("E4M3") ? kE4M3 : kE5M2;
                levels.bits = 8;
                levels.levels.assign(table.begin(), table.end());
            }
            const auto quantized = std::make_shared<const QuantizedTensor>(QuantizedTensor{{4, 32}, levels});
            const auto result = resultFor(source, "a.weight", quantized);
            const auto outcome = makeOnnxExporter()->write(source, &result, folder / "out.onnx", run.context);
            if (!outcome) FAIL(describe(outcome.error()));
            CHECK(valuesOf(*read(folder / "out.onnx"), "a.weight") == valuesOf(*quantized));
        }
    }
    SECTION("with large weights beside the model") {
        const auto result = resultFor(source, "a.weight", randomGrid({4, 32}, {8, true}, 1, 32));
        std::vector<TensorToWrite> large;
        large.push_back({"big", DType::F32, {64, 64}, []() -> Result<TensorView> { return makeTensor({64, 64}, std::vector<float>(4096, 2.f)); }});
        large.push_back({"small", DType::F32, {2}, []() -> Result<TensorView> { return makeTensor({2}, std::vector<float>(2, 3.f)); }});
        REQUIRE(writeSafetensors(folder / "large.safetensors", {}, large, run.context));
        const auto from = makeSafetensorsReader()->open(folder / "large.safetensors", {}, run.notes);
        REQUIRE(from);
        const auto outcome = makeOnnxExporter(1000)->write(**from, nullptr, folder / "out.onnx", run.context);
        if (!outcome) FAIL(describe(outcome.error()));
        CHECK(fs::file_size(folder / "out.onnx") < 1000);
        CHECK(outcome->bytes == fs::file_size(folder / "out.onnx") + 4096 * sizeof(float));
        const auto written = read(folder / "out.onnx");
        CHECK(valuesOf(*written, "big") == std::vector<float>(4096, 2.f));
        // Back into one file, as it is small enough for the ordinary limit.
        REQUIRE(makeOnnxExporter()->write(*written, nullptr, folder / "whole.onnx", run.context));
        CHECK(valuesOf(*read(folder / "whole.onnx"), "big") == std::vector<float>(4096, 2.f));
        REQUIRE(makeOnnxExporter(1000)->write(*read(folder / "whole.onnx"), nullptr, folder / "again.onnx", run.context));
        CHECK(fs::file_size(folder / "again.onnx") < 1200);
    }
}
