// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/llama2c_tokenizer.h"
#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/reader.h"
#include "engine/core/byte_reader.h"
#include "engine/core/checked_math.h"

#include <array>
#include <fstream>

namespace qscope::engine {

namespace {

constexpr std::size_t kHeaderBytes = 7 * sizeof(std::int32_t);
constexpr std::uint32_t kVersionedMagic = 0x616b3432;
constexpr std::int64_t kLargestSize = 1 << 24; ///< far above any model, small enough for products of three
constexpr std::int64_t kMostLayers = 10'000;

struct Header {
    ModelConfig config;
    std::int64_t headSize = 0;
};

/// Sizes of version 0, which has no magic number: everything that a transformer needs must hold.
Result<Header> readHeader(std::span<const std::byte> file) {
    ByteReader reader(file);
    std::array<std::int32_t, 7> numbers{};
    for (std::int32_t& number : numbers) {
        QSCOPE_TRY(number, reader.i32());
    }
    if (static_cast<std::uint32_t>(numbers[0]) == kVersionedMagic) {
        if (numbers[1] == 1 || numbers[1] == 2)
            return fail(ErrorCode::Unsupported, "llama2.c version {} is not read; export the model as version 0", numbers[1]);
        return fail(ErrorCode::Malformed, "llama2.c version {} does not exist", numbers[1]);
    }
    const std::int64_t vocabulary = numbers[5]; // negative: the output matrix is stored apart
    Header header;
    header.config.width = numbers[0];
    header.config.hidden = numbers[1];
    header.config.layers = numbers[2];
    header.config.heads = numbers[3];
    header.config.kvHeads = numbers[4];
    header.config.vocabulary = vocabulary < 0 ? -vocabulary : vocabulary;
    header.config.context = numbers[6];
    header.config.tiedOutput = vocabulary > 0;
    const ModelConfig& config = header.config;
    for (const std::int64_t size : {config.width, config.hidden, config.layers, config.heads, config.kvHeads,
                                    config.vocabulary, config.context})
        if (size <= 0 || size > kLargestSize) return fail(ErrorCode::Malformed, "no llama2.c header: a size is {}", size);
    if (config.layers > kMostLayers) return fail(ErrorCode::Malformed, "no llama2.c header: {} layers", config.layers);
    if (config.width % config.heads != 0 || config.width / config.heads % 2 != 0 || config.heads % config.kvHeads != 0)
        return fail(ErrorCode::Malformed, "no llama2.c header: width {}, {} heads, {} key heads do not fit together",
                    config.width, config.heads, config.kvHeads);
    header.headSize = config.width / config.heads;
    return header;
}

/// Tensors of the file in their order; each kind lies together for all layers.
struct Kind {
    const char* name; ///< after "model.layers.N." when it is per layer
    bool perLayer;
    Shape shape;
};

std::vector<Kind> kindsOf(const Header& header) {
    const auto& [config, headSize] = header;
    const std::int64_t width = config.width, hidden = config.hidden, kv = config.kvHeads * headSize;
    std::vector<Kind> kinds{
        {"model.embed_tokens.weight", false, {config.vocabulary, width}},
        {"input_layernorm.weight", true, {width}},
        {"self_attn.q_proj.weight", true, {width, width}},
        {"self_attn.k_proj.weight", true, {kv, width}},
        {"self_attn.v_proj.weight", true, {kv, width}},
        {"self_attn.o_proj.weight", true, {width, width}},
        {"post_attention_layernorm.weight", true, {width}},
        {"mlp.gate_proj.weight", true, {hidden, width}},
        {"mlp.down_proj.weight", true, {width, hidden}},
        {"mlp.up_proj.weight", true, {hidden, width}},
        {"model.norm.weight", false, {width}},
        {nullptr, false, {2, config.context, headSize / 2}}, // cosines and sines, which follow from the sizes
    };
    if (!config.tiedOutput) kinds.push_back({"lm_head.weight", false, {config.vocabulary, width}});
    return kinds;
}

/// Adds the tensors and returns where they end.
Result<std::uint64_t> catalogue(const Header& header, const ReadLimits& limits, std::vector<TensorInfo>& tensors) {
    std::uint64_t offset = kHeaderBytes;
    for (const Kind& kind : kindsOf(header)) {
        QSCOPE_TRY(const auto elements, checkedElements(kind.shape, limits));
        const auto bytes = qscope::storedBytes(DType::F32, static_cast<std::uint64_t>(elements));
        for (std::int64_t layer = 0; layer < (kind.perLayer ? header.config.layers : 1); ++layer) {
            const auto end = bytes ? checkedAdd(offset, *bytes) : std::nullopt;
            if (!end) return fail(ErrorCode::Malformed, "the header's sizes overflow");
            if (kind.name)
                tensors.push_back({kind.perLayer ? fmt::format("model.layers.{}.{}", layer, kind.name) : kind.name,
                                   DType::F32, kind.shape, 0, offset, *bytes});
            offset = *end;
        }
    }
    return offset;
}

class Llama2cReader final : public CheckpointReader {
public:
    const ReaderInfo& info() const override { return m_info; }

    bool recognises(const std::filesystem::path& place) const override {
        std::error_code ignored;
        if (place.extension() != ".bin" || !std::filesystem::is_regular_file(place, ignored)) return false;
        std::array<std::byte, kHeaderBytes> start{};
        std::ifstream file(place, std::ios::binary);
        if (!file.read(reinterpret_cast<char*>(start.data()), start.size())) return false;
        const auto header = readHeader(start);
        return header || header.error().code == ErrorCode::Unsupported;
    }

    Result<std::shared_ptr<const Checkpoint>> open(const std::filesystem::path& place, const ReadLimits& limits,
                                                   Diagnostics& notes) const override {
        QSCOPE_TRY(const auto file, MappedFile::open(place));
        QSCOPE_TRY(const auto header, readHeader(file->bytes()));
        Checkpoint checkpoint;
        QSCOPE_TRY(const auto end, catalogue(header, limits, checkpoint.tensors));
        if (end != file->bytes().size())
            return fail(ErrorCode::Malformed, "the header's sizes need {} bytes, the file has {}", end, file->bytes().size());
        checkpoint.path = place;
        checkpoint.format = m_info.id;
        checkpoint.architecture = "llama";
        checkpoint.naming = Naming::HuggingFace;
        checkpoint.ropeLayout = RopeLayout::Interleaved;
        checkpoint.config = header.config;
        checkpoint.files.push_back(file);
        std::string used;
        if (auto tokenizer = llama2cTokenizerBeside(place, header.config.vocabulary, limits, used)) {
            checkpoint.metadata = *std::move(tokenizer);
            notes.note("the tokenizer is " + printable(used));
        }
        return publish(std::move(checkpoint), limits);
    }

private:
    ReaderInfo m_info{"llama2c", "llama2.c", {"bin"}};
};

} // namespace

std::unique_ptr<CheckpointReader> makeLlama2cReader() { return std::make_unique<Llama2cReader>(); }

} // namespace qscope::engine
