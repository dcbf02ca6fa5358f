// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/onnx/model_files.h"
#include "engine/checkpoint/onnx/weights.h"
#include "engine/report/coded/coded_layout.h"
#include "engine/report/export_common.h"
#include "engine/report/onnx_opset.h"
#include "engine/report/onnx_rewrite.h"
#include "engine/report/onnx_verify.h"

#include <algorithm>
#include <random>
#include <unordered_set>

namespace qscope::engine {

namespace {

/// What one export will write, worked out before any byte of it.
struct OnnxExport {
    OnnxModel model;                             ///< of an ONNX source
    std::map<std::size_t, const OnnxWeight*> stored; ///< of the source's tensors that are stored plainly in its model
    OnnxWeights weights;
    std::map<std::size_t, OnnxReplacement> quantized; ///< by the source's tensor
    std::int64_t opset = 0;                      ///< that the quantized tensors need
    std::optional<std::size_t> newest;           ///< the first tensor that needs it
    std::map<std::string, std::size_t> values;   ///< stored codes that ONNX has not, by the reason
};

bool isOnnx(const Checkpoint& source) { return source.format == "onnx"; }

/// Every name of a value in a model, so that new ones differ.
void collectNames(const OnnxGraph& graph, std::unordered_set<std::string_view>& names) {
    for (const OnnxTensor& tensor : graph.initializers) names.insert(tensor.name);
    for (const OnnxValueInfo& input : graph.inputs) names.insert(input.name);
    for (const OnnxNode& node : graph.nodes) {
        names.insert(node.outputs.begin(), node.outputs.end());
        for (const OnnxAttribute& attribute : node.attributes)
            if (const auto* graphs = std::get_if<std::vector<OnnxGraph>>(&attribute.value))
                for (const OnnxGraph& inner : *graphs) collectNames(inner, names);
    }
}

class Planner {
public:
    explicit Planner(const Checkpoint& source) : m_source(source) {}

    Result<OnnxExport> plan(const MethodResult* result) {
        QSCOPE_TRY(const auto replaced, replacements(m_source, result));
        QSCOPE_CHECK(isOnnx(m_source) ? readModel() : checkPlain(replaced));
        for (std::size_t i = 0; i < replaced.size(); ++i)
            if (replaced[i]) QSCOPE_CHECK(addQuantized(i, *replaced[i]));
            else if (!isOnnx(m_source) && m_source.tensors[i].isWhole() && isQuantized(m_source.view(i))) QSCOPE_CHECK(addStored(i));
        if (isOnnx(m_source) && !m_export.quantized.empty()) QSCOPE_CHECK(checkOpset());
        return std::move(m_export);
    }

private:
    Result<void> checkOpset() const {
        auto raised = checkOpsetRaise(m_export.model, m_export.opset);
        if (raised) return {};
        const std::string& name = m_source.tensors[*m_export.newest].name;
        const QuantizedTensor& needs = *m_export.quantized.at(*m_export.newest).quantized;
        return fail(raised.error().code, "tensor '{}': {} needs opset {}: {}; {}", printable(name), describe(needs), m_export.opset,
                    raised.error().message, whoHolds(needs, name, "onnx"));
    }

    /// Codes that another format stores: as such where ONNX has them, else as their values.
    Result<void> addStored(std::size_t index) {
        const TensorView stored = m_source.view(index);
        auto outline = storedCodes(stored, CodedValues::None);
        auto form = outline ? qdqForm(*outline) : Result<QdqForm>(tl::unexpected(outline.error()));
        if (!form) {
            ++m_export.values[form.error().message];
            return {};
        }
        const std::string& name = m_source.tensors[index].name;
        // Scales in half precision would mean products in half precision.
        OnnxReplacement what{std::make_shared<const QuantizedTensor>(*std::move(outline)),
                             [stored](CodedValues values) -> Result<std::shared_ptr<const QuantizedTensor>> {
                                 QSCOPE_TRY(auto codes, storedCodes(stored, values));
                                 return std::make_shared<const QuantizedTensor>(std::move(codes));
                             },
                             *form, DType::F32, name, {}, {}, {}, {}, {}, 0, {}};
        return add(index, std::move(what));
    }

    Result<void> add(std::size_t index, OnnxReplacement what) {
        what.codesName = what.name + "_quantized";
        if (m_names.contains(what.codesName))
            return fail(ErrorCode::Unsupported, "tensor '{}': the name that its codes would have is taken", printable(m_source.tensors[index].name));
        what.scaleName = freeName(what.name + "_scale");
        what.zeroName = freeName(what.name + "_zero_point");
        if (what.form.opset > m_export.opset) m_export.newest = index;
        m_export.opset = std::max(m_export.opset, what.form.opset);
        m_export.quantized.emplace(index, std::move(what));
        return {};
    }

