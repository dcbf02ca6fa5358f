// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/atomic_file.h"
#include "engine/checkpoint/catalogue.h"
#include "engine/report/export_common.h"
#include "engine/report/safetensors_target.h"
#include "engine/report/stored_codes.h"

#include <algorithm>

namespace qscope::engine {

namespace {

class SafetensorsExporter final : public Exporter {
public:
    const ExporterInfo& info() const override { return m_info; }

    Result<void> accepts(const Checkpoint& source, const MethodResult* result) const override {
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        QSCOPE_CHECK(safetensorsTranslation(source).check(replaced));
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            if (!source.tensors[i].isWhole()) continue;
            const DType type = source.tensors[i].dtype;
            if (!replaced[i] && !safetensorsHolds(type) && !canDecode(type))
                return fail(ErrorCode::Unsupported, "tensor '{}': safetensors has no type for {}, and it cannot be decoded",
                            printable(source.tensors[i].name), qscope::info(type).name);
        }
        return {};
    }

    Result<ExportOutcome> write(const Checkpoint& source, const MethodResult* result, const std::filesystem::path& target,
                                const RunContext& context, const ExportOptions& options) const override {
        QSCOPE_CHECK(accepts(source, result));
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        const Translation translation = safetensorsTranslation(source);
        std::vector<TensorToWrite> tensors;
        std::size_t opened = 0, dequantizedCodes = 0, widened = 0;
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            if (context.cancelled()) return cancelled();
            const TensorInfo& stored = source.tensors[i];
            if (!stored.isWhole()) continue;
            if (!replaced[i] && translation.isStack(i)) {
                std::ranges::move(storedExperts(source, i), std::back_inserter(tensors));
                if (qscope::info(stored.dtype).kind == DTypeKind::Block) ++opened;
                continue;
            }
            if (!replaced[i]) {
                tensors.push_back(storedTensor(source, i));
                if (qscope::info(stored.dtype).kind == DTypeKind::Block) ++opened;
                if (stored.source && isQuantized(source.view(i))) ++dequantizedCodes;
                continue;
            }
            QSCOPE_TRY(const auto values, dequantized(*replaced[i]));
            const DType own = stored.dtype;
            const DType type = holdsExactly(own, values) ? own : DType::F32;
            if (type != own) ++widened;
            tensors.push_back({safetensorsName(source, i), type, source.tensors[i].shape,
                               [&source, i, type, quantized = replaced[i]]() -> Result<TensorView> {
                                   QSCOPE_TRY(const auto single, dequantized(*quantized));
                                   return inRopeOrder(source, i, type == DType::F32 ? single : narrowed(single, type),
                                                      safetensorsLayout(source));
                               }});
        }
        if (opened > 0) context.notes.note(fmt::format("{} tensors of block types are stored as their values in F32", opened));
        if (dequantizedCodes > 0)
            context.notes.note(fmt::format("{} quantized tensors are stored as their values in F32; a format of codes keeps the codes", dequantizedCodes));
        if (widened > 0) context.notes.note(fmt::format("{} results are stored in F32, as the source's type does not hold them exactly", widened));
        return writeSafetensorsExport(source, target, {{{"format", "pt"}}, configFor(source, context), {}}, std::move(tensors), context, options);
    }

private:
    ExporterInfo m_info{"safetensors", "safetensors", "safetensors",
                        "Weights as plain numbers, in the source's type where that holds them exactly, else in F32; with "
                        "its config.json.", "Transformers, vLLM and other programs of PyTorch's world", true};
};

} // namespace

std::unique_ptr<Exporter> makeSafetensorsExporter() { return std::make_unique<SafetensorsExporter>(); }

} // namespace qscope::engine
