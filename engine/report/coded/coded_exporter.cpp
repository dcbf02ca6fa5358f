// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/report/coded/coded_layout.h"
#include "engine/report/safetensors_target.h"

#include <algorithm>
#include <map>

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
        QSCOPE_TRY(const auto treated, fitting(source, result));
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
        for (const auto& [form, count] : forms) context.notes.note(fmt::format("{} tensors are stored as {}: {}", count, info().name, form));
        if (opened > 0) context.notes.note(fmt::format("{} tensors of block types are stored as their values in F32", opened));

        SafetensorsFiles files{{{"format", "pt"}}, configFor(source, context), {}};
        if (files.config.is_null()) files.config = Json::object();
        files.config["quantization_config"] = m_layout->config(treated, untreated);
        if (const std::string copy = m_layout->configCopy(); !copy.empty() && target.filename() == "model.safetensors")
            files.others.emplace_back(copy, files.config["quantization_config"]);
        return writeSafetensorsExport(source, target, std::move(files), std::move(tensors), context, options);
    }

private:
    Result<std::vector<Treated>> fitting(const Checkpoint& source, const MethodResult* result) const {
        QSCOPE_CHECK(checkRopeOrder(source, safetensorsLayout(source)));
        QSCOPE_TRY(auto treated, treatedTensors(source, result));
        if (treated.empty())
            return fail(ErrorCode::Unsupported, "no tensor is quantized: {} holds those of a method's result or a quantized checkpoint", info().name);
        for (const Treated& entry : treated)
            if (const std::string why = m_layout->misfit(*entry.outline, entry.name); !why.empty())
                return fail(ErrorCode::Unsupported, "tensor '{}': {}; {}", printable(source.tensors[entry.index].name), why,
                            whoHolds(*entry.outline, entry.name));
        if (const std::string why = m_layout->misfitTogether(treated); !why.empty()) return fail(ErrorCode::Unsupported, "{}", why);
        for (const TensorInfo& tensor : source.tensors)
            if (!safetensorsHolds(tensor.dtype) && !canDecode(tensor.dtype))
                return fail(ErrorCode::Unsupported, "tensor '{}': safetensors has no type for {}", printable(tensor.name),
                            qscope::info(tensor.dtype).name);
        return treated;
    }

    std::unique_ptr<CodedLayout> m_layout;
};

} // namespace

std::unique_ptr<Exporter> makeCompressedTensorsExporter() { return std::make_unique<CodedExporter>(makeCompressedLayout()); }
std::unique_ptr<Exporter> makeGptqExporter() { return std::make_unique<CodedExporter>(makeGptqLayout(false)); }
std::unique_ptr<Exporter> makeGptq2Exporter() { return std::make_unique<CodedExporter>(makeGptqLayout(true)); }
std::unique_ptr<Exporter> makeAwqExporter() { return std::make_unique<CodedExporter>(makeAwqLayout()); }
std::unique_ptr<Exporter> makeBitsandbytesExporter() { return std::make_unique<CodedExporter>(makeBitsandbytesLayout()); }

} // namespace qscope::engine
