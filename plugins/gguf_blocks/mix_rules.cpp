// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/gguf_blocks/mix_rules.h"

#include "engine/checkpoint/canonical.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

using enum Mix;

constexpr std::array kMixes{
    MixInfo{Q4_0, "q4_0_mix", "Q4_0", DType::Q4_0},
    MixInfo{Q4_1, "q4_1_mix", "Q4_1", DType::Q4_1},
    MixInfo{Q5_0, "q5_0_mix", "Q5_0", DType::Q5_0},
    MixInfo{Q5_1, "q5_1_mix", "Q5_1", DType::Q5_1},
    MixInfo{Q8_0, "q8_0_mix", "Q8_0", DType::Q8_0},
    MixInfo{Q2_K, "q2_k_mix", "Q2_K", DType::Q2_K},
    MixInfo{Q2_K_S, "q2_k_s", "Q2_K_S", DType::Q2_K},
    MixInfo{Q3_K_S, "q3_k_s", "Q3_K_S", DType::Q3_K},
    MixInfo{Q3_K_M, "q3_k_m", "Q3_K_M", DType::Q3_K},
    MixInfo{Q3_K_L, "q3_k_l", "Q3_K_L", DType::Q3_K},
    MixInfo{Q4_K_S, "q4_k_s", "Q4_K_S", DType::Q4_K},
    MixInfo{Q4_K_M, "q4_k_m", "Q4_K_M", DType::Q4_K},
    MixInfo{Q5_K_S, "q5_k_s", "Q5_K_S", DType::Q5_K},
    MixInfo{Q5_K_M, "q5_k_m", "Q5_K_M", DType::Q5_K},
    MixInfo{Q6_K, "q6_k_mix", "Q6_K", DType::Q6_K},
    MixInfo{IQ1_S, "iq1_s_mix", "IQ1_S", DType::IQ1_S},
    MixInfo{IQ1_M, "iq1_m_mix", "IQ1_M", DType::IQ1_M},
    MixInfo{IQ2_XXS, "iq2_xxs_mix", "IQ2_XXS", DType::IQ2_XXS},
    MixInfo{IQ2_XS, "iq2_xs_mix", "IQ2_XS", DType::IQ2_XS},
    MixInfo{IQ2_S, "iq2_s_mix", "IQ2_S", DType::IQ2_XS},
    MixInfo{IQ2_M, "iq2_m", "IQ2_M", DType::IQ2_S},
    MixInfo{IQ3_XXS, "iq3_xxs_mix", "IQ3_XXS", DType::IQ3_XXS},
    MixInfo{IQ3_XS, "iq3_xs", "IQ3_XS", DType::IQ3_S},
    MixInfo{IQ3_S, "iq3_s_mix", "IQ3_S", DType::IQ3_S},
    MixInfo{IQ3_M, "iq3_m", "IQ3_M", DType::IQ3_S},
    MixInfo{IQ4_NL, "iq4_nl_mix", "IQ4_NL", DType::IQ4_NL},
    MixInfo{IQ4_XS, "iq4_xs_mix", "IQ4_XS", DType::IQ4_XS},
    MixInfo{TQ1_0, "tq1_0_mix", "TQ1_0", DType::TQ1_0},
    MixInfo{TQ2_0, "tq2_0_mix", "TQ2_0", DType::TQ2_0},
    MixInfo{MXFP4_MOE, "mxfp4_moe", "MXFP4_MOE", DType::MXFP4},
};

template<class... Mixes>
bool isOneOf(Mix mix, Mixes... others) {
    return ((mix == others) || ...);
}

/// What the rules ask about the tensor.
struct Place {
    std::string name; ///< in GGUF
    std::int64_t layer = 0;
    std::int64_t layers = 0;
    std::int64_t experts = 0;
    bool sharedHeads = false; ///< four query heads or more share a key/value head
    bool falcon = false;
    bool seventy = false;     ///< the Llama of 70 billion weights: 80 layers and shared heads
    bool stack = false;       ///< several matrices in one tensor
    bool importance = false;

    [[nodiscard]] bool has(std::string_view part) const { return name.find(part) != name.npos; }
    /// Whether the layer is among the first `1/parts` of all.
    [[nodiscard]] bool early(std::int64_t parts) const { return layer < layers / parts; }
    /// Layers to which the mixes called M give one step more: the first and last eighth, and every third between.
    [[nodiscard]] bool wantsMoreBits() const {
        return early(8) || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
    }
};

Place placeOf(const Subject& subject) {
    Place place;
    const ModelFacts& model = subject.model;
    place.name = ggufName(subject.commonName.empty() ? subject.name : subject.commonName, model.architecture);
    place.layer = subject.layer.value_or(0);
    place.layers = model.layers;
    place.experts = model.experts;
    place.sharedHeads = model.kvHeads > 0 && model.heads / model.kvHeads >= 4;
    place.falcon = model.architecture == "falcon";
    place.seventy = model.architecture == "llama" && model.layers == 80 && model.heads != model.kvHeads;
    place.stack = subject.shape.size() >= 3 && subject.shape[subject.shape.size() - 3] > 1;
    place.importance = subject.hasImportance;
    return place;
}

