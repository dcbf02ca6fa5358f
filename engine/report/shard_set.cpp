// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/shard_set.h"

#include <algorithm>
#include <optional>
#include <set>

namespace qscope::engine {

namespace {

namespace fs = std::filesystem;

/// The shards that an index names, when all of them are of the target's own name set.
std::set<std::string> shardsOf(const fs::path& target, const Json& index) {
    std::set<std::string> names;
    const auto map = index.find("weight_map");
    if (!index.is_object() || map == index.end() || !map->is_object()) return names;
    const std::string start = target.stem().string() + "-";
    for (const Json& shard : *map) {
        const std::string name = shard.is_string() ? shard.get<std::string>() : std::string();
        const bool own = name.starts_with(start) && name.ends_with(".safetensors") && name.find('/') == name.npos;
        if (!own) return {};
        names.insert(name);
    }
    return names;
}

/// Gives old shards whose names the new ones need a second name each and points the old index at these.
Result<std::set<std::string>> keepAside(const fs::path& target, Json index, const std::set<std::string>& needed) {
    std::set<std::string> aside;
    const fs::path folder = target.parent_path();
    const auto second = [](const std::string& name) { return name.substr(0, name.size() - std::string_view(".safetensors").size()) + ".old.safetensors"; };
    for (const std::string& name : shardsOf(target, index)) {
        std::error_code problem;
        if (!needed.contains(name) || !fs::exists(folder / name, problem)) continue;
        fs::remove(folder / second(name), problem);
        fs::create_hard_link(folder / name, folder / second(name), problem);
        if (problem) return fail(ErrorCode::Io, "{}: cannot keep the old shard until the new ones are complete: {}", (folder / name).string(), problem.message());
        aside.insert(second(name));
    }
    if (aside.empty()) return aside;
    for (Json& shard : index["weight_map"])
        if (aside.contains(second(shard.get<std::string>()))) shard = second(shard.get<std::string>());
    QSCOPE_CHECK(writeFileAtomically(indexPath(target), index.dump(2) + "\n"));
    return aside;
}

} // namespace

std::vector<std::vector<TensorToWrite>> cutIntoShards(std::vector<TensorToWrite> tensors, std::uint64_t maximumBytes) {
    std::vector<std::vector<TensorToWrite>> shards(1);
    std::uint64_t held = 0;
    for (TensorToWrite& tensor : tensors) {
        const auto bytes = qscope::storedBytes(tensor.dtype, static_cast<std::uint64_t>(elementCount(tensor.shape))).value_or(0);
        if (maximumBytes > 0 && held + bytes > maximumBytes && !shards.back().empty()) {
            shards.emplace_back();
            held = 0;
        }
        held += bytes;
        shards.back().push_back(std::move(tensor));
    }
    return shards;
}

fs::path shardPath(const fs::path& target, std::size_t shard, std::size_t count) {
    return target.parent_path() / fmt::format("{}-{:05}-of-{:05}.safetensors", target.stem().string(), shard + 1, count);
}

fs::path indexPath(const fs::path& target) { return target.parent_path() / (target.stem().string() + ".safetensors.index.json"); }

Json shardIndex(const fs::path& target, const std::vector<std::vector<TensorToWrite>>& shards) {
    std::uint64_t total = 0;
    Json::object_t map;
    for (std::size_t i = 0; i < shards.size(); ++i)
        for (const TensorToWrite& tensor : shards[i]) {
            total += qscope::storedBytes(tensor.dtype, static_cast<std::uint64_t>(elementCount(tensor.shape))).value_or(0);
            map.push_back({tensor.name, shardPath(target, i, shards.size()).filename().string()}); // keys are checked to be unique
        }
    return {{"metadata", {{"total_size", total}}}, {"weight_map", std::move(map)}};
}

Result<void> placeShards(const fs::path& target, std::vector<AtomicFile> shards, std::vector<AtomicFile> beside, const Json& index) {
    std::set<std::string> old, needed;
    std::optional<Json> oldIndex;
    std::error_code ignored;
    if (fs::exists(indexPath(target), ignored))
        if (auto read = readJsonFile(indexPath(target))) {
            oldIndex = *std::move(read);
            old = shardsOf(target, *oldIndex);
        }
    std::optional<AtomicFile> newIndex;
    if (!index.is_null()) {
        QSCOPE_TRY(auto file, AtomicFile::create(indexPath(target)));
        QSCOPE_CHECK(file.write(index.dump(2) + "\n"));
        newIndex.emplace(std::move(file));
        needed = shardsOf(target, index);
    }
    if (!old.empty() && newIndex) {
        QSCOPE_TRY(const auto aside, keepAside(target, *oldIndex, needed));
        old.insert(aside.begin(), aside.end());
    }
    for (AtomicFile& shard : shards) QSCOPE_CHECK(shard.commit());
    for (AtomicFile& file : beside) QSCOPE_CHECK(file.commit());
    if (newIndex) QSCOPE_CHECK(newIndex->commit());
    // From here on the new checkpoint stands; what is left of the old one only takes room, or would be found before it.
    if (newIndex) fs::remove(target, ignored);
    else if (oldIndex && !old.empty()) fs::remove(indexPath(target), ignored);
    for (const std::string& name : old)
        if (!needed.contains(name)) fs::remove(target.parent_path() / name, ignored);
    return {};
}

} // namespace qscope::engine
