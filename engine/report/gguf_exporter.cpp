// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/gguf_types.h"
#include "engine/report/export_common.h"
#include "engine/report/exact_blocks.h"
#include "engine/report/gguf_description.h"

#include <algorithm>

namespace qscope::engine {

namespace {

RopeLayout layoutFor(const Checkpoint& source) {
    return isTranslatable(source) ? RopeLayout::Interleaved : source.ropeLayout;
}

std::string nameFor(const Checkpoint& source, const std::string& name) {
    return isTranslatable(source) ? ggufName(canonicalName(source, name)) : name;
}

/// The type in which a stored tensor is kept: its own, or F32 for what GGUF lacks: small floats, strides, codes.
std::optional<DType> typeFor(DType stored) {
    if (ggufHolds(stored)) return stored;
    if ((info(stored).kind == DTypeKind::Float && canDecode(stored)) || stored == DType::Coded) return DType::F32;
    return std::nullopt;
}

class GgufExporter final : public Exporter {
public:
    const ExporterInfo& info() const override { return m_info; }

    Result<void> accepts(const Checkpoint& source, const MethodResult* result) const override {
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        QSCOPE_CHECK(checkRopeOrder(source, layoutFor(source)));
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            const TensorInfo& tensor = source.tensors[i];
            if (!tensor.isWhole()) continue;
            const auto refuse = [&](std::string_view why) {
                return fail(ErrorCode::Unsupported, "tensor '{}': {}", printable(tensor.name), why);
            };
            const std::string name = nameFor(source, tensor.name);
            if (name.size() > kGgufNameBytes) return refuse(fmt::format("GGUF names have at most {} bytes", kGgufNameBytes));
            if (tensor.shape.size() > kGgufRank) return refuse(fmt::format("GGUF tensors have at most {} axes", kGgufRank));
            const auto* blocks = replaced[i] ? std::get_if<BlockCodes>(&replaced[i]->codes) : nullptr;
            if (blocks && !ggufHolds(blocks->type)) return refuse("GGUF has no type for the result");
            if (!replaced[i] && !typeFor(tensor.dtype))
                return refuse(fmt::format("GGUF has no type for {}", qscope::info(tensor.dtype).name));
        }
        return {};
    }

    Result<ExportOutcome> write(const Checkpoint& source, const MethodResult* result, const std::filesystem::path& target,
                                const RunContext& context, const ExportOptions& options) const override {
        if (options.maximumShardBytes > 0) return fail(ErrorCode::Unsupported, "GGUF files are written in one piece");
        QSCOPE_CHECK(accepts(source, result));
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        std::vector<TensorToWrite> tensors;
        std::size_t widened = 0, plain = 0, exact = 0;
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            const TensorInfo& tensor = source.tensors[i];
            if (!tensor.isWhole()) continue;
            TensorToWrite out{nameFor(source, tensor.name), DType::F32, tensor.shape, {}};
            if (const QuantizedTensor* quantized = replaced[i]) {
                const auto* grid = std::get_if<GridCodes>(&quantized->codes);
                const auto block = grid ? exactBlockType(*grid) : std::get<BlockCodes>(quantized->codes).type;
                out.dtype = block.value_or(DType::F32);
                if (grid) ++(block ? exact : plain);
                out.bytes = [&source, i, quantized, block, layout = layoutFor(source)]() -> Result<TensorView> {
                    QSCOPE_TRY(const auto view, asBlocksOrSingles(*quantized, block));
                    return inRopeOrder(source, i, view, layout);
                };
            } else {
                out.dtype = *typeFor(tensor.dtype);
                if (out.dtype != tensor.dtype) ++widened;
                out.bytes = [&source, i, same = out.dtype == tensor.dtype, layout = layoutFor(source)]() -> Result<TensorView> {
                    QSCOPE_TRY(const auto view, same ? Result<TensorView>(source.view(i)) : decoded(source.view(i)));
                    return inRopeOrder(source, i, view, layout);
                };
            }
            tensors.push_back(std::move(out));
        }
        if (widened > 0) context.notes.note(fmt::format("{} tensors of types that GGUF lacks are stored in F32, exactly", widened));
        if (plain > 0) context.notes.note(fmt::format("{} results on a uniform grid are stored as their values in F32, as no GGUF type holds them", plain));
        if (exact > 0) context.notes.note(fmt::format("{} results on a uniform grid are stored in a GGUF block type that holds them exactly", exact));
        if (!isTranslatable(source) && source.format != "gguf")
            context.notes.warn("not a Llama model with its sizes: names stay as they are, the file is a container of tensors");

        const Metadata metadata = ggufDescription(source, tensors, context.notes);
        startProgress(tensors, context);
        ExportOutcome outcome;
        const auto reader = makeGgufReader();
        QSCOPE_CHECK(writeGguf(target, metadata, tensors, context, [&](const std::filesystem::path& written) {
            return verifyWritten(written, *reader, tensors, outcome, context);
        }));
        return outcome;
    }

private:
    static Result<TensorView> asBlocksOrSingles(const QuantizedTensor& quantized, std::optional<DType> block) {
        if (!block) return dequantized(quantized);
        if (const auto* blocks = std::get_if<BlockCodes>(&quantized.codes))
            return makeTensor(blocks->type, quantized.shape, blocks->bytes);
        return asExactBlocks(std::get<GridCodes>(quantized.codes), quantized.shape);
    }

    ExporterInfo m_info{"gguf", "GGUF", "gguf",
                        "One file with weights, sizes and tokenizer, loaded by llama.cpp and its relatives. Block types are "
                        "stored as such; results on a uniform grid as Q4_0 or Q8_0 where those hold them exactly, else as "
                        "their values in F32."};
};

} // namespace

std::unique_ptr<Exporter> makeGgufExporter() { return std::make_unique<GgufExporter>(); }

} // namespace qscope::engine
