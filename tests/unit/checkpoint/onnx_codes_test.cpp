// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/graph.h"
#include "engine/checkpoint/reader.h"
#include "engine/tensor/small_floats.h"
#include "tests/support/checkpoint_samples.h"
#include "tests/support/onnx_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;
namespace fs = std::filesystem;

namespace {

/// The file as it is: a TensorProto. A name is put in front; the last one of a repeated field counts, and the file's own
/// comes later, so it is given as it stands.
std::string tensorFile(const fs::path& path) {
    const auto file = MappedFile::open(path);
    REQUIRE(file);
    return {reinterpret_cast<const char*>((*file)->bytes().data()), (*file)->bytes().size()};
}

std::vector<double> valuesOf(const Checkpoint& file, std::string_view name) {
    INFO(name);
    const auto place = file.find(name);
    REQUIRE(place);
    std::vector<double> values(static_cast<std::size_t>(elementCount(file.tensors[*place].shape)));
    REQUIRE(decode(file.view(*place), 0, std::span<double>(values)));
    return values;
}

/// The TensorProto under another name.
Proto renamed(std::string bytes, std::string_view name) { return Proto{}.raw(bytes).text(8, name); }

/// A node test's inputs and output as the initializers "0", "1", "2" and "out", with a DequantizeLinear over some of them.
std::shared_ptr<const Checkpoint> nodeTest(const fs::path& folder, const std::vector<std::string>& inputs, const std::vector<Proto>& attributes) {
    Proto graph;
    for (int i = 0; i < 3; ++i)
        if (const fs::path input = folder / ("test_data_set_0/input_" + std::to_string(i) + ".pb"); fs::exists(input))
            graph.message(5, renamed(tensorFile(input), std::to_string(i)));
    graph.message(5, renamed(tensorFile(folder / "test_data_set_0/output_0.pb"), "out"));
    graph.message(1, onnxNode("DequantizeLinear", inputs, {"result"}, attributes));
    const auto opened = openBytes(*makeOnnxReader(), onnxModel(graph));
    if (!opened) FAIL(describe(opened.error()));
    return *opened;
}

} // namespace

TEST_CASE("coded weights equal the outputs of the DequantizeLinear node tests") {
    for (const char* name : {"axis", "e4m3fn", "e4m3fn_zero_point", "float4e2m1", "int4", "uint4"}) {
        INFO(name);
        const auto folder = realData(std::string("onnx-nodes/test_dequantizelinear_") + name);
        if (!folder) continue;
        const bool hasZero = fs::exists(*folder / "test_data_set_0/input_2.pb");
        const std::vector<Proto> attributes = std::string(name) == "axis" ? std::vector{onnxInt("axis", 1)} : std::vector<Proto>{};
        const auto file = nodeTest(*folder, hasZero ? std::vector<std::string>{"0", "1", "2"} : std::vector<std::string>{"0", "1"}, attributes);
        CHECK(file->tensors[*file->find("0")].dtype == DType::Coded);
        CHECK(valuesOf(*file, "0") == valuesOf(*file, "out"));
    }
}

TEST_CASE("coded weights made of the outputs of the QuantizeLinear node tests are the inputs, rounded") {
    struct Node {
        const char* name;
        std::int64_t axis, block;
        double step; ///< largest error of one rounding, in scales; small floats: relative to the value
    };
    for (const Node& node : {Node{"blocked_asymmetric", 1, 2, 0.5}, Node{"int4", 0, 0, 0.5}, Node{"uint4", 0, 0, 0.5}, Node{"float4e2m1", 0, 0, 1}}) {
        INFO(node.name);
        const auto folder = realData(std::string("onnx-nodes/test_quantizelinear_") + node.name);
        if (!folder) continue;
        const auto file = nodeTest(*folder, {"out", "1", "2"}, {onnxInt("axis", node.axis), onnxInt("block_size", node.block)});
        const auto place = file->find("out");
        REQUIRE(place);
        REQUIRE(file->tensors[*place].dtype == DType::Coded);
        const Shape shape = file->tensors[*place].shape;
        const auto values = valuesOf(*file, "out"), codes = valuesOf(*file, "out.codes"), scales = valuesOf(*file, "out.scales"),
                   zeros = valuesOf(*file, "out.zeros"), inputs = valuesOf(*file, "0");
        const std::int64_t columns = shape[1];
        const double low = std::string(node.name) == "int4" ? -8 : 0, high = node.block > 0 ? 255 : node.axis == 0 && low < 0 ? 7 : 15;
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto row = static_cast<std::int64_t>(i) / columns, column = static_cast<std::int64_t>(i) % columns;
            const auto group = static_cast<std::size_t>(node.block > 0 ? row * ((columns + node.block - 1) / node.block) + column / node.block : row);
            CHECK(values[i] == (codes[i] - zeros[group]) * scales[group]);
            if (node.step < 1) CHECK(codes[i] == std::clamp(std::nearbyint(inputs[i] / scales[group]) + zeros[group], low, high));
        }
    }
}

