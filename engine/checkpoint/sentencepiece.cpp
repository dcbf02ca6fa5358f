// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/sentencepiece.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/model_config.h"
#include "engine/core/byte_reader.h"
#include "engine/core/memory_budget.h"

#include <bit>
#include <cmath>

namespace qscope::engine {

namespace {

// Fields of sentencepiece_model.proto (the SentencePiece project, 2018).
constexpr std::uint64_t kPieces = 1, kTrainer = 2, kNormalizer = 3;
constexpr std::uint64_t kPieceText = 1, kPieceScore = 2, kPieceType = 3;
constexpr std::uint64_t kTrainerModel = 3, kTrainerUnknown = 40, kTrainerBegin = 41, kTrainerEnd = 42, kTrainerPad = 43;
constexpr std::uint64_t kNormalizerPrefix = 3;
constexpr std::uint64_t kBpe = 2; ///< of the trainer's model types

/// One field of a protobuf message: a number, or the bytes of a text or an inner message.
struct Field {
    std::uint64_t number = 0;
    std::uint64_t value = 0; ///< of a varint or a fixed number
    std::span<const std::byte> bytes;
};

Result<std::uint64_t> varint(ByteReader& reader) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        QSCOPE_TRY(const auto byte, reader.u8());
        value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
    return fail(ErrorCode::Malformed, "a number is longer than ten bytes");
}

Result<Field> nextField(ByteReader& reader) {
    QSCOPE_TRY(const auto key, varint(reader));
    Field field;
    field.number = key >> 3;
    switch (key & 7) {
    case 0: {
        QSCOPE_TRY(field.value, varint(reader));
        return field;
    }
    case 1: {
        QSCOPE_TRY(field.value, reader.u64());
        return field;
    }
    case 2: {
        QSCOPE_TRY(const auto length, varint(reader));
        QSCOPE_TRY(field.bytes, reader.take(length));
        return field;
    }
    case 5: {
        QSCOPE_TRY(field.value, reader.u32());
        return field;
    }
    default: return fail(ErrorCode::Malformed, "a field of unknown kind");
    }
}

template<class Use>
Result<void> eachField(std::span<const std::byte> message, Use use) {
    ByteReader reader(message);
    while (reader.remaining() > 0) {
        QSCOPE_TRY(const Field field, nextField(reader));
        QSCOPE_CHECK(use(field));
    }
    return {};
}

struct Model {
    explicit Model(std::uint64_t fileBytes) : budget(fileBytes) {}

    MemoryBudget budget;
    std::vector<std::string> tokens;
    std::vector<double> scores;
    std::vector<std::int64_t> types;
    std::uint64_t kind = 1; ///< unigram, when the file does not say
    std::int64_t unknown = 0, begin = 1, end = 2, pad = -1;
    bool spacePrefix = true;
};

Result<void> addPiece(Model& model, std::span<const std::byte> message) {
    std::string text;
    float score = 0;
    std::uint64_t type = 1;
    QSCOPE_CHECK(eachField(message, [&](const Field& field) -> Result<void> {
        if (field.number == kPieceText) text.assign(reinterpret_cast<const char*>(field.bytes.data()), field.bytes.size());
        if (field.number == kPieceScore) score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
        if (field.number == kPieceType) type = field.value;
        return {};
    }));
    constexpr std::uint64_t kPieceBytes = 2 * (sizeof(std::string) + sizeof(double) + sizeof(std::int64_t)); // lists that grow
    QSCOPE_CHECK(model.budget.spend(kPieceBytes + textHeapBytes(text.size())));
    if (text.empty() || !isUtf8(text) || !std::isfinite(score) || type < 1 || type > 6)
        return fail(ErrorCode::Malformed, "piece {} has no text, no score or an unknown type", model.tokens.size());
    model.tokens.push_back(std::move(text));
    model.scores.push_back(static_cast<double>(score));
    model.types.push_back(static_cast<std::int64_t>(type)); // the numbers of GGUF
    return {};
}

Result<Model> parse(std::span<const std::byte> file) {
    Model model(file.size());
    QSCOPE_CHECK(eachField(file, [&](const Field& field) -> Result<void> {
        if (field.number == kPieces) return addPiece(model, field.bytes);
        if (field.number == kTrainer)
            return eachField(field.bytes, [&](const Field& inner) -> Result<void> {
                // Ids are 32-bit numbers with sign, stored with all their leading ones.
                const auto id = static_cast<std::int64_t>(static_cast<std::int32_t>(inner.value));
                if (inner.number == kTrainerModel) model.kind = inner.value;
                if (inner.number == kTrainerUnknown) model.unknown = id;
                if (inner.number == kTrainerBegin) model.begin = id;
                if (inner.number == kTrainerEnd) model.end = id;
                if (inner.number == kTrainerPad) model.pad = id;
                return {};
            });
        if (field.number == kNormalizer)
            return eachField(field.bytes, [&](const Field& inner) -> Result<void> {
                if (inner.number == kNormalizerPrefix) model.spacePrefix = inner.value != 0;
                return {};
            });
        return {};
    }));
    if (model.tokens.empty()) return fail(ErrorCode::Malformed, "it has no pieces");
    return model;
}

} // namespace

std::optional<Metadata> tokenizerFromSentencePiece(std::span<const std::byte> file, Diagnostics& notes) {
    const auto leaveOut = [&](std::string_view why) {
        notes.warn(fmt::format("the tokenizer is left out: {}", why), "tokenizer.model");
        return std::nullopt;
    };
    auto model = parse(file);
    if (!model) return leaveOut(describe(model.error()));
    if (model->kind != kBpe) return leaveOut("it is no BPE model");
    const auto count = static_cast<std::int64_t>(model->tokens.size());
    Metadata metadata;
    metadata.emplace_back("tokenizer.ggml.model", metadataText("llama"));
    metadata.emplace_back("tokenizer.ggml.pre", metadataText("default"));
    metadata.emplace_back("tokenizer.ggml.tokens", MetadataValue{MetadataType::Array, MetadataType::String, std::move(model->tokens)});
    metadata.emplace_back("tokenizer.ggml.scores", MetadataValue{MetadataType::Array, MetadataType::F32, std::move(model->scores)});
    metadata.emplace_back("tokenizer.ggml.token_type", MetadataValue{MetadataType::Array, MetadataType::I32, std::move(model->types)});
    const std::pair<const char*, std::int64_t> special[] = {{"tokenizer.ggml.bos_token_id", model->begin},
                                                            {"tokenizer.ggml.eos_token_id", model->end},
                                                            {"tokenizer.ggml.unknown_token_id", model->unknown},
                                                            {"tokenizer.ggml.padding_token_id", model->pad}};
    for (const auto& [key, id] : special)
        if (id >= 0 && id < count) metadata.emplace_back(key, metadataU32(static_cast<std::uint64_t>(id)));
    if (!model->spacePrefix)
        metadata.emplace_back("tokenizer.ggml.add_space_prefix", MetadataValue{MetadataType::Bool, MetadataType::String, false});
    return metadata;
}

} // namespace qscope::engine
