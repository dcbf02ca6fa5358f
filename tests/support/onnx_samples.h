// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace qscope::test {

/// A protobuf message under construction, written from the encoding's description and without the product's writer.
struct Proto {
    std::string data;

    static std::string varint(std::uint64_t value) {
        std::string bytes;
        for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
        return bytes + static_cast<char>(value);
    }
    Proto& raw(std::string_view bytes) {
        data += bytes;
        return *this;
    }
    Proto& number(unsigned field, std::int64_t value) { return raw(varint(field << 3) + varint(static_cast<std::uint64_t>(value))); }
    Proto& text(unsigned field, std::string_view value) { return raw(varint(field << 3 | 2) + varint(value.size())).raw(value); }
    Proto& message(unsigned field, const Proto& inner) { return text(field, inner.data); }
    Proto& single(unsigned field, float value) {
        raw(varint(field << 3 | 5));
        return raw({reinterpret_cast<const char*>(&value), sizeof value});
    }
};

/// The bytes of numbers one after another.
template<class T>
[[nodiscard]] std::string bytesOf(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A TensorProto with raw_data.
[[nodiscard]] inline Proto onnxTensor(std::string_view name, int type, const std::vector<std::int64_t>& shape, std::string_view raw) {
    Proto tensor;
    for (const std::int64_t size : shape) tensor.number(1, size);
    return tensor.number(2, type).text(8, name).text(9, raw);
}

[[nodiscard]] inline Proto onnxInt(std::string_view name, std::int64_t value) { return Proto{}.text(1, name).number(3, value).number(20, 2); }

/// A NodeProto.
[[nodiscard]] inline Proto onnxNode(std::string_view op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                                    const std::vector<Proto>& attributes = {}, std::string_view domain = "") {
    Proto node;
    for (const auto& input : inputs) node.text(1, input);
    for (const auto& output : outputs) node.text(2, output);
    node.text(4, op);
    for (const Proto& attribute : attributes) node.message(5, attribute);
    if (!domain.empty()) node.text(7, domain);
    return node;
}

/// A whole model around the fields of a graph.
[[nodiscard]] inline std::string onnxModel(const Proto& graph, std::int64_t opset = 21) {
    return Proto{}.number(1, 10).text(2, "test").message(7, graph).message(8, Proto{}.text(1, "").number(2, opset)).data;
}

/// One small valid model with every kind of field that the reader looks at.
[[nodiscard]] std::string sampleOnnx();
/// A weight behind DequantizeLinear per axis, one in blocks of four bits, and a MatMulNBits node.
[[nodiscard]] std::string sampleOnnxCodes();

} // namespace qscope::test
