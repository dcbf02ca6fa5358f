# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantized checkpoints go in and out: every layout against its own reading in NumPy."""
import json
import unittest

import numpy as np

import quantized_files as q
from program import ProgramTest

# Which formats of codes hold which sample, by the start of its label.
HOLDERS = {"ct-4-dense": ("compressed-tensors", "gptq", "gptq-v2", "awq"), "ct-4-words": ("gptq",), "ct-8": ("gptq", "compressed-tensors"),
           "ct-2": ("gptq",), "ct-3": ("compressed-tensors", "gptq"), "ct-5": ("compressed-tensors",), "ct-6": ("compressed-tensors",),
           "ct-7": ("compressed-tensors",), "ct-order": ("compressed-tensors",), "ct-channel": ("compressed-tensors", "awq", "gptq"),
           "ct-mixed": ("compressed-tensors", "gptq-v2"), "ct-int": ("compressed-tensors",), "ct-float": ("compressed-tensors",),
           "ct-nvfp4": ("compressed-tensors",), "ct-mxfp": ("compressed-tensors",), "gptq-2": ("gptq-v2", "compressed-tensors"),
           "gptq-3": ("compressed-tensors",), "gptq-4": ("gptq-v2",), "gptq-8": ("compressed-tensors",), "gptq-file": ("gptq-v2",),
           "awq": ("awq", "compressed-tensors", "gptq-v2"), "bnb-nf4": ("bitsandbytes",), "bnb-fp4": ("bitsandbytes",),
           "bnb-int8": ("compressed-tensors",), "fp8-blocks": ("compressed-tensors",), "plain": ("safetensors-codes",)}


