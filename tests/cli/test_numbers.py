# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics, codes and blocks against NumPy, computed from the bytes of the files."""
import json

import numpy

from checkpoint_files import read_gguf, read_safetensors, write_safetensors
from program import DATA, ProgramTest


def statistics(values, bins):
    """The definitions, in double precision."""
    finite = values[numpy.isfinite(values)] if values.dtype.kind == "f" else values
    x = finite.astype(numpy.float64).ravel()
    spread = x.std()
    moved = x - x.mean()
    magnitude = numpy.abs(x).mean()
    counts, edges = numpy.histogram(x, bins=bins)
    return {
        "count": values.size, "min": x.min(), "max": x.max(), "mean": x.mean(), "std": spread, "absmax": numpy.abs(x).max(),
        "kurtosis": (moved ** 4).mean() / spread ** 4 if spread > 0 else 0,
        "max_to_mean": numpy.abs(x).max() / magnitude if magnitude > 0 else 0,
        "zeros": int((x == 0).sum()), "nan": int(numpy.isnan(values).sum()), "inf": int(numpy.isinf(values).sum()),
        "outliers": int((numpy.abs(moved) > 6 * spread).sum()), "histogram": {"edges": edges, "counts": counts},
    }


def round_to_grid(values, group, bits, symmetric, half):
    """Codes, scales and zero points of a matrix in groups of (rows, columns), in single precision throughout."""
    f4 = numpy.float32
    matrix = values.reshape(-1, values.shape[-1] if values.ndim else 1).astype(f4)
    rows, columns = matrix.shape
    down, across = -(-rows // group[0]), -(-columns // group[1])
    # The range of a group includes zero, so zeros that fill up the last groups change nothing.
    filled = numpy.zeros((down * group[0], across * group[1]), f4)
    filled[:rows, :columns] = matrix
    w = filled.reshape(down, group[0], across, group[1])
    low, high = (extreme(w, axis=(1, 3), keepdims=True) for extreme in (numpy.min, numpy.max))
    low, high = numpy.minimum(low, f4(0)), numpy.maximum(high, f4(0))
    top = f4((1 << (bits - 1)) - 1 if symmetric else (1 << bits) - 1)
    scales = (numpy.maximum(high, -low) if symmetric else high - low) / top
    if half:
        rounded = numpy.clip(scales, f4(2.0 ** -24), f4(65504)).astype("f2").astype(f4)
        scales = numpy.where(scales > 0, rounded, f4(0))
    step = numpy.where(scales > 0, scales, f4(1))
    zeros = numpy.zeros_like(scales) if symmetric else numpy.clip(numpy.rint(-low / step), f4(0), top)
    least = -top if symmetric else f4(0)
    codes = numpy.where(scales > 0, numpy.clip(numpy.rint(w / step) + zeros, least, top), zeros)
    codes = codes.reshape(filled.shape)[:rows, :columns].astype(int)
    return codes.reshape(values.shape), scales.reshape(down, across), zeros.reshape(down, across).astype(int)


def unpack_rows(words, count, bits):
    """`count` codes of `bits` bits per row, from the low bits of 32-bit words on."""
    stream = numpy.unpackbits(words.view(numpy.uint8), axis=1, bitorder="little")[:, :count * bits]
    return stream.reshape(len(words), count, bits) @ (1 << numpy.arange(bits))


def exported_codes(tensors, name, shape, bits, symmetric):
    """Codes, scales and zero points in whichever of the documented layouts the file uses."""
    if name + ".codes" in tensors:
        return tensors[name + ".codes"].astype(int), tensors[name + ".scales"], tensors.get(name + ".zeros")
    module = name[:-len(".weight")]
    scales, middle = tensors[module + ".weight_scale"], 1 << (bits - 1)
    if module + ".weight" in tensors:
        codes, zeros = tensors[module + ".weight"].astype(int), tensors.get(module + ".weight_zero_point")
        return (codes, scales, None) if symmetric else (codes + middle, scales, zeros.astype(int) + middle)
    codes = unpack_rows(tensors[module + ".weight_packed"], shape[1], bits)
    if symmetric:
        return codes - middle, scales, None
    zeros = unpack_rows(numpy.ascontiguousarray(tensors[module + ".weight_zero_point"].T), shape[0], bits).T
    return codes, scales, zeros


class Numbers(ProgramTest):
    def models(self):
        for relative in ("llm-llama/hf/model.safetensors", "safetensors/retsim.safetensors",
                         "safetensors/mnist-cnn.safetensors", "safetensors/multi_layer.safetensors"):
            if (DATA / relative).exists():
                yield DATA / relative
        yield self.made_model()

    def made_model(self):
        random = numpy.random.default_rng(1)
        special = random.normal(size=(40, 50)).astype("f4")
        special[::7, ::5] = numpy.nan
        special[1, 1:4] = [numpy.inf, -numpy.inf, 0]
        return write_safetensors(self.folder / "made.safetensors", {
            "f16.weight": random.normal(size=(64, 96)).astype("f2"), "f64.weight": 1e6 + random.normal(size=(33, 65)),
            "f32.weight": random.normal(size=(130, 257)).astype("f4"), "row": random.normal(size=1000).astype("f4"),
            "special": special, "constant": numpy.full((8, 8), 0.1, "f4"), "i8": random.integers(-128, 128, (9, 100)).astype("i1"),
            "i64": random.integers(-2 ** 40, 2 ** 40, (9, 100)), "scalar": numpy.array(0.25, "f4"), "zeros": numpy.zeros((4, 4), "f4")})

    def close(self, found, expected, what):
        self.assertLessEqual(abs(found - expected), 1e-6 * max(abs(expected), 1e-30), what)

    def test_statistics_of_every_tensor(self):
        for path in self.models():
            tensors, _ = read_safetensors(path)
            rows = self.json("stats", path, "--bins", 50, "--device", "cpu")["tensors"]
            self.assertEqual({row["name"] for row in rows}, set(tensors))
            for row in rows:
                values = tensors[row["name"]]
                expected = statistics(values, 50)
                scale = numpy.abs(values[numpy.isfinite(values)].astype("f8")).max()
                for key in ("count", "zeros", "nan", "inf", "outliers", "min", "max", "absmax"):
                    self.assertEqual(row[key], expected[key], (path.name, row["name"], key))
                for key in ("std", "kurtosis", "max_to_mean"):
                    self.close(row[key], expected[key], (path.name, row["name"], key))
                self.assertLessEqual(abs(row["mean"] - expected["mean"]), 1e-12 * scale + 1e-6 * abs(expected["mean"]))
                self.assertEqual(row["histogram"]["counts"], expected["histogram"]["counts"].tolist(), (path.name, row["name"]))
                numpy.testing.assert_allclose(row["histogram"]["edges"], expected["histogram"]["edges"], rtol=1e-12, atol=1e-12 * scale)

    def test_codes_of_every_tensor(self):
        for path in self.models():
            source, _ = read_safetensors(path)
            for bits, symmetric, granularity, scale_type in ((4, True, "group", "f32"), (8, True, "output-channel", "f16"),
                                                             (3, False, "group", "f32"), (4, False, "group", "f16"),
                                                             (5, True, "input-channel", "f32"), (2, False, "tensor", "f32"),
                                                             (8, False, "output-channel", "f32")):
                target = self.folder / "codes.safetensors"
                result = self.json("quantize", path, "--device", "cpu", "--tensor", "*", "-f", "safetensors-codes", "-o", target, "-m",
                                   f"rtn:bits={bits},symmetric={str(symmetric).lower()},granularity={granularity},group=32,scale={scale_type}")
                written, _ = read_safetensors(target)
                treated = {row["name"]: row for row in result["tensors"]}
                expected_names = {name for name, values in source.items() if values.dtype.kind == "f" and values.size and numpy.isfinite(values).all()}
                self.assertEqual(set(treated) & expected_names, expected_names, (path.name, bits))
                for name, row in treated.items():
                    values = source[name]
                    columns = values.shape[-1] if values.ndim else 1
                    rows = values.size // columns
                    group = {"group": (1, min(32, columns)), "output-channel": (1, columns), "input-channel": (rows, 1),
                             "tensor": (rows, columns)}[granularity]
                    codes, scales, zeros = round_to_grid(values, group, bits, symmetric, scale_type == "f16")
                    found = exported_codes(written, name, values.shape, bits, symmetric)
                    what = (path.name, name, bits, symmetric, granularity)
                    self.assertTrue(numpy.array_equal(found[0], codes), what)
                    self.assertTrue(numpy.array_equal(found[1].astype("f4").ravel(), scales.ravel()), what)
                    if not symmetric:
                        self.assertTrue(numpy.array_equal(found[2].ravel(), zeros.ravel()), what)
                    self.check_metrics(row, values, codes, scales, zeros, group, what)

    def check_metrics(self, row, values, codes, scales, zeros, group, what):
        w = values.reshape(codes.reshape(-1, group[1] if values.ndim == 0 else values.shape[-1]).shape).astype("f4")
        matrix = codes.reshape(w.shape)
        expand = lambda table: numpy.repeat(numpy.repeat(table, group[0], 0), group[1], 1)[:w.shape[0], :w.shape[1]]
        back = ((matrix - expand(zeros)).astype("f4") * expand(scales)).astype("f8")
        w = w.astype("f8")
        energy, lost = (w * w).sum(), ((w - back) ** 2).sum()
        if energy > 0:
            self.close(row["relative_mse"], lost / energy, what)
            if lost > 0:
                self.close(row["sqnr_db"], -10 * numpy.log10(lost / energy), what)
            else:
                self.assertIsNone(row["sqnr_db"], what)
        self.close(row["max_error"], numpy.abs(w - back).max(), what)

    def test_vulkan_codes_equal_those_of_the_cpu(self):
        devices = self.json("devices")["devices"]
        usable = [d for d in devices if d["choice"].startswith("vulkan") and not d["refused"]]
        if not usable:
            self.skipTest("no Vulkan device")
        path = self.made_model()
        for method in ("rtn:bits=4,group=32", "rtn:bits=3,symmetric=false,group=32"):
            tensors = []
            for device in ("cpu", usable[0]["choice"]):
                target = self.folder / f"{device.replace(':', '')}.safetensors"
                self.json("quantize", path, "-m", method, "--tensor", "f*.weight", "--device", device, "-f", "safetensors-codes", "-o", target)
                tensors.append(read_safetensors(target)[0])
            self.assertEqual(set(tensors[0]), set(tensors[1]))
            for name, values in tensors[0].items():
                other = tensors[1][name]
                if values.dtype.kind in "iu":
                    self.assertLessEqual(numpy.abs(values.astype(int) - other.astype(int)).max(initial=0), 1, (method, name))
                else:
                    numpy.testing.assert_allclose(other, values, rtol=1e-6, err_msg=name)

    def test_blocks_in_a_gguf_file_decode_to_what_was_reported(self):
        model = self.data("llm-llama/hf/model.safetensors")
        source, _ = read_safetensors(model)
        target = self.folder / "q8.gguf"
        result = self.json("quantize", model.parent, "-m", "q8_0", "--device", "cpu", "-o", target, "--tensor", "*up_proj*")
        tensors, metadata = read_gguf(target)
        self.assertEqual(metadata["general.architecture"], "llama")
        content = target.read_bytes()
        self.assertEqual(result["bytes_out"], len(content))
        for row in result["tensors"]:
            layer = row["name"].split(".")[2]
            kind, shape, offset = tensors[f"blk.{layer}.ffn_up.weight"]
            values = source[row["name"]]
            self.assertEqual((kind, shape), (8, values.shape))
            blocks = numpy.frombuffer(content, "u1", values.size // 32 * 34, offset).reshape(-1, 34)
            scales = numpy.ascontiguousarray(blocks[:, :2]).view("<f2").astype("f4")
            back = (numpy.ascontiguousarray(blocks[:, 2:]).view("i1") * scales).reshape(shape).astype("f8")
            w = values.astype("f8")
            self.close(row["relative_mse"], ((w - back) ** 2).sum() / (w * w).sum(), row["name"])

    def test_one_model_in_three_formats_is_the_same(self):
        hf, gguf, karpathy = (self.data("llm-llama/" + name) for name in ("hf", "stories260K-f32.gguf", "stories260K.bin"))
        for other in (gguf, karpathy):
            result = self.json("diff", hf, other)
            self.assertEqual((result["only_in_a"], result["only_in_b"]), ([], []), other.name)
            self.assertGreater(len(result["tensors"]), 40)
            for row in result["tensors"]:
                self.assertEqual(row["max_error"], 0, (other.name, row["name"]))
