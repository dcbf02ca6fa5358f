// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/safetensors_target.h"

#include "engine/core/atomic_file.h"

#include <algorithm>

namespace qscope::engine {

RopeLayout safetensorsLayout(const Checkpoint& source) {
    return isTranslatable(source) ? RopeLayout::HalfSplit : source.ropeLayout;
}

std::string safetensorsName(const Checkpoint& source, std::size_t tensor) {
    const std::string& name = source.tensors[tensor].name;
    return isTranslatable(source) ? canonicalName(source, name) : name;
}

TensorToWrite storedTensor(const Checkpoint& source, std::size_t tensor) {
    const TensorInfo& stored = source.tensors[tensor];
    const bool same = safetensorsHolds(stored.dtype);
    return {safetensorsName(source, tensor), same ? stored.dtype : DType::F32, stored.shape,
            [&source, tensor, same]() -> Result<TensorView> {
                QSCOPE_TRY(const auto view, same ? Result<TensorView>(source.view(tensor)) : decoded(source.view(tensor)));
                return inRopeOrder(source, tensor, view, safetensorsLayout(source));
            }};
}

Result<ExportOutcome> writeSafetensorsExport(const Checkpoint& source, const std::filesystem::path& target,
                                             const std::vector<std::pair<std::string, std::string>>& metadata,
                                             std::vector<TensorToWrite> tensors, const Json& config,
                                             const RunContext& context) {
    const bool hasTokenizer = std::ranges::any_of(
        source.metadata, [](const auto& pair) { return pair.first.starts_with("tokenizer."); });
    if (hasTokenizer) context.notes.note("the tokenizer stays behind: safetensors files hold none");
    startProgress(tensors, context);
    ExportOutcome outcome;
    std::optional<AtomicFile> description;
    const auto reader = makeSafetensorsReader();
    QSCOPE_CHECK(writeSafetensors(target, metadata, tensors, context, [&](const std::filesystem::path& written) -> Result<void> {
        QSCOPE_CHECK(verifyWritten(written, *reader, tensors, outcome, context));
        if (config.is_null()) return {};
        QSCOPE_TRY(auto file, AtomicFile::create(configPathFor(target)));
        // Replaces what is no UTF-8: the text may come from another program's file.
        QSCOPE_CHECK(file.write(config.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"));
        description.emplace(std::move(file));
        return {};
    }));
    if (description) QSCOPE_CHECK(description->commit());
    return outcome;
}

} // namespace qscope::engine
