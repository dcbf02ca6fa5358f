// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/coded/recognise.h"
#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/reader.h"
#include "engine/checkpoint/safetensors_header.h"
#include "engine/core/json.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace qscope::engine {

namespace {

namespace fs = std::filesystem;
using fs::path;

constexpr std::string_view kIndexSuffix = ".safetensors.index.json";
/// Each shard is one memory map; the largest public checkpoints have fewer than 200.
constexpr std::size_t kMaximumShards = 4096;

bool isFile(const path& place) {
    std::error_code ignored;
    return fs::is_regular_file(place, ignored);
}

/// What to open in a folder: an index, the one file of the usual name, or the only safetensors file there is.
std::optional<path> entryOfFolder(const path& folder) {
    for (const char* name : {"model.safetensors.index.json", "model.safetensors"})
        if (isFile(folder / name)) return folder / name;
    std::optional<path> only;
    std::error_code problem;
    for (fs::directory_iterator entries(folder, problem), end; !problem && entries != end; entries.increment(problem)) {
        if (entries->path().extension() != ".safetensors" || !isFile(entries->path())) continue;
        if (only) return std::nullopt;
        only = entries->path();
    }
    return only;
}

/// A shard is a file in the index's own folder, and the index may not name one elsewhere.
bool isPlainFileName(std::string_view name) {
    return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
}

/// What the files of one checkpoint share while they are read.
struct Reading {
    Checkpoint checkpoint;
    MemoryBudget budget{0};
    std::unordered_set<std::string> keys; ///< of the metadata so far
};

Result<void> addFile(Reading& reading, const path& place, const ReadLimits& limits) {
    Checkpoint& checkpoint = reading.checkpoint;
    QSCOPE_TRY(const auto file, MappedFile::open(place));
    reading.budget.add(file->bytes().size());
    QSCOPE_TRY(auto header, parseSafetensorsHeader(file->bytes(), reading.budget, limits));
    const std::size_t index = checkpoint.files.size();
    checkpoint.files.push_back(file);
    for (TensorInfo& tensor : header.tensors) tensor.file = index;
    if (checkpoint.tensors.empty()) checkpoint.tensors = std::move(header.tensors);
    else std::ranges::move(header.tensors, std::back_inserter(checkpoint.tensors));
    for (auto& [key, value] : header.metadata)
        if (reading.keys.insert(key).second) checkpoint.metadata.emplace_back(std::move(key), std::move(value));
    return {};
}

Result<void> addShards(Reading& reading, const path& index, const ReadLimits& limits, Diagnostics& notes) {
    Checkpoint& checkpoint = reading.checkpoint;
    QSCOPE_TRY(const auto json, readJsonFile(index, limits, reading.budget));
    const auto map = json.find("weight_map");
    if (!json.is_object() || map == json.end() || !map->is_object())
        return fail(ErrorCode::Malformed, "the index has no object 'weight_map'");
    if (map->size() > limits.tensors) return fail(ErrorCode::Malformed, "the index names too many tensors");

    constexpr std::uint64_t kEntryBytes = 72; // of the map below
    QSCOPE_CHECK(reading.budget.spend(map->size() * kEntryBytes));
    std::set<std::string> shards; // ordered, so that files are opened in order of their names
    std::unordered_map<std::string_view, std::string_view> shardOf;
    for (const auto& [name, shard] : map->items()) {
        if (!shard.is_string() || !isPlainFileName(shard.get_ref<const std::string&>()))
            return fail(ErrorCode::Malformed, "the shard of tensor '{}' is not a file name", printable(name));
        shards.insert(shard.get_ref<const std::string&>());
        shardOf.emplace(name, shard.get_ref<const std::string&>());
        if (shards.size() > kMaximumShards) return fail(ErrorCode::Malformed, "more than {} shards are too many", kMaximumShards);
    }

    std::size_t unlisted = 0;
    for (const std::string& shard : shards) {
        const std::size_t before = checkpoint.tensors.size();
        if (auto added = addFile(reading, index.parent_path() / shard, limits); !added)
            return during(std::move(added).error(), "shard " + printable(shard));
        const auto first = checkpoint.tensors.begin() + static_cast<std::ptrdiff_t>(before);
        const auto kept = std::remove_if(first, checkpoint.tensors.end(), [&](const TensorInfo& tensor) {
            const auto place = shardOf.find(tensor.name);
            return place == shardOf.end() || place->second != shard;
        });
        unlisted += static_cast<std::size_t>(checkpoint.tensors.end() - kept);
        checkpoint.tensors.erase(kept, checkpoint.tensors.end());
        if (checkpoint.tensors.size() > limits.tensors) return fail(ErrorCode::Malformed, "too many tensors");
    }
    if (const std::size_t listed = checkpoint.tensors.size(); listed < shardOf.size())
        return fail(ErrorCode::Malformed, "the index names {} tensors, the shards hold {} of them", shardOf.size(), listed);
    if (unlisted > 0) notes.warn(fmt::format("{} tensors of the shards are not in the index and are left out", unlisted));
    return {};
}

class SafetensorsReader final : public CheckpointReader {
public:
    explicit SafetensorsReader(bool asStored) : m_asStored(asStored) {}
    const ReaderInfo& info() const override { return m_info; }

