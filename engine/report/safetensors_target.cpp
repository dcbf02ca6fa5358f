// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/safetensors_target.h"

#include "engine/checkpoint/architecture.h"
#include "engine/checkpoint/tokenizer_json.h"
#include "engine/core/atomic_file.h"

#include <algorithm>

namespace qscope::engine {

RopeLayout safetensorsLayout(const Checkpoint& source) {
    return isTranslatable(source) && architectureOf(source)->pairsRotary ? RopeLayout::HalfSplit : source.ropeLayout;
}

Translation safetensorsTranslation(const Checkpoint& source) { return {source, Naming::HuggingFace}; }

std::string safetensorsName(const Checkpoint& source, std::size_t tensor) { return safetensorsTranslation(source).name(tensor); }

TensorToWrite storedTensor(const Checkpoint& source, std::size_t tensor) {
    const TensorInfo& stored = source.tensors[tensor];
    const Translation translation = safetensorsTranslation(source);
    const DType own = stored.source ? stored.source->plainType() : stored.dtype;
    const DType type = safetensorsHolds(own) && !translation.changesValues(tensor) ? own : DType::F32;
    return {translation.name(tensor), type, translation.shape(tensor), [&source, tensor, type, translation]() -> Result<TensorView> {
                QSCOPE_TRY(const auto plain, contiguous(source.view(tensor)));
                QSCOPE_TRY(const auto view, plain.dtype == type ? Result<TensorView>(plain) : decoded(plain));
                return translation.apply(tensor, view);
            }};
}

Result<ExportOutcome> writeSafetensorsExport(const Checkpoint& source, const std::filesystem::path& target,
                                             const std::vector<std::pair<std::string, std::string>>& metadata,
                                             std::vector<TensorToWrite> tensors, const Json& config,
                                             const RunContext& context) {
    const bool hasTokenizer = std::ranges::any_of(
        source.metadata, [](const auto& pair) { return pair.first.starts_with("tokenizer."); });
    const auto tokenizer = hasTokenizer ? tokenizerToJson(source.metadata) : std::nullopt;
    if (hasTokenizer && !tokenizer) context.notes.note("the tokenizer stays behind: it has no faithful form in tokenizer.json");
    startProgress(tensors, context);
    ExportOutcome outcome;
    std::vector<AtomicFile> besides;
    const auto addBeside = [&](const char* name, const Json& json) -> Result<void> {
        QSCOPE_TRY(auto file, AtomicFile::create(pathBeside(target, name)));
        // Replaces what is no UTF-8: the text may come from another program's file.
        QSCOPE_CHECK(file.write(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"));
        besides.push_back(std::move(file));
        return {};
    };
    const auto reader = makeSafetensorsReader();
    QSCOPE_CHECK(writeSafetensors(target, metadata, tensors, context, [&](const std::filesystem::path& written) -> Result<void> {
        QSCOPE_CHECK(verifyWritten(written, *reader, tensors, outcome, context));
        if (!config.is_null()) QSCOPE_CHECK(addBeside("config.json", config));
        if (tokenizer) QSCOPE_CHECK(addBeside("tokenizer.json", *tokenizer));
        return {};
    }));
    for (AtomicFile& file : besides) QSCOPE_CHECK(file.commit());
    return outcome;
}

} // namespace qscope::engine
