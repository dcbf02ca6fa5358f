# SPDX-License-Identifier: GPL-3.0-or-later
"""The mixes of llama-quantize, against the rules told once more, the way that program walks through a file: with counters."""
import struct
import unittest

import numpy

from checkpoint_files import read_gguf, write_gguf
from program import ProgramTest

TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q2_K": 10, "Q3_K": 11, "Q4_K": 12, "Q5_K": 13,
         "Q6_K": 14, "IQ2_XXS": 16, "IQ2_XS": 17, "IQ3_XXS": 18, "IQ1_S": 19, "IQ4_NL": 20, "IQ3_S": 21, "IQ2_S": 22, "IQ4_XS": 23,
         "IQ1_M": 29, "TQ1_0": 34, "TQ2_0": 35, "MXFP4": 39}
LONG = {"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ3_S", "IQ2_S", "IQ4_XS", "IQ1_M", "TQ1_0", "TQ2_0"}
BASE = {"Q2_K_S": "Q2_K", "Q3_K_S": "Q3_K", "Q3_K_M": "Q3_K", "Q3_K_L": "Q3_K", "Q4_K_S": "Q4_K", "Q4_K_M": "Q4_K", "Q5_K_S": "Q5_K",
        "Q5_K_M": "Q5_K", "IQ2_S": "IQ2_XS", "IQ2_M": "IQ2_S", "IQ3_XS": "IQ3_S", "IQ3_M": "IQ3_S", "MXFP4_MOE": "MXFP4"}
FILE_TYPES = {"Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K_S": 11, "Q3_K_M": 12, "Q3_K_L": 13, "Q4_K_S": 14,
              "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18, "IQ2_XXS": 19, "IQ2_XS": 20, "Q2_K_S": 21, "IQ3_XS": 22,
              "IQ3_XXS": 23, "IQ1_S": 24, "IQ4_NL": 25, "IQ3_S": 26, "IQ3_M": 27, "IQ2_S": 28, "IQ2_M": 29, "IQ4_XS": 30, "IQ1_M": 31,
              "TQ1_0": 36, "TQ2_0": 37, "MXFP4_MOE": 38}
VERY_LOW = {"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M"}


