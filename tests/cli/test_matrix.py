# SPDX-License-Identifier: GPL-3.0-or-later
"""Every writer and back: codes, scales and zero points stay as they are, or the values do and the program says so."""
import json
import unittest
import zipfile

import numpy as np

import quantized_files as q
from checkpoint_files import read_gguf, read_safetensors, safetensors_bytes
from program import ProgramTest, run

WRITERS = {"gguf": "gguf", "safetensors": "safetensors", "safetensors-codes": "safetensors", "compressed-tensors": "safetensors",
           "gptq": "safetensors", "gptq-v2": "safetensors", "awq": "safetensors", "bitsandbytes": "safetensors", "onnx": "onnx", "npz": "npz"}
VALUES = ("safetensors", "npz")  # hold any checkpoint, as plain numbers
INTEGERS = {"gguf", "safetensors-codes", "compressed-tensors", "gptq", "gptq-v2", "awq", "onnx"}


def blocks(path, name):
    """Codes in the order of the weights and scales as [row, block], of a tensor of a GGUF file (formats.md, section 2)."""
    kind, shape, start = read_gguf(path)[0][name]
    length, size, first = {2: (32, 18, 2), 3: (32, 20, 4), 8: (32, 34, 2), 39: (32, 17, 1), 40: (64, 36, 4)}[kind]
    count = int(np.prod(shape)) // length
    stored = np.frombuffer(path.read_bytes(), "u1", count * size, start).reshape(count, size)
    if kind == 8:
        codes = stored[:, 2:].view("i1").astype("i4")
    elif kind == 40:
        pairs = stored[:, first:].reshape(count, 4, 8)
        codes = np.concatenate([pairs & 15, pairs >> 4], axis=2)
    else:
        codes = np.concatenate([stored[:, first:] & 15, stored[:, first:] >> 4], axis=1)
    scales = stored[:, :4] if kind == 40 else stored[:, :1] if kind == 39 else stored[:, :2].copy().view("<f2")
    return kind, codes.reshape(shape), scales.reshape(shape[0], -1) if len(shape) == 2 else scales