/// Small tensors of which every bit counts: routers, convolutions, positions, the low ranks of RWKV and the like.
bool isKept(const Place& place) {
    constexpr std::string_view kKept[] = {
        "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel", "per_layer_model_proj", "ssm_conv1d",
        "shortconv.conv.weight", "indexer.k_proj.weight", "indexer.q_proj.weight", "time_mix_first.weight", "time_mix_w0.weight",
        "time_mix_w1.weight", "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight",
        "time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight",
        "time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight", "attn_rel_b.weight",
        ".position_embd", "sam.pos_embd", "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger",
        "a.rvq.codebook", "mm.a.code_embd"};
    return place.name == "position_embd.weight" || place.name == "token_types.weight" ||
           std::ranges::any_of(kKept, [&](std::string_view part) { return place.has(part); });
}

bool isLowest(Mix mix) { return isOneOf(mix, IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ2_M); }

DType outputType(Mix mix, const Place& place, DType base, std::int64_t columns) {
    if (mix == MXFP4_MOE || mix == Q8_0 || place.falcon || columns % info(base).blockLength != 0) return DType::Q8_0;
    return isLowest(mix) || mix == IQ3_XXS ? DType::Q5_K : DType::Q6_K;
}

DType embeddingType(Mix mix, DType base) {
    if (isOneOf(mix, IQ2_XXS, IQ2_XS, IQ1_S, IQ1_M)) return DType::Q2_K;
    if (isOneOf(mix, IQ2_S, IQ2_M, IQ3_XXS)) return DType::IQ3_S;
    return isOneOf(mix, TQ1_0, TQ2_0) ? DType::Q4_K : base;
}

/// Mixes below three bits: attention and the first layers stay coarser than elsewhere, yet above the rest.
DType lowestType(Mix mix, const Place& place, DType base) {
    const bool upper = isOneOf(mix, IQ2_S, IQ2_M);
    const DType step = upper ? DType::IQ3_S : DType::Q2_K;
    if (place.has("attn_v.weight") || place.has("attn_qkv.weight") || place.has("attn_kv_b.weight"))
        return place.sharedHeads || place.experts >= 4 ? DType::Q4_K : step;
    if (place.has("attn_k.weight") && place.experts == 8) return DType::Q4_K;
    if (place.has("ffn_down") && place.early(8)) return step;
    if (place.has("attn_output.weight")) {
        if (place.experts == 8) return DType::Q5_K;
        if (isOneOf(mix, IQ1_S, IQ1_M)) return DType::IQ2_XXS;
        if (upper) return DType::IQ3_S;
    }
    return base;
}

/// Values of the attention, alone or in one matrix with queries and keys: small, and every error passes straight on.
DType valueType(Mix mix, const Place& place, DType base) {
    if (place.experts == 8) return DType::Q8_0;
    DType type = base;
    switch (mix) {
    case Q2_K: type = place.sharedHeads ? DType::Q4_K : DType::Q3_K; break;
    case IQ3_XXS: type = place.sharedHeads ? DType::Q4_K : place.importance ? DType::IQ3_XXS : DType::IQ3_S; break;
    case IQ3_M: type = DType::Q4_K; break;
    case Q3_K_M: type = place.layer < 2 ? DType::Q5_K : DType::Q4_K; break;
    case Q3_K_L: type = DType::Q5_K; break;
    case Q4_K_S: type = place.layer < 4 ? DType::Q5_K : base; break;
    case Q4_K_M:
    case Q5_K_M: type = place.wantsMoreBits() ? DType::Q6_K : base; break;
    case Q2_K_S:
    case IQ3_XS:
    case IQ3_S: type = place.sharedHeads ? DType::Q4_K : base; break;
    case IQ4_NL:
    case IQ4_XS: type = place.sharedHeads ? DType::Q5_K : base; break;
    default: break;
    }
    return place.seventy && (type == DType::Q3_K || type == DType::Q4_K) ? DType::Q5_K : type;
}

DType downType(Mix mix, const Place& place, DType base) {
    switch (mix) {
    case Q2_K: return DType::Q3_K;
    case Q2_K_S: return place.early(8) ? DType::Q4_K : base;
    case IQ3_XXS:
        if (place.importance) return base;
        return place.early(8) ? DType::Q4_K : DType::Q3_K;
    case Q3_K_M:
        if (place.early(16)) return DType::Q5_K;
        return !place.falcon || place.wantsMoreBits() ? DType::Q4_K : DType::Q3_K;
    case IQ3_M: return place.early(8) || (place.experts == 8 && place.wantsMoreBits()) ? DType::Q4_K : base;
    case Q3_K_L: return place.falcon ? DType::Q4_K : DType::Q5_K;
    case Q4_K_M:
        if (place.falcon) return place.early(16) ? DType::Q6_K : place.wantsMoreBits() ? DType::Q5_K : DType::Q4_K;
        return place.wantsMoreBits() ? DType::Q6_K : base;
    case Q5_K_M: return place.wantsMoreBits() ? DType::Q6_K : base;
    case Q4_K_S: return !place.falcon && place.early(8) ? DType::Q5_K : base;
    case IQ4_NL:
    case IQ4_XS: return !place.importance && place.early(8) ? DType::Q5_K : base;
    // With an importance matrix the symmetric search can go astray in the first layers.
    case Q4_0: return place.importance && place.early(8) ? DType::Q4_1 : base;
    case Q5_0: return place.importance && place.early(8) ? DType::Q5_1 : base;
    default: return base;
    }
}

