# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantized safetensors checkpoints, made and read by the description of their layouts alone, with NumPy."""
import json
import struct

import numpy as np

TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I8": "i1", "U8": "u1", "F8_E4M3": "u1", "F8_E8M0": "u1"}
NAMES = {"<f4": "F32", "<f2": "F16", "<i8": "I64", "<i4": "I32", "|i1": "I8", "|u1": "U8"}

E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], "f4")
NF4 = np.array([-1, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0,
                0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1], "f4")
FP4 = np.array([0, 0.0625, 8, 12, 4, 6, 2, 3], "f4") / np.float32(12)
FP4 = np.concatenate([FP4, -FP4])


def _e4m3(code):
    sign, exponent, fraction = code >> 7, code >> 3 & 15, code & 7
    if code & 127 == 127:
        return float("nan")
    value = fraction * 2.0 ** -9 if exponent == 0 else (1 + fraction / 8) * 2.0 ** (exponent - 7)
    return -value if sign else value


E4M3 = np.array([_e4m3(code) for code in range(256)], "f4")
E8M0 = np.array([2.0 ** (code - 127) for code in range(255)] + [float("nan")], "f4")


class Typed:
    """Bytes of a type that NumPy lacks."""
    def __init__(self, name, values):
        self.name, self.values = name, values


def save(folder, tensors, config=None, files=None, name="model.safetensors"):
    folder.mkdir(parents=True, exist_ok=True)
    header, data = {"__metadata__": {"format": "pt"}}, b""
    if config and config["quant_method"] == "plain-codes":  # said in the file itself
        header["__metadata__"]["quantization"], config = json.dumps(config["weights"]), None
    for tensor, values in tensors.items():
        kind = values.name if isinstance(values, Typed) else NAMES[values.dtype.str]
        values = np.ascontiguousarray(values.values if isinstance(values, Typed) else values)
        header[tensor] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [len(data), len(data) + values.nbytes]}
        data += values.tobytes()
    text = json.dumps(header).encode()
    (folder / name).write_bytes(struct.pack("<Q", len(text)) + text + data)
    if config is not None:
        (folder / "config.json").write_text(json.dumps({"model_type": "test", "quantization_config": config}))
    for file, content in (files or {}).items():
        (folder / file).write_text(json.dumps(content))
    return folder


def load(folder):
    """{name: (type, array)} of a folder: all shards that the index names, or model.safetensors."""
    index = folder / "model.safetensors.index.json"
    names = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else ["model.safetensors"]
    tensors = {}
    for name in names:
        content = (folder / name).read_bytes()
        (length,) = struct.unpack_from("<Q", content)
        for tensor, entry in json.loads(content[8:8 + length]).items():
            if tensor != "__metadata__":
                begin, end = entry["data_offsets"]
                values = np.frombuffer(content[8 + length + begin:8 + length + end], TYPES[entry["dtype"]]).reshape(entry["shape"])
                tensors[tensor] = (entry["dtype"], values)
    return tensors


# Runs of codes in 32-bit words, one run per row.

def dense(codes, bits):
    rows, count = codes.shape
    stream = (codes[:, :, None] >> np.arange(bits) & 1).astype("u1").reshape(rows, count * bits)
    stream = np.pad(stream, ((0, 0), (0, -count * bits % 32)))
    return np.packbits(stream, axis=1, bitorder="little").view("<i4")


def undense(words, count, bits):
    stream = np.unpackbits(np.ascontiguousarray(words).view("u1"), axis=1, bitorder="little")[:, :count * bits]
    return (stream.reshape(len(words), count, bits).astype("i4") << np.arange(bits)).sum(axis=2)


def by_word(codes, bits):
    """As compressed-tensors wrote until 2025: whole codes only in a word."""
    per_word = 32 // bits
    codes = np.pad(codes, ((0, 0), (0, -codes.shape[1] % per_word))).astype("u4")
    codes = codes.reshape(len(codes), -1, per_word)
    return np.bitwise_or.reduce(codes << (np.arange(per_word, dtype="u4") * bits), axis=2).astype("u4").view("<i4")


ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def awq_pack(codes):
    """[in, out] to [in, out/8]: nibble n holds output ORDER[n]."""
    blocks = codes.reshape(len(codes), -1, 8)[:, :, ORDER].astype("u4")
    return np.bitwise_or.reduce(blocks << (np.arange(8, dtype="u4") * 4), axis=2).astype("u4").view("<i4")


