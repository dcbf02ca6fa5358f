// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/coded/recognise.h"
#include "engine/report/coded/coded_layout.h"
#include "engine/report/safetensors_target.h"

#include <algorithm>
#include <map>
#include <optional>

namespace qscope::engine {

namespace {

/// Writes quantized matrices by a layout, and all else as the source stores it.
class CodedExporter final : public Exporter {
public:
    explicit CodedExporter(std::unique_ptr<CodedLayout> layout) : m_layout(std::move(layout)) {}

    const ExporterInfo& info() const override { return m_layout->info(); }

    Result<void> accepts(const Checkpoint& source, const MethodResult* result) const override {
        return fitting(source, result).map([](const auto&) {});
    }

    Result<ExportOutcome> write(const Checkpoint& source, const MethodResult* result, const std::filesystem::path& target,
                                const RunContext& context, const ExportOptions& options) const override {
        QSCOPE_TRY(const Fitting fit, fitting(source, result));
        const auto& treated = fit.treated;
        std::vector<TensorToWrite> tensors;
        std::vector<std::string> untreated;
        std::map<std::string, std::size_t> forms;
        std::size_t next = 0, opened = 0;
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            if (!source.tensors[i].isWhole()) continue;
            if (next < treated.size() && treated[next].index == i) {
                m_layout->addTensors(treated[next], tensors);
                ++forms[describe(*treated[next].outline)];
                if (treated[next].name.find("embed_tokens.") != std::string::npos)
                    context.notes.warn("most loaders look for embeddings that are not quantized; leave them out of the selection to be loaded there",
                                       treated[next].name);
                ++next;
                continue;
            }
            tensors.push_back(storedTensor(source, i));
            if (qscope::info(source.tensors[i].dtype).kind == DTypeKind::Block) ++opened;
            if (std::string name = tensors.back().name; source.tensors[i].shape.size() == 2 && name.ends_with(".weight")) {
                name.resize(name.size() - std::string_view(".weight").size());
                untreated.push_back(std::move(name));
            }
        }
        for (const auto& [reason, count] : fit.values) context.notes.note(fmt::format("{} tensors are stored as their values: {}", count, reason));
        for (const auto& [form, count] : forms) context.notes.note(fmt::format("{} tensors are stored as {}: {}", count, info().name, form));
        if (opened > 0) context.notes.note(fmt::format("{} tensors of block types are stored as their values in F32", opened));

        SafetensorsFiles files{{{"format", "pt"}}, configFor(source, context), {}};
        if (const Json said = m_layout->inFile(treated); !said.is_null()) files.metadata.emplace_back("quantization", said.dump());
        if (Json config = m_layout->config(treated, untreated); !config.is_null()) {
            if (files.config.is_null()) files.config = Json::object();
            files.config["quantization_config"] = std::move(config);
        }
        if (const std::string copy = m_layout->configCopy(); !copy.empty() && target.filename() == "model.safetensors")
            files.others.emplace_back(copy, files.config["quantization_config"]);
        return writeSafetensorsExport(source, target, std::move(files), std::move(tensors), context, options);
    }

private:
    struct Fitting {
        std::vector<Treated> treated;
        std::map<std::string, std::size_t> values; ///< blocks that the format has not, by the reason
    };

    Result<Fitting> fitting(const Checkpoint& source, const MethodResult* result) const {
        QSCOPE_TRY(auto found, treatedTensors(source, result));
        Fitting fit;
        std::optional<Error> refusal;
        const Translation translation = safetensorsTranslation(source);
        for (Treated& entry : found) {
            if (entry.isBlock && translation.changesForm(entry.index)) {
                ++fit.values["Hugging Face has them in another form"];
                continue;
            }
            const std::string why = m_layout->misfit(*entry.outline, entry.name);
            if (why.empty()) {
                fit.treated.push_back(std::move(entry));
                continue;
            }
            const auto refused = fail(ErrorCode::Unsupported, "tensor '{}': {}; {}", printable(source.tensors[entry.index].name), why,
                                      whoHolds(*entry.outline, entry.name));
            if (!entry.isBlock) return refused;
            if (!refusal) refusal = refused.value();
            ++fit.values[why];
        }
        if (fit.treated.empty() && refusal) return tl::unexpected(*std::move(refusal));
        if (fit.treated.empty()) return fail(ErrorCode::Unsupported, "{}", whyUntreated(source, info().name));
        if (const std::string why = m_layout->misfitTogether(fit.treated); !why.empty()) return fail(ErrorCode::Unsupported, "{}", why);
        std::vector<const QuantizedTensor*> replaced(source.tensors.size(), nullptr);
        for (const Treated& entry : fit.treated) replaced[entry.index] = entry.outline.get();
        QSCOPE_CHECK(translation.check(replaced));
        for (std::size_t i = 0; i < source.tensors.size(); ++i)
            if (translation.isStack(i))
                return fail(ErrorCode::Unsupported, "tensor '{}': stacks of experts are taken apart only to plain values; safetensors holds them",
                            printable(source.tensors[i].name));
        for (std::size_t i = 0; i < source.tensors.size(); ++i)
            if (const TensorInfo& tensor = source.tensors[i]; tensor.isWhole() && !replaced[i] && tellsOfCodedWeight(tensor.name))
                return fail(ErrorCode::Unsupported, "tensor '{}' is no part of a quantized weight, and would be read as one by its name",
                            printable(tensor.name));
        for (const TensorInfo& tensor : source.tensors)
            if (!safetensorsHolds(tensor.dtype) && !canDecode(tensor.dtype))
                return fail(ErrorCode::Unsupported, "tensor '{}': safetensors has no type for {}", printable(tensor.name),
                            qscope::info(tensor.dtype).name);
        return fit;
    }

    std::unique_ptr<CodedLayout> m_layout;
};

} // namespace

std::unique_ptr<Exporter> makeCompressedTensorsExporter() { return std::make_unique<CodedExporter>(makeCompressedLayout()); }
std::unique_ptr<Exporter> makeGptqExporter() { return std::make_unique<CodedExporter>(makeGptqLayout(false)); }
std::unique_ptr<Exporter> makeGptq2Exporter() { return std::make_unique<CodedExporter>(makeGptqLayout(true)); }
std::unique_ptr<Exporter> makeAwqExporter() { return std::make_unique<CodedExporter>(makeAwqLayout()); }
std::unique_ptr<Exporter> makeBitsandbytesExporter() { return std::make_unique<CodedExporter>(makeBitsandbytesLayout()); }
std::unique_ptr<Exporter> makeSafetensorsCodesExporter() { return std::make_unique<CodedExporter>(makePlainLayout()); }

} // namespace qscope::engine
