// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/core/memory_budget.h"
#include "engine/checkpoint/npy_header.h"
#include "engine/checkpoint/reader.h"
#include "engine/checkpoint/zip_directory.h"
#include "engine/tensor/strided_tensor.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <mutex>

namespace qscope::engine {

namespace {

/// An array that must be unpacked, or whose bytes must be put in order, before it can be read. Done on first use; then
/// the bytes stay.
class ArrangedArray final : public TensorSource {
public:
    ArrangedArray(NpyHeader header, ZipEntry entry, std::shared_ptr<const MappedFile> file)
        : m_header(std::move(header)), m_entry(entry), m_file(std::move(file)) {}

    DType plainType() const override { return m_header.dtype; }
    Result<void> decode(std::int64_t first, std::span<float> out) const override { return decodeTo(first, out); }
    Result<void> decode(std::int64_t first, std::span<double> out) const override { return decodeTo(first, out); }
    Result<TensorView> contiguous(const Shape& shape) const override {
        const std::lock_guard lock(m_mutex);
        if (!m_ready) {
            QSCOPE_TRY(auto content, unpack(m_entry, m_entry.bytes));
            content.erase(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(m_header.dataOffset));
            m_ready = std::make_shared<const std::vector<std::byte>>(arrangeNpy(m_header, std::move(content)));
        }
        return TensorView{m_header.dtype, shape, *m_ready, m_ready};
    }

private:
    template<class Out>
    Result<void> decodeTo(std::int64_t first, std::span<Out> out) const {
        QSCOPE_TRY(const auto view, contiguous(m_header.shape));
        return engine::decode(view, first, out);
    }

    NpyHeader m_header;
    ZipEntry m_entry;
    std::shared_ptr<const MappedFile> m_file; ///< holds the entry
    mutable std::mutex m_mutex;
    mutable std::shared_ptr<const std::vector<std::byte>> m_ready;
};

std::vector<std::int64_t> fortranStrides(const Shape& shape) {
    std::vector<std::int64_t> strides(shape.size(), 1);
    for (std::size_t axis = 1; axis < shape.size(); ++axis) strides[axis] = strides[axis - 1] * std::max<std::int64_t>(shape[axis - 1], 1);
    return strides;
}

/// How people read the differences from a plain array.
std::string formOf(const NpyHeader& header, bool deflated) {
    std::string form(info(header.dtype).name);
    if (deflated) form += ", deflated";
    if (header.bigEndian) form += ", big-endian";
    if (header.fortranOrder && header.shape.size() > 1) form += ", Fortran order";
    return form;
}

/// One array; `entry` is the member of an archive, or the whole file.
Result<TensorInfo> readArray(std::string name, const ZipEntry& entry, const std::shared_ptr<const MappedFile>& file,
                             MemoryBudget& budget, const ReadLimits& limits) {
    std::vector<std::byte> front;
    if (entry.deflated) {
        QSCOPE_TRY(front, unpack(entry, kMostNpyHeaderBytes));
    }
    QSCOPE_TRY(auto header, readNpyHeader(entry.deflated ? std::span<const std::byte>(front) : entry.packed, limits));
    if (header.dataOffset > entry.bytes || header.dataBytes != entry.bytes - header.dataOffset)
        return fail(ErrorCode::Malformed, "the array takes {} bytes, {} follow its header", header.dataBytes, entry.bytes - header.dataOffset);
    constexpr std::uint64_t kShapes = 3 * 128; // of the entry, its source and the source's header
    QSCOPE_CHECK(budget.spend(2 * sizeof(TensorInfo) + sizeof(ArrangedArray) + textHeapBytes(name.size()) + kShapes));
    TensorInfo tensor{std::move(name), header.dtype, header.shape, 0, entry.offset + header.dataOffset, header.dataBytes};
    if (header.dataBytes == 0) {
        tensor.offset = entry.offset; // nothing is there to be unpacked
    } else if (entry.deflated || header.bigEndian) {
        QSCOPE_CHECK(budget.spend(header.fortranOrder ? 2 * entry.bytes : entry.bytes)); // another copy while it is turned
        tensor.form = formOf(header, entry.deflated);
        tensor.source = std::make_shared<const ArrangedArray>(std::move(header), entry, file);
    } else if (header.fortranOrder) {
        const TensorView storage{header.dtype, {elementCount(header.shape)}, entry.packed.subspan(static_cast<std::size_t>(header.dataOffset)), file};
        QSCOPE_TRY(const auto view, stridedTensor(storage, header.shape, fortranStrides(header.shape), 0));
        tensor.source = view.source; // none when both orders are the same
        if (tensor.source) tensor.form = formOf(header, false);
    }
    if (tensor.source) tensor.dtype = DType::Coded;
    return tensor;
}

class NpyReader final : public CheckpointReader {
public:
    const ReaderInfo& info() const override { return m_info; }

