// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/architecture.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

// Facts: formats.md, section 1.1, and the tensor names of the ggml project's gguf-py, August 2026.

constexpr std::array kLlamaOutside{
    NamePair{"model.embed_tokens", "token_embd"},
    NamePair{"model.norm", "output_norm"},
    NamePair{"lm_head", "output"},
};
constexpr std::array kLlamaBlock{
    NamePair{"input_layernorm", "attn_norm"},
    NamePair{"self_attn.q_proj", "attn_q"},
    NamePair{"self_attn.k_proj", "attn_k"},
    NamePair{"self_attn.v_proj", "attn_v"},
    NamePair{"self_attn.o_proj", "attn_output"},
    NamePair{"self_attn.q_norm", "attn_q_norm"},
    NamePair{"self_attn.k_norm", "attn_k_norm"},
    NamePair{"post_attention_layernorm", "ffn_norm"},
    NamePair{"mlp.gate_proj", "ffn_gate"},
    NamePair{"mlp.up_proj", "ffn_up"},
    NamePair{"mlp.down_proj", "ffn_down"},
    NamePair{"block_sparse_moe.gate", "ffn_gate_inp"},
    // As GGUF had experts before it stacked them.
    NamePair{"block_sparse_moe.experts.*.w1", "ffn_gate.*"},
    NamePair{"block_sparse_moe.experts.*.w2", "ffn_down.*"},
    NamePair{"block_sparse_moe.experts.*.w3", "ffn_up.*"},
};
/// Norms on both sides of attention and feed-forward.
constexpr std::array kGemma2Special{
    NamePair{"post_attention_layernorm", "post_attention_norm"},
    NamePair{"pre_feedforward_layernorm", "ffn_norm"},
    NamePair{"post_feedforward_layernorm", "post_ffw_norm"},
};
/// Query, key and value in one matrix, gate and up in another.
constexpr std::array kPhi3Special{
    NamePair{"self_attn.qkv_proj", "attn_qkv"},
    NamePair{"mlp.gate_up_proj", "ffn_up"},
};
constexpr std::array kGpt2Outside{
    NamePair{"transformer.wte", "token_embd"},
    NamePair{"transformer.wpe", "position_embd"},
    NamePair{"transformer.ln_f", "output_norm"},
    NamePair{"lm_head", "output"},
};
constexpr std::array kGpt2Block{
    NamePair{"ln_1", "attn_norm"},          NamePair{"attn.c_attn", "attn_qkv"}, NamePair{"attn.c_proj", "attn_output"},
    NamePair{"ln_2", "ffn_norm"},           NamePair{"mlp.c_fc", "ffn_up"},      NamePair{"mlp.c_proj", "ffn_down"},
};

constexpr std::string_view kLayers = "model.layers.";
constexpr std::array kArchitectures{
    Architecture{.huggingFace = "llama", .gguf = "llama", .className = "LlamaForCausalLM", .activation = "silu", .block = kLayers,
                 .outside = kLlamaOutside, .inBlock = kLlamaBlock, .pairsRotary = true},
    Architecture{.huggingFace = "mistral", .gguf = "llama", .className = "MistralForCausalLM", .activation = "silu", .block = kLayers,
                 .outside = kLlamaOutside, .inBlock = kLlamaBlock, .pairsRotary = true},
    Architecture{.huggingFace = "mixtral", .gguf = "llama", .className = "MixtralForCausalLM", .activation = "silu", .block = kLayers,
                 .outside = kLlamaOutside, .inBlock = kLlamaBlock, .pairsRotary = true},
    Architecture{.huggingFace = "qwen2", .gguf = "qwen2", .className = "Qwen2ForCausalLM", .activation = "silu", .block = kLayers,
                 .outside = kLlamaOutside, .inBlock = kLlamaBlock},
    Architecture{.huggingFace = "qwen3", .gguf = "qwen3", .className = "Qwen3ForCausalLM", .activation = "silu", .block = kLayers,
                 .outside = kLlamaOutside, .inBlock = kLlamaBlock},
    Architecture{.huggingFace = "gemma", .gguf = "gemma", .className = "GemmaForCausalLM", .activation = "gelu_pytorch_tanh",
                 .block = kLayers, .outside = kLlamaOutside, .inBlock = kLlamaBlock, .shiftsNorms = true, .tiedAlways = true},
    Architecture{.huggingFace = "gemma2", .gguf = "gemma2", .className = "Gemma2ForCausalLM", .activation = "gelu_pytorch_tanh",
                 .block = kLayers, .outside = kLlamaOutside, .inBlock = kLlamaBlock, .special = kGemma2Special, .shiftsNorms = true,
                 .window = true, .tiedAlways = true},
    Architecture{.huggingFace = "phi3", .gguf = "phi3", .className = "Phi3ForCausalLM", .activation = "silu", .block = kLayers,
                 .outside = kLlamaOutside, .inBlock = kLlamaBlock, .special = kPhi3Special, .window = true},
    Architecture{.huggingFace = "gpt2", .gguf = "gpt2", .className = "GPT2LMHeadModel", .activation = "gelu_new",
                 .block = "transformer.h.", .outside = kGpt2Outside, .inBlock = kGpt2Block, .transposes = true, .layerNorm = true},
};

const Architecture* byName(std::string_view Architecture::* column, std::string_view name) {
    const auto found = std::ranges::find(kArchitectures, name, column);
    return found == kArchitectures.end() ? nullptr : &*found;
}

} // namespace

const Architecture* architectureInGguf(std::string_view name) { return byName(&Architecture::gguf, name); }

const Architecture* architectureInHuggingFace(std::string_view name) { return byName(&Architecture::huggingFace, name); }

const Architecture* architectureOf(const Checkpoint& checkpoint) {
    if (checkpoint.naming == Naming::Other) return nullptr;
    if (checkpoint.naming != Naming::Gguf) return architectureInHuggingFace(checkpoint.architecture);
    const bool mixes = checkpoint.architecture == "llama" && checkpoint.config && checkpoint.config->experts > 0;
    return mixes ? architectureInHuggingFace("mixtral") : architectureInGguf(checkpoint.architecture);
}

} // namespace qscope::engine