TEST_CASE("DequantizeLinear over any axis follows its definition") {
    const Shape shape{2, 5, 3};
    std::vector<std::int8_t> codes(30);
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 256) - 128);
    for (int axis = -3; axis < 3; ++axis)
        for (const std::int64_t block : {0, 1, 2, 5, 9}) {
            INFO("axis " << axis << ", blocks of " << block);
            const auto at = static_cast<std::size_t>(axis < 0 ? axis + 3 : axis);
            Shape groups = block > 0 ? shape : Shape{shape[at]};
            if (block > 0) groups[at] = (shape[at] + block - 1) / block;
            std::vector<float> scales(static_cast<std::size_t>(elementCount(groups)));
            std::vector<std::int8_t> zeros(scales.size());
            for (std::size_t i = 0; i < scales.size(); ++i) {
                scales[i] = 1.f + static_cast<float>(i) / 4;
                zeros[i] = static_cast<std::int8_t>(i * 5);
            }
            Proto graph;
            graph.message(5, onnxTensor("w", 3, shape, bytesOf(codes))).message(5, onnxTensor("s", 1, groups, bytesOf(scales)));
            graph.message(5, onnxTensor("z", 3, groups, bytesOf(zeros)));
            graph.message(1, onnxNode("DequantizeLinear", {"w", "s", "z"}, {"y"}, {onnxInt("axis", axis), onnxInt("block_size", block)}));
            const auto opened = openBytes(*makeOnnxReader(), onnxModel(graph));
            REQUIRE(opened);
            const TensorInfo& weight = (*opened)->tensors[*(*opened)->find("w")];
            if (at == 1 && block == 2) { // its last block is cut, once per index of the first axis
                CHECK(weight.dtype == DType::I8);
                continue;
            }
            REQUIRE(weight.dtype == DType::Coded);
            const auto values = valuesOf(**opened, "w");
            std::size_t i = 0;
            for (std::int64_t a = 0; a < shape[0]; ++a)
                for (std::int64_t b = 0; b < shape[1]; ++b)
                    for (std::int64_t c = 0; c < shape[2]; ++c, ++i) {
                        std::int64_t index[3] = {a, b, c};
                        std::int64_t group = index[at];
                        if (block > 0) {
                            index[at] /= block;
                            group = (index[0] * groups[1] + index[1]) * groups[2] + index[2];
                        }
                        const auto g = static_cast<std::size_t>(group);
                        REQUIRE(values[i] == (codes[i] - zeros[g]) * scales[g]);
                    }
        }
}

TEST_CASE("integers of all widths and small floats are codes of DequantizeLinear") {
    const auto valuesFor = [](int type, std::int64_t count, const std::string& raw) {
        Proto graph;
        graph.message(5, onnxTensor("w", type, {count}, raw)).message(5, onnxTensor("s", 1, {}, bytesOf<float>({0.5f})));
        graph.message(1, onnxNode("DequantizeLinear", {"w", "s"}, {"y"}));
        const auto opened = openBytes(*makeOnnxReader(), onnxModel(graph));
        REQUIRE(opened);
        CHECK((*opened)->tensors[*(*opened)->find("w")].dtype == DType::Coded);
        return valuesOf(**opened, "w");
    };
    using Numbers = std::vector<double>;
    CHECK(valuesFor(4, 2, bytesOf<std::uint16_t>({65535, 2})) == Numbers{32767.5, 1});
    CHECK(valuesFor(5, 2, bytesOf<std::int16_t>({-32768, 2})) == Numbers{-16384, 1});
    CHECK(valuesFor(6, 2, bytesOf<std::int32_t>({-16777216, 2})) == Numbers{-8388608, 1});
    CHECK(valuesFor(2, 2, "\xFF\x02") == Numbers{127.5, 1});
    CHECK(valuesFor(25, 5, "\xE4\x03") == Numbers{0, 0.5, 1, 1.5, 1.5});
    CHECK(valuesFor(26, 5, "\xE4\x03") == Numbers{0, 0.5, -1, -0.5, -0.5});
    CHECK(valuesFor(21, 3, "\xF1\x08") == Numbers{0.5, 7.5, 4});
    CHECK(valuesFor(22, 3, "\xF1\x08") == Numbers{0.5, -0.5, -4});
    CHECK(valuesFor(23, 3, "\xF2\x07") == Numbers{0.5, -3, 3});
    for (const auto& [type, table] : {std::pair(17, kE4M3), std::pair(18, kE4M3Fnuz), std::pair(19, kE5M2), std::pair(20, kE5M2Fnuz)})
        CHECK(valuesFor(type, 2, "\x41\xC1") == Numbers{table[0x41] * 0.5, table[0xC1] * 0.5});
}