class Walk:
    """Types for the tensors of a model, asked for in the order of the file."""

    def __init__(self, mix, layers, gqa, experts, tied, importance, falcon=False):
        self.mix, self.layers, self.gqa, self.experts, self.tied, self.importance, self.falcon = \
            mix, layers, gqa, experts, tied, importance, falcon
        self.values = self.downs = self.gates = self.ups = 0

    def more(self, i):
        n = self.layers
        return i < n // 8 or i >= 7 * n // 8 or (i - n // 8) % 3 == 2

    def type(self, name, shape):
        if len(shape) < 2 or name.endswith("_norm.weight") or "ffn_gate_inp" in name:
            return "F32"
        kind = self.chosen(name, shape)
        columns = shape[-1]
        if columns % (256 if kind in LONG else 32):
            kind = {"Q2_K": "Q4_0", "Q3_K": "Q4_0", "TQ1_0": "Q4_0", "TQ2_0": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1",
                    "Q6_K": "Q8_0"}.get(kind, "IQ4_NL" if kind in LONG else kind)
        return "F16" if columns % 32 else kind

    def chosen(self, name, shape):
        mix, n = self.mix, self.layers
        base = BASE.get(mix, mix)
        block = 256 if base in LONG else 32
        if name == "output.weight" or (self.tied and name == "token_embd.weight"):
            if mix in ("MXFP4_MOE", "Q8_0") or self.falcon or shape[-1] % block:
                return "Q8_0"
            return "Q5_K" if mix in VERY_LOW | {"IQ3_XXS"} else "Q6_K"
        if mix == "MXFP4_MOE":
            return "MXFP4" if len(shape) == 3 and shape[0] > 1 else "Q8_0"
        if name == "token_embd.weight":
            return {"IQ2_XXS": "Q2_K", "IQ2_XS": "Q2_K", "IQ1_S": "Q2_K", "IQ1_M": "Q2_K", "IQ2_S": "IQ3_S", "IQ2_M": "IQ3_S",
                    "IQ3_XXS": "IQ3_S", "TQ1_0": "Q4_K", "TQ2_0": "Q4_K"}.get(mix, base)
        part = name.split(".")[2]
        if mix in VERY_LOW:
            better = "IQ3_S" if mix in ("IQ2_S", "IQ2_M") else "Q2_K"
            if part in ("attn_v", "attn_qkv"):
                return "Q4_K" if self.gqa >= 4 or self.experts >= 4 else better
            if part == "attn_k" and self.experts == 8:
                return "Q4_K"
            if part.startswith("ffn_down"):
                self.downs += 1
                return better if self.downs - 1 < n // 8 else base
            if part == "attn_output":
                if self.experts == 8:
                    return "Q5_K"
                return {"IQ1_S": "IQ2_XXS", "IQ1_M": "IQ2_XXS", "IQ2_S": "IQ3_S", "IQ2_M": "IQ3_S"}.get(mix, base)
            return base
        if part in ("attn_v", "attn_qkv"):
            i = self.values
            self.values += 1
            if self.experts == 8:
                return "Q8_0"
            if mix == "Q2_K":
                kind = "Q4_K" if self.gqa >= 4 else "Q3_K"
            elif mix == "Q2_K_S" and self.gqa >= 4:
                kind = "Q4_K"
            elif mix == "IQ3_XXS":
                kind = "Q4_K" if self.gqa >= 4 else "IQ3_XXS" if self.importance else "IQ3_S"
            elif mix in ("IQ3_XS", "IQ3_S") and self.gqa >= 4 or mix == "IQ3_M":
                kind = "Q4_K"
            elif mix == "Q3_K_M":
                kind = "Q5_K" if i < 2 else "Q4_K"
            elif mix == "Q3_K_L":
                kind = "Q5_K"
            elif mix in ("IQ4_NL", "IQ4_XS") and self.gqa >= 4:
                kind = "Q5_K"
            elif mix in ("Q4_K_M", "Q5_K_M") and self.more(i):
                kind = "Q6_K"
            elif mix == "Q4_K_S" and i < 4:
                kind = "Q5_K"
            else:
                kind = base
            return "Q5_K" if n == 80 and self.gqa > 1 and kind in ("Q3_K", "Q4_K") else kind
        if part in ("attn_k", "attn_q"):
            if part == "attn_k" and self.experts == 8:
                return "Q8_0"
            return {"IQ3_XS": "IQ3_XXS", "IQ3_XXS": "IQ2_S"}.get(mix, base)
        if part.startswith("ffn_down"):
            i = self.downs
            self.downs += 1
            early = i < n // 8
            if mix == "Q2_K":
                return "Q3_K"
            if mix == "Q2_K_S":
                return "Q4_K" if early else base
            if mix == "IQ3_XXS" and not self.importance:
                return "Q4_K" if early else "Q3_K"
            if mix == "Q3_K_M":
                return "Q5_K" if i < n // 16 else "Q4_K" if not self.falcon or self.more(i) else "Q3_K"
            if mix == "IQ3_M":
                return "Q4_K" if early or (self.experts == 8 and self.more(i)) else base
            if mix == "Q3_K_L":
                return "Q4_K" if self.falcon else "Q5_K"
            if mix == "Q4_K_M" and self.falcon:
                return "Q6_K" if i < n // 16 else "Q5_K" if self.more(i) else "Q4_K"
            if mix in ("Q4_K_M", "Q5_K_M"):
                return "Q6_K" if self.more(i) else base
            if mix in ("IQ4_NL", "IQ4_XS"):
                return "Q5_K" if early and not self.importance else base
            if mix == "Q4_K_S":
                return "Q5_K" if early and not self.falcon else base
            if mix in ("Q4_0", "Q5_0") and self.importance and early:
                return "Q4_1" if mix == "Q4_0" else "Q5_1"
            return base
        if part == "attn_output":
            if self.falcon:
                return "Q4_K" if mix == "Q3_K_L" else base
            if self.experts == 8:
                fine = {"Q2_K", "IQ3_XS", "IQ3_XXS", "Q3_K_S", "Q3_K_M", "IQ4_NL", "Q4_K_S", "Q4_K_M", "IQ3_S", "IQ3_M", "IQ4_XS"}
                return "Q5_K" if mix in fine else base
            return {"Q2_K": "Q3_K", "IQ3_XXS": "IQ3_S", "Q3_K_M": "Q4_K", "Q3_K_L": "Q5_K", "IQ3_M": "Q4_K"}.get(mix, base)
        if part.startswith("ffn_gate"):
            i = self.gates
            self.gates += 1
        else:
            i = self.ups
            self.ups += 1
        return "IQ3_XXS" if mix == "IQ3_XS" and n // 8 <= i < 7 * n // 8 else base


