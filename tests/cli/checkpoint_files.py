# SPDX-License-Identifier: GPL-3.0-or-later
"""Safetensors and GGUF files, read and written by their documentation alone."""
import json
import struct

import numpy

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?"}


def read_safetensors(path):
    """{name: array} and the file's metadata."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + length])
    metadata = header.pop("__metadata__", {})
    data = content[8 + length:]
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if entry["dtype"] == "BF16":
            values = (numpy.frombuffer(data[begin:end], "<u2").astype("<u4") << 16).view("<f4")
        else:
            values = numpy.frombuffer(data[begin:end], TYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors, metadata


def safetensors_bytes(tensors, metadata=None):
    names = {numpy.dtype(code): name for name, code in TYPES.items()}
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, values in tensors.items():
        stored = numpy.ascontiguousarray(values).tobytes()
        header[name] = {"dtype": names[values.dtype], "shape": list(values.shape),
                        "data_offsets": [len(data), len(data) + len(stored)]}
        data += stored
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def write_safetensors(path, tensors, metadata=None):
    path.write_bytes(safetensors_bytes(tensors, metadata))
    return path


def _text(content, at):
    (length,) = struct.unpack_from("<Q", content, at)
    return content[at + 8:at + 8 + length].decode(), at + 8 + length


_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def _value(content, at, kind):
    if kind == 8:
        return _text(content, at)
    if kind == 9:
        inner, count = struct.unpack_from("<IQ", content, at)
        at += 12
        values = []
        for _ in range(count):
            value, at = _value(content, at, inner)
            values.append(value)
        return values, at
    form = "<" + _NUMBERS[kind]
    return struct.unpack_from(form, content, at)[0], at + struct.calcsize(form)


def read_gguf(path):
    """{name: (type number, sizes with the outermost first, offset of the data in the file)} and the metadata."""
    content = path.read_bytes()
    magic, version, tensors, pairs = struct.unpack_from("<4sIQQ", content)
    assert magic == b"GGUF" and version == 3
    at, metadata, found = 24, {}, {}
    for _ in range(pairs):
        key, at = _text(content, at)
        (kind,) = struct.unpack_from("<I", content, at)
        metadata[key], at = _value(content, at + 4, kind)
    for _ in range(tensors):
        name, at = _text(content, at)
        (rank,) = struct.unpack_from("<I", content, at)
        sizes = struct.unpack_from(f"<{rank}Q", content, at + 4)
        kind, offset = struct.unpack_from("<IQ", content, at + 4 + 8 * rank)
        at += 16 + 8 * rank
        found[name] = (kind, sizes[::-1], offset)
    alignment = metadata.get("general.alignment", 32)
    start = (at + alignment - 1) // alignment * alignment
    return {name: (kind, shape, start + offset) for name, (kind, shape, offset) in found.items()}, metadata


def _packed_text(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _packed(value):
    """A metadata value with its type: whole numbers as U32, texts, truth values, numbers as F32, and lists of texts."""
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _packed_text(value)
    return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_packed_text, value))


def write_gguf(path, tensors, metadata):
    """Version 3; `tensors` are F32 arrays by name."""
    header = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    header += b"".join(_packed_text(key) + _packed(value) for key, value in metadata.items())
    data = b""
    for name, values in tensors.items():
        sizes = values.shape[::-1]
        header += _packed_text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, 0, len(data))
        data += values.astype("<f4").tobytes()
        data += bytes(-len(data) % 32)
    path.write_bytes(header + bytes(-len(header) % 32) + data)
    return path
