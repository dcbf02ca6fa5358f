# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of several families between Hugging Face's form and GGUF's: names, sizes and what each does its own way."""
import json
import struct

import numpy

from checkpoint_files import read_gguf, read_safetensors, write_safetensors
from program import ProgramTest

WIDTH, HIDDEN, VOCABULARY = 64, 96, 16
SIZES = {"hidden_size": WIDTH, "intermediate_size": HIDDEN, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2,
         "vocab_size": VOCABULARY, "max_position_embeddings": 128, "rms_norm_eps": 1e-6, "rope_theta": 10000.0}


def values(path):
    """Tensors of a GGUF file of plain numbers."""
    content = path.read_bytes()
    tensors, metadata = read_gguf(path)
    kinds = {0: "<f4", 1: "<f2"}
    return {name: numpy.frombuffer(content, kinds[kind], int(numpy.prod(shape)), offset).reshape(shape)
            for name, (kind, shape, offset) in tensors.items()}, metadata


class Families(ProgramTest):
    def roundtrip(self, family, layer, outside=None, sizes=None):
        """The tensors before, in GGUF, and after, and the metadata."""
        outside = {"model.embed_tokens.weight": (VOCABULARY, WIDTH), "model.norm.weight": (WIDTH,)} if outside is None else outside
        prefix = "transformer.h.0." if family == "gpt2" else "model.layers.0."
        shapes = {**outside, **{prefix + name: shape for name, shape in layer.items()}}
        random = numpy.random.default_rng(1)
        before = {name: (random.integers(-64, 64, shape) / 32).astype("f2") for name, shape in shapes.items()}
        folder = self.folder / family
        folder.mkdir()
        write_safetensors(folder / "model.safetensors", before)
        (folder / "config.json").write_text(json.dumps({"model_type": family, **(sizes or SIZES)}))
        self.json("convert", folder, self.folder / "m.gguf")
        there, metadata = values(self.folder / "m.gguf")
        (self.folder / "back").mkdir()
        self.json("convert", self.folder / "m.gguf", self.folder / "back" / "model.safetensors")
        after = read_safetensors(self.folder / "back" / "model.safetensors")[0]
        config = json.loads((self.folder / "back" / "config.json").read_text())
        self.assertEqual(set(after), set(before))
        for name in before:
            numpy.testing.assert_array_equal(after[name], before[name].astype(after[name].dtype), name)
        return before, there, metadata, config

    ATTENTION = {f"self_attn.{p}_proj.weight": (WIDTH if p == "q" else WIDTH // 2, WIDTH) for p in "qkv"} | {"self_attn.o_proj.weight": (WIDTH, WIDTH)}
    FEED = {"mlp.gate_proj.weight": (HIDDEN, WIDTH), "mlp.up_proj.weight": (HIDDEN, WIDTH), "mlp.down_proj.weight": (WIDTH, HIDDEN)}
    NORMS = {"input_layernorm.weight": (WIDTH,), "post_attention_layernorm.weight": (WIDTH,)}

    def test_mistral_is_llama_in_gguf_with_rows_in_pairs(self):
        before, there, metadata, _ = self.roundtrip("mistral", self.ATTENTION | self.FEED | self.NORMS)
        self.assertEqual(metadata["general.architecture"], "llama")
        rows = before["model.layers.0.self_attn.q_proj.weight"].reshape(4, 2, 8, WIDTH)  # heads, halves, pairs
        numpy.testing.assert_array_equal(there["blk.0.attn_q.weight"], rows.swapaxes(1, 2).reshape(WIDTH, WIDTH))

    def test_qwen_keeps_its_rows(self):
        biases = {"self_attn.q_proj.bias": (WIDTH,)}
        norms = {"self_attn.q_norm.weight": (16,), "self_attn.k_norm.weight": (16,)}
        before, there, metadata, config = self.roundtrip("qwen3", self.ATTENTION | self.FEED | self.NORMS | biases | norms, sizes=SIZES | {"head_dim": 16})
        self.assertEqual(metadata["qwen3.attention.key_length"], 16)
        self.assertEqual(config["head_dim"], 16)
        numpy.testing.assert_array_equal(there["blk.0.attn_q.weight"], before["model.layers.0.self_attn.q_proj.weight"])

    def test_gemma2_has_one_added_to_its_norms(self):
        norms = {f"{where}_feedforward_layernorm.weight": (WIDTH,) for where in ("pre", "post")}
        sizes = SIZES | {"head_dim": 16, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "sliding_window": 64}
        before, there, metadata, config = self.roundtrip("gemma2", self.ATTENTION | self.FEED | self.NORMS | norms, sizes=sizes)
        numpy.testing.assert_array_equal(there["blk.0.attn_norm.weight"], before["model.layers.0.input_layernorm.weight"].astype("f4") + 1)
        self.assertEqual(metadata["gemma2.attn_logit_softcapping"], 50)
        self.assertEqual(metadata["gemma2.attention.sliding_window"], 64)
        self.assertEqual(config["final_logit_softcapping"], 30)

    def test_phi3_has_fused_matrices(self):
        fused = {"self_attn.qkv_proj.weight": (2 * WIDTH, WIDTH), "self_attn.o_proj.weight": (WIDTH, WIDTH),
                 "mlp.gate_up_proj.weight": (2 * HIDDEN, WIDTH), "mlp.down_proj.weight": (WIDTH, HIDDEN)}
        _, there, _, _ = self.roundtrip("phi3", fused | self.NORMS)
        self.assertLessEqual({"blk.0.attn_qkv.weight", "blk.0.ffn_up.weight"}, set(there))

    def test_gpt2_is_transposed(self):
        layer = {"ln_1.weight": (WIDTH,), "ln_1.bias": (WIDTH,), "attn.c_attn.weight": (WIDTH, 3 * WIDTH), "attn.c_attn.bias": (3 * WIDTH,),
                 "attn.c_proj.weight": (WIDTH, WIDTH), "mlp.c_fc.weight": (WIDTH, 4 * WIDTH), "mlp.c_proj.weight": (4 * WIDTH, WIDTH)}
        outside = {"transformer.wte.weight": (VOCABULARY, WIDTH), "transformer.wpe.weight": (32, WIDTH), "transformer.ln_f.weight": (WIDTH,)}
        sizes = {"n_embd": WIDTH, "n_layer": 1, "n_head": 4, "n_positions": 32, "vocab_size": VOCABULARY, "layer_norm_epsilon": 1e-5, "n_inner": None}
        before, there, metadata, config = self.roundtrip("gpt2", layer, outside, sizes)
        numpy.testing.assert_array_equal(there["blk.0.attn_qkv.weight"], before["transformer.h.0.attn.c_attn.weight"].T)
        self.assertEqual(metadata["gpt2.feed_forward_length"], 4 * WIDTH)
        self.assertEqual(config["n_embd"], WIDTH)
        self.assertIn("convert the model first",
                      self.refused(2, "quantize", self.folder / "gpt2", "-m", "q8_0", "-o", self.folder / "x.gguf"))

    MIXTRAL = {f"block_sparse_moe.experts.{i}.w{k}.weight": (WIDTH, HIDDEN) if k == 2 else (HIDDEN, WIDTH) for i in range(3) for k in (1, 2, 3)} | {
        "block_sparse_moe.gate.weight": (3, WIDTH)}
    MIXES = SIZES | {"num_local_experts": 3, "num_experts_per_tok": 2}

    def test_experts_are_stacked_in_gguf_and_come_apart_again(self):
        before, there, metadata, config = self.roundtrip("mixtral", self.ATTENTION | self.NORMS | self.MIXTRAL, sizes=self.MIXES)
        self.assertEqual((metadata["general.architecture"], metadata["llama.expert_count"], metadata["llama.expert_used_count"]), ("llama", 3, 2))
        self.assertEqual((config["model_type"], config["architectures"], config["num_local_experts"]), ("mixtral", ["MixtralForCausalLM"], 3))
        numpy.testing.assert_array_equal(there["blk.0.ffn_gate_inp.weight"], before["model.layers.0.block_sparse_moe.gate.weight"])
        for name, part in (("gate", 1), ("down", 2), ("up", 3)):
            experts = [before[f"model.layers.0.block_sparse_moe.experts.{i}.w{part}.weight"] for i in range(3)]
            numpy.testing.assert_array_equal(there[f"blk.0.ffn_{name}_exps.weight"], numpy.stack(experts))

    def test_quantized_experts_are_stacked_block_by_block(self):
        self.roundtrip("mixtral", self.ATTENTION | self.NORMS | self.MIXTRAL, sizes=self.MIXES)
        folder, out = self.folder / "mixtral", self.folder / "q.gguf"
        self.json("quantize", folder, "-m", "q8_0", "--tensor", "*experts*", "-o", out)
        blocks, content = read_gguf(out)[0], out.read_bytes()
        kind, shape, offset = blocks["blk.0.ffn_up_exps.weight"]
        self.assertEqual((kind, list(shape)), (8, [3, HIDDEN, WIDTH]))
        stack = numpy.frombuffer(content, numpy.uint8, 3 * HIDDEN * WIDTH // 32 * 34, offset).reshape(3, -1, 34)
        read = stack[..., :2].copy().view("<f2").astype("f4") * stack[..., 2:].view("i1")
        for i in range(3):
            meant = read_safetensors(folder / "model.safetensors")[0][f"model.layers.0.block_sparse_moe.experts.{i}.w3.weight"].astype("f4").reshape(-1, 32)
            scale = abs(meant).max(axis=1, keepdims=True) / 127
            self.assertLess((abs(read[i] - meant) / numpy.maximum(scale, 1e-9)).max(), 0.6)
        self.json("convert", out, self.folder / "plain.safetensors")
        self.assertIn("3 axes", self.refused(2, "convert", out, self.folder / "c.safetensors", "-f", "compressed-tensors"))
        self.assertIn("stack of experts", self.refused(2, "convert", out, self.folder / "c.safetensors", "-f", "safetensors-codes"))

    def test_a_stack_needs_all_its_experts_in_one_shape(self):
        for case, change in {"expert 1 is missing": lambda t: t.pop("model.layers.0.block_sparse_moe.experts.1.w1.weight"),
                             "several shapes": lambda t: t.update({"model.layers.0.block_sparse_moe.experts.1.w1.weight": numpy.ones((8, 8), "f4")})}.items():
            folder = self.folder / case.replace(" ", "-")
            folder.mkdir()
            tensors = {"model.layers.0." + name: numpy.ones(shape, "f4") for name, shape in self.MIXTRAL.items()}
            change(tensors)
            write_safetensors(folder / "model.safetensors", tensors)
            (folder / "config.json").write_text(json.dumps({"model_type": "mixtral", **self.MIXES}))
            self.assertIn(case, self.refused(2, "convert", folder, self.folder / "m.gguf"))
            self.assertFalse((self.folder / "m.gguf").exists())

    def test_a_split_model_becomes_one_file_with_all_its_metadata(self):
        def part(number, name, more=b"", pairs=0):
            text = lambda word: struct.pack("<Q", len(word)) + word.encode()
            header = struct.pack("<4sIQQ", b"GGUF", 3, 1, 3 + pairs) + more
            header += text("split.no") + struct.pack("<IH", 2, number) + text("split.count") + struct.pack("<IH", 2, 2)
            header += text("split.tensors.count") + struct.pack("<Ii", 5, 2)
            header += text(name) + struct.pack("<IQIQ", 1, 8, 0, 0)
            return header + bytes(-len(header) % 32) + struct.pack("<8f", *[number] * 8)
        key = struct.pack("<Q", 4) + b"some" + struct.pack("<II", 4, 7)
        (self.folder / "m-00001-of-00002.gguf").write_bytes(part(0, "a", key, 1))
        (self.folder / "m-00002-of-00002.gguf").write_bytes(part(1, "b"))
        self.json("convert", self.folder / "m-00002-of-00002.gguf", self.folder / "whole.gguf")
        tensors, metadata = values(self.folder / "whole.gguf")
        self.assertEqual({name: list(found[:2]) for name, found in tensors.items()}, {"a": [0, 0], "b": [1, 1]})
        self.assertEqual(metadata["some"], 7)
        self.assertNotIn("split.count", metadata)
        (self.folder / "m-00001-of-00002.gguf").unlink()
        self.assertIn("part 1 of 2", self.refused(3, "info", self.folder / "m-00002-of-00002.gguf"))