def shapes(layers, experts, tied, down=256, falcon=False):
    """A model of tiny tensors in the order of a file: the rules ask for names and columns, not for sense."""
    found = {"token_embd.weight": (6, 256), "output_norm.weight": (256,)}
    if not tied:
        found["output.weight"] = (6, 256)
    for i in range(layers):
        block = f"blk.{i}."
        found[block + "attn_norm.weight"] = (256,)
        if falcon:
            found[block + "attn_qkv.weight"] = (3, 256)
        else:
            for part in ("attn_q", "attn_k", "attn_v"):
                found[f"{block}{part}.weight"] = (2, 256)
        found[block + "attn_output.weight"] = (2, 256)
        found[block + "ffn_norm.weight"] = (256,)
        if experts:
            found[block + "ffn_gate_inp.weight"] = (experts, 256)
            for part in ("ffn_gate_exps", "ffn_up_exps"):
                found[f"{block}{part}.weight"] = (experts, 2, 256)
            found[block + "ffn_down_exps.weight"] = (experts, 2, down)
        else:
            if not falcon:
                found[block + "ffn_gate.weight"] = (2, 256)
            found[block + "ffn_up.weight"] = (2, 256)
            found[block + "ffn_down.weight"] = (2, down)
    return found


def importance_file(path, model):
    """The older form of an importance matrix for every matrix of the model."""
    entries = [(name.encode(), shape[-1] * (shape[0] if len(shape) == 3 else 1)) for name, shape in model.items() if len(shape) > 1]
    content = struct.pack("<i", len(entries))
    for name, count in entries:
        content += struct.pack("<i", len(name)) + name + struct.pack("<ii", 1, count) + numpy.ones(count, "<f4").tobytes()
    path.write_bytes(content + struct.pack("<ii", 5, 4) + b"text")
    return path


