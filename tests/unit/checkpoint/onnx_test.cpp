// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/graph.h"
#include "engine/checkpoint/onnx/wire.h"
#include "tests/support/checkpoint_samples.h"
#include "tests/support/onnx_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;
namespace fs = std::filesystem;

namespace {

std::vector<double> valuesOf(const Checkpoint& file, std::string_view name) {
    INFO(name);
    const auto place = file.find(name);
    REQUIRE(place);
    const TensorView view = file.view(*place);
    std::vector<double> values(static_cast<std::size_t>(elementCount(view.shape)));
    REQUIRE(decode(view, 0, std::span<double>(values)));
    return values;
}

const TensorInfo& entryOf(const Checkpoint& file, std::string_view name) {
    const auto place = file.find(name);
    REQUIRE(place);
    return file.tensors[*place];
}

using Numbers = std::vector<double>;

} // namespace

TEST_CASE("an ONNX model opens with tensors of every kind of storage") {
    const MemoryFile bytes(sampleOnnx());
    Diagnostics notes;
    const auto opened = makeOnnxReader()->open(bytes.path(), {}, notes);
    REQUIRE(opened);
    const Checkpoint& file = **opened;
    CHECK(inconsistency(file).empty());
    CHECK(valuesOf(file, "raw.f32") == Numbers{1, 2, 3, 4});
    CHECK(valuesOf(file, "typed.f32") == Numbers{1.5, -2});
    CHECK(entryOf(file, "typed.f32").file == 0); // packed floats lie in the file as raw_data does
    CHECK(valuesOf(file, "typed.i64") == Numbers{-1, 300, 5});
    CHECK(valuesOf(file, "typed.f16") == Numbers{1, -2});
    CHECK(valuesOf(file, "typed.i4") == Numbers{1, 7, -1});
    CHECK(entryOf(file, "typed.i4").form == "INT4");
    CHECK(valuesOf(file, "raw.e4m3") == Numbers{1, -2});
    CHECK(entryOf(file, "empty").shape == Shape{0, 3});
    CHECK(valuesOf(file, "k") == Numbers{0.25});
    CHECK(valuesOf(file, "m") == Numbers{1, 0});
    CHECK(valuesOf(file, "branch/then_branch/w") == Numbers{3});
    CHECK(valuesOf(file, "branch/then_branch/c") == Numbers{4, 9});
    CHECK(valuesOf(file, "own.domain.Own/f") == Numbers{-7});
    CHECK(file.tensors.size() == 12);
    REQUIRE(notes.entries().size() == 1);
    CHECK(notes.entries()[0].message == "1 tensors hold texts and are left out");

    const auto text = [&](std::string_view key) { return std::get<std::string>(find(file.metadata, key)->value); };
    CHECK(text("producer_name") == "test");
    CHECK(text("opset_import") == "ai.onnx 21");
    CHECK(text("metadata_props.author") == "somebody");
    CHECK(std::get<std::vector<std::string>>(find(file.metadata, "graph.inputs")->value) == std::vector<std::string>{"x: FLOAT [2, n, ?]"});
    CHECK(file.architecture.empty());
}

TEST_CASE("a parsed ONNX model keeps nodes, attributes, inner graphs and functions") {
    const std::string bytes = sampleOnnx();
    MemoryBudget budget(1'000'000);
    const auto model = parseOnnxModel(std::as_bytes(std::span(bytes)), budget, {});
    REQUIRE(model);
    CHECK(model->irVersion == 10);
    REQUIRE(model->graph.nodes.size() == 3);
    const OnnxNode& branch = model->graph.nodes[0];
    CHECK(branch.opType == "If");
    CHECK(branch.name == "branch");
    CHECK(branch.inputs == std::vector<std::string_view>{"x"});
    const auto* graphs = std::get_if<std::vector<OnnxGraph>>(&find(branch, "then_branch")->value);
    REQUIRE(graphs);
    CHECK(graphs->front().name == "then");
    CHECK(valueOr<std::vector<std::int64_t>>(graphs->front().nodes[0], "value_ints", {}) == std::vector<std::int64_t>{4, 9});
    CHECK(valueOr<float>(model->graph.nodes[1], "value_float", 0.f) == 0.25f);
    REQUIRE(model->functions.size() == 1);
    CHECK(model->functions[0].name == "Own");
    REQUIRE(model->graph.inputs.size() == 1);
    REQUIRE(model->graph.inputs[0].shape);
    CHECK(std::get<std::int64_t>(model->graph.inputs[0].shape->at(0)) == 2);
    CHECK(std::get<std::string_view>(model->graph.inputs[0].shape->at(1)) == "n");
}

