// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/gguf_types.h"
#include "engine/report/coded/coded_layout.h"
#include "engine/report/exact_blocks.h"
#include "engine/report/export_common.h"
#include "engine/report/gguf_description.h"
#include "engine/report/translation.h"

#include <algorithm>

namespace qscope::engine {

namespace {

/// The type in which a stored tensor is kept: its own, or the plain type of coded ones, or F32 for the small floats that
/// GGUF lacks.
std::optional<DType> typeFor(const TensorInfo& tensor) {
    const DType stored = tensor.source ? tensor.source->plainType() : tensor.dtype;
    if (ggufHolds(stored)) return stored;
    if (info(stored).kind == DTypeKind::Float && canDecode(stored)) return DType::F32;
    return std::nullopt;
}

/// The tensor of NVFP4's second scale: the weight's name with another end.
std::string scaleName(std::string name) {
    constexpr std::string_view kWeight = ".weight";
    if (name.ends_with(kWeight)) name.resize(name.size() - kWeight.size());
    return name + ".scale";
}

class GgufExporter final : public Exporter {
public:
    GgufExporter(bool dequantizes, ExporterInfo info) : m_dequantizes(dequantizes), m_info(std::move(info)) {}

    const ExporterInfo& info() const override { return m_info; }

    Result<void> accepts(const Checkpoint& source, const MethodResult* result) const override {
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        const Translation translation(source, Naming::Gguf);
        QSCOPE_CHECK(translation.check(replaced));
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            const TensorInfo& tensor = source.tensors[i];
            if (translation.leavesOut(i)) continue;
            const auto refuse = [&](std::string_view why) {
                return fail(ErrorCode::Unsupported, "tensor '{}': {}", printable(tensor.name), why);
            };
            const std::string name = translation.name(i);
            if (name.size() > kGgufNameBytes) return refuse(fmt::format("GGUF names have at most {} bytes", kGgufNameBytes));
            if (tensor.shape.size() > kGgufRank) return refuse(fmt::format("GGUF tensors have at most {} axes", kGgufRank));
            if (!replaced[i] && !typeFor(tensor))
                return refuse(fmt::format("GGUF has no type for {}", qscope::info(tensor.dtype).name));
            if (!replaced[i]) continue;
            const auto type = exactGgufType(*replaced[i]);
            if (!type && !m_dequantizes)
                return refuse(fmt::format("{}; {}, gguf-dequantized holds its values", type.error().message, whoHolds(*replaced[i], tensor.name)));
            if (type && !ggufHolds(type->type)) return refuse("GGUF has no type for the result");
        }
        return {};
    }

    Result<ExportOutcome> write(const Checkpoint& source, const MethodResult* result, const std::filesystem::path& target,
                                const RunContext& context, const ExportOptions& options) const override {
        if (options.maximumShardBytes > 0) return fail(ErrorCode::Unsupported, "GGUF files are written in one piece");
        QSCOPE_CHECK(accepts(source, result));
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        const Translation translation(source, Naming::Gguf);
        std::vector<TensorToWrite> tensors;
        Counts counts;
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            if (translation.leavesOut(i)) continue;
            if (context.cancelled()) return cancelled();
            if (replaced[i]) QSCOPE_CHECK(addResult(source, i, *replaced[i], translation, tensors, counts));
            else tensors.push_back(storedTensor(source, i, translation, counts));
        }
        tell(counts, context.notes);
        if (!isTranslatable(source) && source.format != "gguf")
            context.notes.warn("not a known language model with its sizes: names stay as they are, the file is a container of tensors");

        const Metadata metadata = ggufDescription(source, result, tensors, context.notes);
        startProgress(tensors, context);
        ExportOutcome outcome;
        const auto reader = makeGgufReader();
        QSCOPE_CHECK(writeGguf(target, metadata, tensors, context, [&](const std::filesystem::path& written) {
            return verifyWritten(written, *reader, tensors, outcome, context);
        }));
        return outcome;
    }

private:
    struct Counts {
        std::size_t widened = 0, vectors = 0, exact = 0, opened = 0;
    };

