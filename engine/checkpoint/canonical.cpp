// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/canonical.h"

#include "engine/checkpoint/architecture.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace qscope::engine {

namespace {

constexpr std::string_view kGgufBlock = "blk.";

/// A name cut as "<block prefix><number>.<module>.<weight or bias>"; `layer` is empty outside the blocks.
struct NameParts {
    std::string_view layer;
    std::string_view module;
    std::string_view kind;
};

std::optional<NameParts> partsOf(std::string_view name, std::string_view blockPrefix) {
    NameParts parts;
    if (name.starts_with(blockPrefix)) {
        name.remove_prefix(blockPrefix.size());
        const std::size_t dot = name.find('.');
        if (dot == name.npos || dot == 0) return std::nullopt;
        parts.layer = name.substr(0, dot);
        if (parts.layer.find_first_not_of("0123456789") != name.npos) return std::nullopt;
        name.remove_prefix(dot + 1);
    }
    const std::size_t dot = name.rfind('.');
    if (dot == name.npos) return std::nullopt;
    parts.module = name.substr(0, dot);
    parts.kind = name.substr(dot + 1);
    if (parts.kind != "weight" && parts.kind != "bias") return std::nullopt;
    return parts;
}

/// GPT-2 is found with and without this in front of every name.
constexpr std::string_view kGpt2Root = "transformer.";

/// What "*" of the pattern stands for in the text: digits, or nothing when pattern and text do not fit.
std::optional<std::string_view> match(std::string_view pattern, std::string_view text) {
    const std::size_t star = pattern.find('*');
    if (star == pattern.npos) return pattern == text ? std::optional(std::string_view()) : std::nullopt;
    const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
    if (text.size() <= before.size() + after.size() || !text.starts_with(before) || !text.ends_with(after)) return std::nullopt;
    const auto middle = text.substr(before.size(), text.size() - before.size() - after.size());
    return middle.find_first_not_of("0123456789") == middle.npos ? std::optional(middle) : std::nullopt;
}

/// The module's name in the other world.
std::optional<std::string> moduleIn(std::span<const NamePair> table, std::string_view module, Naming to) {
    for (const NamePair& pair : table) {
        const auto number = match(to == Naming::Gguf ? pair.huggingFace : pair.gguf, module);
        if (!number) continue;
        std::string name(to == Naming::Gguf ? pair.gguf : pair.huggingFace);
        if (!number->empty()) name.replace(name.find('*'), 1, *number);
        return name;
    }
    return std::nullopt;
}

std::string translated(const Architecture& family, std::string_view name, Naming to) {
    const bool toGguf = to == Naming::Gguf;
    const auto parts = partsOf(name, toGguf ? family.block : kGgufBlock);
    if (!parts) return std::string(name);
    const bool inBlock = !parts->layer.empty();
    auto module = inBlock ? moduleIn(family.special, parts->module, to) : std::nullopt;
    if (!module) module = moduleIn(inBlock ? family.inBlock : family.outside, parts->module, to);
    if (!module) return std::string(name);
    std::string result;
    if (inBlock) result.append(toGguf ? kGgufBlock : family.block).append(parts->layer).append(".");
    return result.append(*module).append(".").append(parts->kind);
}

/// Most families have Llama's names, so that those of unknown ones are tried with its table.
const Architecture& familyOr(const Architecture* family) { return family ? *family : *architectureInGguf("llama"); }

} // namespace

std::string canonicalName(const Checkpoint& checkpoint, std::string_view name) {
    const Architecture& family = familyOr(architectureOf(checkpoint));
    if (checkpoint.naming == Naming::Gguf) return translated(family, name, Naming::HuggingFace);
    if (family.block.starts_with(kGpt2Root) && !name.starts_with(kGpt2Root) && !name.starts_with("lm_head"))
        return std::string(kGpt2Root).append(name);
    return std::string(name);
}

std::string ggufName(std::string_view canonical, std::string_view architecture) {
    const Architecture* family = architectureInHuggingFace(architecture);
    return translated(familyOr(family ? family : architectureInGguf(architecture)), canonical, Naming::Gguf);
}

std::string targetArchitecture(const Checkpoint& checkpoint, Naming target) {
    const Architecture* family = architectureOf(checkpoint);
    if (!family || target == Naming::Other) return checkpoint.architecture;
    return std::string(target == Naming::Gguf ? family->gguf : family->huggingFace);
}

Result<TensorView> withRopeLayout(const TensorView& view, std::int64_t heads, RopeLayout from, RopeLayout to) {
    if (from == to || heads <= 0 || view.shape.empty() || elementCount(view.shape) == 0) return view;
    if (view.source) {
        QSCOPE_TRY(const auto plain, contiguous(view));
        return withRopeLayout(plain, heads, from, to);
    }
    const std::int64_t rows = view.shape.front();
    if (rows % heads != 0 || rows / heads % 2 != 0)
        return fail(ErrorCode::Malformed, "{} rows do not divide into {} heads of even size", rows, heads);
    const DTypeInfo& type = info(view.dtype);
    const std::int64_t rowElements = elementCount(view.shape) / rows;
    const std::int64_t rowBits = rowElements / type.blockLength * type.blockBits;
    if (rowElements % type.blockLength != 0 || rowBits % 8 != 0)
        return fail(ErrorCode::Unsupported, "rows of {} {} elements are no whole number of blocks", rowElements, type.name);

    const auto rowBytes = static_cast<std::size_t>(rowBits / 8);
    const std::int64_t half = rows / heads / 2;
    std::vector<std::byte> moved(view.bytes.size());
    for (std::int64_t head = 0; head < heads; ++head)
        for (std::int64_t i = 0; i < half; ++i)
            for (std::int64_t part = 0; part < 2; ++part) { // first and second element of a rotated pair
                const auto split = static_cast<std::size_t>(head * 2 * half + part * half + i);
                const auto paired = static_cast<std::size_t>(head * 2 * half + 2 * i + part);
                const bool pairing = to == RopeLayout::Interleaved;
                std::memcpy(moved.data() + (pairing ? paired : split) * rowBytes,
                            view.bytes.data() + (pairing ? split : paired) * rowBytes, rowBytes);
            }
    return makeTensor(view.dtype, view.shape, std::move(moved));
}

std::int64_t ropeHeads(const Checkpoint& checkpoint, std::string_view canonical) {
    const Architecture* family = architectureOf(checkpoint);
    if (!family || !family->pairsRotary || !checkpoint.config) return 0;
    const auto parts = partsOf(canonical, family->block);
    if (!parts || parts->layer.empty()) return 0;
    if (parts->module == "self_attn.q_proj") return checkpoint.config->heads;
    if (parts->module == "self_attn.k_proj") return checkpoint.config->kvHeads;
    return 0;
}

Result<TensorView> viewInLayout(const Checkpoint& checkpoint, std::size_t tensor, RopeLayout layout) {
    const std::string canonical = canonicalName(checkpoint, checkpoint.tensors[tensor].name);
    auto moved = withRopeLayout(checkpoint.view(tensor), ropeHeads(checkpoint, canonical), checkpoint.ropeLayout, layout);
    if (!moved) return during(std::move(moved).error(), "tensor '" + canonical + "'");
    return moved;
}

} // namespace qscope::engine
