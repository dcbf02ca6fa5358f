// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/reader.h"
#include "engine/checkpoint/torch_state.h"
#include "engine/checkpoint/zip_directory.h"
#include "engine/tensor/strided_tensor.h"

#include <algorithm>
#include <array>
#include <fstream>

namespace qscope::engine {

namespace {

/// A tensor whose elements lie side by side is a run of the file's bytes; any other is read through its strides.
Result<TensorInfo> place(TorchTensor tensor, const std::shared_ptr<const MappedFile>& file, const ReadLimits& limits) {
    const auto size = static_cast<std::uint64_t>(info(tensor.dtype).blockBits / 8);
    const std::uint64_t held = tensor.storage.bytes / size;
    const TensorView storage{tensor.dtype, {static_cast<std::int64_t>(held)},
                             file->bytes().subspan(static_cast<std::size_t>(tensor.storage.offset), static_cast<std::size_t>(held * size)), file};
    QSCOPE_TRY(const auto elements, checkedElements(tensor.shape, limits));
    QSCOPE_TRY(auto view, stridedTensor(storage, tensor.shape, std::move(tensor.strides), tensor.first));
    TensorInfo placed{std::move(tensor.name), view.dtype, std::move(tensor.shape), 0, tensor.storage.offset, size * static_cast<std::uint64_t>(elements)};
    if (view.source) {
        placed.form = fmt::format("{}, strided", info(tensor.dtype).name);
        placed.source = std::move(view.source);
    } else {
        placed.offset = static_cast<std::uint64_t>(view.bytes.data() - file->bytes().data());
    }
    return placed;
}

class PytorchReader final : public CheckpointReader {
public:
    const ReaderInfo& info() const override { return m_info; }

    bool recognises(const std::filesystem::path& place) const override {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(place, ignored)) return false;
        for (const char* extension : {".pt", ".pth", ".th"})
            if (place.extension() == extension) return true;
        std::array<std::byte, 512> start{};
        std::ifstream file(place, std::ios::binary);
        file.read(reinterpret_cast<char*>(start.data()), start.size());
        const auto read = std::span(start).first(static_cast<std::size_t>(file.gcount()));
        return looksLikeLegacyTorch(read) || looksLikeTarTorch(read) || firstZipName(read).ends_with("data.pkl");
    }

    Result<std::shared_ptr<const Checkpoint>> open(const std::filesystem::path& path, const ReadLimits& limits,
                                                   Diagnostics& notes) const override {
        QSCOPE_TRY(const auto file, MappedFile::open(path));
        MemoryBudget budget(file->bytes().size());
        QSCOPE_TRY(const auto torch, readTorchFile(file->bytes(), budget, limits));
        QSCOPE_TRY(auto state, readTorchState(torch, budget, limits));
        Checkpoint checkpoint;
        checkpoint.path = path;
        checkpoint.format = m_info.id;
        checkpoint.files.push_back(file);
        checkpoint.tensors.reserve(state.tensors.size());
        // Tensors may share a storage or repeat its elements; a small file must not become any number of values.
        MemoryBudget elements(file->bytes().size());
        for (TorchTensor& tensor : state.tensors) {
            const std::string name = printable(tensor.name);
            auto placed = place(std::move(tensor), file, limits);
            if (placed && !elements.spend(static_cast<std::uint64_t>(elementCount(placed->shape))))
                return fail(ErrorCode::Unsupported, "up to tensor '{}' its tensors have far more elements than it has bytes", name);
            if (!placed) return during(std::move(placed).error(), fmt::format("tensor '{}'", name));
            checkpoint.tensors.push_back(*std::move(placed));
        }
        checkpoint.metadata = std::move(state.metadata);
        checkpoint.naming = namingOf(checkpoint.tensors);
        DescribedModel model = modelBeside(path, limits, notes);
        checkpoint.architecture = std::move(model.architecture);
        checkpoint.config = model.config;
        return publish(std::move(checkpoint), limits);
    }

private:
    ReaderInfo m_info{"pytorch", "PyTorch", {"pt", "pth", "th", "bin", "ckpt", "tar"}};
};

} // namespace

std::unique_ptr<CheckpointReader> makePytorchReader() { return std::make_unique<PytorchReader>(); }

} // namespace qscope::engine
