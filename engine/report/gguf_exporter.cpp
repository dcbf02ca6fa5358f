// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/gguf_scales.h"
#include "engine/checkpoint/gguf_types.h"
#include "engine/report/coded/coded_layout.h"
#include "engine/report/exact_blocks.h"
#include "engine/report/expert_stacks.h"
#include "engine/report/export_common.h"
#include "engine/report/gguf_description.h"
#include "engine/report/stored_codes.h"
#include "engine/report/translation.h"
#include "engine/tensor/scaled_blocks.h"

#include <map>

namespace qscope::engine {

namespace {

/// The type in which a stored tensor is kept: its own, or the plain type of one in another form, or F32 for the small
/// floats that GGUF lacks (`shortestType` then finds a shorter one).
std::optional<DType> typeFor(const TensorInfo& tensor) {
    const DType stored = tensor.source ? tensor.source->plainType() : tensor.dtype;
    if (ggufHolds(stored)) return stored;
    if (info(stored).kind == DTypeKind::Float && canDecode(stored)) return DType::F32;
    return std::nullopt;
}

/// The shortest of GGUF's plain types with every value.
DType shortestType(const TensorView& single) {
    for (const DType type : {DType::F16, DType::BF16})
        if (holdsExactly(type, single)) return type;
    return DType::F32;
}

TensorView inType(const TensorView& single, DType type) { return type == DType::F32 ? single : narrowed(single, type); }

class GgufExporter final : public Exporter {
public:
    GgufExporter(bool dequantizes, ExporterInfo info) : m_dequantizes(dequantizes), m_info(std::move(info)) {}

    const ExporterInfo& info() const override { return m_info; }

    Result<void> accepts(const Checkpoint& source, const MethodResult* result) const override {
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        const Translation translation(source, Naming::Gguf);
        QSCOPE_CHECK(translation.check(replaced));
        std::vector<TensorToWrite> outline;
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
            outline.push_back({name, typeFor(tensor).value_or(DType::F32), translation.shape(i), {}});
            if (!replaced[i]) continue;
            const auto type = exactGgufType(*replaced[i]);
            if (type) outline.back().dtype = type->type;
            if (!type && !m_dequantizes)
                return refuse(fmt::format("{}; {}, gguf-dequantized holds its values", type.error().message, whoHolds(*replaced[i], tensor.name)));
            if (type && !ggufHolds(type->type)) return refuse("GGUF has no type for the result");
        }
        if (source.naming != Naming::Gguf) QSCOPE_CHECK(stackExperts(std::move(outline)));
        return {};
    }

    Result<ExportOutcome> write(const Checkpoint& source, const MethodResult* result, const std::filesystem::path& target,
                                const RunContext& context, const ExportOptions& options) const override {
        if (options.maximumShardBytes > 0) return fail(ErrorCode::Unsupported, "GGUF files are written in one piece");
        QSCOPE_CHECK(accepts(source, result));
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        const Translation translation(source, Naming::Gguf);
        Planned planned;
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            if (translation.leavesOut(i)) continue;
            if (context.cancelled()) return cancelled();
            if (replaced[i]) QSCOPE_CHECK(addResult(source, i, *replaced[i], translation, planned));
            else QSCOPE_CHECK(addStored(source, i, translation, planned));
        }
        if (source.naming != Naming::Gguf) {
            QSCOPE_TRY(planned.tensors, stackExperts(std::move(planned.tensors)));
        }
        tell(planned, context.notes);
        if (!isTranslatable(source) && source.format != "gguf")
            context.notes.warn("not a known language model with its sizes: names stay as they are, the file is a container of tensors");

        const auto& tensors = planned.tensors;
        const Metadata metadata = ggufDescription(source, result, tensors, planned.divisors, context.notes);
        startProgress(tensors, context);
        ExportOutcome outcome;
        const auto reader = makeStoredGgufReader();
        QSCOPE_CHECK(writeGguf(target, metadata, tensors, context, [&](const std::filesystem::path& written) {
            return verifyWritten(written, *reader, tensors, outcome, context);
        }));
        return outcome;
    }

private:
    /// What will be written, and what there is to tell about it.
    struct Planned {
        std::vector<TensorToWrite> tensors;
        std::map<std::string, float> divisors; ///< of NVFP4's second scales, by weight
        std::size_t widened = 0, vectors = 0, exact = 0, opened = 0;
        std::map<std::string, std::size_t> kept;  ///< stored codes by the form in which they are kept
        std::map<std::string, std::size_t> plain; ///< stored codes that became plain values, by the reason
    };

