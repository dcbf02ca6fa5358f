// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/gguf_metadata.h"
#include "engine/checkpoint/gguf_types.h"
#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/reader.h"
#include "engine/core/checked_math.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fstream>
#include <unordered_set>

namespace qscope::engine {

namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint64_t kMaximumKeyBytes = 65535;
constexpr std::uint64_t kSmallestPair = 8 + 1 + 4 + 1;      ///< a key of one character and a byte
constexpr std::uint64_t kSmallestTensor = 8 + 1 + 4 + 8 + 4 + 8; ///< a name of one character and one axis

Result<void> checkVersion(std::uint32_t version) {
    if (version == 2 || version == 3) return {};
    if (version == 1) return fail(ErrorCode::Unsupported, "GGUF version 1 is too old; versions 2 and 3 are read");
    if (const auto swapped = __builtin_bswap32(version); swapped >= 1 && swapped <= 3)
        return fail(ErrorCode::Unsupported, "a big-endian GGUF file; only little-endian ones are read");
    if (version == 0) return fail(ErrorCode::Malformed, "GGUF version 0 does not exist");
    return fail(ErrorCode::Unsupported, "GGUF version {} is unknown; versions 2 and 3 are read", version);
}

bool isKey(std::string_view key) {
    return !key.empty() && std::ranges::all_of(key, [](char c) { return c > ' ' && c < 0x7F; });
}

Result<Metadata> readPairs(ByteReader& reader, std::uint64_t count, const ReadLimits& limits) {
    if (count > reader.remaining() / kSmallestPair)
        return fail(ErrorCode::Malformed, "{} metadata pairs do not fit in the {} bytes left", count, reader.remaining());
    Metadata metadata;
    std::unordered_set<std::string_view> keys; // views into the file
    for (std::uint64_t i = 0; i < count; ++i) {
        QSCOPE_TRY(const auto key, readGgufText(reader, kMaximumKeyBytes));
        if (!isKey(key)) return fail(ErrorCode::Malformed, "metadata key '{}' is not plain ASCII", printable(key));
        if (!keys.insert(key).second) return fail(ErrorCode::Malformed, "metadata key '{}' appears twice", printable(key));
        QSCOPE_TRY(const auto type, reader.u32());
        auto value = readMetadataValue(reader, type, limits);
        if (!value) return during(std::move(value).error(), "metadata '" + printable(key) + "'");
        metadata.emplace_back(std::string(key), *std::move(value));
    }
    return metadata;
}

Result<std::uint64_t> alignmentOf(const Metadata& metadata) {
    const MetadataValue* value = find(metadata, "general.alignment");
    if (!value) return kGgufAlignment;
    const auto* number = std::get_if<std::uint64_t>(&value->value);
    if (value->type != MetadataType::U32 || !number)
        return fail(ErrorCode::Malformed, "general.alignment is not an unsigned 32-bit number");
    if (*number < 8 || !std::has_single_bit(*number))
        return fail(ErrorCode::Malformed, "general.alignment {} is not a power of two from 8 on", *number);
    return *number;
}

Result<TensorInfo> readTensor(ByteReader& reader, const ReadLimits& limits) {
    TensorInfo tensor;
    QSCOPE_TRY(const auto name, readGgufText(reader, std::min(limits.nameBytes, kGgufNameBytes)));
    tensor.name = name;
    const auto step = "tensor '" + printable(name) + "'";
    QSCOPE_TRY(const auto rank, reader.u32());
    if (rank < 1 || rank > kGgufRank) return during({ErrorCode::Malformed, fmt::format("{} axes", rank), {}}, step);
    for (std::uint32_t axis = 0; axis < rank; ++axis) {
        QSCOPE_TRY(const auto size, reader.u64());
        if (size > static_cast<std::uint64_t>(INT64_MAX))
            return during({ErrorCode::Malformed, "an axis is too long", {}}, step);
        tensor.shape.push_back(static_cast<std::int64_t>(size));
    }
    std::ranges::reverse(tensor.shape); // the file has the fastest axis first
    QSCOPE_TRY(const auto id, reader.u32());
    const auto type = dtypeFromGguf(id);
    if (!type)
        return during({ErrorCode::Unsupported,
                       fmt::format("type {} {}", id, ggufIdWasRemoved(id) ? "was removed from GGUF" : "is unknown"), {}},
                      step);
    tensor.dtype = *type;
    QSCOPE_TRY(tensor.offset, reader.u64());
    auto elements = checkedElements(tensor.shape, limits);
    if (!elements) return during(std::move(elements).error(), step);
    const auto bytes = qscope::storedBytes(tensor.dtype, static_cast<std::uint64_t>(*elements));
    if (!bytes)
        return during({ErrorCode::Malformed, fmt::format("{} elements are no whole number of {} blocks", *elements,
                                                         qscope::info(tensor.dtype).name), {}},
                      step);
    tensor.bytes = *bytes;
    return tensor;
}

/// Moves offsets from the data section to the file. They must follow each other, each padded to the alignment.
Result<void> placeTensors(std::vector<TensorInfo>& tensors, std::uint64_t headerEnd, std::uint64_t alignment,
                          std::uint64_t fileBytes) {
    const auto padded = [&](std::uint64_t size) -> std::optional<std::uint64_t> {
        const auto up = checkedAdd(size, alignment - 1);
        if (!up) return std::nullopt;
        return *up & ~(alignment - 1);
    };
    const std::uint64_t dataStart = *padded(headerEnd); // both far below 2^63
    std::uint64_t next = 0;
    for (TensorInfo& tensor : tensors) {
        if (tensor.offset != next)
            return fail(ErrorCode::Malformed, "tensor '{}' is at offset {} of the data, expected at {}",
                        printable(tensor.name), tensor.offset, next);
        const auto place = checkedAdd(dataStart, tensor.offset);
        const auto size = padded(tensor.bytes);
        const auto after = size ? checkedAdd(next, *size) : std::nullopt;
        // An empty tensor may follow a last one that was written without its padding.
        const bool inside = place && after && (tensor.bytes == 0 || (*place <= fileBytes && tensor.bytes <= fileBytes - *place));
        if (!inside)
            return fail(ErrorCode::Malformed, "tensor '{}' needs {} bytes at offset {} of the data, the file ends before",
                        printable(tensor.name), tensor.bytes, tensor.offset);
        tensor.offset = std::min(*place, fileBytes);
        next = *after;
    }
    return {};
}

class GgufReader final : public CheckpointReader {
public:
    const ReaderInfo& info() const override { return m_info; }

