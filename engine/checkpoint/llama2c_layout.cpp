// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/llama2c_layout.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/core/byte_reader.h"
#include "engine/core/checked_math.h"
#include "engine/tensor/coded_weight.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

constexpr std::uint32_t kMagic = 0x616b3432;
constexpr std::int64_t kLargestSize = 1 << 24; ///< far above any model, small enough for products of three
constexpr std::int64_t kMostLayers = 4'000;

bool hasMagic(std::span<const std::byte> file) {
    const auto first = ByteReader(file).u32();
    return first && *first == kMagic;
}

/// Everything that a transformer needs must hold: in version 0 nothing else tells the format.
Result<void> checkSizes(const ModelConfig& config) {
    for (const std::int64_t size : {config.width, config.hidden, config.layers, config.heads, config.kvHeads,
                                    config.vocabulary, config.context})
        if (size <= 0 || size > kLargestSize) return fail(ErrorCode::Malformed, "no llama2.c header: a size is {}", size);
    if (config.layers > kMostLayers) return fail(ErrorCode::Malformed, "no llama2.c header: {} layers", config.layers);
    if (config.width % config.heads != 0 || config.width / config.heads % 2 != 0 || config.heads % config.kvHeads != 0)
        return fail(ErrorCode::Malformed, "no llama2.c header: width {}, {} heads, {} key heads do not fit together",
                    config.width, config.heads, config.kvHeads);
    return {};
}

/// What follows the sizes from version 1 on: whether the output matrix is the embedding, the group size, zeros.
Result<void> readRest(ByteReader& reader, Llama2cHeader& header) {
    QSCOPE_TRY(const auto shared, reader.u8());
    if (shared > 1) return fail(ErrorCode::Malformed, "the flag of a shared output matrix is {}", shared);
    header.config.tiedOutput = shared == 1;
    if (header.version == 2) {
        QSCOPE_TRY(header.groupSize, reader.i32());
        if (header.groupSize <= 0) return fail(ErrorCode::Malformed, "groups of {} codes", header.groupSize);
    }
    QSCOPE_TRY(const auto padding, reader.take(kLlama2cHeaderBytes - reader.position()));
    if (std::ranges::any_of(padding, [](std::byte byte) { return byte != std::byte{0}; }))
        return fail(ErrorCode::Malformed, "the header is not padded with zeros");
    return {};
}

/// Tensors that lie together, one for each layer or one alone.
struct Kind {
    const char* name; ///< after "model.layers.N." when it is per layer; null: nothing to show
    bool perLayer;
    Shape shape;
};

std::vector<Kind> kindsOf(const Llama2cHeader& header) {
    const ModelConfig& config = header.config;
    const std::int64_t width = config.width, hidden = config.hidden, headSize = width / config.heads, kv = config.kvHeads * headSize;
    const Kind embedding{"model.embed_tokens.weight", false, {config.vocabulary, width}};
    const Kind attentionNorm{"input_layernorm.weight", true, {width}}, feedForwardNorm{"post_attention_layernorm.weight", true, {width}};
    const Kind lastNorm{"model.norm.weight", false, {width}};
    const std::vector<Kind> attention{{"self_attn.q_proj.weight", true, {width, width}},
                                      {"self_attn.k_proj.weight", true, {kv, width}},
                                      {"self_attn.v_proj.weight", true, {kv, width}},
                                      {"self_attn.o_proj.weight", true, {width, width}}};
    const std::vector<Kind> feedForward{{"mlp.gate_proj.weight", true, {hidden, width}},
                                        {"mlp.down_proj.weight", true, {width, hidden}},
                                        {"mlp.up_proj.weight", true, {hidden, width}}};
    std::vector<Kind> kinds;
    const auto add = [&](const std::vector<Kind>& more) { kinds.insert(kinds.end(), more.begin(), more.end()); };
    if (header.version == 0) {
        add({embedding, attentionNorm});
        add(attention);
        add({feedForwardNorm});
        add(feedForward);
        add({lastNorm, {nullptr, false, {2, config.context, headSize / 2}}}); // cosines and sines, which follow from the sizes
    } else {
        add({attentionNorm, feedForwardNorm, lastNorm, embedding});
        add(attention);
        add(feedForward);
    }
    if (!config.tiedOutput) add({{"lm_head.weight", false, {config.vocabulary, width}}});
    return kinds;
}