    /// A tensor without a result: codes in blocks that hold them, all else as it is or as plain values.
    static Result<void> addStored(const Checkpoint& source, std::size_t i, const Translation& translation, Planned& planned) {
        const TensorInfo& tensor = source.tensors[i];
        if (const ScaledBlocks* scaled = scaledBlocks(tensor.source.get()); scaled && !translation.changesForm(i)) {
            addBlocks(translation, i, DType::NVFP4, [blocks = scaled->blocks]() -> Result<TensorView> { return blocks; }, planned);
            std::vector<float> scales = scaled->scales;
            if (scaled->divides) planned.divisors.emplace(planned.tensors.back().name, scales.front());
            if (scaled->divides) scales.front() = ggufScaleOf(scales.front());
            addScales(std::move(scales), planned);
            return {};
        }
        if (tensor.source && isQuantized(source.view(i))) return addCoded(source, i, translation, planned);
        QSCOPE_TRY(auto stored, storedTensor(source, i, translation, planned));
        planned.tensors.push_back(std::move(stored));
        return {};
    }

    /// A weight that its file stores as codes, scales and zero points.
    static Result<void> addCoded(const Checkpoint& source, std::size_t i, const Translation& translation, Planned& planned) {
        const TensorView weight = source.view(i);
        auto codes = storedCodes(weight, CodedValues::Groups);
        auto type = codes ? exactGgufType(*codes) : Result<ExactType>(tl::unexpected(codes.error()));
        if (type && translation.changesForm(i)) type = fail(ErrorCode::Unsupported, "GGUF has the tensor in another form");
        if (type) {
            ++planned.kept[fmt::format("{} as {}", describe(*codes), qscope::info(type->type).name)];
            addExact(translation, i, *type, [weight]() -> Result<TensorView> {
                QSCOPE_TRY(const auto all, storedCodes(weight, CodedValues::All));
                return asExactBlocks(all);
            }, planned);
            return {};
        }
        QSCOPE_TRY(const auto values, decoded(weight));
        const DType plain = translation.changesValues(i) ? DType::F32 : shortestType(values);
        ++planned.plain[fmt::format("{}: {}", qscope::info(plain).name, type.error().message)];
        planned.tensors.push_back({translation.name(i), plain, translation.shape(i), [weight, i, plain, translation]() -> Result<TensorView> {
                                       QSCOPE_TRY(const auto single, decoded(weight));
                                       return translation.apply(i, inType(single, plain));
                                   }});
        return {};
    }

    /// Vectors are few, and loaders want them in single precision.
    static Result<TensorToWrite> storedTensor(const Checkpoint& source, std::size_t i, const Translation& translation, Planned& planned) {
        const TensorInfo& tensor = source.tensors[i];
        const DType own = tensor.source ? tensor.source->plainType() : tensor.dtype;
        DType type = *typeFor(tensor);
        const bool isVector = source.format != "gguf" && isTranslatable(source) && tensor.shape.size() <= 1;
        if (translation.changesValues(i) || (isVector && qscope::info(type).kind == DTypeKind::Float)) type = DType::F32;
        else if (!ggufHolds(own)) {
            QSCOPE_TRY(const auto values, decoded(source.view(i)));
            type = shortestType(values);
        }
        if (type != tensor.dtype) ++(isVector ? planned.vectors : planned.widened);
        return TensorToWrite{translation.name(i), type, translation.shape(i), [&source, i, type, translation]() -> Result<TensorView> {
                                 QSCOPE_TRY(const auto plain, contiguous(source.view(i)));
                                 if (plain.dtype == type) return translation.apply(i, plain);
                                 QSCOPE_TRY(const auto single, decoded(plain));
                                 return translation.apply(i, translation.changesValues(i) ? single : inType(single, type));
                             }};
    }