def awq_unpack(words):
    nibbles = words.view("<u4")[:, :, None] >> (np.arange(8, dtype="u4") * 4) & 15
    codes = np.empty_like(nibbles)
    codes[:, :, ORDER] = nibbles
    return codes.reshape(len(words), -1).astype("i4")


def spread(values, rows, columns, group=None):
    """Group values of [out, groups] for every weight; group: of each column."""
    if values.size == 1:
        return np.broadcast_to(values.reshape(1, 1), (rows, columns))
    if group is None:
        high, wide = -(-rows // values.shape[0]), -(-columns // values.shape[1])
        return np.repeat(np.repeat(values, high, 0)[:rows], wide, 1)[:, :columns]
    return values[:, group]


class Weight:
    """Codes on an integer grid: unsigned [out, in], scales and zero points [out, groups], group of each column."""
    def __init__(self, codes, scales, zeros, bits, group):
        self.codes, self.scales, self.zeros, self.bits, self.group = codes, scales, zeros, bits, group

    def values(self):
        rows, columns = self.codes.shape
        zeros, scales = (spread(part, rows, columns, self.group) for part in (self.zeros, self.scales))
        return ((self.codes - zeros).astype("f4") * scales.astype("f4")).astype("f4")

    def same(self, other):
        return all(np.array_equal(a, b) for a, b in ((self.codes, other.codes), (self.scales.astype("f4"), other.scales.astype("f4")),
                                                     (self.zeros, other.zeros), (self.group, other.group)))


def weight(random, rows, columns, bits, size, symmetric, act_order=False, scale="<f2", lowest_zero=1):
    groups = -(-columns // size)
    codes = random.integers(0, 1 << bits, (rows, columns), dtype="i4")
    scales = (random.integers(1, 2000, (rows, groups)) / 65536).astype(scale)
    middle = 1 << bits - 1
    zeros = np.full((rows, groups), middle, "i4") if symmetric else random.integers(lowest_zero, 1 << bits, (rows, groups), dtype="i4")
    group = np.arange(columns) // size
    return Weight(codes, scales, zeros, bits, random.permutation(group) if act_order else group)


# Every layout: weights to stored tensors, and back.

def ct_arguments(bits, size=None, kind="int", symmetric=True, strategy=None, **more):
    return {"num_bits": bits, "type": kind, "symmetric": symmetric, "strategy": strategy or ("group" if size else "channel"),
            "group_size": size, "block_structure": None, "dynamic": False, "actorder": None, **more}


def ct_config(form, *arguments, targets=("Linear",), forms=None):
    groups = {f"group_{i}": {"targets": list(targets if len(arguments) == 1 else [f"re:.*{i}"]), "weights": each,
                             "input_activations": None, "output_activations": None, **({"format": forms[i]} if forms else {})}
              for i, each in enumerate(arguments)}
    return {"quant_method": "compressed-tensors", "format": form, "quantization_status": "compressed", "ignore": ["lm_head"],
            "config_groups": groups}


def ct_pack(module, w, symmetric, pack=dense, act_order=False):
    tensors = {f"{module}.weight_packed": pack(w.codes, w.bits), f"{module}.weight_scale": w.scales,
               f"{module}.weight_shape": np.array(w.codes.shape, "<i8")}
    if not symmetric:
        tensors[f"{module}.weight_zero_point"] = np.ascontiguousarray(pack(w.zeros.T, w.bits).T)
    if act_order:
        tensors[f"{module}.weight_g_idx"] = w.group.astype("<i4")
    return tensors


def ct_unpack(tensors, module, bits):
    rows, columns = (int(size) for size in tensors[f"{module}.weight_shape"][1])
    codes = undense(tensors[f"{module}.weight_packed"][1], columns, bits)
    scales = tensors[f"{module}.weight_scale"][1]
    zeros = np.full(scales.shape, 1 << bits - 1, "i4")
    if f"{module}.weight_zero_point" in tensors:
        zeros = undense(np.ascontiguousarray(tensors[f"{module}.weight_zero_point"][1].T), rows, bits).T
    size = -(-columns // scales.shape[1])
    stored = tensors.get(f"{module}.weight_g_idx")
    return Weight(codes, scales, zeros, bits, stored[1] if stored else np.arange(columns) // size)


def gptq(module, w, second=False):
    mask = (1 << w.bits) - 1
    zeros = w.zeros if second else (w.zeros - 1) & mask
    return {f"{module}.qweight": np.ascontiguousarray(dense(w.codes, w.bits).T), f"{module}.qzeros": dense(zeros.T, w.bits),
            f"{module}.scales": np.ascontiguousarray(w.scales.T), f"{module}.g_idx": w.group.astype("<i4")}


def gptq_read(tensors, module, bits, second=False):
    words, zero_words = tensors[f"{module}.qweight"][1], tensors[f"{module}.qzeros"][1]
    columns, rows = len(words) * 32 // bits, words.shape[1]
    zeros = undense(zero_words, rows, bits).T
    return Weight(undense(np.ascontiguousarray(words.T), columns, bits), tensors[f"{module}.scales"][1].T,
                  zeros if second else zeros + 1 & (1 << bits) - 1, bits, tensors[f"{module}.g_idx"][1])


def gptq_config(bits, size, act_order=False, symmetric=True, second=False):
    return {"quant_method": "gptq", "bits": bits, "group_size": size, "desc_act": act_order, "sym": symmetric, "lm_head": False,
            "checkpoint_format": "gptq_v2" if second else "gptq"}


def awq(module, w):
    return {f"{module}.qweight": awq_pack(np.ascontiguousarray(w.codes.T)), f"{module}.qzeros": awq_pack(np.ascontiguousarray(w.zeros.T)),
            f"{module}.scales": np.ascontiguousarray(w.scales.T)}


def awq_read(tensors, module):
    codes, scales = awq_unpack(tensors[f"{module}.qweight"][1]).T, tensors[f"{module}.scales"][1].T
    size = codes.shape[1] // scales.shape[1]
    return Weight(codes, scales, awq_unpack(tensors[f"{module}.qzeros"][1]).T, 4, np.arange(codes.shape[1]) // size)


def awq_config(size):
    return {"quant_method": "awq", "bits": 4, "group_size": size, "zero_point": True, "version": "gemm", "modules_to_not_convert": None}


def nibbles(codes):
    return (codes[:, 0::2] | codes[:, 1::2] << 4).astype("u1")


def unnibbles(stored):
    return np.stack([stored & 15, stored >> 4], axis=-1).reshape(*stored.shape[:-1], -1)


def dynamic_map():
    levels = [0.0, 1.0]
    for i in range(7):
        points = np.linspace(0.1, 1, 2 ** i + 1)
        middles = (points[:-1] + points[1:]) / 2 * 10.0 ** (i - 6)
        levels += list(middles) + list(-middles)
    return np.sort(np.array(levels, "f4"))


def bnb4(name, random, shape, kind, nested, block=64):
    """Stored tensors and the values they stand for."""
    count = int(np.prod(shape))
    codes = random.integers(0, 16, count, dtype="u1")
    padded = np.pad(codes, (0, count % 2))
    blocks = -(-count // block)
    table = NF4 if kind == "nf4" else FP4
    tensors = {name: (padded[0::2] << 4 | padded[1::2]).reshape(-1, 1), f"{name}.quant_map": table}
    state = {"quant_type": kind, "blocksize": block, "dtype": "float16", "shape": list(shape)}
    if nested:
        stored, levels, offset = random.integers(0, 256, blocks, dtype="u1"), dynamic_map(), np.float32(0.03125)
        peaks = random.uniform(0.001, 0.01, -(-blocks // 256)).astype("f4")
        scales = levels[stored] * np.repeat(peaks, 256)[:blocks] + offset
        tensors |= {f"{name}.absmax": stored, f"{name}.nested_absmax": peaks, f"{name}.nested_quant_map": levels}
        state |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": float(offset)}
    else:
        scales = random.uniform(0.01, 0.1, blocks).astype("f4")
        tensors[f"{name}.absmax"] = scales
    tensors[f"{name}.quant_state.bitsandbytes__{kind}"] = np.frombuffer(json.dumps(state).encode(), "u1")
    return tensors, (table[codes] * np.repeat(scales, block)[:count]).reshape(shape).astype("f4")


def bnb4_read(tensors, name, kind):
    state = json.loads(bytes(tensors[f"{name}.quant_state.bitsandbytes__{kind}"][1]))
    count = int(np.prod(state["shape"]))
    stored = tensors[name][1].reshape(-1)
    codes = np.stack([stored >> 4, stored & 15], axis=1).reshape(-1)[:count]
    scales = tensors[f"{name}.absmax"][1]
    if f"{name}.nested_absmax" in tensors:
        peaks = np.repeat(tensors[f"{name}.nested_absmax"][1], state["nested_blocksize"])[:len(scales)]
        scales = tensors[f"{name}.nested_quant_map"][1][scales] * peaks + np.float32(state["nested_offset"])
    return (tensors[f"{name}.quant_map"][1][codes] * np.repeat(scales, state["blocksize"])[:count]).reshape(state["shape"])


def bnb_config(kind, nested):
    return {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": kind, "bnb_4bit_use_double_quant": nested}


def finite_e4m3(random, shape, positive=False):
    codes = random.integers(0, 127, shape, dtype="u1")
    return codes if positive else codes | random.integers(0, 2, shape, dtype="u1") << 7


def two_of_four(random, rows, columns):
    """Two places of every four in a row."""
    order = random.random((rows, columns // 4, 4)).argsort(-1)
    return (order < 2).reshape(rows, columns)


def sparse_samples(random, rows, columns):
    """(label, (stored values, what they stand for, their type, words of the form), scales) of sparse matrices."""
    halves = random.normal(0, 1, (rows, columns)).astype("<f2")
    bytes8 = finite_e4m3(random, (rows, columns))
    for label in ("24", "bits"):
        yield label, (halves, halves.astype("f4"), "F16", "sparse-24-bitmask, F16" if label == "24" else "sparse-bitmask, F16"), None
        for name, count in (("channel", rows), ("tensor", 1)):
            yield f"{label}-{name}", (bytes8, E4M3[bytes8], "F8_E4M3", "F8_E4M3, scaled"), random.uniform(0.001, 0.01, (count, 1) if count > 1 else 1).astype("f4")


def samples(random):
    """Every format once or more: {label: (tensors, config, other files, {weight: values}, form)}."""
    found = {}
    rows, columns = 32, 96

    def grid(label, module_tensors, config, w, form, files=None):
        found[label] = ({**module_tensors, "model.norm.weight": np.ones(8, "f4")}, config, files or {}, {"m.0.weight": w.values()}, form)

    for bits in range(2, 9):
        for pack, era in ((dense, "dense"), (by_word, "words")):
            w = weight(random, rows, columns, bits, 32, bits % 2 == 0)
            grid(f"ct-{bits}-{era}", ct_pack("m.0", w, bits % 2 == 0, pack),
                 ct_config("pack-quantized", ct_arguments(bits, 32, symmetric=bits % 2 == 0)), w, f"{bits} bit, groups of 32")
    w = weight(random, rows, columns, 4, 32, False, True, "<f4")
    grid("ct-order", ct_pack("m.0", w, False, act_order=True), ct_config("pack-quantized", ct_arguments(4, 32, symmetric=False, actorder="group")),
         w, "act-order")
    w = weight(random, rows, columns, 4, columns, True)
    grid("ct-channel", ct_pack("m.0", w, True), ct_config("pack-quantized", ct_arguments(4)), w, "a scale per output channel")
    a, b = weight(random, rows, columns, 4, 32, True), weight(random, rows, columns, 8, columns, True)
    found["ct-mixed"] = (ct_pack("m.0", a, True) | {"m.1.weight": (b.codes - 128).astype("i1"), "m.1.weight_scale": b.scales},
                         ct_config("mixed-precision", ct_arguments(4, 32), ct_arguments(8), forms=["pack-quantized", "int-quantized"]), {},
                         {"m.0.weight": a.values(), "m.1.weight": b.values()}, "")
    for strategy, size, symmetric in (("channel", columns, True), ("tensor", columns, False)):
        w = weight(random, rows, columns, 8, size, symmetric)
        if strategy == "tensor":
            w.scales, w.zeros = w.scales[:1].reshape(1), w.zeros[:1].reshape(1)
        tensors = {"m.0.weight": (w.codes - 128).astype("i1"), "m.0.weight_scale": w.scales}
        if not symmetric:
            tensors["m.0.weight_zero_point"] = (w.zeros - 128).astype("i1")
        grid(f"ct-int-{strategy}", tensors, ct_config("int-quantized", ct_arguments(8, symmetric=symmetric, strategy=strategy)), w, "int-quantized")
    for strategy, shape, block in (("tensor", (1,), None), ("channel", (rows, 1), None), ("block", (2, 3), [16, 32])):
        codes, scales = finite_e4m3(random, (rows, columns)), random.uniform(0.001, 0.01, shape).astype("f4")
        found[f"ct-float-{strategy}"] = (
            {"m.0.weight": Typed("F8_E4M3", codes), "m.0.weight_scale": scales},
            ct_config("float-quantized", ct_arguments(8, kind="float", strategy=strategy, **({"block_structure": block} if block else {}))), {},
            {"m.0.weight": E4M3[codes] * spread(scales, rows, columns)}, "float-quantized")
    codes, scales = random.integers(0, 16, (rows, columns), dtype="u1"), finite_e4m3(random, (rows, columns // 16), True)
    second = np.array([random.uniform(100, 3000)], "<f4")
    found["ct-nvfp4"] = ({"m.0.weight_packed": nibbles(codes), "m.0.weight_scale": Typed("F8_E4M3", scales), "m.0.weight_global_scale": second},
                         ct_config("nvfp4-pack-quantized", ct_arguments(4, 16, "float", strategy="tensor_group")), {},
                         {"m.0.weight": E2M1[codes] * spread(E4M3[scales] / second, rows, columns)}, "NVFP4")
    found["modelopt"] = ({"m.0.weight": nibbles(codes), "m.0.weight_scale": Typed("F8_E4M3", scales), "m.0.weight_scale_2": second[0] * 0 + 1 / second},
                         None, {"hf_quant_config.json": {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4", "group_size": 16}}},
                         {"m.0.weight": E2M1[codes] * spread(E4M3[scales] * (1 / second), rows, columns)}, "ModelOpt")
    exponents = random.integers(110, 130, (rows, columns // 32), dtype="u1")
    found["ct-mxfp4"] = ({"m.0.weight_packed": nibbles(codes), "m.0.weight_scale": exponents},
                         ct_config("mxfp4-pack-quantized", ct_arguments(4, 32, "float")), {},
                         {"m.0.weight": E2M1[codes] * spread(E8M0[exponents], rows, columns)}, "MXFP4")
    bytes8 = finite_e4m3(random, (rows, columns))
    found["ct-mxfp8"] = ({"m.0.weight": Typed("F8_E4M3", bytes8), "m.0.weight_scale": exponents},
                         ct_config("mxfp8-quantized", ct_arguments(8, 32, "float")), {},
                         {"m.0.weight": E4M3[bytes8] * spread(E8M0[exponents], rows, columns)}, "mxfp8")
    for label, values, scales in sparse_samples(random, rows, columns):
        pairs = label.startswith("24")
        codes, shown, kind, form = values
        kept = two_of_four(random, rows, columns) if pairs else random.random((rows, columns)) < 0.3
        counts = kept.sum(1)
        tensors = {"m.0.compressed": Typed(kind, codes[kept].reshape(rows, -1) if pairs else codes[kept]),
                   "m.0.bitmask": np.packbits(kept, axis=-1, bitorder="little"),
                   "m.0.shape": np.array([rows, columns], "i8").reshape((2, 1) if pairs else 2)}
        if not pairs:
            tensors["m.0.row_offsets"] = (np.cumsum(counts) - counts).astype("i8")
        factor = np.ones((rows, 1), "f4")
        if scales is not None:
            tensors["m.0.weight_scale"], factor = scales, scales.reshape(-1, 1)
        config = ct_config("dense" if scales is None else "float-quantized", ct_arguments(8, kind="float")) | {
            "sparsity_config": {"format": "sparse-24-bitmask" if pairs else "sparse-bitmask", "sparsity_structure": "2:4" if pairs else "unstructured"}}
        found["sparse-" + label] = (tensors, config, {}, {"m.0.weight": np.where(kept, shown * factor, 0).astype("f4")}, form)
    for bits in (2, 3, 4, 8):
        for second_version in (False, True):
            order = bits != 8
            w = weight(random, rows, columns, bits, 32, bits == 8, order, lowest_zero=0 if second_version else 1)
            grid(f"gptq-{bits}-{second_version}", gptq("m.0", w, second_version), gptq_config(bits, 32, order, bits == 8, second_version),
                 w, f"GPTQ, {bits} bit, groups of 32" + (", act-order" if order else ""))
    w = weight(random, rows, 160, 4, 128, True)
    grid("gptq-file", gptq("m.0", w), None, w, "groups of 128", {"quantize_config.json": {"bits": 4, "group_size": 128, "desc_act": False}})
    w = weight(random, rows, columns, 4, 32, False, lowest_zero=0)
    grid("awq", awq("m.0", w), awq_config(32), w, "AWQ, 4 bit, groups of 32")
    for kind in ("nf4", "fp4"):
        for nested in (False, True):
            tensors, values = bnb4("m.0.weight", random, (31, 77) if nested else (32, 64), kind, nested)
            found[f"bnb-{kind}-{nested}"] = (tensors, bnb_config(kind, nested), {}, {"m.0.weight": values}, f"bitsandbytes, {kind.upper()}")
    codes, scales = random.integers(-127, 128, (rows, columns)).astype("i1"), random.uniform(0.1, 1, rows).astype("f4")
    found["bnb-int8"] = ({"m.0.weight": codes, "m.0.SCB": scales, "m.0.weight_format": np.zeros(1, "u1")},
                         {"quant_method": "bitsandbytes", "load_in_8bit": True}, {},
                         {"m.0.weight": codes.astype("f4") * (scales / np.float32(127))[:, None]}, "int8")
    codes, scales = finite_e4m3(random, (200, 300)), random.uniform(0.001, 0.01, (2, 3)).astype("f4")
    found["fp8-blocks"] = ({"m.0.weight": Typed("F8_E4M3", codes), "m.0.weight_scale_inv": scales},
                           {"quant_method": "fp8", "weight_block_size": [128, 128], "fmt": "e4m3"}, {},
                           {"m.0.weight": E4M3[codes] * np.repeat(np.repeat(scales, 128, 0), 128, 1)[:200, :300]}, "blocks of 128 x 128")
    codes, exponents = random.integers(0, 16, (3, 8, 2, 32), dtype="u1"), random.integers(110, 130, (3, 8, 2), dtype="u1")
    found["gpt-oss"] = ({"m.0_blocks": codes[..., 0::2] | codes[..., 1::2] << 4, "m.0_scales": exponents, "m.0_bias": np.ones((3, 8), "f4")},
                        {"quant_method": "mxfp4"}, {}, {"m.0.weight": (E2M1[codes] * E8M0[exponents][..., None]).reshape(3, 8, 64)}, "MXFP4")
    for label, high, bits in (("plain", 1, 6), ("plain-blocks", 16, 4)):
        codes, symmetric = random.integers(0, 1 << bits, (rows, columns), dtype="i4"), high == 1
        scales = (random.integers(1, 2000, (rows // high, columns // 32)) / 65536).astype("<f2")
        zeros = np.full(scales.shape, 1 << bits - 1, "i4") if symmetric else random.integers(0, 1 << bits, scales.shape, dtype="i4")
        parts = {"m.0.weight.codes": (codes - (1 << bits - 1)).astype("i1") if symmetric else codes.astype("u1"), "m.0.weight.scales": scales}
        found[label] = (parts if symmetric else parts | {"m.0.weight.zeros": zeros.astype("u1")},
                        {"quant_method": "plain-codes", "weights": {"m.0.weight": {"bits": bits, "symmetric": symmetric, "group": [high, 32]}}}, {},
                        {"m.0.weight": (codes - spread(zeros, rows, columns)).astype("f4") * spread(scales, rows, columns).astype("f4")}, "plain codes")
    return found


if __name__ == "__main__":  # a folder for each sample, or with "corpus" one file each for the fuzzer, the small ones
    import pathlib
    import sys
    target = pathlib.Path(sys.argv[1])
    for label, (tensors, config, files, _, _) in samples(np.random.default_rng(1)).items():
        folder = save(target / label, tensors, config, files)
        if sys.argv[2:] == ["corpus"]:
            content = (folder / "model.safetensors").read_bytes()
            described = (folder / "config.json").read_bytes() if (folder / "config.json").exists() else b""
            for file in [*folder.iterdir()]:
                file.unlink()
            folder.rmdir()
            if len(content) < 8000:
                folder.write_bytes(described + b"\0" + content)