class QuantizedFilesTest(ProgramTest):
    def values(self, source, label):
        """{name: values} of a checkpoint, all decoded by the program."""
        target = self.folder / "plain" / label / "model.safetensors"
        target.parent.mkdir(parents=True, exist_ok=True)
        self.json("convert", source, target, "-f", "safetensors")
        return {name: values for name, (_, values) in q.load(target.parent).items()}

    def converted(self, source, form, label="out"):
        target = self.folder / label / form / "model.safetensors"
        target.parent.mkdir(parents=True, exist_ok=True)
        answer = self.json("convert", source, target, "-f", form)
        self.assertEqual(answer["verified"], answer["tensors"])
        return target.parent

    def assert_same(self, values, wanted):
        for name, want in wanted.items():
            self.assertEqual(values[name].shape, want.shape)
            read = values[name].astype("f4") if values[name].dtype.itemsize == 2 else values[name]
            np.testing.assert_array_equal(read.view("u4"), np.ascontiguousarray(want, "f4").view("u4"), name)

    def test_every_layout_opens_as_the_values_it_stands_for_and_goes_on_exactly(self):
        for label, (tensors, config, files, wanted, form) in q.samples(np.random.default_rng(7)).items():
            with self.subTest(label):
                folder = q.save(self.folder / label, tensors, config, files)
                told = {tensor["name"]: tensor for tensor in self.json("info", folder)["tensors"]}
                for name, values in wanted.items():
                    self.assertIn(form, told[name]["dtype"])
                    self.assertEqual(told[name]["shape"], list(values.shape))
                    if label.startswith("sparse"):
                        self.assertIn(name + ".mask", told)
                        continue
                    self.assertEqual(told[name + ".codes"]["shape"], list(values.shape))
                    self.assertIn(name + ".scales", told)
                self.assert_same(self.values(folder, label), wanted)
                for start, formats in HOLDERS.items():
                    for target in formats if label.startswith(start) else ():
                        out = self.converted(folder, target, "from-" + label)
                        self.assert_same(self.values(out, f"{label}-{target}"), wanted)

    def test_layouts_without_a_configuration_are_known_by_their_names_and_shapes(self):
        for label, (tensors, _, _, wanted, _) in q.samples(np.random.default_rng(8)).items():
            if label in ("ct-4-dense", "ct-nvfp4", "ct-mxfp4", "gptq-3-False", "awq", "bnb-nf4-True", "bnb-int8", "fp8-blocks", "gpt-oss", "modelopt"):
                with self.subTest(label):
                    self.assert_same(self.values(q.save(self.folder / label, tensors), label), wanted)

    def test_codes_scales_and_zero_points_stay_the_same_along_a_chain(self):
        random = np.random.default_rng(9)
        for symmetric in (False, True):
            w = q.weight(random, 64, 128, 4, 32, symmetric)
            start = q.save(self.folder / f"start{symmetric}", q.gptq("m.0", w) | {"m.0.bias": np.ones(64, "f2")}, q.gptq_config(4, 32, symmetric=symmetric))
            compressed = self.converted(start, "compressed-tensors", f"a{symmetric}")
            self.assertTrue(q.ct_unpack(q.load(compressed), "m.0", 4).same(w))
            packed = self.converted(compressed, "awq", f"b{symmetric}")
            self.assertTrue(q.awq_read(q.load(packed), "m.0").same(w))
            for form in ("gptq", "gptq-v2"):
                back = self.converted(packed, form, f"c{symmetric}")
                self.assertTrue(q.gptq_read(q.load(back), "m.0", 4, form == "gptq-v2").same(w))
                self.assertEqual(q.load(back)["m.0.bias"][0], "F16")
                config = json.loads((back / "config.json").read_text())
                self.assertEqual(config["model_type"], "test")
                self.assertEqual(config["quantization_config"], json.loads((back / "quantize_config.json").read_text()))
                self.assertEqual(config["quantization_config"]["sym"], symmetric)
            for name, (kind, values) in q.load(start).items():
                written = q.load(self.converted(packed, "gptq", f"d{symmetric}"))[name]
                self.assertEqual(kind, written[0])
                np.testing.assert_array_equal(values, written[1])

    def test_act_order_and_odd_widths_survive(self):
        random = np.random.default_rng(10)
        for bits in (2, 3, 8):
            w = q.weight(random, 32, 96, bits, 32, False, True)
            start = q.save(self.folder / f"order{bits}", q.gptq("m.0", w), q.gptq_config(bits, 32, True, False))
            compressed = self.converted(start, "compressed-tensors", f"order-{bits}")
            self.assertTrue(q.ct_unpack(q.load(compressed), "m.0", bits).same(w))
            self.assertTrue(q.gptq_read(q.load(self.converted(compressed, "gptq", f"back{bits}")), "m.0", bits).same(w))
        start = q.save(self.folder / "order4", q.gptq("m.0", q.weight(random, 32, 96, 4, 32, False, True)), q.gptq_config(4, 32, True, False))
        self.assertIn("act-order", self.refused(2, "convert", start, self.folder / "x.safetensors", "-f", "awq"))

    def test_bitsandbytes_is_written_as_it_is_read(self):
        for label, (tensors, config, files, wanted, _) in q.samples(np.random.default_rng(11)).items():
            if label.startswith(("bnb-nf4", "bnb-fp4")):
                with self.subTest(label):
                    out = self.converted(q.save(self.folder / label, tensors, config, files), "bitsandbytes", label)
                    self.assert_same({"m.0.weight": q.bnb4_read(q.load(out), "m.0.weight", label[4:7])}, wanted)

    def test_results_of_methods_are_stored_in_every_layout(self):
        random = np.random.default_rng(12)
        weights = random.normal(0, 0.05, (64, 256)).astype("f4")
        folder = q.save(self.folder / "model", {"model.layers.0.mlp.up_proj.weight": weights, "lm_head.weight": weights[:, :64].copy()})
        for form, spec in (("gptq", "rtn:bits=4,group=64,scale=f16"), ("awq", "rtn:bits=4,group=64,scale=f16,symmetric=false"),
                           ("gptq-v2", "rtn:bits=3,group=32,scale=f16,symmetric=false"), ("compressed-tensors", "rtn:bits=5,group=32"),
                           ("compressed-tensors", "rtn:bits=8,granularity=output-channel"), ("bitsandbytes", "nf4"),
                           ("bitsandbytes", "fp4:double=true"), ("compressed-tensors", "nvfp4_ct"), ("compressed-tensors", "mxfp4_ct"),
                           ("compressed-tensors", "mxfp8_ct"), ("compressed-tensors", "fp8:granularity=block,high=32,wide=32")):
            with self.subTest(form=form, spec=spec):
                target = self.folder / f"{form}-{spec[:20]}" / "model.safetensors"
                target.parent.mkdir()
                told = self.json("quantize", folder, "-m", spec, "--tensor", "*up_proj*", "-f", form, "-o", target)
                plain = self.folder / f"{form}-{spec[:20]}.safetensors"
                self.json("quantize", folder, "-m", spec, "--tensor", "*up_proj*", "-f", "safetensors", "-o", plain)
                self.assertEqual([], self.json("diff", plain, target.parent)["only_in_b"])
                for tensor in self.json("diff", plain, target.parent)["tensors"]:
                    self.assertEqual(tensor["max_error"], 0, tensor)
                self.assertLess(told["tensors"][0]["relative_mse"], 0.1)

    def test_what_does_not_fit_is_refused_with_the_formats_that_hold_it(self):
        random = np.random.default_rng(13)
        folder = q.save(self.folder / "model", {"m.0.weight": random.normal(0, 1, (64, 128)).astype("f4")})
        target = self.folder / "out" / "model.safetensors"
        target.parent.mkdir()
        for form, spec, told in (("awq", "rtn:bits=3,scale=f16", "a 3-bit grid does not fit AWQ, which has 4 bits; compressed-tensors, gptq, gptq-v2"),
                                 ("gptq", "rtn:bits=5,scale=f16", "2, 3, 4 and 8 bits; compressed-tensors"),
                                 ("gptq", "rtn:bits=4", "half precision"), ("bitsandbytes", "rtn", "which has NF4 and FP4"),
                                 ("compressed-tensors", "rtn:granularity=input-channel", "onnx, safetensors-codes hold it"),
                                 ("awq", "nf4", "bitsandbytes holds it"), ("compressed-tensors", "q8_0", "gguf holds it")):
            with self.subTest(form=form, spec=spec):
                self.assertIn(told, self.refused(2, "quantize", folder, "-m", spec, "-f", form, "-o", target))
        self.assertIn("no tensor is quantized", self.refused(2, "convert", folder, target, "-f", "gptq"))
        self.assertEqual(list(target.parent.iterdir()), [])

    def test_configurations_that_contradict_the_tensors_are_refused_and_unknown_ones_ignored(self):
        random = np.random.default_rng(14)
        w = q.weight(random, 64, 128, 4, 32, True)
        for config, told in ((q.gptq_config(8, 32), "8"), (q.gptq_config(4, 64), "group size"), (q.awq_config(32), "do not fit")):
            folder = q.save(self.folder / "wrong", q.gptq("m.0", w), config)
            self.assertIn(told, self.refused(3, "info", folder))
        wrong = q.ct_config("float-quantized", q.ct_arguments(8, kind="float"))
        self.assertIn("pack-quantized", self.refused(3, "info", q.save(self.folder / "wrong", q.ct_pack("m.0", w, True), wrong)))
        for config in ({"quant_method": "eetq"}, {"quant_method": "gptq", "bits": 4, "checkpoint_format": "gptq_p"}, q.awq_config(32) | {"version": "gemv"},
                       q.ct_config("marlin-24", q.ct_arguments(4))):
            folder = q.save(self.folder / "unknown", q.gptq("m.0", w), config)
            names = [tensor["name"] for tensor in self.json("info", folder)["tensors"]]
            self.assertIn("m.0.qweight", names)

    def test_a_quantized_file_is_compared_like_a_method(self):
        random = np.random.default_rng(16)
        sizes = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4,
                 "num_key_value_heads": 4, "vocab_size": 32, "max_position_embeddings": 64, "rms_norm_eps": 1e-5}
        shapes = {"self_attn.q_proj": (64, 64), "self_attn.k_proj": (64, 64), "mlp.up_proj": (128, 64), "mlp.down_proj": (64, 128)}
        folder = q.save(self.folder / "model", {f"model.layers.0.{name}.weight": random.normal(0, 1, shape).astype("f4") for name, shape in shapes.items()}
                        | {"model.embed_tokens.weight": random.normal(0, 1, (32, 64)).astype("f4"), "model.norm.weight": np.ones(64, "f4")})
        (folder / "config.json").write_text(json.dumps(sizes))
        for form, spec in (("gguf", "q8_0"), ("compressed-tensors", "rtn:bits=4,group=32"), ("gptq", "rtn:bits=4,group=32,scale=f16"), ("safetensors", "q4_0")):
            with self.subTest(form):
                out = self.folder / form / ("m.gguf" if form == "gguf" else "model.safetensors")
                out.parent.mkdir()
                self.json("quantize", folder, "-m", spec, "-f", form, "-o", out, "--tensor", "*proj*")
                method, stored = self.json("compare", folder, "-m", spec, "-m", f"file:path={out}", "--tensor", "*proj*")["rows"]
                for name in ("sqnr_db", "relative_mse"):
                    self.assertEqual(method[name], stored[name])
                self.assertEqual(stored["bits_per_weight"], 32 if form == "safetensors" else method["bits_per_weight"])
        self.assertIn("needs a file", self.refused(2, "compare", folder, "-m", "file"))
        self.assertIn("absent.gguf", self.refused(1, "compare", folder, "-m", f"file:path={self.folder / 'absent.gguf'}"))
        wide = q.save(self.folder / "wide", {"model.layers.0.mlp.up_proj.weight": np.ones((64, 64), "f4")})
        self.assertIn("[64, 64]", self.refused(2, "compare", folder, "-m", f"file:path={wide}", "--tensor", "*up_proj*"))

    def test_large_checkpoints_are_cut_into_shards(self):
        random = np.random.default_rng(15)
        tensors = {f"m.{i}.weight": random.normal(0, 1, (64, 64)).astype("f4") for i in range(5)}
        folder = q.save(self.folder / "model", tensors)
        out = self.folder / "out"
        out.mkdir()
        for size, shards in (("40KB", 3), ("20KB", 5), ("20000", 5), ("1GB", 1), ("40KB", 3)):
            self.json("convert", folder, out / "model.safetensors", "--shard-size", size)
            files = sorted(path.name for path in out.iterdir())
            if shards == 1:
                self.assertEqual(files, ["model.safetensors"])
            else:
                self.assertEqual(files, [f"model-{i + 1:05}-of-{shards:05}.safetensors" for i in range(shards)] + ["model.safetensors.index.json"])
                index = json.loads((out / "model.safetensors.index.json").read_text())
                self.assertEqual(index["metadata"]["total_size"], 5 * 64 * 64 * 4)
            written = q.load(out)
            for name, values in tensors.items():
                np.testing.assert_array_equal(written[name][1], values)
            self.assertEqual(self.json("diff", folder, out)["only_in_a"], [])
        self.refused(2, "convert", folder, out / "model.safetensors", "--shard-size", "many")


if __name__ == "__main__":
    unittest.main()