    static Result<void> addResult(const Checkpoint& source, std::size_t i, const QuantizedTensor& quantized, const Translation& translation,
                                  Planned& planned) {
        if (const auto exact = exactGgufType(quantized)) {
            if (!std::holds_alternative<BlockCodes>(quantized.codes)) ++planned.exact;
            addExact(translation, i, *exact, [&quantized]() -> Result<TensorView> { return asExactBlocks(quantized); }, planned);
            return {};
        }
        QSCOPE_TRY(const auto values, dequantized(quantized));
        const DType type = shortestType(values);
        ++planned.opened;
        planned.tensors.push_back({translation.name(i), type, source.tensors[i].shape, [&quantized, i, type, translation]() -> Result<TensorView> {
                                       QSCOPE_TRY(const auto single, dequantized(quantized));
                                       return translation.apply(i, inType(single, type));
                                   }});
        return {};
    }

    /// Blocks that `make` makes, and the second scale that belongs to them.
    static void addExact(const Translation& translation, std::size_t i, const ExactType& type, std::function<Result<TensorView>()> make,
                         Planned& planned) {
        addBlocks(translation, i, type.type, std::move(make), planned);
        if (type.divisor) planned.divisors.emplace(planned.tensors.back().name, *type.divisor);
        if (type.tensorScale) addScales({*type.tensorScale}, planned);
    }

    static void addBlocks(const Translation& translation, std::size_t i, DType type, std::function<Result<TensorView>()> make, Planned& planned) {
        planned.tensors.push_back({translation.name(i), type, translation.shape(i), [i, translation, make = std::move(make)]() -> Result<TensorView> {
                                       QSCOPE_TRY(const auto blocks, make());
                                       return translation.apply(i, blocks);
                                   }});
    }

    /// Of the tensor that was added last.
    static void addScales(std::vector<float> scales, Planned& planned) {
        const Shape shape{std::ssize(scales)};
        planned.tensors.push_back({ggufScaleName(planned.tensors.back().name), DType::F32, shape,
                                   [shape, scales = std::move(scales)]() -> Result<TensorView> { return makeTensor(shape, scales); }});
    }

    static void tell(const Planned& planned, Diagnostics& notes) {
        for (const auto& [form, count] : planned.kept) notes.note(fmt::format("{} tensors keep their codes and scales: {}", count, form));
        for (const auto& [reason, count] : planned.plain)
            notes.note(fmt::format("{} quantized tensors are stored as plain values, exactly, in {}", count, reason));
        if (planned.widened > 0)
            notes.note(fmt::format("{} tensors of types or forms that GGUF lacks are stored as plain values, exactly", planned.widened));
        if (planned.vectors > 0) notes.note(fmt::format("{} vectors are stored in F32, exactly", planned.vectors));
        if (planned.exact > 0)
            notes.note(fmt::format("{} results are stored in a GGUF block type that holds them exactly", planned.exact));
        if (planned.opened > 0)
            notes.note(fmt::format("{} results are stored as their values, as no GGUF type holds them", planned.opened));
    }

    bool m_dequantizes;
    ExporterInfo m_info;
};

} // namespace

std::unique_ptr<Exporter> makeGgufExporter() {
    return std::make_unique<GgufExporter>(
        false, ExporterInfo{"gguf", "GGUF", "gguf",
                            "One file with weights, sizes and tokenizer. Blocks are stored as such, other codes in a block type "
                            "that holds them exactly; results that fit none are refused.",
                            "llama.cpp and its relatives: Ollama, LM Studio, KoboldCpp"});
}

std::unique_ptr<Exporter> makeGgufDequantizedExporter() {
    return std::make_unique<GgufExporter>(
        true, ExporterInfo{"gguf-dequantized", "GGUF, plain values", "gguf",
                           "As GGUF; results that no block type holds exactly are stored as their values, in the shortest of F16, "
                           "BF16 and F32 that holds them.",
                           "llama.cpp and its relatives: Ollama, LM Studio, KoboldCpp"});
}

} // namespace qscope::engine
