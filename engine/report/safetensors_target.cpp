// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/safetensors_target.h"

#include "engine/checkpoint/write_tensor.h"
#include "engine/checkpoint/architecture.h"
#include "engine/checkpoint/tokenizer_json.h"
#include "engine/core/atomic_file.h"
#include "engine/report/expert_stacks.h"
#include "engine/report/shard_set.h"

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

std::vector<TensorToWrite> storedExperts(const Checkpoint& source, std::size_t tensor) {
    const TensorInfo& stack = source.tensors[tensor];
    const DType type = safetensorsHolds(stack.dtype) ? stack.dtype : DType::F32;
    std::vector<TensorToWrite> experts;
    for (std::int64_t expert = 0; expert < stack.shape.front(); ++expert)
        experts.push_back({canonicalName(source, expertName(stack.name, expert)), type, Shape(stack.shape.begin() + 1, stack.shape.end()),
                           [&source, tensor, expert, type]() -> Result<TensorView> {
                               QSCOPE_TRY(const auto matrix, expertOf(source.view(tensor), expert));
                               return matrix.dtype == type ? Result<TensorView>(matrix) : decoded(matrix);
                           }});
    return experts;
}

namespace {

constexpr std::size_t kMaximumShards = 900; ///< each keeps a file open until all are in place

Result<AtomicFile> prepareJson(const std::filesystem::path& path, const Json& json) {
    QSCOPE_TRY(auto file, AtomicFile::create(path));
    // Replaces what is no UTF-8: the text may come from another program's file.
    QSCOPE_CHECK(file.write(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"));
    return file;
}

} // namespace

Result<ExportOutcome> writeSafetensorsExport(const Checkpoint& source, const std::filesystem::path& target, SafetensorsFiles files,
                                             std::vector<TensorToWrite> tensors, const RunContext& context, const ExportOptions& options) {
    const bool hasTokenizer = std::ranges::any_of(
        source.metadata, [](const auto& pair) { return pair.first.starts_with("tokenizer."); });
    const auto tokenizer = hasTokenizer ? tokenizerToJson(source.metadata) : std::nullopt;
    if (hasTokenizer && !tokenizer) context.notes.note("the tokenizer stays behind: it has no faithful form in tokenizer.json");
    QSCOPE_CHECK(checkNames(tensors));
    startProgress(tensors, context);
    const auto reader = makeStoredSafetensorsReader();
    const auto shards = cutIntoShards(std::move(tensors), options.maximumShardBytes);
    if (shards.size() > kMaximumShards)
        return fail(ErrorCode::OutOfRange, "shards of {} bytes would be {} files, at most {} are written", options.maximumShardBytes, shards.size(), kMaximumShards);
    ExportOutcome outcome;
    std::vector<AtomicFile> prepared;
    for (std::size_t i = 0; i < shards.size(); ++i) {
        const auto path = shards.size() == 1 ? target : shardPath(target, i, shards.size());
        ExportOutcome own;
        QSCOPE_TRY(auto file, prepareSafetensors(path, files.metadata, shards[i], context, [&](const std::filesystem::path& written) {
                       return verifyWritten(written, *reader, shards[i], own, context);
                   }));
        prepared.push_back(std::move(file));
        outcome.bytes += own.bytes;
        outcome.tensors += own.tensors;
        outcome.verified += own.verified;
    }
    std::vector<AtomicFile> beside;
    if (!files.config.is_null()) files.others.emplace_back(pathBeside(target, "config.json").filename().string(), std::move(files.config));
    if (tokenizer) files.others.emplace_back(pathBeside(target, "tokenizer.json").filename().string(), *tokenizer);
    for (const auto& [name, json] : files.others) {
        QSCOPE_TRY(auto file, prepareJson(target.parent_path() / name, json));
        beside.push_back(std::move(file));
    }
    QSCOPE_CHECK(placeShards(target, std::move(prepared), std::move(beside), shards.size() == 1 ? Json() : shardIndex(target, shards)));
    return outcome;
}

} // namespace qscope::engine
