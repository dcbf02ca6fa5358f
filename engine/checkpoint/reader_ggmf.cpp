// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/core/memory_budget.h"
#include "engine/checkpoint/reader.h"
#include "engine/core/byte_reader.h"

#include <algorithm>
#include <array>
#include <fstream>

namespace qscope::engine {

namespace {

constexpr std::uint32_t kMagic = 0x67676d66;
constexpr std::uint32_t kBeforeNewBlocks = 100, kCurrent = 101;

/// The numbers of ggml's types that rwkv.cpp wrote.
Result<DType> dtypeOf(std::int32_t number, std::uint32_t version) {
    constexpr std::array<std::pair<std::int32_t, DType>, 7> kTypes{{{0, DType::F32}, {1, DType::F16}, {2, DType::Q4_0}, {3, DType::Q4_1},
                                                                    {7, DType::Q5_0}, {8, DType::Q5_1}, {9, DType::Q8_0}}};
    const auto found = std::ranges::find(kTypes, number, &std::pair<std::int32_t, DType>::first);
    if (found == kTypes.end()) return fail(ErrorCode::Unsupported, "data type {} is not read", number);
    if (version == kBeforeNewBlocks && qscope::info(found->second).kind == DTypeKind::Block)
        return fail(ErrorCode::Unsupported, "{} in the layout before version 101 is not read", qscope::info(found->second).name);
    return found->second;
}

Result<TensorInfo> readTensor(ByteReader& reader, std::uint32_t version, const ReadLimits& limits) {
    QSCOPE_TRY(const auto axes, reader.u32());
    QSCOPE_TRY(const auto nameBytes, reader.u32());
    QSCOPE_TRY(const auto type, reader.i32());
    if (axes > static_cast<std::uint32_t>(limits.rank)) return fail(ErrorCode::Malformed, "{} axes are too many", axes);
    if (nameBytes > limits.nameBytes) return fail(ErrorCode::Malformed, "a name of {} bytes", nameBytes);
    TensorInfo tensor;
    for (std::uint32_t axis = 0; axis < axes; ++axis) {
        QSCOPE_TRY(const auto size, reader.i32());
        tensor.shape.insert(tensor.shape.begin(), size); // stored fastest first
    }
    QSCOPE_TRY(tensor.name, reader.text(nameBytes));
    QSCOPE_TRY(tensor.dtype, dtypeOf(type, version));
    QSCOPE_TRY(const auto elements, checkedElements(tensor.shape, limits));
    const auto bytes = qscope::storedBytes(tensor.dtype, static_cast<std::uint64_t>(elements));
    if (!bytes) return fail(ErrorCode::Malformed, "its {} elements are no whole number of blocks", elements);
    tensor.offset = reader.position();
    tensor.bytes = *bytes;
    QSCOPE_CHECK(reader.take(*bytes));
    return tensor;
}

/// Old files of rwkv.cpp, which hold a model of RWKV's fourth version.
class GgmfReader final : public CheckpointReader {
public:
    const ReaderInfo& info() const override { return m_info; }

    bool recognises(const std::filesystem::path& place) const override {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(place, ignored)) return false;
        std::uint32_t magic = 0;
        std::ifstream file(place, std::ios::binary);
        return file.read(reinterpret_cast<char*>(&magic), sizeof(magic)) && magic == kMagic;
    }

    Result<std::shared_ptr<const Checkpoint>> open(const std::filesystem::path& place, const ReadLimits& limits,
                                                   Diagnostics&) const override {
        QSCOPE_TRY(const auto file, MappedFile::open(place));
        ByteReader reader(file->bytes());
        QSCOPE_TRY(const auto magic, reader.u32());
        QSCOPE_TRY(const auto version, reader.u32());
        if (magic != kMagic) return fail(ErrorCode::Malformed, "no ggmf file: its first number is {:#x}", magic);
        if (version != kBeforeNewBlocks && version != kCurrent)
            return fail(ErrorCode::Unsupported, "ggmf version {} is not read; 100 and 101 are", version);
        ModelConfig config;
        for (std::int64_t* size : {&config.vocabulary, &config.width, &config.layers}) {
            QSCOPE_TRY(*size, reader.i32());
            if (*size <= 0) return fail(ErrorCode::Malformed, "the header has a size of {}", *size);
        }
        QSCOPE_TRY(const auto mostly, reader.i32());
        QSCOPE_CHECK(dtypeOf(mostly, version));
        Checkpoint checkpoint;
        MemoryBudget budget(file->bytes().size());
        while (reader.remaining() > 0) {
            if (checkpoint.tensors.size() == limits.tensors) return fail(ErrorCode::Malformed, "more than {} tensors", limits.tensors);
            const std::size_t at = reader.position();
            auto tensor = readTensor(reader, version, limits);
            if (!tensor) return during(std::move(tensor).error(), fmt::format("parameter at offset {}", at));
            QSCOPE_CHECK(budget.spend(memoryOf(*tensor)));
            checkpoint.tensors.push_back(*std::move(tensor));
        }
        checkpoint.path = place;
        checkpoint.format = m_info.id;
        checkpoint.architecture = "rwkv4";
        checkpoint.config = config;
        checkpoint.metadata = {{"ggmf.version", {MetadataType::U32, {}, std::uint64_t{version}}},
                               {"ggmf.data_type", {MetadataType::I32, {}, std::int64_t{mostly}}}};
        checkpoint.files.push_back(file);
        QSCOPE_TRY(auto published, publish(std::move(checkpoint), limits));
        const auto embedding = published->find("emb.weight");
        if (embedding && published->tensors[*embedding].shape != Shape{config.vocabulary, config.width})
            return fail(ErrorCode::Malformed, "'emb.weight' is not of the header's {} x {}", config.vocabulary, config.width);
        return published;
    }

private:
    ReaderInfo m_info{"ggmf", "rwkv.cpp (ggmf)", {"bin"}};
};

} // namespace

std::unique_ptr<CheckpointReader> makeGgmfReader() { return std::make_unique<GgmfReader>(); }

} // namespace qscope::engine
