# SPDX-License-Identifier: GPL-3.0-or-later
"""Small models with random weights, and what they compute, written down from the papers in double precision.

reference_models.py make FOLDER         FOLDER/<case>/: config.json, model.safetensors, input.i64 or input.f32, shape (of the
                                        input), and <edge>.f64 for each edge of the graph whose values are known
reference_models.py llama MODEL OUT ID... OUT gets the logits of a Llama checkpoint (safetensors with its config.json, or
                                        llama2.c of version 2) for these tokens
"""
import json
import math
import pathlib
import struct
import sys

import numpy

WIDTH, HIDDEN, LAYERS, HEADS, KV, WORDS, TIME, BATCH = 24, 40, 2, 4, 2, 19, 9, 2


# --- pieces ---

def rms_norm(x, weight, epsilon):
    return x / numpy.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def layer_norm(x, weights, name, epsilon=1e-5):
    centred = x - x.mean(-1, keepdims=True)
    return centred / numpy.sqrt((centred ** 2).mean(-1, keepdims=True) + epsilon) * weights[name + ".weight"] + weights[name + ".bias"]


def softmax(x):
    powers = numpy.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def silu(x):
    return x * sigmoid(x)


def gelu(x):
    return x * (1 + numpy.vectorize(math.erf)(x / math.sqrt(2))) / 2