TEST_CASE("codes that ONNX nodes read are weights with parts") {
    const auto opened = openBytes(*makeOnnxReader(), sampleOnnxCodes());
    REQUIRE(opened);
    const Checkpoint& file = **opened;
    CHECK(inconsistency(file).empty());
    CHECK(valuesOf(file, "a") == Numbers{0, 0.5, 1, 0, -2, -4}); // (q - zero) * scale, row by row
    CHECK(entryOf(file, "a").form == "QDQ INT8, axis 0");
    CHECK(entryOf(file, "a").bytes == 6 + 8 + 2);
    CHECK(valuesOf(file, "a.codes") == Numbers{1, 2, 3, -1, -2, -3});
    CHECK(valuesOf(file, "a.scales") == Numbers{0.5, 2});
    CHECK(valuesOf(file, "a.zeros") == Numbers{1, -1});
    CHECK(file.tensors[*entryOf(file, "a.zeros").partOf].name == "a");
    CHECK_FALSE(file.find("a_scale")); // nothing but a part
    CHECK(valuesOf(file, "b") == Numbers{1, 4, 3, 8, 20, 48}); // rows 0 and 1 are one block, row 2 the last
    CHECK(entryOf(file, "b").form == "QDQ UINT4, axis 0, blocks of 2");
    CHECK(valuesOf(file, "n") == Numbers{-4, -3.5, -3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5});
    CHECK(entryOf(file, "n").shape == Shape{1, 16});
    CHECK(parameterCount(file) == 6 + 6 + 16);
}

TEST_CASE("external data of an ONNX model is read from its folder and nowhere else") {
    const TemporaryFolder folder;
    fs::create_directories(folder / "model/inside");
    std::ofstream(folder / "model/weights.bin") << std::string(4096, 'x') + bytesOf<float>({1, 2, 3});
    std::ofstream(folder / "secret.bin") << bytesOf<float>({7});
    fs::create_symlink(folder / "secret.bin", folder / "model/link.bin");
    fs::create_symlink("../weights.bin", folder / "model/inside/also.bin");
    const auto open = [&](const std::vector<std::pair<std::string, std::string>>& entries, std::int64_t count = 1) {
        Proto tensor;
        tensor.number(1, count).number(2, 1).text(8, "w").number(14, 1);
        for (const auto& [key, value] : entries) tensor.message(13, Proto{}.text(1, key).text(2, value));
        std::ofstream(folder / "model/m.onnx") << onnxModel(Proto{}.message(5, tensor));
        Diagnostics notes;
        return makeOnnxReader()->open(folder / "model/m.onnx", {}, notes);
    };
    const auto good = open({{"location", "weights.bin"}, {"offset", "4096"}, {"length", "12"}, {"checksum", "none"}}, 3);
    REQUIRE(good);
    CHECK(valuesOf(**good, "w") == Numbers{1, 2, 3});
    CHECK(open({{"location", "inside/also.bin"}, {"offset", "4104"}}));
    for (const char* location : {"../secret.bin", "link.bin", "/etc/passwd", "", "inside", "missing.bin", "inside/../../secret.bin", "."}) {
        INFO(location);
        const auto opened = open({{"location", location}});
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == ErrorCode::Malformed);
    }
    for (const auto& [offset, length] : {std::pair("4105", "12"), std::pair("99999", "12"), std::pair("4096", "8"), std::pair("-1", "12"),
                                         std::pair("18446744073709551615", "12"), std::pair("4096", "12x"), std::pair("", "12")}) {
        INFO(offset << " " << length);
        const auto opened = open({{"location", "weights.bin"}, {"offset", offset}, {"length", length}}, 3);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == ErrorCode::Malformed);
    }
}

