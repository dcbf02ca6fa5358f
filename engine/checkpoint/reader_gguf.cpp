// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/gguf_part.h"
#include "engine/checkpoint/gguf_scales.h"
#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/reader.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <unordered_map>

namespace qscope::engine {

namespace {

namespace fs = std::filesystem;

/// Each part is one memory map; the largest public models have fewer than 200.
constexpr std::uint64_t kMaximumParts = 4096;

/// What a file says about the whole to which it belongs. The container's own words, not the model's.
struct Split {
    std::uint64_t number = 0; ///< from 0
    std::uint64_t count = 1;
    std::optional<std::uint64_t> tensors; ///< of all parts together
};

bool isSplitKey(std::string_view key) {
    return key == "split.no" || key == "split.count" || key == "split.tensors.count";
}

/// Takes the keys of splitting out of the metadata.
Result<Split> takeSplit(Metadata& metadata) {
    Split split;
    for (const auto& [key, value] : metadata) {
        if (!isSplitKey(key)) continue;
        const auto* positive = std::get_if<std::uint64_t>(&value.value);
        const auto* any = std::get_if<std::int64_t>(&value.value);
        if (!positive && !(any && *any >= 0)) return fail(ErrorCode::Malformed, "metadata '{}' is no whole number from 0", key);
        const std::uint64_t number = positive ? *positive : static_cast<std::uint64_t>(*any);
        if (key == "split.no") split.number = number;
        else if (key == "split.count") split.count = number;
        else split.tensors = number;
    }
    std::erase_if(metadata, [](const auto& pair) { return isSplitKey(pair.first); });
    if (split.count > kMaximumParts) return fail(ErrorCode::Malformed, "{} parts are too many", split.count);
    if (split.count > 0 && split.number >= split.count)
        return fail(ErrorCode::Malformed, "part {} of {} does not exist", split.number + 1, split.count);
    return split;
}

std::string partSuffix(std::uint64_t number, std::uint64_t count) {
    return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count);
}

void noteTrailing(const GgufPart& part, const fs::path& place, Diagnostics& notes) {
    if (part.trailingBytes > 0)
        notes.warn(fmt::format("{} bytes after the last tensor are not read", part.trailingBytes), place.filename().string());
}

/// The parts of one model, joined; none may contradict the parts before it.
class Joined {
public:
    explicit Joined(Checkpoint& checkpoint) : m_checkpoint(checkpoint) {}