def gelu_tanh(x):
    return x / 2 * (1 + numpy.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def linear(x, weights, name):
    y = x @ weights[name + ".weight"].T
    return y + weights[name + ".bias"] if name + ".bias" in weights else y


def heads(x, count):
    return x.reshape(x.shape[0], x.shape[1], count, -1).transpose(0, 2, 1, 3)


def attend(q, k, v, causal=True, window=None, scale=None, cap=None):
    """Of [batch, heads, time, size]; groups of query heads share a key head."""
    group, time = q.shape[1] // k.shape[1], q.shape[2]
    k, v = k.repeat(group, 1), v.repeat(group, 1)
    scores = q @ k.swapaxes(2, 3) * (scale or 1 / math.sqrt(q.shape[3]))
    if cap:
        scores = cap * numpy.tanh(scores / cap)
    back = numpy.arange(time)[:, None] - numpy.arange(time)[None, :]  # how far the key lies behind the query
    if causal:
        scores = numpy.where(back < 0, -numpy.inf, scores)
    if window:
        scores = numpy.where(back >= window, -numpy.inf, scores)
    mixed = softmax(scores) @ v
    return mixed.transpose(0, 2, 1, 3).reshape(mixed.shape[0], time, -1)


def angles(size, time, base, scaling=None, trained=None):
    """[time, size / 2], and what the rotated vectors are multiplied with."""
    frequencies = numpy.array([base ** (-2 * i / size) for i in range(size // 2)])
    kind, stretch, original = None, 1.0, trained
    if scaling:
        kind, stretch = scaling["rope_type"], scaling.get("factor", 1.0)
        original = scaling.get("original_max_position_embeddings", trained)
    amplitude = 1.0
    if kind == "linear":
        frequencies = frequencies / stretch
    elif kind == "dynamic":  # the tables are made for the context that was asked for, 4 times the trained one
        longest = 4 * trained
        base = base * (stretch * longest / trained - (stretch - 1)) ** (size / (size - 2))
        frequencies = numpy.array([base ** (-2 * i / size) for i in range(size // 2)])
    elif kind == "llama3":
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        for i, frequency in enumerate(frequencies):
            length = 2 * math.pi / frequency
            if length > original / low:
                frequencies[i] = frequency / stretch
            elif length >= original / high:
                smooth = (original / length - low) / (high - low)
                frequencies[i] = (1 - smooth) * frequency / stretch + smooth * frequency
    elif kind == "yarn":
        place = lambda turns: size * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))
        first, last = max(math.floor(place(32)), 0), min(math.ceil(place(1)), size - 1)
        for i in range(size // 2):
            ramp = min(max((i - first) / (last - first), 0), 1)
            frequencies[i] = frequencies[i] / stretch * ramp + frequencies[i] * (1 - ramp)
        amplitude = 0.1 * math.log(stretch) + 1
    elif kind == "longrope":
        frequencies = frequencies / numpy.array(scaling["long_factor"])
        amplitude = math.sqrt(1 + math.log(trained / original) / math.log(original))
    return numpy.arange(time)[:, None] * frequencies[None, :], amplitude


def rotate(x, turned, amplitude=1.0):
    """The first elements of each head, in pairs (i, i + half), by complex multiplication."""
    half = turned.shape[1]
    pairs = (x[..., :half] + 1j * x[..., half:2 * half]) * amplitude * numpy.exp(1j * turned)
    return numpy.concatenate([pairs.real, pairs.imag, x[..., 2 * half:]], -1)


# --- families ---

def decoder(config, weights, tokens, known, gemma=0):
    """Llama, Mistral, Qwen 2 and 3, Phi-3; Gemma 1 and 2."""
    width, count, kv = config["hidden_size"], config["num_attention_heads"], config["num_key_value_heads"]
    size, epsilon, time = config.get("head_dim") or width // count, config["rms_norm_eps"], tokens.shape[1]
    turned, amplitude = angles(int(size * config.get("partial_rotary_factor", 1)), time, config["rope_theta"],
                               config.get("rope_scaling"), config["max_position_embeddings"])
    norm = lambda x, name: rms_norm(x, weights[name + ".weight"] + (1 if gemma else 0), epsilon)
    act = gelu_tanh if gemma else silu
    x = weights["model.embed_tokens.weight"][tokens]
    if gemma:
        x = x * math.sqrt(width)
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}"
        self, mlp = block + ".self_attn", block + ".mlp"
        y = norm(x, block + ".input_layernorm")
        if self + ".qkv_proj.weight" in weights:
            q, k, v = numpy.split(linear(y, weights, self + ".qkv_proj"), [count * size, (count + kv) * size], -1)
        else:
            q, k, v = (linear(y, weights, f"{self}.{which}_proj") for which in "qkv")
        q, k, v = heads(q, count), heads(k, kv), heads(v, kv)
        if self + ".q_norm.weight" in weights:
            q, k = norm(q, self + ".q_norm"), norm(k, self + ".k_norm")
        q, k = rotate(q, turned, amplitude), rotate(k, turned, amplitude)
        window = config.get("sliding_window")
        if gemma == 2 and layer % 2 == 1 or not config.get("use_sliding_window", True):
            window = None
        if "layer_types" in config and config["layer_types"][layer] == "full_attention":
            window = None
        scale = 1 / math.sqrt(config["query_pre_attn_scalar"]) if "query_pre_attn_scalar" in config else None
        mixed = linear(attend(q, k, v, True, window, scale, config.get("attn_logit_softcapping")), weights, self + ".o_proj")
        known[self + ".output"] = mixed
        if gemma == 2:
            mixed = norm(mixed, block + ".post_attention_layernorm")
        x = x + mixed
        y = norm(x, block + (".pre_feedforward_layernorm" if gemma == 2 else ".post_attention_layernorm"))
        if mlp + ".gate_up_proj.weight" in weights:
            gate, up = numpy.split(linear(y, weights, mlp + ".gate_up_proj"), 2, -1)
        else:
            gate, up = linear(y, weights, mlp + ".gate_proj"), linear(y, weights, mlp + ".up_proj")
        fed = linear(act(gate) * up, weights, mlp + ".down_proj")
        known[mlp + ".output"] = fed
        if gemma == 2:
            fed = norm(fed, block + ".post_feedforward_layernorm")
        x = x + fed
        known[block + ".output"] = x
    x = norm(x, "model.norm")
    logits = x @ weights["lm_head.weight" if "lm_head.weight" in weights else "model.embed_tokens.weight"].T
    cap = config.get("final_logit_softcapping")
    known["logits"] = cap * numpy.tanh(logits / cap) if cap else logits


def gpt2(config, weights, tokens, known):
    x = weights["transformer.wte.weight"][tokens] + weights["transformer.wpe.weight"][:tokens.shape[1]]
    dense = lambda y, name: y @ weights[name + ".weight"] + weights[name + ".bias"]  # stored as [in, out]
    for layer in range(config["n_layer"]):
        block = f"transformer.h.{layer}"
        q, k, v = (heads(part, config["n_head"]) for part in numpy.split(dense(layer_norm(x, weights, block + ".ln_1"), block + ".attn.c_attn"), 3, -1))
        x = x + dense(attend(q, k, v), block + ".attn.c_proj")
        x = x + dense(gelu_tanh(dense(layer_norm(x, weights, block + ".ln_2"), block + ".mlp.c_fc")), block + ".mlp.c_proj")
        known[block + ".output"] = x
    known["logits"] = layer_norm(x, weights, "transformer.ln_f") @ weights["transformer.wte.weight"].T


def opt(config, weights, tokens, known):
    root, before = "model.decoder", config["do_layer_norm_before"]
    x = weights[root + ".embed_tokens.weight"][tokens]
    if root + ".project_in.weight" in weights:
        x = linear(x, weights, root + ".project_in")
    x = x + weights[root + ".embed_positions.weight"][2:2 + tokens.shape[1]]
    for layer in range(config["num_hidden_layers"]):
        block = f"{root}.layers.{layer}"
        for part in ("self_attn", "mlp"):
            norm = block + (".self_attn_layer_norm" if part == "self_attn" else ".final_layer_norm")
            y = layer_norm(x, weights, norm) if before else x
            if part == "self_attn":
                q, k, v = (heads(linear(y, weights, f"{block}.self_attn.{which}_proj"), HEADS) for which in "qkv")
                y = linear(attend(q, k, v), weights, block + ".self_attn.out_proj")
            else:
                y = linear(numpy.maximum(linear(y, weights, block + ".fc1"), 0), weights, block + ".fc2")
            known[f"{block}.{part}.output"] = y
            x = x + y if before else layer_norm(x + y, weights, norm)
        known[block + ".output"] = x
    if before:
        x = layer_norm(x, weights, root + ".final_layer_norm")
    if root + ".project_out.weight" in weights:
        x = linear(x, weights, root + ".project_out")
    known["logits"] = x @ weights[root + ".embed_tokens.weight"].T


def bert(config, weights, tokens, known):
    epsilon, root = config["layer_norm_eps"], "bert.embeddings."
    norm = lambda x, name: layer_norm(x, weights, name, epsilon)
    x = (weights[root + "word_embeddings.weight"][tokens] + weights[root + "position_embeddings.weight"][:tokens.shape[1]]
         + weights[root + "token_type_embeddings.weight"][0])
    x = norm(x, root + "LayerNorm")
    for layer in range(config["num_hidden_layers"]):
        block = f"bert.encoder.layer.{layer}"
        q, k, v = (heads(linear(x, weights, f"{block}.attention.self.{which}"), HEADS) for which in ("query", "key", "value"))
        x = norm(x + linear(attend(q, k, v, False), weights, block + ".attention.output.dense"), block + ".attention.output.LayerNorm")
        x = norm(x + linear(gelu(linear(x, weights, block + ".intermediate.dense")), weights, block + ".output.dense"), block + ".output.LayerNorm")
        known[block + ".output"] = x
    known["hidden"] = x
    if "bert.pooler.dense.weight" in weights:
        known["pooled"] = numpy.tanh(linear(x[:, 0], weights, "bert.pooler.dense"))
        known["logits"] = linear(known["pooled"], weights, "classifier")
    else:
        y = norm(gelu(linear(x, weights, "cls.predictions.transform.dense")), "cls.predictions.transform.LayerNorm")
        known["logits"] = y @ weights["bert.embeddings.word_embeddings.weight"].T + weights["cls.predictions.bias"]


def vit(config, weights, pixels, known):
    size, epsilon, root = config["patch_size"], config["layer_norm_eps"], "vit.embeddings."
    side = config["image_size"] // size
    kernel = weights[root + "patch_embeddings.projection.weight"]
    patches = [numpy.einsum("bchw,ochw->bo", pixels[:, :, r * size:(r + 1) * size, c * size:(c + 1) * size], kernel)
               for r in range(side) for c in range(side)]
    x = numpy.stack(patches, 1) + weights[root + "patch_embeddings.projection.bias"]
    front = numpy.broadcast_to(weights[root + "cls_token"], (x.shape[0], 1, x.shape[2]))
    x = numpy.concatenate([front, x], 1) + weights[root + "position_embeddings"]
    for layer in range(config["num_hidden_layers"]):
        block = f"vit.encoder.layer.{layer}"
        y = layer_norm(x, weights, block + ".layernorm_before", epsilon)
        q, k, v = (heads(linear(y, weights, f"{block}.attention.attention.{which}"), HEADS) for which in ("query", "key", "value"))
        x = x + linear(attend(q, k, v, False), weights, block + ".attention.output.dense")
        y = layer_norm(x, weights, block + ".layernorm_after", epsilon)
        x = x + linear(gelu(linear(y, weights, block + ".intermediate.dense")), weights, block + ".output.dense")
        known[block + ".output"] = x
    known["hidden"] = layer_norm(x, weights, "vit.layernorm", epsilon)
    known["logits"] = linear(known["hidden"][:, 0], weights, "classifier")


def mamba(config, weights, tokens, known):
    x = weights["backbone.embeddings.weight"][tokens]
    for layer in range(config["num_hidden_layers"]):
        block = f"backbone.layers.{layer}"
        mixer = block + ".mixer"
        y = rms_norm(x, weights[block + ".norm.weight"], 1e-5)
        inner, gate = numpy.split(linear(y, weights, mixer + ".in_proj"), 2, -1)
        kernel = weights[mixer + ".conv1d.weight"][:, 0]  # [channels, width], the last tap on the present
        convolved = numpy.zeros_like(inner)
        for time in range(inner.shape[1]):
            for tap in range(kernel.shape[1]):
                past = time - (kernel.shape[1] - 1 - tap)
                if past >= 0:
                    convolved[:, time] += kernel[:, tap] * inner[:, past]
        u = silu(convolved + weights[mixer + ".conv1d.bias"])
        rank, states = config["time_step_rank"], config["state_size"]
        step, b, c = numpy.split(linear(u, weights, mixer + ".x_proj"), [rank, rank + states], -1)
        delta = numpy.log1p(numpy.exp(linear(step, weights, mixer + ".dt_proj")))
        a = -numpy.exp(weights[mixer + ".A_log"])
        state, out = numpy.zeros((x.shape[0], *a.shape)), []
        for time in range(u.shape[1]):
            d = delta[:, time, :, None]
            state = numpy.exp(d * a) * state + d * b[:, time, None, :] * u[:, time, :, None]
            out.append((state * c[:, time, None, :]).sum(-1))
        y = (numpy.stack(out, 1) + weights[mixer + ".D"] * u) * silu(gate)
        x = x + linear(y, weights, mixer + ".out_proj")
        known[block + ".output"] = x
    known["logits"] = rms_norm(x, weights["backbone.norm_f.weight"], 1e-5) @ weights["backbone.embeddings.weight"].T


def rwkv(config, weights, tokens, known):
    x = layer_norm(weights["rwkv.embeddings.weight"][tokens], weights, "rwkv.blocks.0.pre_ln")
    for layer in range(config["num_hidden_layers"]):
        block = f"rwkv.blocks.{layer}"

        def mixed(y, part, which):
            before = numpy.concatenate([numpy.zeros_like(y[:, :1]), y[:, :-1]], 1)
            share = weights[f"{block}.{part}.time_mix_{which}"]
            return linear(y * share + before * (1 - share), weights, f"{block}.{part}.{which}")

        y = layer_norm(x, weights, block + ".ln1")
        k, v, r = (mixed(y, "attention", which) for which in ("key", "value", "receptance"))
        w, u = numpy.exp(weights[block + ".attention.time_decay"]), weights[block + ".attention.time_first"]
        wkv = numpy.zeros_like(v)
        for t in range(k.shape[1]):  # equation 14 as it stands
            over, under = numpy.exp(u + k[:, t]) * v[:, t], numpy.exp(u + k[:, t])
            for i in range(t):
                weight = numpy.exp(-(t - 1 - i) * w + k[:, i])
                over, under = over + weight * v[:, i], under + weight
            wkv[:, t] = over / under
        x = x + linear(sigmoid(r) * wkv, weights, block + ".attention.output")
        y = layer_norm(x, weights, block + ".ln2")
        k, r = mixed(y, "feed_forward", "key"), mixed(y, "feed_forward", "receptance")
        x = x + sigmoid(r) * linear(numpy.maximum(k, 0) ** 2, weights, block + ".feed_forward.value")
        known[block + ".output"] = x
    known["logits"] = layer_norm(x, weights, "rwkv.ln_out") @ weights["head.weight"].T


# --- cases ---

def both(name, size):
    return {name + ".weight": (size,), name + ".bias": (size,)}


def dense(name, out, inner, bias=True):
    return {name + ".weight": (out, inner), **({name + ".bias": (out,)} if bias else {})}


def decoder_shapes(size=WIDTH // HEADS, bias=False, fused=False, head_norms=False, gemma2=False, output=True):
    shapes = {"model.embed_tokens.weight": (WORDS, WIDTH), "model.norm.weight": (WIDTH,)}
    if output:
        shapes["lm_head.weight"] = (WORDS, WIDTH)
    for layer in range(LAYERS):
        block = f"model.layers.{layer}."
        norms = ["input_layernorm", "post_attention_layernorm"] + (["pre_feedforward_layernorm", "post_feedforward_layernorm"] if gemma2 else [])
        shapes |= {f"{block}{norm}.weight": (WIDTH,) for norm in norms}
        q, kv = HEADS * size, KV * size
        if fused:
            shapes |= {block + "self_attn.qkv_proj.weight": (q + 2 * kv, WIDTH), block + "mlp.gate_up_proj.weight": (2 * HIDDEN, WIDTH)}
        else:
            for which, out in (("q", q), ("k", kv), ("v", kv)):
                shapes |= dense(f"{block}self_attn.{which}_proj", out, WIDTH, bias)
            shapes |= {f"{block}mlp.{which}_proj.weight": (HIDDEN, WIDTH) for which in ("gate", "up")}
        if head_norms:
            shapes |= {f"{block}self_attn.{which}_norm.weight": (size,) for which in "qk"}
        shapes |= {block + "self_attn.o_proj.weight": (WIDTH, q), block + "mlp.down_proj.weight": (WIDTH, HIDDEN)}
    return shapes


def encoder_shapes(root, attention, norms):
    shapes = {}
    for layer in range(LAYERS):
        block = f"{root}.encoder.layer.{layer}."
        for which in ("query", "key", "value"):
            shapes |= dense(f"{block}attention.{attention}.{which}", WIDTH, WIDTH)
        shapes |= dense(block + "attention.output.dense", WIDTH, WIDTH) | dense(block + "intermediate.dense", HIDDEN, WIDTH)
        shapes |= dense(block + "output.dense", WIDTH, HIDDEN)
        for norm in norms:
            shapes |= both(block + norm, WIDTH)
    return shapes


def gpt2_shapes():
    shapes = {"transformer.wte.weight": (WORDS, WIDTH), "transformer.wpe.weight": (32, WIDTH), **both("transformer.ln_f", WIDTH)}
    for layer in range(LAYERS):
        block = f"transformer.h.{layer}."
        shapes |= both(block + "ln_1", WIDTH) | both(block + "ln_2", WIDTH)
        for name, inner, out in (("attn.c_attn", WIDTH, 3 * WIDTH), ("attn.c_proj", WIDTH, WIDTH), ("mlp.c_fc", WIDTH, 4 * WIDTH), ("mlp.c_proj", 4 * WIDTH, WIDTH)):
            shapes |= {block + name + ".weight": (inner, out), block + name + ".bias": (out,)}
    return shapes


def opt_shapes(before, narrow):
    root = "model.decoder."
    shapes = {root + "embed_tokens.weight": (WORDS, narrow), root + "embed_positions.weight": (34, WIDTH)}
    if narrow != WIDTH:
        shapes |= {root + "project_in.weight": (WIDTH, narrow), root + "project_out.weight": (narrow, WIDTH)}
    if before:
        shapes |= both(root + "final_layer_norm", WIDTH)
    for layer in range(LAYERS):
        block = f"{root}layers.{layer}."
        for which in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= dense(f"{block}self_attn.{which}", WIDTH, WIDTH)
        shapes |= dense(block + "fc1", HIDDEN, WIDTH) | dense(block + "fc2", WIDTH, HIDDEN)
        shapes |= both(block + "self_attn_layer_norm", WIDTH) | both(block + "final_layer_norm", WIDTH)
    return shapes


def mamba_shapes():
    inner, rank, states = 2 * WIDTH, 3, 5
    shapes = {"backbone.embeddings.weight": (WORDS, WIDTH), "backbone.norm_f.weight": (WIDTH,)}
    for layer in range(LAYERS):
        mixer = f"backbone.layers.{layer}.mixer."
        shapes |= {f"backbone.layers.{layer}.norm.weight": (WIDTH,), mixer + "in_proj.weight": (2 * inner, WIDTH), mixer + "D": (inner,),
                   mixer + "conv1d.weight": (inner, 1, 4), mixer + "conv1d.bias": (inner,), mixer + "x_proj.weight": (rank + 2 * states, inner),
                   mixer + "A_log": (inner, states), mixer + "out_proj.weight": (WIDTH, inner)}
        shapes |= dense(mixer + "dt_proj", inner, rank)
    return shapes


def rwkv_shapes():
    shapes = {"rwkv.embeddings.weight": (WORDS, WIDTH), "head.weight": (WORDS, WIDTH), **both("rwkv.ln_out", WIDTH), **both("rwkv.blocks.0.pre_ln", WIDTH)}
    for layer in range(LAYERS):
        block = f"rwkv.blocks.{layer}."
        shapes |= both(block + "ln1", WIDTH) | both(block + "ln2", WIDTH)
        shapes |= {f"{block}attention.time_{which}": (WIDTH,) for which in ("decay", "first")}
        shapes |= {f"{block}attention.time_mix_{which}": (1, 1, WIDTH) for which in ("key", "value", "receptance")}
        shapes |= {f"{block}feed_forward.time_mix_{which}": (1, 1, WIDTH) for which in ("key", "receptance")}
        shapes |= {f"{block}attention.{which}.weight": (WIDTH, WIDTH) for which in ("key", "value", "receptance", "output")}
        shapes |= {block + "feed_forward.key.weight": (HIDDEN, WIDTH), block + "feed_forward.value.weight": (WIDTH, HIDDEN),
                   block + "feed_forward.receptance.weight": (WIDTH, WIDTH)}
    return shapes


SIZES = {"hidden_size": WIDTH, "intermediate_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
         "vocab_size": WORDS, "max_position_embeddings": 32}
DECODER = SIZES | {"num_key_value_heads": KV, "rms_norm_eps": 1e-6, "rope_theta": 100.0, "hidden_act": "silu"}
GEMMA = DECODER | {"head_dim": 10, "hidden_activation": "gelu_pytorch_tanh", "hidden_act": "gelu"}
SCALINGS = {"linear": {"rope_type": "linear", "factor": 4.0},
            "dynamic": {"rope_type": "dynamic", "factor": 2.0},
            "llama3": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16},
            "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 600}}
CASES = {
    "llama": ({"model_type": "llama", **DECODER}, decoder_shapes(), decoder),
    "mistral": ({"model_type": "mistral", **DECODER, "sliding_window": 3}, decoder_shapes(), decoder),
    "qwen2": ({"model_type": "qwen2", **DECODER, "use_sliding_window": False, "sliding_window": 3, "tie_word_embeddings": True},
              decoder_shapes(bias=True, output=False), decoder),
    "qwen3": ({"model_type": "qwen3", **DECODER, "head_dim": 10}, decoder_shapes(10, head_norms=True), decoder),
    "gemma": ({"model_type": "gemma", **GEMMA}, decoder_shapes(10, output=False), lambda *case: decoder(*case, gemma=1)),
    "gemma2": ({"model_type": "gemma2", **GEMMA, "query_pre_attn_scalar": 7, "sliding_window": 3, "attn_logit_softcapping": 2.0,
                "final_logit_softcapping": 3.0}, decoder_shapes(10, gemma2=True, output=False), lambda *case: decoder(*case, gemma=2)),
    "phi3": ({"model_type": "phi3", **DECODER, "head_dim": 8, "partial_rotary_factor": 0.5, "sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"],
              "original_max_position_embeddings": 16, "rope_scaling": {"rope_type": "longrope", "long_factor": [1.5, 3.0], "short_factor": [1.0, 1.1],
              "original_max_position_embeddings": 16}}, decoder_shapes(8, fused=True), decoder),
    "gpt2": ({"model_type": "gpt2", "n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_positions": 32, "vocab_size": WORDS, "n_inner": None,
              "activation_function": "gelu_new"}, gpt2_shapes(), gpt2),
    "opt": ({"model_type": "opt", **SIZES, "ffn_dim": HIDDEN, "do_layer_norm_before": True, "activation_function": "relu"}, opt_shapes(True, WIDTH), opt),
    "opt_behind": ({"model_type": "opt", **SIZES, "ffn_dim": HIDDEN, "do_layer_norm_before": False, "word_embed_proj_dim": 12}, opt_shapes(False, 12), opt),
    "bert": ({"model_type": "bert", **SIZES, "layer_norm_eps": 1e-12, "type_vocab_size": 2, "hidden_act": "gelu"},
             {"bert.embeddings.word_embeddings.weight": (WORDS, WIDTH), "bert.embeddings.position_embeddings.weight": (32, WIDTH),
              "bert.embeddings.token_type_embeddings.weight": (2, WIDTH), **both("bert.embeddings.LayerNorm", WIDTH),
              **encoder_shapes("bert", "self", ("attention.output.LayerNorm", "output.LayerNorm")),
              **dense("bert.pooler.dense", WIDTH, WIDTH), **dense("classifier", 3, WIDTH)}, bert),
    "bert_words": ({"model_type": "bert", **SIZES, "layer_norm_eps": 1e-12, "type_vocab_size": 2, "hidden_act": "gelu"},
                   {"bert.embeddings.word_embeddings.weight": (WORDS, WIDTH), "bert.embeddings.position_embeddings.weight": (32, WIDTH),
                    "bert.embeddings.token_type_embeddings.weight": (2, WIDTH), **both("bert.embeddings.LayerNorm", WIDTH),
                    **encoder_shapes("bert", "self", ("attention.output.LayerNorm", "output.LayerNorm")),
                    **dense("cls.predictions.transform.dense", WIDTH, WIDTH), **both("cls.predictions.transform.LayerNorm", WIDTH),
                    "cls.predictions.bias": (WORDS,)}, bert),
    "vit": ({"model_type": "vit", **SIZES, "image_size": 12, "patch_size": 4, "num_channels": 3, "layer_norm_eps": 1e-12, "hidden_act": "gelu"},
            {"vit.embeddings.cls_token": (1, 1, WIDTH), "vit.embeddings.position_embeddings": (1, 10, WIDTH),
             "vit.embeddings.patch_embeddings.projection.weight": (WIDTH, 3, 4, 4), "vit.embeddings.patch_embeddings.projection.bias": (WIDTH,),
             **encoder_shapes("vit", "attention", ("layernorm_before", "layernorm_after")), **both("vit.layernorm", WIDTH), **dense("classifier", 5, WIDTH)}, vit),
    "mamba": ({"model_type": "mamba", "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "vocab_size": WORDS, "state_size": 5, "conv_kernel": 4, "expand": 2,
               "time_step_rank": 3, "tie_word_embeddings": True}, mamba_shapes(), mamba),
    "rwkv": ({"model_type": "rwkv", "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "intermediate_size": HIDDEN, "vocab_size": WORDS,
              "context_length": 32, "attention_hidden_size": WIDTH}, rwkv_shapes(), rwkv),
    **{"llama_" + kind: ({"model_type": "llama", **DECODER, "head_dim": 12, "rope_scaling": scaling}, decoder_shapes(12), decoder)
       for kind, scaling in SCALINGS.items()},
}


def random_weight(random, name, shape):
    values = random.standard_normal(shape)
    if name.endswith("weight") and len(shape) == 1:
        values = 1 + 0.3 * values  # a norm
    elif len(shape) >= 2 and "time_mix" not in name and "cls_token" not in name:
        values *= 1.5 / math.sqrt(shape[-1])
    elif "time_mix" in name:
        values = random.random(shape)
    return values.astype("<f4")


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [len(data), len(data) + values.nbytes]}
        data += values.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header, data = json.loads(content[8:8 + length]), content[8 + length:]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        if entry["dtype"] == "BF16":
            values = (numpy.frombuffer(data[begin:end], "<u2").astype("<u4") << 16).view("<f4")
        else:
            values = numpy.frombuffer(data[begin:end], {"F32": "<f4", "F16": "<f2"}[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"]).astype("f8")
    return tensors


def read_llama2c(path):
    """Version 2: codes of eight bits with a scale for each group. Rotary rows come in pairs and leave in halves."""
    content = path.read_bytes()
    magic, version, width, hidden, layers, count, kv, words, context, shared, group = struct.unpack_from("<IiiiiiiiiBi", content)
    assert magic == 0x616B3432 and version == 2 and shared == 1
    at = 256

    def take(kind, shape):
        nonlocal at
        values = numpy.frombuffer(content, kind, int(numpy.prod(shape)), at)
        at += values.nbytes
        return values.reshape(shape).astype("f8")

    def coded(shape):
        codes = take("i1", (int(numpy.prod(shape)) // group, group))
        return (codes * take("<f4", (codes.shape[0], 1))).reshape(shape)

    def halves(matrix, heads):
        return matrix.reshape(heads, -1, 2, matrix.shape[1]).swapaxes(1, 2).reshape(matrix.shape)

    weights = {}
    for norm in ("input_layernorm", "post_attention_layernorm"):
        for layer in range(layers):
            weights[f"model.layers.{layer}.{norm}.weight"] = take("<f4", (width,))
    weights["model.norm.weight"] = take("<f4", (width,))
    weights["model.embed_tokens.weight"] = coded((words, width))
    narrow = width // count * kv
    for name, shape in (("self_attn.q_proj", (width, width)), ("self_attn.k_proj", (narrow, width)), ("self_attn.v_proj", (narrow, width)),
                        ("self_attn.o_proj", (width, width)), ("mlp.gate_proj", (hidden, width)), ("mlp.down_proj", (width, hidden)),
                        ("mlp.up_proj", (hidden, width))):
        for layer in range(layers):
            matrix = coded(shape)
            heads = {"self_attn.q_proj": count, "self_attn.k_proj": kv}.get(name)
            weights[f"model.layers.{layer}.{name}.weight"] = halves(matrix, heads) if heads else matrix
    assert at == len(content)
    config = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": count, "num_key_value_heads": kv, "rms_norm_eps": 1e-5,
              "rope_theta": 10000.0, "max_position_embeddings": context}
    return config, weights


def make(folder):
    for number, (case, (config, shapes, compute)) in enumerate(CASES.items()):
        random = numpy.random.default_rng(number)
        place = folder / case
        place.mkdir(parents=True)
        tensors = {name: random_weight(random, name, shape) for name, shape in shapes.items()}
        (place / "config.json").write_text(json.dumps(config))
        write_safetensors(place / "model.safetensors", tensors)
        if case == "vit":
            given = random.standard_normal((BATCH, 3, config["image_size"], config["image_size"])).astype("<f4")
            given.tofile(place / "input.f32")
        else:
            given = random.integers(0, WORDS, (BATCH, TIME)).astype("<i8")
            given.tofile(place / "input.i64")
        (place / "shape").write_text(" ".join(map(str, given.shape)))
        known = {}
        compute(config, {name: values.astype("f8") for name, values in tensors.items()}, given, known)
        for edge, values in known.items():
            assert numpy.isfinite(values).all() and values.std() > 1e-3, (case, edge)
            values.astype("<f8").tofile(place / (edge + ".f64"))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]))
    else:
        model = pathlib.Path(sys.argv[2])
        if model.suffix == ".bin":
            config, weights = read_llama2c(model)
        else:
            config, weights = json.loads((model.parent / "config.json").read_text()), read_safetensors(model)
        found = {}
        decoder(config, weights, numpy.array([[int(word) for word in sys.argv[4:]]]), found)
        found["logits"].astype("<f8").tofile(sys.argv[3])