bool isCoded(const Llama2cHeader& header, const Kind& kind) { return header.version == 2 && kind.shape.size() == 2; }

/// What the file's size must be.
Result<std::uint64_t> expectedBytes(const Llama2cHeader& header, const ReadLimits& limits) {
    std::uint64_t bytes = header.bytes;
    for (const Kind& kind : kindsOf(header)) {
        QSCOPE_TRY(const auto elements, checkedElements(kind.shape, limits));
        if (isCoded(header, kind) && elements % header.groupSize != 0)
            return fail(ErrorCode::Malformed, "{} codes of '{}' are no whole groups of {}", elements, kind.name, header.groupSize);
        const std::int64_t floats = isCoded(header, kind) ? elements / header.groupSize : elements;
        const auto each = checkedAdd(static_cast<std::uint64_t>(floats) * 4, static_cast<std::uint64_t>(isCoded(header, kind) ? elements : 0));
        const auto all = each ? checkedMul(*each, static_cast<std::uint64_t>(kind.perLayer ? header.config.layers : 1)) : std::nullopt;
        const auto sum = all ? checkedAdd(bytes, *all) : std::nullopt;
        if (!sum) return fail(ErrorCode::Malformed, "the header's sizes overflow");
        bytes = *sum;
    }
    return bytes;
}

/// Adds tensors one behind the other; they are known to fit into the file.
class Catalogue {
public:
    Catalogue(const Llama2cHeader& header, std::shared_ptr<const MappedFile> file)
        : m_header(header), m_file(std::move(file)), m_end(header.bytes) {}

    void skip(const Shape& shape) { m_end += *qscope::storedBytes(DType::F32, static_cast<std::uint64_t>(elementCount(shape))); }

    void add(std::string name, DType type, const Shape& shape) {
        const auto bytes = *qscope::storedBytes(type, static_cast<std::uint64_t>(elementCount(shape)));
        m_tensors.push_back({std::move(name), type, shape, 0, m_end, bytes});
        m_end += bytes;
    }

    /// A matrix of codes with one scale for each run of `groupSize` elements; a run may go on in the next row.
    Result<void> addCoded(const std::string& name, const Shape& shape) {
        const std::size_t whole = m_tensors.size();
        m_tensors.push_back({name, DType::Coded, shape, 0, m_end});
        add(name + ".codes", DType::I8, shape);
        add(name + ".scales", DType::F32, {elementCount(shape) / m_header.groupSize});
        QSCOPE_TRY(const auto values, codedTensor(weight(m_tensors[whole + 1], m_tensors[whole + 2]), shape));
        m_tensors[whole].source = values.source;
        m_tensors[whole].bytes = m_end - m_tensors[whole].offset;
        m_tensors[whole].form = fmt::format("llama2.c, 8 bit, groups of {}", m_header.groupSize);
        for (std::size_t part = whole + 1; part < m_tensors.size(); ++part) m_tensors[part].partOf = static_cast<std::uint32_t>(whole);
        return {};
    }