    Result<void> readModel() {
        const auto bytes = m_source.files.front()->bytes();
        MemoryBudget budget = MemoryBudget::forDescription(bytes.size());
        Diagnostics unused;
        QSCOPE_TRY(m_export.model, parseOnnxModel(bytes, budget, {}));
        QSCOPE_TRY(m_export.weights, collectWeights(m_export.model, budget, {}, unused));
        for (const OnnxWeight& weight : m_export.weights.weights)
            if (const auto place = m_source.find(weight.name); place && m_source.tensors[*place].dtype != DType::Coded)
                m_export.stored.emplace(*place, &weight);
        collectNames(m_export.model.graph, m_names);
        return {};
    }

    Result<void> checkPlain(const std::vector<const QuantizedTensor*>& replaced) {
        for (std::size_t i = 0; i < m_source.tensors.size(); ++i) {
            const TensorInfo& tensor = m_source.tensors[i];
            if (tensor.isWhole() && !replaced[i] && onnxType(tensor.dtype) == OnnxType::Undefined && !canDecode(tensor.dtype))
                return fail(ErrorCode::Unsupported, "tensor '{}': ONNX has no type for {}, and it cannot be decoded",
                            printable(tensor.name), info(tensor.dtype).name);
            m_names.insert(tensor.name);
        }
        return {};
    }

    Result<void> addQuantized(std::size_t index, const QuantizedTensor& result) {
        const TensorInfo& tensor = m_source.tensors[index];
        const auto refuse = [&](std::string_view why) {
            return fail(ErrorCode::Unsupported, "tensor '{}': {}", printable(tensor.name), why);
        };
        auto form = qdqForm(result);
        if (!form) return refuse(form.error().message);
        const std::shared_ptr<const QuantizedTensor> kept(std::shared_ptr<const void>(), &result); // the caller keeps it
        const auto read = [kept](CodedValues) -> Result<std::shared_ptr<const QuantizedTensor>> { return kept; };
        OnnxReplacement what{kept, read, *form, DType::F32, tensor.name, {}, {}, {}, {}, {}, 0, {}};
        if (isOnnx(m_source)) {
            const auto stored = m_export.stored.find(index);
            if (stored == m_export.stored.end()) return refuse("it is made of codes in the model already; open the model it came from");
            if (!stored->second->tensor) return refuse("it is an attribute of a node");
            what.name = stored->second->ownName;
            what.scaleType = tensor.dtype;
            if (!canBeScale(what.scaleType))
                return refuse(fmt::format("the model computes in {}, and DequantizeLinear gives FLOAT, FLOAT16 or BFLOAT16",
                                          info(stored->second->type)->name));
            if (!scalesFit(result, what.scaleType))
                return refuse(fmt::format("its scales are no numbers of {}, in which the model computes; a method with scales in "
                                          "half precision fits, or safetensors", info(stored->second->type)->name));
        } else if (canBeScale(tensor.dtype) && scalesFit(result, tensor.dtype)) {
            what.scaleType = tensor.dtype;
        }
        return add(index, std::move(what));
    }

    std::string freeName(std::string wanted) const {
        for (int i = 2; m_names.contains(wanted); ++i) wanted = fmt::format("{}_{}", wanted, i);
        return wanted;
    }