    bool recognises(const std::filesystem::path& place) const override {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(place, ignored)) return false;
        if (place.extension() == ".gguf") return true;
        std::array<char, 4> magic{};
        std::ifstream(place, std::ios::binary).read(magic.data(), magic.size());
        return std::string_view(magic.data(), magic.size()) == kMagic;
    }

    Result<std::shared_ptr<const Checkpoint>> open(const std::filesystem::path& place, const ReadLimits& limits,
                                                   Diagnostics& notes) const override {
        QSCOPE_TRY(const auto file, MappedFile::open(place));
        const std::uint64_t fileBytes = file->bytes().size();
        ByteReader reader(file->bytes().first(static_cast<std::size_t>(std::min(fileBytes, limits.headerBytes))));
        QSCOPE_TRY(const auto magic, reader.text(kMagic.size()));
        if (magic != kMagic) return fail(ErrorCode::Malformed, "the file does not start with 'GGUF'");
        QSCOPE_TRY(const auto version, reader.u32());
        QSCOPE_CHECK(checkVersion(version));
        QSCOPE_TRY(const auto tensorCount, reader.u64());
        QSCOPE_TRY(const auto pairCount, reader.u64());
        if (tensorCount > limits.tensors || tensorCount > reader.remaining() / kSmallestTensor)
            return fail(ErrorCode::Malformed, "{} tensors do not fit in the {} bytes left", tensorCount, reader.remaining());

        Checkpoint checkpoint;
        checkpoint.path = place;
        checkpoint.format = m_info.id;
        checkpoint.files.push_back(file);
        QSCOPE_TRY(checkpoint.metadata, readPairs(reader, pairCount, limits));
        QSCOPE_CHECK(refuseSplit(checkpoint.metadata));
        QSCOPE_TRY(const auto alignment, alignmentOf(checkpoint.metadata));
        checkpoint.tensors.reserve(static_cast<std::size_t>(tensorCount));
        for (std::uint64_t i = 0; i < tensorCount; ++i) {
            QSCOPE_TRY(auto tensor, readTensor(reader, limits));
            checkpoint.tensors.push_back(std::move(tensor));
        }
        QSCOPE_CHECK(placeTensors(checkpoint.tensors, reader.position(), alignment, fileBytes));
        QSCOPE_CHECK(describeModel(checkpoint));
        noteTrailing(checkpoint, alignment, fileBytes, notes);
        return publish(std::move(checkpoint), limits);
    }

private:
    static Result<void> refuseSplit(const Metadata& metadata) {
        const MetadataValue* value = find(metadata, "split.count");
        const auto* count = value ? std::get_if<std::uint64_t>(&value->value) : nullptr;
        if (count && *count > 1)
            return fail(ErrorCode::Unsupported, "one of {} parts of a split model; join the parts first", *count);
        return {};
    }

    static Result<void> describeModel(Checkpoint& checkpoint) {
        if (const MetadataValue* value = find(checkpoint.metadata, "general.architecture")) {
            const auto* text = std::get_if<std::string>(&value->value);
            if (!text || !isKey(*text)) return fail(ErrorCode::Malformed, "general.architecture is not a plain word");
            checkpoint.architecture = *text;
        }
        const bool named = std::ranges::any_of(checkpoint.tensors, [](const TensorInfo& tensor) {
            return tensor.name.starts_with("blk.") || tensor.name == "token_embd.weight";
        });
        checkpoint.naming = named ? Naming::Gguf : Naming::Other;
        // Only this architecture has its rows reordered on the way to GGUF (formats.md, section 1.1).
        if (checkpoint.architecture == "llama") checkpoint.ropeLayout = RopeLayout::Interleaved;
        checkpoint.config = modelFromMetadata(checkpoint.metadata, checkpoint.architecture);
        if (checkpoint.config)
            checkpoint.config->tiedOutput = std::ranges::find(checkpoint.tensors, "output.weight", &TensorInfo::name) ==
                                            checkpoint.tensors.end();
        return {};
    }

    static void noteTrailing(const Checkpoint& checkpoint, std::uint64_t alignment, std::uint64_t fileBytes,
                             Diagnostics& notes) {
        if (checkpoint.tensors.empty()) return;
        const TensorInfo& last = checkpoint.tensors.back();
        const std::uint64_t end = last.offset + last.bytes;
        if (fileBytes > end && fileBytes - end >= alignment)
            notes.warn(fmt::format("{} bytes after the last tensor are not read", fileBytes - end));
    }

    ReaderInfo m_info{"gguf", "GGUF", {"gguf"}};
};

} // namespace

std::unique_ptr<CheckpointReader> makeGgufReader() { return std::make_unique<GgufReader>(); }

} // namespace qscope::engine
