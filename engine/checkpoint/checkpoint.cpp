// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/checkpoint.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <functional>
#include <map>

namespace qscope::engine {

namespace {

/// Where the number of a block stands in a name: digits [begin, end) between dots, after the word for "block".
struct LayerPlace {
    std::size_t begin = 0;
    std::size_t end = 0;
    int index = 0;
};

std::optional<LayerPlace> layerPlace(std::string_view name) {
    // GGUF; Llama and most others; GPT-2 and Falcon; GPT-NeoX and BERT have "layers" or "layer"; RETSim "gau_layers".
    constexpr std::string_view kWords[] = {"blk", "layers", "layer", "h", "blocks", "block"};
    std::string_view previous;
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::size_t end = std::min(name.find('.', begin), name.size());
        const std::string_view part = name.substr(begin, end - begin);
        const bool afterWord = std::ranges::find(kWords, previous) != std::end(kWords) || previous.ends_with("_layers");
        int index = 0;
        if (afterWord && !part.empty()) {
            const auto parsed = std::from_chars(part.data(), part.data() + part.size(), index);
            if (parsed.ec == std::errc{} && parsed.ptr == part.data() + part.size() && index >= 0)
                return LayerPlace{begin, end, index};
        }
        previous = part;
        begin = end + 1;
    }
    return std::nullopt;
}

/// One alternative, greedy with one point to come back to: linear in practice, quadratic at worst.
bool matchesOne(std::string_view name, std::string_view pattern) {
    std::size_t n = 0, p = 0;
    std::size_t star = std::string_view::npos, resume = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

} // namespace

std::string_view typeName(const TensorInfo& tensor) {
    return tensor.form.empty() ? info(tensor.dtype).name : std::string_view(tensor.form);
}

std::string summary(const Checkpoint& checkpoint) {
    std::map<std::string_view, std::size_t> counts;
    std::size_t whole = 0;
    for (const TensorInfo& tensor : checkpoint.tensors) {
        if (!tensor.isWhole()) continue;
        ++counts[typeName(tensor)];
        ++whole;
    }
    std::vector<std::pair<std::size_t, std::string_view>> byCount;
    for (const auto& [type, count] : counts) byCount.emplace_back(count, type);
    std::ranges::stable_sort(byCount, std::greater<>{}, [](const auto& entry) { return entry.first; });
    constexpr std::size_t kShown = 4;
    std::string types;
    for (std::size_t i = 0; i < std::min(kShown, byCount.size()); ++i)
        types += fmt::format("{}{} {}", i == 0 ? ": " : ", ", byCount[i].first, byCount[i].second);
    if (byCount.size() > kShown) types += fmt::format(", {} other types", byCount.size() - kShown);
    return fmt::format("{}{}{} parameters in {} tensors{}", checkpoint.architecture, checkpoint.architecture.empty() ? "" : ", ",
                       parameterCount(checkpoint), whole, types);
}

TensorView Checkpoint::view(std::size_t tensor) const {
    assert(tensor < tensors.size());
    const TensorInfo& entry = tensors[tensor];
    if (entry.source) return makeTensor(entry.shape, entry.source);
    const auto& file = files[entry.file];
    return {entry.dtype, entry.shape, file->bytes().subspan(entry.offset, entry.bytes), file};
}

std::optional<std::size_t> Checkpoint::find(std::string_view name) const {
    if (byName.size() != tensors.size()) {
        const auto found = std::ranges::find(tensors, name, &TensorInfo::name);
        if (found == tensors.end()) return std::nullopt;
        return static_cast<std::size_t>(found - tensors.begin());
    }
    const auto nameOf = [&](std::uint32_t index) -> std::string_view { return tensors[index].name; };
    const auto found = std::ranges::lower_bound(byName, name, {}, nameOf);
    if (found == byName.end() || nameOf(*found) != name) return std::nullopt;
    return *found;
}

std::int64_t parameterCount(const Checkpoint& checkpoint) {
    std::int64_t sum = 0;
    for (const TensorInfo& tensor : checkpoint.tensors)
        if (tensor.isWhole()) sum += elementCount(tensor.shape);
    return sum;
}

std::uint64_t storedBytes(const Checkpoint& checkpoint) {
    std::uint64_t sum = 0;
    for (const TensorInfo& tensor : checkpoint.tensors)
        if (tensor.isWhole()) sum += tensor.bytes;
    return sum;
}

std::optional<int> layerIndex(std::string_view tensorName) {
    const auto place = layerPlace(tensorName);
    if (!place) return std::nullopt;
    return place->index;
}

std::string moduleName(std::string_view tensorName) {
    if (const auto place = layerPlace(tensorName))
        tensorName = tensorName.substr(std::min(place->end + 1, tensorName.size()));
    for (const std::string_view suffix : {".weight", ".bias"})
        if (tensorName.ends_with(suffix)) tensorName.remove_suffix(suffix.size());
    return std::string(tensorName);
}

bool matchesGlob(std::string_view name, std::string_view pattern) {
    for (std::size_t begin = 0; begin <= pattern.size();) {
        const std::size_t end = std::min(pattern.find('|', begin), pattern.size());
        if (matchesOne(name, pattern.substr(begin, end - begin))) return true;
        begin = end + 1;
    }
    return false;
}

} // namespace qscope::engine