    [[nodiscard]] Result<void> add(GgufPart part) {
        for (TensorInfo& tensor : part.tensors) tensor.file = m_checkpoint.files.size();
        m_checkpoint.files.push_back(std::move(part.file));
        if (m_checkpoint.tensors.empty()) m_checkpoint.tensors = std::move(part.tensors);
        else std::ranges::move(part.tensors, std::back_inserter(m_checkpoint.tensors));
        for (auto& [key, value] : part.metadata) {
            const auto [place, isNew] = m_keys.emplace(key, m_checkpoint.metadata.size());
            if (isNew) m_checkpoint.metadata.emplace_back(std::move(key), std::move(value));
            else if (key != "general.alignment" && !(m_checkpoint.metadata[place->second].second == value))
                return fail(ErrorCode::Malformed, "metadata '{}' differs from that of the parts before", printable(key));
        }
        return {};
    }

private:
    Checkpoint& m_checkpoint;
    std::unordered_map<std::string, std::size_t> m_keys;
};

Result<void> addParts(Checkpoint& checkpoint, const fs::path& place, const Split& split, GgufPart own,
                      const ReadLimits& limits, MetadataBudget& budget, Diagnostics& notes) {
    const std::string name = place.filename().string(), suffix = partSuffix(split.number, split.count);
    if (!name.ends_with(suffix))
        return fail(ErrorCode::Malformed, "part {} of {} is not named NAME{}, so that the others cannot be found",
                    split.number + 1, split.count, suffix);
    const std::string stem = name.substr(0, name.size() - suffix.size());
    Joined joined(checkpoint);
    std::uint64_t tensors = 0;
    for (std::uint64_t number = 0; number < split.count; ++number) {
        const fs::path other = place.parent_path() / (stem + partSuffix(number, split.count));
        const auto add = [&]() -> Result<void> {
            const bool opened = number == split.number;
            QSCOPE_TRY(GgufPart part, opened ? Result<GgufPart>(std::move(own)) : readGgufPart(other, limits, budget));
            if (!opened) {
                QSCOPE_TRY(const Split says, takeSplit(part.metadata));
                if (says.count != split.count || says.number != number)
                    return fail(ErrorCode::Malformed, "it says that it is part {} of {}", says.number + 1, says.count);
                if (says.tensors != split.tensors)
                    return fail(ErrorCode::Malformed, "it counts the tensors of all parts otherwise than part {}", split.number + 1);
            }
            noteTrailing(part, other, notes);
            tensors += part.tensors.size();
            if (tensors > limits.tensors) return fail(ErrorCode::Malformed, "too many tensors");
            return joined.add(std::move(part));
        };
        if (auto added = add(); !added)
            return during(std::move(added).error(), fmt::format("part {} of {}, {}", number + 1, split.count,
                                                               printable(other.filename().string())));
    }
    if (split.tensors && *split.tensors != tensors)
        return fail(ErrorCode::Malformed, "the parts hold {} tensors and say {}", tensors, *split.tensors);
    return {};
}

Result<void> describeModel(Checkpoint& checkpoint) {
    if (const MetadataValue* value = find(checkpoint.metadata, "general.architecture")) {
        const auto* text = std::get_if<std::string>(&value->value);
        const auto isPlain = [](char c) { return c > ' ' && c < 0x7F; };
        if (!text || text->empty() || !std::ranges::all_of(*text, isPlain))
            return fail(ErrorCode::Malformed, "general.architecture is not a plain word");
        checkpoint.architecture = *text;
    }
    const bool named = std::ranges::any_of(checkpoint.tensors, [](const TensorInfo& tensor) {
        return tensor.name.starts_with("blk.") || tensor.name == "token_embd.weight";
    });
    checkpoint.naming = named ? Naming::Gguf : Naming::Other;
    if (const auto* family = architectureInGguf(checkpoint.architecture); family && family->pairsRotary)
        checkpoint.ropeLayout = RopeLayout::Interleaved;
    checkpoint.config = modelFromMetadata(checkpoint.metadata, checkpoint.architecture);
    if (checkpoint.config)
        checkpoint.config->tiedOutput = std::ranges::find(checkpoint.tensors, "output.weight", &TensorInfo::name) ==
                                        checkpoint.tensors.end();
    return {};
}

class GgufReader final : public CheckpointReader {
public:
    explicit GgufReader(bool asStored) : m_asStored(asStored) {}
    const ReaderInfo& info() const override { return m_info; }

    bool recognises(const fs::path& place) const override {
        std::error_code ignored;
        if (!fs::is_regular_file(place, ignored)) return false;
        if (place.extension() == ".gguf") return true;
        std::array<char, 4> magic{};
        std::ifstream(place, std::ios::binary).read(magic.data(), magic.size());
        return std::string_view(magic.data(), magic.size()) == kGgufMagic;
    }

    Result<std::shared_ptr<const Checkpoint>> open(const fs::path& place, const ReadLimits& limits,
                                                   Diagnostics& notes) const override {
        Checkpoint checkpoint;
        checkpoint.path = place;
        checkpoint.format = m_info.id;
        MetadataBudget budget(limits);
        QSCOPE_TRY(GgufPart part, readGgufPart(place, limits, budget));
        QSCOPE_TRY(const Split split, takeSplit(part.metadata));
        if (split.count > 1) {
            QSCOPE_CHECK(addParts(checkpoint, place, split, std::move(part), limits, budget, notes));
        } else {
            noteTrailing(part, place, notes);
            QSCOPE_CHECK(Joined(checkpoint).add(std::move(part)));
        }
        QSCOPE_CHECK(describeModel(checkpoint));
        if (!m_asStored) {
            QSCOPE_CHECK(checkTensors(checkpoint, limits));
            QSCOPE_CHECK(joinGgufScales(checkpoint));
        }
        return publish(std::move(checkpoint), limits);
    }

private:
    bool m_asStored; ///< NVFP4's scales stay tensors of their own
    ReaderInfo m_info{"gguf", "GGUF", {"gguf"}};
};

} // namespace

std::unique_ptr<CheckpointReader> makeGgufReader() { return std::make_unique<GgufReader>(false); }
std::unique_ptr<CheckpointReader> makeStoredGgufReader() { return std::make_unique<GgufReader>(true); }

} // namespace qscope::engine