DType attentionOutputType(Mix mix, const Place& place, DType base) {
    if (place.falcon) return mix == Q3_K_L ? DType::Q4_K : base;
    if (place.experts == 8)
        return isOneOf(mix, Q2_K, IQ3_XS, IQ3_XXS, Q3_K_S, Q3_K_M, IQ4_NL, Q4_K_S, Q4_K_M, IQ3_S, IQ3_M, IQ4_XS) ? DType::Q5_K : base;
    if (mix == Q2_K) return DType::Q3_K;
    if (mix == IQ3_XXS) return DType::IQ3_S;
    if (isOneOf(mix, Q3_K_M, IQ3_M)) return DType::Q4_K;
    return mix == Q3_K_L ? DType::Q5_K : base;
}

DType wantedType(Mix mix, const Place& place, DType base, std::int64_t columns, bool tied) {
    const bool embedding = place.name == "token_embd.weight" || place.name == "per_layer_token_embd.weight";
    if (place.name == "output.weight" || (embedding && tied)) return outputType(mix, place, base, columns);
    if (mix == MXFP4_MOE) return place.stack ? DType::MXFP4 : DType::Q8_0;
    if (embedding) return embeddingType(mix, base);
    if (isLowest(mix)) return lowestType(mix, place, base);
    if (place.has("attn_qkv.weight") || place.has("attn_kv_b.weight") || place.has("attn_v.weight")) return valueType(mix, place, base);
    if (place.has("attn_k.weight") || place.has("attn_q.weight")) {
        if (place.experts == 8 && place.has("attn_k.weight")) return DType::Q8_0;
        if (mix == IQ3_XS) return DType::IQ3_XXS;
        return mix == IQ3_XXS ? DType::IQ2_S : base;
    }
    if (place.has("attn_output.weight")) return attentionOutputType(mix, place, base);
    if (place.has("ffn_down")) return downType(mix, place, base);
    if ((place.has("ffn_up") || place.has("ffn_gate")) && mix == IQ3_XS && !place.early(8) && place.layer < 7 * place.layers / 8)
        return DType::IQ3_XXS;
    return base;
}

/// A type of shorter blocks for rows that are no multiple of 256.
DType shorterType(DType type) {
    switch (type) {
    case DType::Q2_K:
    case DType::Q3_K:
    case DType::TQ1_0:
    case DType::TQ2_0: return DType::Q4_0;
    case DType::Q4_K: return DType::Q5_0;
    case DType::Q5_K: return DType::Q5_1;
    case DType::Q6_K: return DType::Q8_0;
    default: return info(type).blockLength == 256 ? DType::IQ4_NL : type;
    }
}

} // namespace

std::span<const MixInfo> mixes() { return kMixes; }

bool mixNeedsImportance(Mix mix, DType type) {
    switch (type) {
    case DType::IQ3_XXS:
    case DType::IQ2_XXS:
    case DType::IQ2_XS:
    case DType::IQ2_S:
    case DType::IQ1_M:
    case DType::IQ1_S: return true;
    default: return type == DType::Q2_K && mix == Q2_K_S;
    }
}

Result<DType> mixType(Mix mix, const Subject& subject) {
    const auto [rows, columns] = asMatrix(subject.shape);
    const Place place = placeOf(subject);
    const auto stays = [](std::string_view why) { return fail(ErrorCode::Unsupported, "mixes leave it as it is: {}", why); };
    if (rows < 2 || columns < 1) return stays("it is no matrix");
    if (!place.name.ends_with("weight")) return stays("it is not called a weight");
    if (isKept(place)) return stays("it is small and every bit of it counts");
    const auto row = std::ranges::find(kMixes, mix, &MixInfo::mix);
    DType type = wantedType(mix, place, row->base, columns, subject.model.tiedOutput);
    const bool outside = place.name == "output.weight" || place.name.ends_with("token_embd.weight");
    if (!outside && mixNeedsImportance(mix, type) && !subject.hasImportance)
        return fail(ErrorCode::Unsupported, "{} in the mix {} needs the tensor's importance", info(type).name, row->name);
    if (columns % info(type).blockLength != 0) type = shorterType(type);
    return columns % info(type).blockLength == 0 ? type : DType::F16;
}

} // namespace qscope::engine