    std::vector<TensorInfo> take() { return std::move(m_tensors); }

private:
    TensorView view(const TensorInfo& part) const {
        return {part.dtype, part.shape, m_file->bytes().subspan(static_cast<std::size_t>(part.offset), static_cast<std::size_t>(part.bytes)), m_file};
    }
    CodedWeight weight(const TensorInfo& codes, const TensorInfo& scales) const {
        const std::int64_t groupSize = m_header.groupSize, elements = elementCount(codes.shape);
        const bool straddles = codes.shape.back() % groupSize != 0;
        CodedWeight coded;
        coded.scheme = "llama2.c";
        coded.columns = straddles ? groupSize : codes.shape.back();
        coded.rows = elements / coded.columns;
        coded.codes.words = view(codes);
        coded.codes.isSigned = true;
        coded.codes.rows = coded.rows;
        coded.codes.columns = coded.columns;
        coded.codes.streamStride = coded.columns;
        coded.scales = GroupValues{view(scales)};
        coded.scales->rowStride = coded.columns / groupSize;
        coded.scales->columnsPer = groupSize;
        coded.scales->columnStride = 1;
        return coded;
    }

    const Llama2cHeader& m_header;
    std::shared_ptr<const MappedFile> m_file;
    std::uint64_t m_end;
    std::vector<TensorInfo> m_tensors;
};

} // namespace

bool looksLikeLlama2c(std::span<const std::byte> start) { return hasMagic(start) || readLlama2cHeader(start); }

Result<Llama2cHeader> readLlama2cHeader(std::span<const std::byte> file) {
    ByteReader reader(file);
    Llama2cHeader header;
    if (hasMagic(file)) {
        QSCOPE_CHECK(reader.u32());
        QSCOPE_TRY(header.version, reader.i32());
        if (header.version != 1 && header.version != 2) return fail(ErrorCode::Malformed, "llama2.c version {} does not exist", header.version);
    }
    std::array<std::int32_t, 7> numbers{};
    for (std::int32_t& number : numbers) {
        QSCOPE_TRY(number, reader.i32());
    }
    const std::int64_t vocabulary = numbers[5];
    const bool apart = header.version == 0 && vocabulary < 0; // negative: the output matrix is stored apart
    header.config.width = numbers[0];
    header.config.hidden = numbers[1];
    header.config.layers = numbers[2];
    header.config.heads = numbers[3];
    header.config.kvHeads = numbers[4];
    header.config.vocabulary = apart ? -vocabulary : vocabulary;
    header.config.context = numbers[6];
    header.config.tiedOutput = !apart;
    QSCOPE_CHECK(checkSizes(header.config));
    if (header.version > 0) QSCOPE_CHECK(readRest(reader, header));
    header.bytes = reader.position();
    return header;
}

Result<std::vector<TensorInfo>> listLlama2c(const Llama2cHeader& header, const std::shared_ptr<const MappedFile>& file,
                                            MemoryBudget& budget, const ReadLimits& limits) {
    QSCOPE_TRY(const auto expected, expectedBytes(header, limits));
    if (const auto size = file->bytes().size(); expected != size)
        return fail(ErrorCode::Malformed, "the header's sizes need {} bytes, the file has {}", expected, size);
    Catalogue catalogue(header, file);
    for (const Kind& kind : kindsOf(header)) {
        constexpr std::uint64_t kEntry = 2 * sizeof(TensorInfo) + 160; // name and shape
        const auto each = isCoded(header, kind) ? 3 * kEntry + 2 * sizeof(CodedWeight) + 512 : kEntry;
        QSCOPE_CHECK(budget.spend(each * static_cast<std::uint64_t>(kind.perLayer ? header.config.layers : 1)));
        for (std::int64_t layer = 0; layer < (kind.perLayer ? header.config.layers : 1); ++layer) {
            if (!kind.name) {
                catalogue.skip(kind.shape);
                continue;
            }
            const std::string name = kind.perLayer ? fmt::format("model.layers.{}.{}", layer, kind.name) : kind.name;
            if (isCoded(header, kind)) QSCOPE_CHECK(catalogue.addCoded(name, kind.shape));
            else catalogue.add(name, DType::F32, kind.shape);
        }
    }
    return catalogue.take();
}

} // namespace qscope::engine