TEST_CASE("each rule of ONNX and its encoding refuses the file that breaks it") {
    const auto initializer = [](const Proto& tensor) { return onnxModel(Proto{}.message(5, tensor)); };
    Proto nested; // a graph in a node in a graph ...
    for (int i = 0; i < 70; ++i) nested = Proto{}.message(1, onnxNode("If", {}, {"o"}, {Proto{}.text(1, "b").message(6, nested)}));
    std::string nodes;
    for (int i = 0; i < 2'000'000; ++i) nodes += std::string("\x0A\0", 2); // two bytes each, over a hundred in memory
    std::string axes;
    for (int i = 0; i < 9; ++i) axes += '\x01';
    struct Case {
        const char* rule;
        std::string file;
        ErrorCode code = ErrorCode::Malformed;
    };
    const std::vector<Case> cases = {
        {"empty file", ""},
        {"no graph", Proto{}.number(1, 8).data},
        {"two graphs", Proto{}.message(7, {}).message(7, {}).data},
        {"length beyond the message", std::string("\x3A\x05\x01", 3)},
        {"length beyond the inner message", onnxModel(Proto{}.raw(std::string("\x0A\x7F", 2)))},
        {"length of 2^63", std::string("\x3A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 10)},
        {"number of eleven bytes", "\x08" + std::string(10, '\xFF') + "\x01"},
        {"number of 65 bits", "\x08" + std::string(9, '\xFF') + "\x02"},
        {"number cut off", "\x08\x80"},
        {"field number 0", std::string("\x00\x01", 2)},
        {"group", std::string("\x0B\x0C", 2)},
        {"wire type 7", "\x0F"},
        {"graph that is a number", Proto{}.number(7, 1).data},
        {"name that is a number", initializer(Proto{}.number(8, 1))},
        {"size that is a float", initializer(Proto{}.single(1, 1))},
        {"graphs too deep", onnxModel(nested)},
        {"description larger than memory", onnxModel(Proto{}.raw(nodes)), ErrorCode::Unsupported},
        {"no name", initializer(onnxTensor("", 1, {1}, "1234"))},
        {"name twice", onnxModel(Proto{}.message(5, onnxTensor("w", 1, {1}, "1234")).message(5, onnxTensor("w", 1, {1}, "1234")))},
        {"name not UTF-8", initializer(onnxTensor("\xFF", 1, {1}, "1234"))},
        {"name too long", initializer(onnxTensor(std::string(5000, 'n'), 1, {1}, "1234"))},
        {"raw data too short", initializer(onnxTensor("w", 1, {2}, "1234"))},
        {"raw data too long", initializer(onnxTensor("w", 1, {1}, "12345"))},
        {"no data", initializer(Proto{}.number(1, 2).number(2, 1).text(8, "w"))},
        {"huge shape without data", initializer(Proto{}.number(1, std::int64_t{1} << 40).number(2, 7).text(8, "w"))},
        {"shape that overflows", initializer(Proto{}.number(1, std::int64_t{1} << 40).number(1, std::int64_t{1} << 40).number(2, 1).text(8, "w"))},
        {"negative size", initializer(onnxTensor("w", 1, {-1}, ""))},
        {"nine axes", initializer(Proto{}.text(1, axes).number(2, 1).text(8, "w").text(9, "1234"))},
        {"float_data of half a number", initializer(Proto{}.number(1, 1).number(2, 1).text(4, "12").text(8, "w"))},
        {"too many typed numbers", initializer(Proto{}.number(1, 1).number(2, 7).number(7, 1).number(7, 1).text(8, "w"))},
        {"too few typed numbers", initializer(Proto{}.number(1, 3).number(2, 7).number(7, 1).number(7, 1).text(8, "w"))},
        {"typed number out of range", initializer(Proto{}.number(1, 1).number(2, 3).number(5, 300).text(8, "w"))},
        {"unknown data type", initializer(onnxTensor("w", 77, {1}, "1234")), ErrorCode::Unsupported},
        {"complex numbers in double precision", initializer(onnxTensor("w", 15, {1}, "1234567812345678")), ErrorCode::Unsupported},
        {"segmented tensor", initializer(Proto{}.message(3, {}).number(2, 1).text(8, "w")), ErrorCode::Unsupported},
        {"data location 2", initializer(Proto{}.number(2, 1).text(8, "w").number(14, 2))},
        {"sparse initializer", onnxModel(Proto{}.message(15, Proto{}.message(1, onnxTensor("s", 1, {1}, "1234")))), ErrorCode::Unsupported},
        {"sparse constant", onnxModel(Proto{}.message(1, onnxNode("Constant", {}, {"s"}, {Proto{}.text(1, "sparse_value").message(22, {})}))),
         ErrorCode::Unsupported},
    };
    for (const Case& entry : cases) {
        INFO(entry.rule);
        const auto opened = openBytes(*makeOnnxReader(), entry.file);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == entry.code);
        CHECK(describe(opened.error()).find('\n') == std::string::npos);
    }
}

TEST_CASE("codes of a form that is not known are listed as they are stored, with a note") {
    const auto notesFor = [](const Proto& node, const Proto& scale, const Proto& codes) {
        const MemoryFile bytes(onnxModel(Proto{}.message(1, node).message(5, codes).message(5, scale)));
        Diagnostics notes;
        const auto opened = makeOnnxReader()->open(bytes.path(), {}, notes);
        REQUIRE(opened);
        CHECK((*opened)->find("w"));
        CHECK((*opened)->find("s"));
        CHECK((*opened)->tensors.size() == 2);
        return notes.entries().size();
    };
    const Proto node = onnxNode("DequantizeLinear", {"w", "s"}, {"y"});
    const Proto codes = onnxTensor("w", 3, {2, 2}, "1234");
    CHECK(notesFor(node, onnxTensor("s", 1, {3}, bytesOf<float>({1, 1, 1})), codes) == 1);
    CHECK(notesFor(node, onnxTensor("s", 6, {}, bytesOf<int>({1})), codes) == 1);
    CHECK(notesFor(onnxNode("DequantizeLinear", {"w", "s", "z"}, {"y"}), onnxTensor("s", 1, {}, "1234"), codes) == 1); // a computed zero
    CHECK(notesFor(node, onnxTensor("s", 1, {}, "1234"), onnxTensor("w", 1, {1}, "1234")) == 1);
    CHECK(notesFor(onnxNode("DequantizeLinear", {"w", "s"}, {"y"}, {onnxInt("axis", 7)}), onnxTensor("s", 1, {2}, "12341234"), codes) == 1);
    CHECK(notesFor(onnxNode("MatMulNBits", {"x", "w", "s"}, {"y"}, {onnxInt("N", 4), onnxInt("K", 9999), onnxInt("block_size", 16)}, "com.microsoft"),
                   onnxTensor("s", 1, {}, "1234"), onnxTensor("w", 2, {4}, "1234")) == 1);
    CHECK(notesFor(onnxNode("MatMulNBits", {"x", "w", "s"}, {"y"}, {onnxInt("bits", 5)}, "com.microsoft"), onnxTensor("s", 1, {}, "1234"), codes) == 1);
}

TEST_CASE("real ONNX models hold the tensors that a walk in Python finds") {
    struct Known {
        const char* name;
        std::size_t tensors;
        std::size_t elements;
        double sum, squares; // of values limited to a million, which stands for "to the end" in the indices of slices
    };
    for (const Known& known : {Known{"ch_ppocr_mobile_v2.0_cls_infer.onnx", 275, 133744, 9367.357471, 212438.7993},
                               Known{"gtcrn_simple.onnx", 214, 82580, 1292893.255, 1.000006501e+12},
                               Known{"magika_standard_v3_3.onnx", 36, 784519, 6031029.524, 8.000014354e+12},
                               Known{"silero_vad.onnx", 341, 545597, 6040091.439, 1.000026559e+13},
                               Known{"version-RFB-320.onnx", 275, 307683, 3026950.916, 2.606449909e+11}}) {
        INFO(known.name);
        const auto path = realData(std::string("onnx-models/") + known.name);
        if (!path) continue;
        Diagnostics notes;
        CHECK(makeOnnxReader()->recognises(*path));
        const auto opened = makeOnnxReader()->open(*path, {}, notes);
        REQUIRE(opened);
        CHECK(inconsistency(**opened).empty());
        CHECK((*opened)->tensors.size() == known.tensors);
        std::size_t elements = 0;
        double sum = 0, squares = 0;
        for (const TensorInfo& tensor : (*opened)->tensors)
            for (const double value : valuesOf(**opened, tensor.name)) {
                const double limited = std::clamp(value, -1e6, 1e6);
                ++elements;
                sum += limited;
                squares += limited * limited;
            }
        CHECK(elements == known.elements);
        CHECK(sum == Approx(known.sum).epsilon(1e-8));
        CHECK(squares == Approx(known.squares).epsilon(1e-8));
    }
}

TEST_CASE("every model and tensor of the ONNX node tests opens") {
    const auto folder = realData("onnx-nodes");
    if (!folder) return;
    int models = 0, tensors = 0;
    for (const auto& entry : fs::recursive_directory_iterator(*folder)) {
        INFO(entry.path());
        if (entry.path().extension() == ".onnx") {
            Diagnostics notes;
            REQUIRE(makeOnnxReader()->open(entry.path(), {}, notes));
            ++models;
        } else if (entry.path().extension() == ".pb") {
            const auto file = MappedFile::open(entry.path());
            REQUIRE(file);
            MemoryBudget budget(1'000'000);
            const auto parsed = parseOnnxTensor((*file)->bytes(), budget, {});
            if (!parsed) {
                CHECK(entry.path().string().find("sequence") != std::string::npos); // a list of tensors
                continue;
            }
            ++tensors;
        }
    }
    CHECK(models == 246);
    CHECK(tensors >= 830);
}
