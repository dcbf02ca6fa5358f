// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/onnx/catalogue_onnx.h"
#include "engine/checkpoint/onnx/description.h"
#include "engine/checkpoint/onnx/wire.h"
#include "engine/checkpoint/reader.h"

#include <array>
#include <fstream>

namespace qscope::engine {

namespace {

/// The first bytes of a model as all known exporters write it: ir_version, then another known field.
bool looksLikeModel(std::span<const std::byte> start) {
    constexpr std::int64_t kNewestIrVersion = 64; // far above 13, the newest in 2025
    WireReader message(start);
    WireField field;
    const auto first = message.next(field);
    if (!first || !*first || field.number != 1 || field.type != WireType::Varint) return false;
    if (field.value == 0 || field.value > kNewestIrVersion) return false;
    const auto key = message.varint();
    constexpr std::array<std::uint64_t, 8> kKeys{2 << 3 | 2, 3 << 3 | 2, 4 << 3 | 2, 5 << 3, 6 << 3 | 2, 7 << 3 | 2, 8 << 3 | 2, 14 << 3 | 2};
    return key && std::find(kKeys.begin(), kKeys.end(), *key) != kKeys.end();
}

class OnnxReader final : public CheckpointReader {
public:
    const ReaderInfo& info() const override { return m_info; }

    bool recognises(const std::filesystem::path& place) const override {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(place, ignored)) return false;
        if (place.extension() == ".onnx") return true;
        std::array<std::byte, 32> start{};
        std::ifstream file(place, std::ios::binary);
        file.read(reinterpret_cast<char*>(start.data()), start.size());
        return looksLikeModel(std::span(start).first(static_cast<std::size_t>(file.gcount())));
    }

    Result<std::shared_ptr<const Checkpoint>> open(const std::filesystem::path& place, const ReadLimits& limits,
                                                   Diagnostics& notes) const override {
        QSCOPE_TRY(const auto file, MappedFile::open(place));
        MemoryBudget budget = MemoryBudget::forDescription(file->bytes().size());
        QSCOPE_TRY(const auto model, parseOnnxModel(file->bytes(), budget, limits));
        QSCOPE_TRY(const auto found, collectWeights(model, budget, limits, notes));
        OnnxModelFiles files(file, budget, limits);
        QSCOPE_TRY(const std::vector<OnnxPlace> places, placeWeights(files, found.weights));
        Checkpoint checkpoint;
        QSCOPE_TRY(checkpoint.tensors, catalogueOnnx(found, places, files, budget, notes));
        checkpoint.path = place;
        checkpoint.format = m_info.id;
        checkpoint.files = files.files();
        checkpoint.metadata = describeOnnxModel(model, limits);
        return publish(std::move(checkpoint), limits);
    }

private:
    ReaderInfo m_info{"onnx", "ONNX", {"onnx"}};
};

} // namespace

std::unique_ptr<CheckpointReader> makeOnnxReader() { return std::make_unique<OnnxReader>(); }

} // namespace qscope::engine
