# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluates an ONNX model with NumPy in double precision: an account of the operators that shares nothing with the
engine. Writes the inputs that it drew and the outputs that they give as TensorProto files, input_0.pb, output_0.pb, ...

    reference_onnx.py MODEL FOLDER INPUT...

INPUT: "float:1,3,8,8" (uniform in [-1, 1)), "int32:2,16:0:257" (whole numbers in [0, 257)), "int64::16000:16001".
"""
import functools
import struct
import sys

import numpy as np

TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}
NUMBERS = {np.dtype(t): n for n, t in TYPES.items()}


# The wire format of protocol buffers.

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(key & 7)
            if size is None:
                size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        yield key >> 3, key & 7, value


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def integers(kind, value):
    if kind == 0:
        return [signed(value)]
    found, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        found.append(signed(number))
    return found


def tensor(data):
    shape, number, raw, name = [], 1, None, ""
    lists = {4: [], 5: [], 7: []}
    for field, kind, value in fields(data):
        if field == 1:
            shape += integers(kind, value)
        elif field == 2:
            number = value
        elif field == 8:
            name = bytes(value).decode()
        elif field == 9:
            raw = bytes(value)
        elif field == 4:
            lists[4] += np.frombuffer(value, "<f4").tolist()
        elif field in (5, 7):
            lists[field] += integers(kind, value)
    dtype = TYPES[number]
    if raw is not None:
        values = np.frombuffer(raw, dtype)
    else:
        values = np.array(lists[{1: 4, 7: 7}.get(number, 5)], dtype)
    return name, wide(values.reshape(shape))


def wide(values):
    return values.astype(np.float64) if values.dtype == np.float32 else values


def attribute(data):
    name, found, ints, floats, kind_of = "", None, [], [], 0
    for field, kind, value in fields(data):
        if field == 1:
            name = bytes(value).decode()
        elif field == 2:
            found = struct.unpack("<f", value)[0]
        elif field == 3:
            found = signed(value)
        elif field == 4:
            found = bytes(value).decode()
        elif field == 5:
            found = tensor(value)[1]
        elif field == 6:
            found = Graph(value)
        elif field == 7:
            floats += np.frombuffer(value, "<f4").tolist()
        elif field == 8:
            ints += integers(kind, value)
        elif field == 9:
            ints.append(bytes(value).decode())
        elif field == 20:
            kind_of = value
    if kind_of in (7, 8) or ints:
        found = ints
    if kind_of == 6 or floats:
        found = floats
    return name, found


class Node:
    def __init__(self, data):
        self.inputs, self.outputs, self.op, self.attributes = [], [], "", {}
        for field, _, value in fields(data):
            if field == 1:
                self.inputs.append(bytes(value).decode())
            elif field == 2:
                self.outputs.append(bytes(value).decode())
            elif field == 4:
                self.op = bytes(value).decode()
            elif field == 5:
                name, found = attribute(value)
                self.attributes[name] = found


class Graph:
    def __init__(self, data):
        self.nodes, self.tensors, self.inputs, self.outputs = [], {}, [], []
        for field, _, value in fields(data):
            if field == 1:
                self.nodes.append(Node(value))
            elif field == 5:
                name, values = tensor(value)
                self.tensors[name] = values
            elif field in (11, 12):
                name = next(bytes(v).decode() for f, _, v in fields(value) if f == 1)
                (self.inputs if field == 11 else self.outputs).append(name)

    def run(self, given, outer=None):
        known = dict(outer or {})
        known.update(self.tensors)
        known.update(given)
        for node in self.nodes:
            inputs = [known[name] if name else None for name in node.inputs]
            results = evaluate(node, inputs, known)
            known.update(zip(node.outputs, results))
        return [known[name] for name in self.outputs]


# The operators, each from its description in ONNX.

def at(inputs, index):
    return inputs[index] if index < len(inputs) else None


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def windows(x, kernel, strides, dilations, pads, fill):
    """x [N, C, spatial...] as [N, C, out..., kernel...]."""
    rank = len(kernel)
    x = np.pad(x, [(0, 0), (0, 0)] + [(pads[i], pads[rank + i]) for i in range(rank)], constant_values=fill)
    out = [(x.shape[2 + i] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i in range(rank)]
    for i in range(rank):
        places = np.arange(out[i])[:, None] * strides[i] + np.arange(kernel[i])[None, :] * dilations[i]
        x = np.moveaxis(np.take(x, places, axis=2 + i), 3 + i, -1)
    return x


def window_settings(node, x, kernel):
    rank = len(kernel)
    a = node.attributes
    assert a.get("auto_pad", "NOTSET") in ("NOTSET", ""), "padding must be stated"
    return a.get("strides", [1] * rank), a.get("dilations", [1] * rank), a.get("pads", [0] * 2 * rank)


def conv(node, x, w, bias):
    group = node.attributes.get("group", 1)
    kernel = list(w.shape[2:])
    strides, dilations, pads = window_settings(node, x, kernel)
    parts = windows(x, kernel, strides, dilations, pads, 0)
    inputs, outputs, rank = x.shape[1] // group, w.shape[0] // group, len(kernel)
    results = []
    for g in range(group):
        part = parts[:, g * inputs:(g + 1) * inputs]
        weights = w[g * outputs:(g + 1) * outputs]
        taps = [1] + list(range(2 + rank, 2 + 2 * rank))
        results.append(np.moveaxis(np.tensordot(part, weights, (taps, list(range(1, 2 + rank)))), -1, 1))
    y = np.concatenate(results, 1)
    return y if bias is None else y + bias.reshape([1, -1] + [1] * rank)


def conv_transpose(node, x, w, bias):
    """Scatters each input element times its kernel into the output."""
    group, kernel = node.attributes.get("group", 1), list(w.shape[2:])
    strides, dilations, pads = window_settings(node, x, kernel)
    rank = len(kernel)
    extra = node.attributes.get("output_padding", [0] * rank)
    full = [strides[i] * (x.shape[2 + i] - 1) + dilations[i] * (kernel[i] - 1) + 1 + extra[i] for i in range(rank)]
    inputs, outputs = x.shape[1] // group, w.shape[1]
    y = np.zeros([x.shape[0], outputs * group] + full)
    for g in range(group):
        part, weights = x[:, g * inputs:(g + 1) * inputs], w[g * inputs:(g + 1) * inputs]
        for tap in np.ndindex(*kernel):
            product = np.moveaxis(np.tensordot(part, weights[(slice(None), slice(None)) + tap], ([1], [0])), -1, 1)
            place = tuple(slice(tap[i] * dilations[i], tap[i] * dilations[i] + strides[i] * (x.shape[2 + i] - 1) + 1,
                                strides[i]) for i in range(rank))
            y[(slice(None), slice(g * outputs, (g + 1) * outputs)) + place] += product
    y = y[(slice(None), slice(None)) + tuple(slice(pads[i], full[i] - pads[rank + i]) for i in range(rank))]
    return y if bias is None else y + bias.reshape([1, -1] + [1] * rank)


def recurrent(node, inputs, step, gates):
    """x [time, batch, in]; directions one after the other; `step` takes and gives (h, c)."""
    x, w, r = inputs[:3]
    hidden = node.attributes["hidden_size"]
    bias = at(inputs, 3)
    direction = node.attributes.get("direction", "forward")
    outputs, last_h, last_c = [], [], []
    for d in range(w.shape[0]):
        h = at(inputs, 5)[d] if at(inputs, 5) is not None else np.zeros((x.shape[1], hidden))
        c = at(inputs, 6)[d] if at(inputs, 6) is not None else np.zeros((x.shape[1], hidden))
        b = bias[d] if bias is not None else np.zeros(2 * gates * hidden)
        times = list(range(x.shape[0]))
        if direction == "reverse" or d == 1:
            times.reverse()
        ys = [None] * x.shape[0]
        for t in times:
            h, c = step(x[t], h, c, w[d], r[d], b[:gates * hidden], b[gates * hidden:], hidden)
            ys[t] = h
        outputs.append(np.stack(ys))
        last_h.append(h)
        last_c.append(c)
    return [np.stack(outputs, 1), np.stack(last_h), np.stack(last_c)]


def lstm_step(x, h, c, w, r, wb, rb, n):
    i, o, f, g = np.split(x @ w.T + h @ r.T + wb + rb, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(linear_before_reset):
    def step(x, h, c, w, r, wb, rb, n):
        z = sigmoid(x @ w[:n].T + h @ r[:n].T + wb[:n] + rb[:n])
        reset = sigmoid(x @ w[n:2 * n].T + h @ r[n:2 * n].T + wb[n:2 * n] + rb[n:2 * n])
        if linear_before_reset:
            new = np.tanh(x @ w[2 * n:].T + wb[2 * n:] + reset * (h @ r[2 * n:].T + rb[2 * n:]))
        else:
            new = np.tanh(x @ w[2 * n:].T + wb[2 * n:] + (reset * h) @ r[2 * n:].T + rb[2 * n:])
        return (1 - z) * new + z * h, c
    return step


def sliced(node, inputs):
    x = inputs[0]
    a = node.attributes
    starts, ends = (a["starts"], a["ends"]) if "starts" in a else (inputs[1].tolist(), inputs[2].tolist())
    axes = a.get("axes") if "starts" in a else (at(inputs, 3).tolist() if at(inputs, 3) is not None else None)
    steps = at(inputs, 4).tolist() if at(inputs, 4) is not None else [1] * len(starts)
    cut = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes or range(len(starts)), starts, ends, steps):
        cut[axis] = slice(start, None if step < 0 and end < -x.shape[axis] else end, step)
    return x[tuple(cut)]


def reduced(function, node, inputs):
    axes = node.attributes.get("axes")
    if at(inputs, 1) is not None:
        axes = inputs[1].tolist()
    return function(inputs[0], axis=tuple(axes) if axes else None, keepdims=node.attributes.get("keepdims", 1) == 1)


def padded(node, inputs):
    x, mode = inputs[0], node.attributes.get("mode", "constant")
    pads = node.attributes.get("pads") or inputs[1].tolist()
    widths = [(pads[i], pads[x.ndim + i]) for i in range(x.ndim)]
    if mode != "constant":
        return np.pad(x, widths, mode=mode)
    fill = node.attributes.get("value", 0) if at(inputs, 2) is None else inputs[2].item()
    return np.pad(x, widths, constant_values=fill)


def axes_of(node, inputs):
    if "axes" in node.attributes:
        return node.attributes["axes"]
    return at(inputs, 1).tolist() if at(inputs, 1) is not None else None


def reshaped(x, shape):
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape.tolist())])


def unsqueezed(x, axes):
    rank = x.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = np.expand_dims(x, axis)
    return x


def scattered(x, indices, updates):
    y = x.copy()
    for place in np.ndindex(*indices.shape[:-1]):
        y[tuple(indices[place])] = updates[place]
    return y


def pooled(node, x):
    kernel = node.attributes["kernel_shape"]
    strides, dilations, pads = window_settings(node, x, kernel)
    assert node.attributes.get("ceil_mode", 0) == 0
    parts = windows(x, kernel, strides, dilations, pads, -np.inf)
    return parts.max(axis=tuple(range(2 + len(kernel), 2 + 2 * len(kernel))))


def channels(values, x):
    return values.reshape([1, -1] + [1] * (x.ndim - 2))


def normalized(node, x, scale, bias, mean, variance):
    spread = np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    return (x - channels(mean, x)) / channels(spread, x) * channels(scale, x) + channels(bias, x)


def softmax(node, x):
    axis = node.attributes.get("axis", 1 if OPSET < 13 else -1)
    rows = x.reshape(int(np.prod(x.shape[:axis])), -1) if OPSET < 13 and axis >= 0 else np.moveaxis(x, axis, -1)
    powers = np.exp(rows - rows.max(-1, keepdims=True))
    result = powers / powers.sum(-1, keepdims=True)
    return result.reshape(x.shape) if OPSET < 13 and axis >= 0 else np.moveaxis(result, -1, axis)


def cast(x, number):
    return wide(x.astype(TYPES[number]))


def clipped(node, inputs):
    low = node.attributes.get("min", -np.inf) if at(inputs, 1) is None else inputs[1]
    high = node.attributes.get("max", np.inf) if at(inputs, 2) is None else inputs[2]
    return np.minimum(np.maximum(inputs[0], low), high)


def divided(a, b):
    return a / b if a.dtype == np.float64 else np.trunc(a / b).astype(a.dtype)


SIMPLE = {
    "Add": lambda n, i: i[0] + i[1], "Sub": lambda n, i: i[0] - i[1], "Mul": lambda n, i: i[0] * i[1],
    "Div": lambda n, i: divided(*i), "Pow": lambda n, i: np.power(i[0], i[1]).astype(i[0].dtype),
    "Sqrt": lambda n, i: np.sqrt(i[0]), "Exp": lambda n, i: np.exp(i[0]), "Tanh": lambda n, i: np.tanh(i[0]),
    "Reciprocal": lambda n, i: 1 / i[0], "Sigmoid": lambda n, i: sigmoid(i[0]), "Relu": lambda n, i: np.maximum(i[0], 0),
    "HardSigmoid": lambda n, i: np.clip(n.attributes.get("alpha", .2) * i[0] + n.attributes.get("beta", .5), 0, 1),
    "PRelu": lambda n, i: np.where(i[0] < 0, i[0] * i[1], i[0]), "Clip": clipped,
    "Max": lambda n, i: functools.reduce(np.maximum, i), "Not": lambda n, i: ~i[0], "Equal": lambda n, i: np.equal(*i),
    "Identity": lambda n, i: i[0], "MatMul": lambda n, i: i[0] @ i[1], "Softmax": lambda n, i: softmax(n, i[0]),
    "Cast": lambda n, i: cast(i[0], n.attributes["to"]), "Shape": lambda n, i: np.array(i[0].shape, np.int64),
    "Size": lambda n, i: np.array(i[0].size, np.int64), "Reshape": lambda n, i: reshaped(*i),
    "Transpose": lambda n, i: np.transpose(i[0], n.attributes.get("perm")),
    "Concat": lambda n, i: np.concatenate(i, n.attributes["axis"]), "Slice": sliced, "Pad": padded,
    "Gather": lambda n, i: np.take(i[0], i[1], n.attributes.get("axis", 0)),
    "Unsqueeze": lambda n, i: unsqueezed(i[0], axes_of(n, i)),
    "Squeeze": lambda n, i: np.squeeze(i[0], None if axes_of(n, i) is None else tuple(axes_of(n, i))),
    "Expand": lambda n, i: i[0] * np.ones(i[1].tolist(), i[0].dtype), "ScatterND": lambda n, i: scattered(*i),
    "Constant": lambda n, i: np.array(next(iter(n.attributes.values()))),
    "ConstantOfShape": lambda n, i: np.full(i[0].tolist(), n.attributes.get("value", np.zeros(1)).item()),
    "ReduceMean": lambda n, i: reduced(np.mean, n, i), "ReduceSum": lambda n, i: reduced(np.sum, n, i),
    "ReduceMax": lambda n, i: reduced(np.max, n, i),
    "GlobalAveragePool": lambda n, i: i[0].mean(tuple(range(2, i[0].ndim)), keepdims=True),
    "GlobalMaxPool": lambda n, i: i[0].max(tuple(range(2, i[0].ndim)), keepdims=True),
    "MaxPool": lambda n, i: pooled(n, i[0]), "BatchNormalization": lambda n, i: normalized(n, *i),
    "Conv": lambda n, i: conv(n, i[0], i[1], at(i, 2)), "ConvTranspose": lambda n, i: conv_transpose(n, i[0], i[1], at(i, 2)),
}


def evaluate(node, inputs, known):
    if node.op == "If":
        branch = node.attributes["then_branch" if inputs[0].item() else "else_branch"]
        return branch.run({}, known)
    if node.op == "LSTM":
        return recurrent(node, inputs, lstm_step, 4)
    if node.op == "GRU":
        return recurrent(node, inputs, gru_step(node.attributes.get("linear_before_reset", 0)), 3)
    return [SIMPLE[node.op](node, inputs)]


def save(path, values):
    values = np.asarray(values, np.float32 if values.dtype == np.float64 else None)
    data = b"".join(b"\x08" + encoded(size) for size in values.shape) + b"\x10" + encoded(NUMBERS[values.dtype])
    raw = values.tobytes()
    with open(path, "wb") as file:
        file.write(data + b"\x4a" + encoded(len(raw)) + raw)


def encoded(value):
    data = b""
    while value >= 128:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def drawn(text, random):
    kind, shape, *span = text.split(":")
    shape = [int(size) for size in shape.split(",") if size]
    if kind == "float":
        return random.uniform(-1, 1, shape).astype(np.float32)
    return random.integers(int(span[0]), int(span[1]), shape).astype(kind)


OPSET = 0


def main(path, folder, *texts):
    global OPSET
    with open(path, "rb") as file:
        data = memoryview(file.read())
    graph = next(Graph(value) for field, _, value in fields(data) if field == 7)
    for field, _, value in fields(data):
        if field == 8:
            parts = {f: v for f, _, v in fields(value)}
            if not bytes(parts.get(1, b"")):
                OPSET = parts[2]
    random = np.random.default_rng(1)
    inputs = [np.asarray(drawn(text, random)) for text in texts]
    names = [name for name in graph.inputs if name not in graph.tensors]
    for i, values in enumerate(inputs):
        save(f"{folder}/input_{i}.pb", values)
    outputs = graph.run({name: wide(values) for name, values in zip(names, inputs)})
    for i, values in enumerate(outputs):
        save(f"{folder}/output_{i}.pb", np.asarray(values))


if __name__ == "__main__":
    main(*sys.argv[1:])
