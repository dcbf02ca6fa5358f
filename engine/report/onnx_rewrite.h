// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/wire_writer.h"
#include "engine/quant/from_coded.h"
#include "engine/report/onnx_qdq.h"

#include <map>
#include <string>

namespace qscope::engine {

/// What becomes of one stored tensor of a model.
struct OnnxReplacement {
    std::shared_ptr<const QuantizedTensor> quantized; ///< its form; null: the same values, in raw_data or external data
    std::function<Result<std::shared_ptr<const QuantizedTensor>>(CodedValues)> read; ///< its values as far as asked for
    QdqForm form;
    DType scaleType = DType::F32;
    std::string name; ///< within its graph
    std::string codesName, scaleName, zeroName; ///< of the initializers that stand for a quantized tensor
    OnnxType type = OnnxType::F32;
    Shape shape;
    std::uint64_t bytes = 0;
    WireMessage::MakeTensor make; ///< of the same values
};

/// Where large tensors go: into the model, or one after another into a file beside it.
class OnnxDataTarget {
public:
    /// `location` empty: everything goes into the model.
    explicit OnnxDataTarget(std::string location) : m_location(std::move(location)) {}

    /// Adds values to a TensorProto under construction.
    void put(WireMessage& tensor, std::uint64_t bytes, WireMessage::MakeTensor make);
    [[nodiscard]] const std::string& location() const { return m_location; }
    /// Writes what belongs into the file, every tensor at a multiple of 4096 bytes.
    [[nodiscard]] Result<void> write(AtomicFile& file, const RunContext& context) const;

private:
    struct Entry {
        std::uint64_t offset, bytes;
        WireMessage::MakeTensor make;
    };
    std::string m_location;
    std::vector<Entry> m_entries;
    std::uint64_t m_end = 0;
};

/// A TensorProto.
[[nodiscard]] WireMessage onnxTensorMessage(std::string_view name, OnnxType type, const Shape& shape, std::uint64_t bytes,
                                            WireMessage::MakeTensor make, OnnxDataTarget& data);

/// Adds the initializers and the DequantizeLinear node of a quantized tensor to messages of GraphProto fields; its output
/// has the tensor's name.
void addQdq(const OnnxReplacement& what, WireMessage& nodes, WireMessage& initializers, OnnxDataTarget& data);

/// The model in `file` with some of its stored tensors replaced, by where their TensorProto begins. Everything else is
/// copied byte for byte. `opset`: the version of ai.onnx that the result imports at least.
[[nodiscard]] Result<WireMessage> rewriteOnnxModel(std::span<const std::byte> file,
                                                   const std::map<const std::byte*, OnnxReplacement>& replacements,
                                                   std::int64_t opset, OnnxDataTarget& data);

} // namespace qscope::engine