TEST_CASE("MatMulNBits with zero points and MatMulBnb4 follow their descriptions") {
    const auto weight = [](const std::string& op, const Proto& codes, const std::vector<Proto>& more, const std::vector<std::string>& inputs,
                           std::vector<Proto> attributes) {
        Proto graph;
        graph.message(5, codes);
        for (const Proto& tensor : more) graph.message(5, tensor);
        graph.message(1, onnxNode(op, inputs, {"y"}, attributes, "com.microsoft"));
        const auto opened = openBytes(*makeOnnxReader(), onnxModel(graph));
        REQUIRE(opened);
        return *opened;
    };
    constexpr std::int64_t rows = 2, columns = 40, block = 16, blocks = 3;
    for (const int bits : {2, 4, 8}) {
        INFO(bits << " bits");
        std::string raw(static_cast<std::size_t>(rows * blocks * block * bits / 8), '\0');
        for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<char>(i * 73 + 5);
        std::string packedZeros(static_cast<std::size_t>(rows * ((blocks * bits + 7) / 8)), '\0');
        for (std::size_t i = 0; i < packedZeros.size(); ++i) packedZeros[i] = static_cast<char>(i * 31 + 27);
        std::vector<float> scales, zeros;
        for (int i = 0; i < rows * blocks; ++i) scales.push_back(0.25f * static_cast<float>(i + 1)), zeros.push_back(1.5f * static_cast<float>(i));
        const auto codeAt = [&](const std::string& from, std::int64_t stride, std::int64_t row, std::int64_t index) {
            const auto byte = static_cast<unsigned char>(from[static_cast<std::size_t>(row * stride + index * bits / 8)]);
            return byte >> (index * bits % 8) & ((1 << bits) - 1);
        };
        for (const std::string kind : {"absent", "packed", "numbers"}) {
            INFO(kind);
            std::vector<Proto> more{onnxTensor("s", 1, {rows * blocks}, bytesOf(scales))};
            if (kind == "packed") more.push_back(onnxTensor("z", 2, {std::ssize(packedZeros)}, packedZeros));
            if (kind == "numbers") more.push_back(onnxTensor("z", 1, {rows, blocks}, bytesOf(zeros)));
            std::vector<std::string> inputs{"x", "w", "s"};
            if (kind != "absent") inputs.push_back("z");
            const auto file = weight("MatMulNBits", onnxTensor("w", 2, {rows, blocks, block * bits / 8}, raw), more, inputs,
                                     {onnxInt("N", rows), onnxInt("K", columns), onnxInt("bits", bits), onnxInt("block_size", block)});
            const auto values = valuesOf(*file, "w");
            REQUIRE(values.size() == rows * columns);
            for (std::int64_t r = 0; r < rows; ++r)
                for (std::int64_t c = 0; c < columns; ++c) {
                    const std::int64_t g = c / block;
                    const double zero = kind == "absent" ? 1 << (bits - 1)
                                        : kind == "packed" ? codeAt(packedZeros, (blocks * bits + 7) / 8, r, g)
                                                           : static_cast<double>(zeros[static_cast<std::size_t>(r * blocks + g)]);
                    const double expected = (codeAt(raw, blocks * block * bits / 8, r, c) - zero) * scales[static_cast<std::size_t>(r * blocks + g)];
                    REQUIRE(values[static_cast<std::size_t>(r * columns + c)] == expected);
                }
        }
    }
    const auto bnb = weight("MatMulBnb4", onnxTensor("w", 2, {2}, "\xF0\x7C"), {onnxTensor("s", 1, {2}, bytesOf<float>({2.f, 4.f}))}, {"x", "w", "s"},
                            {onnxInt("N", 2), onnxInt("K", 2), onnxInt("block_size", 2), onnxInt("quant_type", 1)});
    const auto values = valuesOf(*bnb, "w");
    CHECK(values == std::vector<double>{2, -2, 0, static_cast<double>(0.44070983f) * 4});
}