    bool recognises(const path& place) const override {
        std::error_code ignored;
        if (fs::is_directory(place, ignored)) return entryOfFolder(place).has_value();
        if (!isFile(place)) return false;
        if (place.extension() == ".safetensors" || place.filename().string().ends_with(kIndexSuffix)) return true;
        std::array<unsigned char, 9> start{};
        std::ifstream file(place, std::ios::binary);
        file.read(reinterpret_cast<char*>(start.data()), start.size());
        // A header length below 2^32, then the JSON.
        return file.gcount() == 9 && start[4] == 0 && start[5] == 0 && start[6] == 0 && start[7] == 0 && start[8] == '{';
    }

    Result<std::shared_ptr<const Checkpoint>> open(const path& place, const ReadLimits& limits,
                                                   Diagnostics& notes) const override {
        std::error_code ignored;
        const auto entry = fs::is_directory(place, ignored) ? entryOfFolder(place) : std::optional(place);
        if (!entry)
            return fail(ErrorCode::Unsupported, "the folder holds no model.safetensors, index or single safetensors file");
        Reading reading;
        Checkpoint& checkpoint = reading.checkpoint;
        checkpoint.path = place;
        checkpoint.format = m_info.id;
        if (entry->filename().string().ends_with(kIndexSuffix))
            QSCOPE_CHECK(addShards(reading, *entry, limits, notes));
        else QSCOPE_CHECK(addFile(reading, *entry, limits));
        if (!m_asStored) {
            QSCOPE_CHECK(checkTensors(checkpoint, limits));
            const auto inside = claimInside(checkpoint.metadata, reading.budget, limits);
            QSCOPE_CHECK(recogniseCoded(checkpoint, inside.made() ? inside : claimBeside(*entry, limits, notes), reading.budget, notes));
        }
        checkpoint.naming = namingOf(checkpoint.tensors);
        DescribedModel model = modelBeside(*entry, limits, notes);
        checkpoint.architecture = std::move(model.architecture);
        checkpoint.config = model.config;
        // A description may leave out that the output is the embedding; the tensors do not.
        const auto isOutput = [](const TensorInfo& tensor) { return tensor.name == "lm_head.weight"; };
        if (checkpoint.config && checkpoint.naming == Naming::HuggingFace && std::ranges::none_of(checkpoint.tensors, isOutput))
            checkpoint.config->tiedOutput = true;
        return publish(std::move(checkpoint), limits);
    }

private:
    bool m_asStored; ///< quantized weights stay the tensors they are stored in
    ReaderInfo m_info{"safetensors", "safetensors", {"safetensors", "index.json"}};
};

} // namespace

std::unique_ptr<CheckpointReader> makeSafetensorsReader() { return std::make_unique<SafetensorsReader>(false); }
std::unique_ptr<CheckpointReader> makeStoredSafetensorsReader() { return std::make_unique<SafetensorsReader>(true); }

} // namespace qscope::engine
