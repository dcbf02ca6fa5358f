// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/common_names.h"

#include "engine/checkpoint/architecture.h"
#include "engine/checkpoint/canonical.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

struct FamilyNames {
    std::string_view family;
    std::string_view embedding;
    std::string_view root;                 ///< in front of the names of the model without its head
    std::array<std::string_view, 5> below; ///< what names begin with when the root is left out; empty ones: none
    bool positionTable = false;
    bool recurrent = false;
};

constexpr std::array kFamilies{
    FamilyNames{"gpt2", "transformer.wte", "transformer.", {"h.", "wte.", "wpe.", "ln_f."}, true},
    FamilyNames{"opt", "model.decoder.embed_tokens", "model.", {"decoder."}, true},
    FamilyNames{"bert", "bert.embeddings.word_embeddings", "bert.", {"embeddings.", "encoder.", "pooler."}, true},
    FamilyNames{"vit", "", "vit.", {"embeddings.", "encoder.", "layernorm.", "pooler."}},
    FamilyNames{"mamba", "backbone.embeddings", "backbone.", {"embeddings.", "layers.", "norm_f."}, false, true},
    FamilyNames{"rwkv", "rwkv.embeddings", "rwkv.", {"embeddings.", "blocks.", "ln_out."}, false, true},
};
/// Llama and what has its names.
constexpr FamilyNames kOthers{"", "model.embed_tokens", "model.", {"embed_tokens.", "layers.", "norm."}};

const FamilyNames& namesOf(std::string_view family) {
    const auto found = std::ranges::find(kFamilies, family, &FamilyNames::family);
    return found == kFamilies.end() ? kOthers : *found;
}

void replace(std::string& text, std::string_view from, std::string_view to) {
    if (const auto at = text.find(from); at != text.npos) text.replace(at, from.size(), to);
}

/// The names of the authors' own files, which rwkv.cpp keeps, in Hugging Face's words.
std::string fromRwkv(std::string_view tensor) {
    std::string name = "." + std::string(tensor);
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kWords{
        {{".emb.", ".embeddings."},
         {".ln0.", ".pre_ln."},
         {".att.", ".attention."},
         {".ffn.", ".feed_forward."},
         {".time_mix_k", ".time_mix_key"},
         {".time_mix_v", ".time_mix_value"},
         {".time_mix_r", ".time_mix_receptance"}}};
    for (const auto& [theirs, ours] : kWords)
        if (name.find(ours) == name.npos) replace(name, theirs, ours); // Hugging Face's own begin with the same letters
    return name.substr(1);
}

} // namespace

std::string modelFamily(const Checkpoint& checkpoint) {
    if (checkpoint.architecture == "rwkv4") return "rwkv";
    const Architecture* family = checkpoint.format == "gguf" ? architectureInGguf(checkpoint.architecture) : nullptr;
    return family ? std::string(family->huggingFace) : checkpoint.architecture;
}

std::string weightName(const Checkpoint& checkpoint, std::string_view family, std::string_view tensor) {
    std::string name = family == "rwkv" ? fromRwkv(tensor) : canonicalName(checkpoint, tensor);
    const FamilyNames& names = namesOf(family);
    for (const std::string_view start : names.below)
        if (!start.empty() && name.starts_with(start)) return std::string(names.root) + name;
    return name;
}

std::string_view embeddingModule(std::string_view family) { return namesOf(family).embedding; }
bool hasPositionTable(std::string_view family) { return namesOf(family).positionTable; }
bool isRecurrent(std::string_view family) { return namesOf(family).recurrent; }

} // namespace qscope::engine