class MatrixTest(ProgramTest):
    def convert(self, source, form, label):
        """The written checkpoint, or the line of the refusal."""
        folder = self.folder / label
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"model.{WRITERS[form]}"
        done = run("convert", source, target, "-f", form, "--quiet")
        if done.returncode == 2:
            self.assertEqual(list(folder.iterdir()), [])
            return None, done.stderr
        self.assertEqual(done.returncode, 0, done.stderr)
        return target, ""

    def assert_same_tensors(self, wanted, found):
        self.assertEqual(sorted(wanted), sorted(found))
        for name, (kind, values) in wanted.items():
            if ".quant_state." in name:  # a description in JSON, which others write in other words
                continue
            self.assertEqual((kind, values.shape), (found[name][0], found[name][1].shape), name)
            self.assertEqual(values.tobytes(), found[name][1].tobytes(), name)

    def assert_same_values(self, source, written):
        told = self.json("diff", source, written)
        self.assertEqual((told["only_in_a"], told["only_in_b"], told["other_shape"]), ([], [], []))
        for tensor in told["tensors"]:
            self.assertEqual(tensor["max_error"], 0, tensor)

    def through_all(self, source, own, keeps):
        """From `source`, in the format `own`, through every writer and back to its own."""
        start = q.load(source)
        for form in WRITERS:
            with self.subTest(source=source.name, through=form):
                written, refusal = self.convert(source, form, f"{source.name}-{form}")
                if written is None:
                    self.assertNotIn(form, keeps | set(VALUES))
                    self.assertRegex(refusal, r"does not fit|do not fit|is no uniform grid|does not hold")
                    self.assertRegex(refusal, r"[a-z, -]+ holds? it")
                    continue
                self.assert_same_values(source, written.parent if written.suffix == ".safetensors" else written)
                back, refusal = self.convert(written, own, f"{source.name}-{form}-back")
                if form in keeps:
                    self.assertIsNotNone(back, refusal)
                    self.assert_same_tensors(start, q.load(back.parent))
                else:
                    self.assertIsNone(back, "codes that went away came back")

    def test_integer_codes_survive_every_writer_that_holds_them(self):
        random = np.random.default_rng(20)
        norm = {"model.norm.weight": np.ones(8, "f4")}
        for symmetric in (True, False):
            w = q.weight(random, 32, 128, 4, 32, symmetric)
            w.scales = (random.integers(1, 100, w.scales.shape) / 64).astype("f2")  # short ones, of which GGUF has the lowest values
            self.through_all(q.save(self.folder / f"gptq-{symmetric}", q.gptq("m.0", w) | norm, q.gptq_config(4, 32, symmetric=symmetric)), "gptq", INTEGERS)
            if symmetric:
                self.through_all(q.save(self.folder / "ct", q.ct_pack("m.0", w, True) | norm, q.ct_config("pack-quantized", q.ct_arguments(4, 32))),
                                 "compressed-tensors", INTEGERS)
            else:
                self.through_all(q.save(self.folder / "awq", q.awq("m.0", w) | norm, q.awq_config(32)), "awq", INTEGERS)
        w = q.weight(random, 32, 128, 8, 32, True)
        self.through_all(q.save(self.folder / "gptq-8", q.gptq("m.0", w) | norm, q.gptq_config(8, 32)), "gptq", INTEGERS - {"awq"})

    def test_codes_of_widths_that_a_format_lacks_go_through_wider_ones_and_mean_the_same(self):
        """GGUF and ONNX keep 2, 3, 5, 6 and 7 bits in 4, 5 or 8, and GGUF every 32 codes under a scale of their own: what comes
        back are more bits and more groups, with the very distances from zero and the very scales."""
        random = np.random.default_rng(26)
        for bits, symmetric, size in ((2, True, 32), (3, False, 32), (5, False, 32), (6, True, 32), (7, False, 32), (4, True, 128)):
            w = q.weight(random, 32, 128, bits, size, symmetric)
            w.scales = (random.integers(1, 100, w.scales.shape) / 64).astype("f2")
            source = q.save(self.folder / f"ct-{bits}", q.ct_pack("m.0", w, symmetric),
                            q.ct_config("pack-quantized", q.ct_arguments(bits, size, symmetric=symmetric)))
            for form in ("gguf", "onnx"):
                with self.subTest(bits=bits, through=form):
                    written, refusal = self.convert(source, form, f"{bits}-{form}")
                    self.assertIsNotNone(written, refusal)
                    back, refusal = self.convert(written, "compressed-tensors", f"{bits}-{form}-back")
                    self.assertIsNotNone(back, refusal)
                    config = json.loads((back.parent / "config.json").read_text())["quantization_config"]
                    stored = config["config_groups"]["group_0"]["weights"]["num_bits"]
                    self.assertGreaterEqual(stored, bits)
                    found = q.ct_unpack(q.load(back.parent), "m.0", stored)
                    distances, scales = [], []
                    for each in (w, found):
                        distances.append(each.codes - q.spread(each.zeros, 32, 128, each.group))
                        scales.append(q.spread(each.scales.astype("f4"), 32, 128, each.group))
                    np.testing.assert_array_equal(*distances)
                    np.testing.assert_array_equal(*scales)

    def test_small_floats_survive_every_writer_that_holds_them(self):
        random = np.random.default_rng(21)
        rows, columns = 32, 128
        codes = random.integers(0, 16, (rows, columns), dtype="u1")
        exponents = random.integers(110, 130, (rows, columns // 32), dtype="u1")
        self.through_all(q.save(self.folder / "mxfp4", {"m.0.weight_packed": q.nibbles(codes), "m.0.weight_scale": exponents},
                                q.ct_config("mxfp4-pack-quantized", q.ct_arguments(4, 32, "float"))),
                         "compressed-tensors", {"gguf", "compressed-tensors", "onnx"})
        scales = q.finite_e4m3(random, (rows, columns // 16), True)
        second = np.array([random.uniform(100, 3000)], "<f4")
        self.through_all(q.save(self.folder / "nvfp4", {"m.0.weight_packed": q.nibbles(codes), "m.0.weight_scale": q.Typed("F8_E4M3", scales),
                                                        "m.0.weight_global_scale": second},
                                q.ct_config("nvfp4-pack-quantized", q.ct_arguments(4, 16, "float", strategy="tensor_group"))),
                         "compressed-tensors", {"gguf", "compressed-tensors"})
        tensors, _ = q.bnb4("m.0.weight", random, (rows, columns), "nf4", False)
        self.through_all(q.save(self.folder / "nf4", tensors, q.bnb_config("nf4", False)), "bitsandbytes", {"bitsandbytes"})

    def test_gguf_blocks_hold_the_very_codes_and_scales(self):
        random = np.random.default_rng(22)
        w = q.weight(random, 32, 256, 4, 128, True)
        path, _ = self.convert(q.save(self.folder / "gptq", q.gptq("m.0", w), q.gptq_config(4, 128)), "gguf", "a")
        kind, codes, scales = blocks(path, "m.0.weight")
        self.assertEqual(kind, 2)
        np.testing.assert_array_equal(codes, w.codes)
        np.testing.assert_array_equal(scales, np.repeat(w.scales, 4, axis=1))
        w = q.weight(random, 32, 128, 8, 128, True, scale="<f4")
        path, _ = self.convert(q.save(self.folder / "int8", {"m.0.weight": (w.codes - 128).astype("i1"), "m.0.weight_scale": w.scales},
                                      q.ct_config("int-quantized", q.ct_arguments(8))), "gguf", "b")
        kind, codes, scales = blocks(path, "m.0.weight")
        self.assertEqual(kind, 8)
        np.testing.assert_array_equal(codes, w.codes - 128)
        np.testing.assert_array_equal(scales.astype("f4"), np.repeat(w.scales, 4, axis=1))
        codes, exponents = random.integers(0, 16, (3, 8, 2, 32), dtype="u1"), random.integers(110, 130, (3, 8, 2), dtype="u1")
        experts = q.save(self.folder / "gpt-oss", {"m.0_blocks": codes[..., 0::2] | codes[..., 1::2] << 4, "m.0_scales": exponents}, {"quant_method": "mxfp4"})
        path, _ = self.convert(experts, "gguf", "c")
        kind, found, scales = blocks(path, "m.0.weight")
        self.assertEqual((kind, found.shape), (39, (3, 8, 64)))
        np.testing.assert_array_equal(found, codes.reshape(3, 8, 64))
        np.testing.assert_array_equal(scales.reshape(-1), exponents.reshape(-1))
        _, refusal = self.convert(experts, "compressed-tensors", "d")
        self.assertIn("3 axes do not fit compressed-tensors, which has matrices; gguf, onnx hold it", refusal)
        codes, scales = random.integers(0, 16, (32, 128), dtype="u1"), q.finite_e4m3(random, (32, 8), True)
        second = np.array([0.013], "<f4")
        optimised = q.save(self.folder / "modelopt", {"m.0.weight": q.nibbles(codes), "m.0.weight_scale": q.Typed("F8_E4M3", scales), "m.0.weight_scale_2": second},
                           None, {"hf_quant_config.json": {"quantization": {"quant_algo": "NVFP4", "group_size": 16}}})
        path, _ = self.convert(optimised, "gguf", "e")
        kind, found, stored = blocks(path, "m.0.weight")
        self.assertEqual(kind, 40)
        np.testing.assert_array_equal(found, codes)
        np.testing.assert_array_equal(stored.reshape(scales.shape), scales)
        _, _, start = read_gguf(path)[0]["m.0.scale"]
        self.assertEqual(path.read_bytes()[start:start + 4], second.tobytes())
        self.assertEqual([t["name"] for t in self.json("info", path)["tensors"] if "part_of" not in t], ["m.0.weight"])

    def test_what_no_block_type_holds_is_stored_in_the_shortest_plain_type_and_said(self):
        random = np.random.default_rng(23)
        for label, w, note, kind in (("order", q.weight(random, 32, 128, 4, 32, False, True), "act-order", 0),
                                     ("single", q.weight(random, 32, 128, 4, 32, True, scale="<f4"), "half precision", 0),
                                     ("short", q.weight(random, 32, 128, 4, 16, True), "multiple of 32", 1)):
            with self.subTest(label):
                if label == "single":
                    w.scales = w.scales * np.float32(1.0001)
                if label == "short":
                    w.scales = np.full_like(w.scales, 0.25)
                folder = q.save(self.folder / label, q.ct_pack("m.0", w, label != "order", act_order=label == "order"),
                                q.ct_config("pack-quantized", q.ct_arguments(4, 16 if label == "short" else 32, symmetric=label != "order",
                                                                             actorder="group" if label == "order" else None)))
                done = run("convert", folder, self.folder / f"{label}.gguf")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(note, done.stderr)
                self.assertEqual(read_gguf(self.folder / f"{label}.gguf")[0]["m.0.weight"][0], kind)
                self.assert_same_values(folder, self.folder / f"{label}.gguf")
        w = q.weight(random, 32, 128, 4, 32, False)  # zero points that no half holds: counted from them, with a bit more
        folder = q.save(self.folder / "zeros", q.gptq("m.0", w), q.gptq_config(4, 32, symmetric=False))
        path, _ = self.convert(folder, "gguf", "z")
        self.assertEqual(read_gguf(path)[0]["m.0.weight"][0], 6)
        self.assert_same_values(folder, path)

    def test_a_real_model_in_blocks_goes_through_the_formats_of_codes_and_back(self):
        model = self.data("llm-bard/model-bf16.gguf")
        for method, through in (("q4_0", ("gptq", "gptq-v2", "awq", "compressed-tensors", "onnx", "safetensors-codes")),
                                ("q8_0", ("gptq", "compressed-tensors", "onnx", "safetensors-codes")), ("mxfp4", ("compressed-tensors", "onnx")),
                                ("nvfp4", ("compressed-tensors",)), ("q5_0", ("compressed-tensors", "safetensors-codes"))):
            start = self.folder / f"{method}.gguf"
            self.json("quantize", model, "-m", method, "-o", start)
            for form in through:
                with self.subTest(method=method, through=form):
                    written, refusal = self.convert(start, form, f"{method}-{form}")
                    self.assertIsNotNone(written, refusal)
                    if form != "onnx":  # which says nothing of the order of rotary rows
                        self.assert_same_values(start, written.parent)
                    back, refusal = self.convert(written, "gguf", f"{method}-{form}-back")
                    self.assert_same_blocks(start, back)
        refused, why = self.convert(self.quantized(model, "q4_k"), "gptq", "none")
        self.assertIsNone(refused)
        self.assertRegex(why, "Q4_K blocks, which are no codes with one scale and zero point; gguf, safetensors hold it")

    def quantized(self, model, method):
        target = self.folder / f"{method}.gguf"
        self.json("quantize", model, "-m", method, "-o", target)
        return target

    def assert_same_blocks(self, one, other):
        first, second = one.read_bytes(), other.read_bytes()
        wanted, found = read_gguf(one)[0], read_gguf(other)[0]
        self.assertEqual(sorted(wanted), sorted(found))
        for name, (kind, shape, start) in wanted.items():
            self.assertEqual((kind, shape), found[name][:2], name)
            size = int(np.prod(shape)) * {0: 128, 2: 18, 6: 22, 8: 34, 30: 64, 39: 17, 40: 18}[kind] // 32
            self.assertEqual(first[start:start + size], second[found[name][2]:found[name][2] + size], name)

    def test_numpy_reads_what_is_written_for_it(self):
        random = np.random.default_rng(24)
        arrays = {f"t.{kind.strip('<|')}": random.integers(0, 100, (3, 5)).astype(kind)
                  for kind in ("?", "i1", "u1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8")}
        arrays |= {"scalar": np.float32(2.5).reshape(()), "empty": np.zeros((0, 4), "f4"), "vector": np.arange(7, dtype="<i8")}
        source = self.folder / "all.safetensors"
        source.write_bytes(safetensors_bytes(arrays))
        answer = self.json("convert", source, self.folder / "all.npz")
        self.assertEqual((answer["format"], answer["tensors"], answer["verified"]), ("npz", len(arrays), len(arrays)))
        with np.load(self.folder / "all.npz") as loaded:
            self.assertEqual(sorted(loaded.files), sorted(arrays))
            for name, values in arrays.items():
                self.assertEqual((loaded[name].dtype, loaded[name].shape), (values.dtype, values.shape), name)
                np.testing.assert_array_equal(loaded[name], values)
        first = (self.folder / "all.npz").read_bytes()
        self.json("convert", source, self.folder / "all.npz")
        self.assertEqual(first, (self.folder / "all.npz").read_bytes())
        self.json("convert", self.folder / "all.npz", self.folder / "back.safetensors")
        for name, values in read_safetensors(self.folder / "back.safetensors")[0].items():
            np.testing.assert_array_equal(values, arrays[name])
        for name, values in arrays.items():
            (self.folder / "one.safetensors").write_bytes(safetensors_bytes({name: values}))
            self.json("convert", self.folder / "one.safetensors", self.folder / "one.npy")
            loaded = np.load(self.folder / "one.npy")
            self.assertEqual((loaded.dtype, loaded.shape), (values.dtype, values.shape))
            np.testing.assert_array_equal(loaded, values)
        self.assertIn("one array, and the checkpoint has 12 tensors; npz holds them", self.refused(2, "convert", source, self.folder / "x.npy"))
        self.assertIn("npz is written in one file; cut to a size are", self.refused(2, "convert", source, self.folder / "x.npz", "--shard-size", "1KB"))
        many = {f"t{i}": np.full(1, i, "<i4") for i in range(66_000)}  # more than an archive's own count goes to
        source.write_bytes(safetensors_bytes(many))
        self.json("convert", source, self.folder / "many.npz")
        with zipfile.ZipFile(self.folder / "many.npz") as archive:
            self.assertEqual(len(archive.namelist()), len(many))
        with np.load(self.folder / "many.npz") as loaded:
            self.assertEqual(loaded["t65999"].tolist(), [65999])
        (self.folder / "up.safetensors").write_bytes(safetensors_bytes({"../up": np.ones(2, "f4")}))
        self.assertIn("leads out of an archive; safetensors holds it", self.refused(2, "convert", self.folder / "up.safetensors", self.folder / "x.npz"))
        plain = q.save(self.folder / "bf16", {"a.weight": q.Typed("BF16", np.array([[0x3F80, 0x4000]], "<u2")), "b": q.Typed("F8_E4M3", np.array([0x38, 0xC0], "u1"))})
        self.json("convert", plain, self.folder / "plain.npz")
        with np.load(self.folder / "plain.npz") as loaded:
            np.testing.assert_array_equal(loaded["a.weight"], np.array([[1, 2]], "f4"))
            np.testing.assert_array_equal(loaded["b"], np.array([1, -2], "f4"))


if __name__ == "__main__":
    unittest.main()