    /// Vectors are few, and loaders want them in single precision.
    static TensorToWrite storedTensor(const Checkpoint& source, std::size_t i, const Translation& translation, Counts& counts) {
        const TensorInfo& tensor = source.tensors[i];
        DType type = *typeFor(tensor);
        const DTypeKind kind = qscope::info(type).kind;
        const bool isVector = source.format != "gguf" && isTranslatable(source) && tensor.shape.size() <= 1;
        if (translation.changesValues(i) || (isVector && kind == DTypeKind::Float)) type = DType::F32;
        if (type != tensor.dtype) ++(isVector ? counts.vectors : counts.widened);
        return {translation.name(i), type, translation.shape(i), [&source, i, type, translation]() -> Result<TensorView> {
                    QSCOPE_TRY(const auto plain, contiguous(source.view(i)));
                    QSCOPE_TRY(const auto view, plain.dtype == type ? Result<TensorView>(plain) : decoded(plain));
                    return translation.apply(i, view);
                }};
    }

    Result<void> addResult(const Checkpoint& source, std::size_t i, const QuantizedTensor& quantized, const Translation& translation,
                           std::vector<TensorToWrite>& tensors, Counts& counts) const {
        const std::string name = translation.name(i);
        if (const auto exact = exactGgufType(quantized)) {
            if (!std::holds_alternative<BlockCodes>(quantized.codes)) ++counts.exact;
            tensors.push_back({name, exact->type, source.tensors[i].shape, [&quantized, i, translation] {
                                   return translation.apply(i, asExactBlocks(quantized));
                               }});
            if (exact->tensorScale)
                tensors.push_back({scaleName(name), DType::F32, {1}, [scale = *exact->tensorScale]() -> Result<TensorView> {
                                       return makeTensor({1}, std::vector<float>{scale});
                                   }});
            return {};
        }
        QSCOPE_TRY(const auto values, dequantized(quantized));
        const DType type = holdsExactly(DType::F16, values) ? DType::F16 : DType::F32;
        ++counts.opened;
        tensors.push_back({name, type, source.tensors[i].shape, [&quantized, i, type, translation]() -> Result<TensorView> {
                               QSCOPE_TRY(const auto single, dequantized(quantized));
                               return translation.apply(i, type == DType::F32 ? single : narrowed(single, type));
                           }});
        return {};
    }

    static void tell(const Counts& counts, Diagnostics& notes) {
        if (counts.widened > 0)
            notes.note(fmt::format("{} tensors of types or forms that GGUF lacks are stored as plain values, exactly", counts.widened));
        if (counts.vectors > 0) notes.note(fmt::format("{} vectors are stored in F32, exactly", counts.vectors));
        if (counts.exact > 0)
            notes.note(fmt::format("{} results are stored in a GGUF block type that holds them exactly", counts.exact));
        if (counts.opened > 0)
            notes.note(fmt::format("{} results are stored as their values, as no GGUF type holds them", counts.opened));
    }

    bool m_dequantizes;
    ExporterInfo m_info;
};

} // namespace

std::unique_ptr<Exporter> makeGgufExporter() {
    return std::make_unique<GgufExporter>(
        false, ExporterInfo{"gguf", "GGUF", "gguf",
                            "One file with weights, sizes and tokenizer. Block types are stored "
                            "as such, other results in a block type that holds them exactly; those that fit none are refused.",
                            "llama.cpp and its relatives: Ollama, LM Studio, KoboldCpp"});
}

std::unique_ptr<Exporter> makeGgufDequantizedExporter() {
    return std::make_unique<GgufExporter>(
        true, ExporterInfo{"gguf-dequantized", "GGUF, plain values", "gguf",
                           "As GGUF; results that no block type holds exactly are stored as their values, in F16 where that holds "
                           "them and else in F32.",
                           "llama.cpp and its relatives: Ollama, LM Studio, KoboldCpp"});
}

} // namespace qscope::engine