    const Checkpoint& m_source;
    OnnxExport m_export;
    std::unordered_set<std::string_view> m_names;
};

/// A ValueInfoProto.
WireMessage valueInfo(std::string_view name, OnnxType type, const Shape& shape) {
    WireMessage axes, tensor, kind, value;
    for (const std::int64_t size : shape) {
        WireMessage axis;
        axis.number(1, static_cast<std::uint64_t>(size));
        axes.message(1, std::move(axis));
    }
    tensor.number(1, static_cast<std::uint64_t>(type));
    tensor.message(2, std::move(axes));
    kind.message(1, std::move(tensor));
    value.text(1, name);
    value.message(2, std::move(kind));
    return value;
}

/// The type in which a tensor of another format is kept, and the first opset with that type.
struct KeptType {
    DType dtype;
    std::int64_t opset;
};
KeptType keptType(DType stored) {
    switch (stored) {
    case DType::F8_E4M3:
    case DType::F8_E4M3FNUZ:
    case DType::F8_E5M2:
    case DType::F8_E5M2FNUZ: return {stored, 19};
    case DType::F4: return {stored, 23};
    case DType::F8_E8M0: return {stored, 24};
    default: return {onnxType(stored) == OnnxType::Undefined ? DType::F32 : stored, 13};
    }
}

Result<TensorView> keptView(const Checkpoint& source, std::size_t index) {
    const TensorView view = source.view(index);
    if (keptType(view.dtype).dtype == view.dtype) return view;
    return decoded(view);
}

/// A model that computes nothing but its weights: each is an initializer, or codes and a DequantizeLinear node, and an
/// output.
WireMessage newModel(const Checkpoint& source, const OnnxExport& plan, OnnxDataTarget& data, Diagnostics& notes) {
    WireMessage nodes, initializers, outputs, graph, model;
    std::int64_t opset = std::max<std::int64_t>(plan.opset, 13); // what current tools write and all of them load
    std::size_t widened = 0;
    for (std::size_t i = 0; i < source.tensors.size(); ++i) {
        const TensorInfo& tensor = source.tensors[i];
        if (!tensor.isWhole()) continue;
        if (const auto quantized = plan.quantized.find(i); quantized != plan.quantized.end()) {
            addQdq(quantized->second, nodes, initializers, data);
            outputs.message(12, valueInfo(tensor.name, onnxType(quantized->second.scaleType), tensor.shape));
            continue;
        }
        const KeptType kept = keptType(tensor.dtype);
        opset = std::max(opset, kept.opset);
        if (kept.dtype != tensor.dtype && !isQuantized(source.view(i))) ++widened;
        const OnnxType type = onnxType(kept.dtype);
        const std::uint64_t bytes = *rawBytes(*info(type), static_cast<std::uint64_t>(elementCount(tensor.shape)));
        initializers.message(5, onnxTensorMessage(tensor.name, type, tensor.shape, bytes, [&source, i] { return keptView(source, i); }, data));
        outputs.message(12, valueInfo(tensor.name, type, tensor.shape));
    }
    for (const auto& [reason, count] : plan.values)
        notes.note(fmt::format("{} quantized tensors are stored as their values in F32: {}", count, reason));
    if (widened > 0) notes.note(fmt::format("{} tensors of types that ONNX lacks are stored as their values in F32", widened));
    graph.append(std::move(nodes));
    graph.text(2, "weights");
    graph.append(std::move(initializers));
    graph.append(std::move(outputs));
    WireMessage import;
    import.text(1, "");
    import.number(2, static_cast<std::uint64_t>(opset));
    model.number(1, static_cast<std::uint64_t>(irVersionFor(opset)));
    model.text(2, "Quantoscope");
    model.message(7, std::move(graph));
    model.message(8, std::move(import));
    for (const auto& [key, value] : source.metadata)
        if (const auto* text = std::get_if<std::string>(&value.value)) {
            WireMessage pair;
            pair.text(1, key);
            pair.text(2, *text);
            model.message(14, std::move(pair));
        }
    return model;
}

/// The source's model with its results in place. Tensors beside the model, and all large ones when they are to lie
/// outside, move to the new file's place.
Result<WireMessage> changedModel(const Checkpoint& source, const OnnxExport& plan, OnnxDataTarget& data) {
    std::map<const std::byte*, OnnxReplacement> replaced;
    for (const auto& [index, what] : plan.quantized)
        replaced.emplace(plan.stored.at(index)->tensor->message.data(), what);
    const auto file = source.files.front();
    MemoryBudget budget = MemoryBudget::forDescription(file->bytes().size());
    const ReadLimits limits;
    OnnxModelFiles files(file, budget, limits);
    for (const OnnxWeight& weight : plan.weights.weights) {
        const OnnxTensor* tensor = weight.tensor;
        const bool moves = tensor && (tensor->isExternal || (!data.location().empty() && tensor->raw));
        if (!moves || replaced.contains(tensor->message.data())) continue;
        QSCOPE_TRY(const auto place, files.add(*tensor));
        const TensorView bytes = files.view(place, DType::U8, {static_cast<std::int64_t>(place.bytes)});
        OnnxReplacement same;
        same.name = weight.ownName;
        same.type = weight.type;
        same.shape = weight.shape;
        same.bytes = place.bytes;
        same.make = [bytes]() -> Result<TensorView> { return bytes; };
        replaced.emplace(tensor->message.data(), std::move(same));
    }
    return rewriteOnnxModel(file->bytes(), replaced, plan.opset, data);
}

std::uint64_t bytesToKeep(const Checkpoint& source, const OnnxExport& plan) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < source.tensors.size(); ++i) {
        if (!source.tensors[i].isWhole()) continue;
        const auto quantized = plan.quantized.find(i);
        const DType kept = keptType(source.tensors[i].dtype).dtype;
        const std::uint64_t stored = isOnnx(source) || kept == source.tensors[i].dtype
                                         ? source.tensors[i].bytes
                                         : sizeof(float) * static_cast<std::uint64_t>(elementCount(source.tensors[i].shape));
        sum += quantized == plan.quantized.end() ? stored : storedBits(*quantized->second.quantized) / 8;
    }
    return sum;
}

