// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/onnx_graph.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/onnx/model_files.h"
#include "engine/checkpoint/onnx/weights.h"
#include "engine/core/mapped_file.h"
#include "engine/plan/onnx_importer.h"
#include "engine/plan/onnx_values.h"

#include <unordered_map>
#include <unordered_set>

namespace qscope::engine {

namespace {

using nn::Value;

/// Tensors of a model by name, each where it lies.
class StoredWeights final : public nn::WeightSource {
public:
    struct Stored {
        OnnxType type;
        TensorView raw; ///< shape of the tensor, bytes as in raw_data
    };

    void add(const std::string& name, Stored stored) { m_stored.emplace(name, std::move(stored)); }

    Result<Value> weight(std::string_view name, Precision precision) const override {
        const auto found = m_stored.find(std::string(name));
        if (found == m_stored.end()) return fail(ErrorCode::OutOfRange, "the model stores no tensor of this name");
        const Stored& stored = found->second;
        QSCOPE_TRY(Value value, onnxValue(stored.type, stored.raw.shape, stored.raw.bytes, stored.raw.keepAlive));
        if (precision == Precision::Double && value.dtype() == DType::F32) return converted(value, DType::F64);
        return value;
    }

private:
    std::unordered_map<std::string, Stored> m_stored;
};

/// Numbers that say how to calculate, rather than what was learnt: shapes, axes, single values.
bool isConstant(const Value& value) {
    const Shape& shape = value.shape();
    return elementCount(shape) <= 1 || (shape.size() == 1 && qscope::info(value.dtype()).kind == DTypeKind::Integer);
}

OnnxSlot slotOf(const OnnxValueInfo& declared) {
    OnnxSlot slot{printable(declared.name), declared.type, std::nullopt};
    if (!declared.shape) return slot;
    slot.shape.emplace();
    for (const OnnxDimension& dimension : *declared.shape) {
        const auto* size = std::get_if<std::int64_t>(&dimension);
        slot.shape->push_back(size && *size >= 0 ? *size : -1);
    }
    return slot;
}

Result<OnnxNetwork> open(const std::filesystem::path& path, const ReadLimits& limits, Diagnostics& notes) {
    QSCOPE_TRY(const auto file, MappedFile::open(path));
    MemoryBudget budget(file->bytes().size());
    QSCOPE_TRY(const OnnxModel model, parseOnnxModel(file->bytes(), budget, limits));
    QSCOPE_TRY(const OnnxWeights found, collectWeights(model, budget, limits, notes));
    OnnxModelFiles files(file, budget, limits);
    QSCOPE_TRY(const std::vector<OnnxPlace> places, placeWeights(files, found.weights));

    auto weights = std::make_shared<StoredWeights>();
    OnnxStoredTensors stored;
    for (std::size_t i = 0; i < places.size(); ++i) {
        const OnnxWeight& weight = found.weights[i];
        const TensorView raw = files.view(places[i], DType::U8, weight.shape);
        OnnxStored& entry = stored[weight.tensor ? static_cast<const void*>(weight.tensor) : weight.numbers.data()];
        entry = {weight.name, weight.type, std::nullopt};
        if (elementCount(weight.shape) <= 1 || weight.shape.size() == 1) {
            auto value = onnxValue(weight.type, raw.shape, raw.bytes, raw.keepAlive);
            if (!value) return during(std::move(value).error(), "tensor '" + printable(weight.name) + "'");
            if (isConstant(*value)) entry.constant = std::move(*value);
        }
        weights->add(weight.name, {weight.type, raw});
    }

    OnnxNetwork network;
    QSCOPE_TRY(network.graph, importOnnx(model, stored, budget, limits, notes));
    network.weights = std::move(weights);
    std::unordered_set<std::string_view> initialized;
    for (const OnnxTensor& tensor : model.graph.initializers) initialized.insert(tensor.name);
    for (const OnnxValueInfo& input : model.graph.inputs)
        if (!initialized.contains(input.name)) network.inputs.push_back(slotOf(input));
    for (const OnnxValueInfo& output : model.graph.outputs) network.outputs.push_back(slotOf(output));
    return network;
}

} // namespace

Result<OnnxNetwork> openOnnxNetwork(const std::filesystem::path& path, const ReadLimits& limits, Diagnostics& notes) {
    auto network = open(path, limits, notes);
    if (!network) return during(std::move(network).error(), "reading " + path.filename().string());
    return network;
}

Result<std::vector<Value>> runOnnx(const std::filesystem::path& path, std::span<const Value> inputs,
                                   const RunContext& context, nn::ExecutionOptions options) {
    QSCOPE_TRY(const OnnxNetwork network, openOnnxNetwork(path, {}, context.notes));
    return nn::runGraph(*network.graph, inputs, *network.weights, context, options);
}

} // namespace qscope::engine