class Mixes(ProgramTest):
    def check(self, architecture="llama", layers=32, heads=8, kv=8, experts=0, tied=False, down=256, mixes=None, importance=False):
        falcon = architecture == "falcon"
        model = shapes(layers, experts, tied, down, falcon)
        random = numpy.random.default_rng(1)
        metadata = {"general.architecture": architecture, f"{architecture}.block_count": layers,
                    f"{architecture}.embedding_length": 256, f"{architecture}.attention.head_count": heads,
                    f"{architecture}.attention.head_count_kv": kv}
        if experts:
            metadata[f"{architecture}.expert_count"] = experts
        source = write_gguf(self.folder / "model.gguf", {name: random.standard_normal(shape) for name, shape in model.items()}, metadata)
        matrix = importance_file(self.folder / "model.imatrix", model)
        known = {m["id"]: m for m in self.json("methods")["methods"]}
        ids = {(mix.lower() if mix.lower().endswith(("_s", "_m", "_l")) and mix not in ("IQ1_S", "IQ1_M", "IQ2_S", "IQ3_S") or mix in ("IQ3_XS", "MXFP4_MOE")
                else mix.lower() + "_mix"): mix for mix in FILE_TYPES}
        checked = 0
        for method, mix in ids.items():
            if method not in known or (mixes and mix not in mixes):
                continue
            walk = Walk(mix, layers, heads // kv, experts, tied, importance, falcon)
            wanted = {name: walk.type(name, shape) for name, shape in model.items()}
            types = {kind.lower() for kind in wanted.values()} - {"f32"}
            if not types <= set(known):
                continue  # a type without an encoder
            if mix == "Q2_K_S" and not importance:
                self.assertIn("importance matrix", self.refused(2, "quantize", source, "-m", method, "-o", self.folder / "refused.gguf"))
                continue
            with self.subTest(mix=mix):
                extra = ["--imatrix", matrix] if importance else []
                target = self.folder / f"{method}.gguf"
                self.json("quantize", source, "-m", method, "-o", target, *extra)
                tensors, keys = read_gguf(target)
                self.assertEqual({name: kind for name, (kind, _, _) in tensors.items()},
                                 {name: TYPES[kind] for name, kind in wanted.items()})
                self.assertEqual(keys["general.file_type"], FILE_TYPES[mix])
                self.assertEqual("quantize.imatrix.file" in keys, importance)
                target.unlink()
                checked += 1
        self.assertGreater(checked, 0)

    def test_a_model_of_32_layers(self):
        self.check()

    def test_shared_heads_and_a_tied_output(self):
        self.check(kv=2, tied=True)

    def test_an_importance_matrix_changes_some_rules(self):
        self.check(importance=True)

    def test_rows_that_fit_no_long_block_and_rows_that_fit_none(self):
        self.check(layers=4, down=96)
        self.check(layers=4, down=40)

    def test_experts(self):
        self.check(layers=16, experts=8)
        self.check(layers=16, experts=4, importance=True)

    def test_falcon(self):
        self.check(architecture="falcon", kv=1)

    def test_eighty_layers_with_shared_heads(self):
        self.check(layers=80, kv=1, mixes={"Q4_K_M", "Q3_K_S", "Q4_K_S"})


class Rules(ProgramTest):
    def test_a_rule_gives_some_tensors_another_type(self):
        model = shapes(2, 0, False)
        random = numpy.random.default_rng(1)
        source = write_gguf(self.folder / "model.gguf", {name: random.standard_normal(shape) for name, shape in model.items()},
                            {"general.architecture": "llama", "llama.block_count": 2, "llama.embedding_length": 256})
        target = self.folder / "out.gguf"
        self.json("quantize", source, "-m", "q4_k", "--tensor-type", "*.attn_v.*=q8_0", "--tensor-type", "blk.1.*=q6_k",
                  "--tensor-type", "output.weight=keep", "-o", target)
        kinds = {name: kind for name, (kind, _, _) in read_gguf(target)[0].items()}
        self.assertEqual(kinds["blk.1.attn_v.weight"], TYPES["Q8_0"])
        self.assertEqual(kinds["blk.1.attn_q.weight"], TYPES["Q6_K"])
        self.assertEqual(kinds["blk.0.attn_q.weight"], TYPES["Q4_K"])
        self.assertEqual(kinds["output.weight"], TYPES["F32"])
        self.assertIn("matches none", self.refused(2, "quantize", source, "-m", "q4_k", "--tensor-type", "nosuch*=q6_k", "-o", target))
        self.assertIn("GLOB=METHOD", self.refused(2, "quantize", source, "-m", "q4_k", "--tensor-type", "q6_k", "-o", target))


class Importance(ProgramTest):
    def test_importance_files_are_told_about_and_converted(self):
        model = {"blk.0.ffn_up.weight": (2, 64), "blk.0.ffn_up_exps.weight": (3, 2, 32)}
        matrix = importance_file(self.folder / "a.dat", model)
        told = self.json("info", matrix)
        self.assertEqual((told["format"], told["chunks"], told["datasets"]), ("imatrix-dat", 5, ["text"]))
        self.assertEqual([entry["name"] for entry in told["entries"]], sorted(model))
        self.json("convert", matrix, self.folder / "b.gguf")
        tensors, keys = read_gguf(self.folder / "b.gguf")
        self.assertEqual(keys["general.type"], "imatrix")
        self.assertEqual(tensors["blk.0.ffn_up.weight.in_sum2"][1], (1, 64))
        self.json("convert", self.folder / "b.gguf", self.folder / "c.dat")
        self.assertEqual(self.json("info", self.folder / "c.dat")["entries"], told["entries"])

    def test_weights_of_a_column_change_what_is_written(self):
        random = numpy.random.default_rng(1)
        source = write_gguf(self.folder / "model.gguf", {"blk.0.ffn_up.weight": random.standard_normal((4, 256))},
                            {"general.architecture": "llama", "llama.block_count": 1})
        importance = numpy.ones(256, "<f4")
        importance[:16] = 1e4
        name = b"blk.0.ffn_up.weight"
        (self.folder / "w.dat").write_bytes(struct.pack("<ii", 1, len(name)) + name + struct.pack("<ii", 1, 256) + importance.tobytes())
        self.json("quantize", source, "-m", "q4_k", "-o", self.folder / "plain.gguf")
        self.json("quantize", source, "-m", "q4_k", "--imatrix", self.folder / "w.dat", "-o", self.folder / "weighted.gguf")
        self.assertNotEqual(*((self.folder / f"{one}.gguf").read_bytes()[-500:] for one in ("plain", "weighted")))
        other = write_gguf(self.folder / "other.gguf", {"blk.0.ffn_up.weight": random.standard_normal((4, 512))},
                           {"general.architecture": "llama"})
        self.assertIn("256 values", self.refused(2, "quantize", other, "-m", "q4_k", "--imatrix", self.folder / "w.dat", "-o", self.folder / "x.gguf"))
        self.assertIn("importance matrix", self.refused(1, "compare", source, "-m", "q4_k", "--imatrix", self.folder / "nosuch.dat"))


if __name__ == "__main__":
    unittest.main()
