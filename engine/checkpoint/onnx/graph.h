// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/memory_budget.h"
#include "engine/core/read_limits.h"
#include "engine/tensor/tensor.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace qscope::engine {

// ONNX models as plain data. Texts and weights are views into the bytes that were parsed, which must outlive the
// structs. Source: onnx/onnx.proto of the ONNX project; formats.md, section 8.

/// TensorProto.DataType.
enum class OnnxType : std::int32_t {
    Undefined = 0, F32 = 1, U8 = 2, I8 = 3, U16 = 4, I16 = 5, I32 = 6, I64 = 7, String = 8, Bool = 9, F16 = 10, F64 = 11,
    U32 = 12, U64 = 13, C64 = 14, C128 = 15, BF16 = 16, F8E4M3FN = 17, F8E4M3FNUZ = 18, F8E5M2 = 19, F8E5M2FNUZ = 20,
    U4 = 21, I4 = 22, F4E2M1 = 23, F8E8M0 = 24, U2 = 25, I2 = 26
};

/// A tensor stored in the model or beside it. See `tensor_data.h` for its values.
struct OnnxTensor {
    std::string_view name;
    OnnxType type = OnnxType::Undefined;
    Shape shape;
    std::span<const std::byte> message;                               ///< the whole TensorProto
    std::uint64_t offset = 0;                                         ///< of `message` in the file
    std::optional<std::span<const std::byte>> raw;                    ///< raw_data, little-endian
    std::vector<std::pair<std::string_view, std::string_view>> external; ///< keys and values of external_data
    bool isExternal = false;
};

/// A tensor with most values left out; the values themselves are in `values`, their places in `indices`.
struct OnnxSparseTensor {
    OnnxTensor values;
    OnnxTensor indices;
    Shape shape;
};

/// One axis of an input or output: a size, a name for one that is known later, or neither.
using OnnxDimension = std::variant<std::monostate, std::int64_t, std::string_view>;

/// Name and type of a graph's input, output or inner value. Undefined: not a tensor, or not said.
struct OnnxValueInfo {
    std::string_view name;
    OnnxType type = OnnxType::Undefined;
    std::optional<std::vector<OnnxDimension>> shape; ///< nothing: the rank is not known either
};

struct OnnxAttribute;

struct OnnxNode {
    std::string_view name; ///< may be empty or used twice
    std::string_view opType;
    std::string_view domain; ///< empty: ai.onnx
    std::vector<std::string_view> inputs; ///< an empty name: this optional input is absent
    std::vector<std::string_view> outputs;
    std::vector<OnnxAttribute> attributes;
};

struct OnnxGraph {
    std::string_view name;
    std::vector<OnnxNode> nodes;
    std::vector<OnnxTensor> initializers;
    std::vector<OnnxSparseTensor> sparseInitializers;
    std::vector<OnnxValueInfo> inputs;
    std::vector<OnnxValueInfo> outputs;
    std::vector<OnnxValueInfo> values; ///< value_info: what is said of inner values
};

/// A named constant of a node. `reference`: inside a function, the function's attribute that gives the value instead.
/// Type descriptions (type_proto) are not kept: their value is empty.
struct OnnxAttribute {
    std::string_view name;
    std::string_view reference;
    std::variant<std::monostate, float, std::int64_t, std::string_view, std::vector<float>, std::vector<std::int64_t>,
                 std::vector<std::string_view>, std::vector<OnnxTensor>,
                 std::vector<OnnxSparseTensor>, std::vector<OnnxGraph>>
        value; ///< a single tensor, sparse tensor or graph is a list of one
};

/// A version of a set of operators. An empty domain is ai.onnx.
struct OnnxOpset {
    std::string_view domain;
    std::int64_t version = 0;
};

/// An operator defined in the model itself, by other nodes.
struct OnnxFunction {
    std::string_view domain;
    std::string_view name;
    std::vector<std::string_view> inputs;
    std::vector<std::string_view> outputs;
    std::vector<std::string_view> attributes; ///< names of the ones without default
    std::vector<OnnxAttribute> defaults;
    std::vector<OnnxNode> nodes;
    std::vector<OnnxOpset> opsets;
};

struct OnnxModel {
    std::int64_t irVersion = 0;
    std::string_view producer;
    std::string_view producerVersion;
    std::string_view domain;
    std::int64_t modelVersion = 0;
    std::vector<OnnxOpset> opsets;
    OnnxGraph graph;
    std::vector<OnnxFunction> functions;
    std::vector<std::pair<std::string_view, std::string_view>> metadata;
};

/// Parses a whole ModelProto, weights excepted: a few dozen bytes per node and tensor are built, charged to `budget`
/// beforehand. Malformed for damaged bytes, and when there is no graph.
[[nodiscard]] Result<OnnxModel> parseOnnxModel(std::span<const std::byte> file, MemoryBudget& budget,
                                               const ReadLimits& limits);
/// Parses a TensorProto, as the files of the ONNX node tests hold them.
[[nodiscard]] Result<OnnxTensor> parseOnnxTensor(std::span<const std::byte> file, MemoryBudget& budget,
                                                 const ReadLimits& limits);

/// The node's attribute of this name, or null.
[[nodiscard]] const OnnxAttribute* find(const OnnxNode& node, std::string_view name);

/// The attribute's value when it is there and of this kind, else `otherwise`.
template<class T>
[[nodiscard]] T valueOr(const OnnxNode& node, std::string_view name, T otherwise) {
    const OnnxAttribute* attribute = find(node, name);
    const T* value = attribute ? std::get_if<T>(&attribute->value) : nullptr;
    return value ? *value : otherwise;
}

} // namespace qscope::engine