    bool recognises(const std::filesystem::path& place) const override {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(place, ignored)) return false;
        if (place.extension() == ".npy" || place.extension() == ".npz") return true;
        std::array<std::byte, 512> start{};
        std::ifstream file(place, std::ios::binary);
        file.read(reinterpret_cast<char*>(start.data()), start.size());
        const auto read = std::span(start).first(static_cast<std::size_t>(file.gcount()));
        return looksLikeNpy(read) || firstZipName(read).ends_with(".npy");
    }

    Result<std::shared_ptr<const Checkpoint>> open(const std::filesystem::path& path, const ReadLimits& limits,
                                                   Diagnostics& notes) const override {
        QSCOPE_TRY(const auto file, MappedFile::open(path));
        MemoryBudget budget(file->bytes().size());
        Checkpoint checkpoint;
        checkpoint.path = path;
        checkpoint.format = m_info.id;
        checkpoint.files.push_back(file);
        if (looksLikeZip(file->bytes())) {
            QSCOPE_CHECK(readArchive(checkpoint, budget, limits, notes));
        } else {
            const std::string stem = path.stem().string();
            const ZipEntry whole{{}, file->bytes(), 0, file->bytes().size(), 0, false};
            QSCOPE_TRY(auto tensor, readArray(stem.empty() || !isUtf8(stem) ? "array" : stem, whole, file, budget, limits));
            checkpoint.tensors.push_back(std::move(tensor));
        }
        return publish(std::move(checkpoint), limits);
    }

private:
    static Result<void> readArchive(Checkpoint& checkpoint, MemoryBudget& budget, const ReadLimits& limits, Diagnostics& notes) {
        QSCOPE_TRY(const auto directory, readZipDirectory(checkpoint.files[0]->bytes(), limits));
        QSCOPE_CHECK(budget.spend(directory.entries.size() * kZipEntryMemory));
        std::size_t others = 0;
        for (const ZipEntry& entry : directory.entries) {
            constexpr std::string_view kSuffix = ".npy";
            if (!entry.name.ends_with(kSuffix)) {
                ++others;
                continue;
            }
            auto tensor = readArray(std::string(entry.name.substr(0, entry.name.size() - kSuffix.size())), entry, checkpoint.files[0], budget, limits);
            if (!tensor) return during(std::move(tensor).error(), fmt::format("array '{}'", printable(entry.name)));
            checkpoint.tensors.push_back(*std::move(tensor));
        }
        if (others > 0 && others == directory.entries.size())
            return fail(ErrorCode::Unsupported, "the zip archive holds no NumPy arrays");
        if (others > 0) notes.warn(fmt::format("{} members of the archive are no NumPy arrays and are left out", others));
        return {};
    }

    ReaderInfo m_info{"npy", "NumPy", {"npy", "npz"}};
};

} // namespace

std::unique_ptr<CheckpointReader> makeNpyReader() { return std::make_unique<NpyReader>(); }

} // namespace qscope::engine