class OnnxExporter final : public Exporter {
public:
    explicit OnnxExporter(std::uint64_t externalAbove) : m_externalAbove(externalAbove) {}

    const ExporterInfo& info() const override { return m_info; }

    Result<void> accepts(const Checkpoint& source, const MethodResult* result) const override {
        QSCOPE_TRY(const auto unused, Planner(source).plan(result));
        return {};
    }

    Result<ExportOutcome> write(const Checkpoint& source, const MethodResult* result, const std::filesystem::path& target,
                                const RunContext& context, const ExportOptions& options) const override {
        if (options.maximumShardBytes > 0) return fail(ErrorCode::Unsupported, "ONNX models are written in one piece");
        QSCOPE_TRY(const auto plan, Planner(source).plan(result));
        const bool outside = bytesToKeep(source, plan) > m_externalAbove;
        // A name of its own: until the new model is in place, the old one may still need its data.
        OnnxDataTarget data(outside ? fmt::format("{}.{:08x}.data", target.filename().string(), std::random_device{}()) : "");
        WireMessage model;
        if (isOnnx(source)) {
            QSCOPE_TRY(model, changedModel(source, plan, data));
        } else {
            model = newModel(source, plan, data, context.notes);
        }
        context.progress.done = 0;
        context.progress.total = static_cast<std::int64_t>(2 * bytesToKeep(source, plan));
        DataFile beside;
        if (outside) {
            beside.path = target.parent_path() / data.location();
            QSCOPE_TRY(auto file, AtomicFile::create(beside.path));
            QSCOPE_CHECK(data.write(file, context));
            beside.bytes = file.position();
            QSCOPE_CHECK(file.commit());
            beside.isWritten = true;
            context.notes.note(fmt::format("the weights lie in {}, which belongs beside the model", data.location()));
        }
        QSCOPE_TRY(auto file, AtomicFile::create(target));
        QSCOPE_CHECK(model.write(file, context));
        QSCOPE_TRY(const auto written, file.flushed());
        ExportOutcome outcome;
        QSCOPE_CHECK(verify(written, source, plan, outcome, context));
        if (context.cancelled()) return cancelled();
        outcome.bytes = file.position() + beside.bytes;
        QSCOPE_CHECK(file.commit());
        beside.isWritten = false; // stays
        return outcome;
    }

private:
    /// The weights beside a model; gone again when the model is not written after all.
    struct DataFile {
        std::filesystem::path path;
        std::uint64_t bytes = 0;
        bool isWritten = false;
        ~DataFile() {
            std::error_code ignored;
            if (isWritten) std::filesystem::remove(path, ignored);
        }
    };

    static Result<void> verify(const std::filesystem::path& written, const Checkpoint& source, const OnnxExport& plan,
                               ExportOutcome& outcome, const RunContext& context) {
        Diagnostics unused;
        auto opened = makeOnnxReader()->open(written, {}, unused);
        if (!opened) return during(std::move(opened).error(), "reading the written file back");
        const Checkpoint& read = **opened;
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            const TensorInfo& tensor = source.tensors[i];
            if (!tensor.isWhole()) continue;
            ++outcome.tensors;
            const auto place = read.find(tensor.name);
            if (!place) return fail(ErrorCode::Io, "the written file lacks tensor '{}'", printable(tensor.name));
            const auto quantized = plan.quantized.find(i);
            bool same = false;
            if (quantized != plan.quantized.end()) {
                QSCOPE_TRY(const auto meant, quantized->second.read(CodedValues::All));
                QSCOPE_TRY(same, sameAsResult(read.view(*place), *meant, context));
            } else {
                QSCOPE_TRY(same, sameAsStored(read.view(*place), source, i, context));
            }
            if (!same) return fail(ErrorCode::Io, "tensor '{}' reads back differently", printable(tensor.name));
            ++outcome.verified;
        }
        return {};
    }

    static Result<bool> sameAsStored(const TensorView& read, const Checkpoint& source, std::size_t index, const RunContext& context) {
        if (isOnnx(source)) return sameTensor(read, source.view(index), context);
        QSCOPE_TRY(const auto kept, keptView(source, index));
        return sameTensor(read, kept, context);
    }

    std::uint64_t m_externalAbove;
    ExporterInfo m_info{"onnx", "ONNX", "onnx",
                        "An ONNX model: the source's own with results as integer weights behind DequantizeLinear (QDQ), or a new "
                        "one that holds the weights.",
                        "ONNX Runtime and programs built on it"};
};

} // namespace

std::unique_ptr<Exporter> makeOnnxExporter(std::uint64_t externalAbove) { return std::make_unique<OnnxExporter>(externalAbove); }

} // namespace qscope::engine
