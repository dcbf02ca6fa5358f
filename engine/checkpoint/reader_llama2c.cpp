// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/llama2c_layout.h"
#include "engine/checkpoint/llama2c_tokenizer.h"
#include "engine/checkpoint/reader.h"

#include <array>
#include <fstream>

namespace qscope::engine {

namespace {

class Llama2cReader final : public CheckpointReader {
public:
    const ReaderInfo& info() const override { return m_info; }

    bool recognises(const std::filesystem::path& place) const override {
        std::error_code ignored;
        if (place.extension() != ".bin" || !std::filesystem::is_regular_file(place, ignored)) return false;
        std::array<std::byte, kLlama2cHeaderBytes> start{};
        std::ifstream file(place, std::ios::binary);
        file.read(reinterpret_cast<char*>(start.data()), start.size());
        const auto read = std::span<const std::byte>(start).first(static_cast<std::size_t>(file.gcount()));
        return looksLikeLlama2c(read);
    }

    Result<std::shared_ptr<const Checkpoint>> open(const std::filesystem::path& place, const ReadLimits& limits,
                                                   Diagnostics& notes) const override {
        QSCOPE_TRY(const auto file, MappedFile::open(place));
        QSCOPE_TRY(const auto header, readLlama2cHeader(file->bytes()));
        Checkpoint checkpoint;
        MemoryBudget budget(file->bytes().size());
        QSCOPE_TRY(checkpoint.tensors, listLlama2c(header, file, budget, limits));
        checkpoint.path = place;
        checkpoint.format = m_info.id;
        checkpoint.architecture = "llama";
        checkpoint.naming = Naming::HuggingFace;
        checkpoint.ropeLayout = RopeLayout::Interleaved;
        checkpoint.config = header.config;
        checkpoint.files.push_back(file);
        std::string used;
        if (auto tokenizer = llama2cTokenizerBeside(place, header.config.vocabulary, budget, limits, used)) {
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
