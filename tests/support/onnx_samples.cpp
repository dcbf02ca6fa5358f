// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/onnx_samples.h"

namespace qscope::test {

std::string sampleOnnx() {
    Proto packed; // float_data in one field
    packed.number(1, 2).number(2, 1).text(4, bytesOf<float>({1.5f, -2.f})).text(8, "typed.f32");
    Proto loose; // numbers in fields of their own
    loose.text(1, Proto::varint(3)).number(2, 7).number(7, -1).number(7, 300).text(7, Proto::varint(5)).text(8, "typed.i64");
    Proto halves;
    halves.number(1, 2).number(2, 10).text(5, Proto::varint(0x3C00) + Proto::varint(0xC000)).text(8, "typed.f16");
    Proto nibbles;
    nibbles.number(1, 3).number(2, 22).text(5, Proto::varint(0x71) + Proto::varint(0x0F)).text(8, "typed.i4");
    Proto inner;
    inner.text(2, "then").message(5, onnxTensor("w", 1, {1}, bytesOf<float>({3.f})));
    inner.message(1, onnxNode("Constant", {}, {"c"}, {Proto{}.text(1, "value_ints").text(8, Proto::varint(4) + Proto::varint(9)).number(20, 7)}));
    Proto shape;
    shape.message(1, Proto{}.number(1, 2)).message(1, Proto{}.text(2, "n")).message(1, Proto{});
    Proto input;
    input.text(1, "x").message(2, Proto{}.message(1, Proto{}.number(1, 1).message(2, shape)));
    Proto graph;
    graph.text(2, "main").message(11, input).message(12, Proto{}.text(1, "y"));
    graph.message(5, onnxTensor("raw.f32", 1, {2, 2}, bytesOf<float>({1, 2, 3, 4})));
    graph.message(5, packed).message(5, loose).message(5, halves).message(5, nibbles);
    graph.message(5, onnxTensor("raw.e4m3", 17, {2}, "\x38\xC0"));
    graph.message(5, onnxTensor("empty", 1, {0, 3}, ""));
    graph.message(5, Proto{}.number(1, 1).number(2, 8).text(6, "text").text(8, "words"));
    graph.message(1, onnxNode("If", {"x"}, {"y"}, {Proto{}.text(1, "then_branch").message(6, inner).number(20, 5)}).text(3, "branch"));
    graph.message(1, onnxNode("Constant", {}, {"k"}, {Proto{}.text(1, "value_float").single(2, 0.25f).number(20, 1)}));
    graph.message(1, onnxNode("Constant", {}, {"m"}, {Proto{}.text(1, "value").message(5, onnxTensor("", 9, {2}, std::string("\x01\0", 2))).number(20, 4)}));
    graph.message(13, Proto{}.text(1, "k"));
    Proto function;
    function.text(1, "Own").text(4, "a").text(5, "b").text(10, "own.domain").message(9, Proto{}.number(2, 21));
    function.message(7, onnxNode("Constant", {}, {"f"}, {Proto{}.text(1, "value_int").number(3, -7).number(20, 2)}));
    Proto model;
    model.number(1, 10).text(2, "test").text(3, "1").text(4, "domain").number(5, 3).text(6, "a text").message(7, graph);
    model.message(8, Proto{}.number(2, 21)).message(14, Proto{}.text(1, "author").text(2, "somebody")).message(25, function);
    return model.data;
}

std::string sampleOnnxCodes() {
    Proto graph;
    graph.message(1, onnxNode("DequantizeLinear", {"a_quantized", "a_scale", "a_zero"}, {"a_values"}, {onnxInt("axis", 0)}));
    graph.message(5, onnxTensor("a_quantized", 3, {2, 3}, "\x01\x02\x03\xFF\xFE\xFD"));
    graph.message(5, onnxTensor("a_scale", 1, {2}, bytesOf<float>({0.5f, 2.f})));
    graph.message(5, onnxTensor("a_zero", 3, {2}, "\x01\xFF"));
    graph.message(1, onnxNode("DequantizeLinear", {"b", "b_scale"}, {"b_values"}, {onnxInt("axis", 0), onnxInt("block_size", 2)}));
    graph.message(5, onnxTensor("b", 21, {3, 2}, "\x21\x43\x65"));
    graph.message(5, onnxTensor("b_scale", 10, {2, 2}, bytesOf<std::uint16_t>({0x3C00, 0x4000, 0x4400, 0x4800})));
    graph.message(5, onnxTensor("n", 2, {1, 1, 8}, "\x10\x32\x54\x76\x98\xBA\xDC\xFE"));
    graph.message(5, onnxTensor("n_scale", 1, {1}, bytesOf<float>({0.5f})));
    graph.message(1, onnxNode("MatMulNBits", {"x", "n", "n_scale"}, {"y"},
                              {onnxInt("K", 16), onnxInt("N", 1), onnxInt("bits", 4), onnxInt("block_size", 16)}, "com.microsoft"));
    return onnxModel(graph);
}

} // namespace qscope::test
