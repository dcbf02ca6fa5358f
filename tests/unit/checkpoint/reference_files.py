# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints read and written without the product: by Python's own pickle, zipfile and tarfile, and by NumPy.

reference_files.py read FOLDER FILE...   writes FOLDER/<n>.index, a line "name dtype sizes" per tensor in order of names,
                                         and FOLDER/<n>.values, all values as doubles, complex ones as two
reference_files.py make FOLDER           writes PyTorch and NumPy files of many kinds into FOLDER
"""
import collections
import io
import pickle
import struct
import sys
import tarfile
import types
import zipfile

import numpy

STORAGES = {"DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "BFloat16Storage": "bf16", "LongStorage": "i8",
            "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "b1",
            "ComplexFloatStorage": "c8", "UntypedStorage": "u1"}
DTYPES = {"float64": "f8", "float32": "f4", "float16": "f2", "bfloat16": "bf16", "int64": "i8", "uint16": "u2", "uint8": "u1"}
NAMES = {"f8": "F64", "f4": "F32", "f2": "F16", "bf16": "BF16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8", "u1": "U8",
         "u2": "U16", "u4": "U32", "u8": "U64", "b1": "BOOL", "c8": "C64"}
MAGIC = 0x1950A86A20F9469CFC6C


class Tensor:
    """Elements of a run of bytes."""

    def __init__(self, kind, data, first, shape, strides):
        self.kind, self.data, self.first, self.shape, self.strides = kind, data, first, tuple(shape), tuple(strides)

    def values(self):
        stored = numpy.frombuffer(self.data, "<u2" if self.kind == "bf16" else "<" + self.kind)
        if self.kind == "bf16":
            stored = (stored.astype("<u4") << 16).view("<f4")
        places = numpy.full(self.shape, self.first, "i8")
        for axis, stride in enumerate(self.strides):
            sizes = [1] * len(self.shape)
            sizes[axis] = -1
            places += (numpy.arange(self.shape[axis]) * stride).reshape(sizes)
        return stored[places]


# --- reading ---

class Unpickler(pickle.Unpickler):
    def __init__(self, stream, storages, keyed=None):
        super().__init__(stream, encoding="latin1")
        self.storages, self.keyed = storages, keyed or {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if name in STORAGES:
            return STORAGES[name]
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        if name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return lambda storage, first, shape, strides, *rest: Tensor(*self.storage(storage), first, shape, strides)
        if name == "_rebuild_tensor_v3":
            return lambda storage, first, shape, strides, grad, hooks, kind: Tensor(kind, self.storage(storage)[1], first, shape, strides)
        if name == "_rebuild_parameter":
            return lambda tensor, *rest: tensor
        if name == "Size":
            return tuple
        if (module, name) == ("_codecs", "encode"):
            return lambda text, code: text.encode(code)
        return name

    def persistent_load(self, identity):
        return self.keyed[identity] if isinstance(identity, str) else identity

    def storage(self, identity):
        kind, key = identity[1], identity[2]
        return kind, self.storages(key, kind)


def width(kind):
    return 2 if kind == "bf16" else numpy.dtype(kind).itemsize


def read_torch_zip(archive):
    pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    folder = pickles[0][:-len("data.pkl")]
    return Unpickler(io.BytesIO(archive.read(pickles[0])), lambda key, kind: archive.read(folder + "data/" + key)).load()


def read_torch_legacy(stream):
    storages = {}
    for _ in range(3):
        Unpickler(stream, None).load()
    kinds = {}

    def note(key, kind):
        kinds[key] = kind
        return storages.setdefault(key, bytearray())

    state = Unpickler(stream, note).load()
    for key in pickle.load(stream):
        count, = struct.unpack("<q", stream.read(8))
        storages[key] += stream.read(count * width(kinds[key]))
    return state


def read_torch_tar(archive):
    storages, keyed = {}, {}
    stream = archive.extractfile("storages")
    for _ in range(pickle.load(stream)):
        key, _, kind = Unpickler(stream, None).load()
        count, = struct.unpack("<q", stream.read(8))
        storages[str(key)] = (kind, stream.read(count * width(kind)))
    if "tensors" in archive.getnames():
        stream = archive.extractfile("tensors")
        for _ in range(pickle.load(stream)):
            key, storage, _ = Unpickler(stream, None).load()
            axes, = struct.unpack("<q", stream.read(8))
            numbers = struct.unpack("<%dq" % (2 * axes + 1), stream.read(16 * axes + 8))
            keyed[str(key)] = Tensor(*storages[str(storage)], numbers[-1], numbers[:axes], numbers[axes:-1])
    return Unpickler(archive.extractfile("pickle"), lambda key, kind: storages[key][1], keyed).load()


def tensors_of(value, path=""):
    if isinstance(value, Tensor):
        yield path or "tensor", NAMES[value.kind], value.values()
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from tensors_of(item, (path + "." if path else "") + str(key))
    elif isinstance(value, (list, tuple)):
        for key, item in enumerate(value):
            yield from tensors_of(item, (path + "." if path else "") + str(key))


def read(path):
    if path.endswith((".npy", ".npz")):
        arrays = numpy.load(path)
        arrays = dict(arrays) if path.endswith(".npz") else {path.split("/")[-1][:-len(".npy")]: arrays}
        return [(name, NAMES[array.dtype.str[1:]], array) for name, array in arrays.items()]
    with open(path, "rb") as stream:
        if zipfile.is_zipfile(stream):
            return tensors_of(read_torch_zip(zipfile.ZipFile(path)))
        stream.seek(0)
        if stream.read(1) == b"\x80":
            stream.seek(0)
            return tensors_of(read_torch_legacy(stream))
    return tensors_of(read_torch_tar(tarfile.open(path)))


def write_values(prefix, tensors):
    with open(prefix + ".index", "w") as index, open(prefix + ".values", "wb") as values:
        for name, dtype, array in sorted(tensors, key=lambda tensor: tensor[0].encode()):
            index.write("%s\t%s\t%s\n" % (name, dtype, " ".join(map(str, array.shape))))
            wide = numpy.ascontiguousarray(array, "c16" if dtype == "C64" else "f8")
            values.write(wide.tobytes())


# --- writing ---

def module(name):
    return sys.modules.setdefault(name, types.ModuleType(name))


def stand_in(where, name):
    """Something that is pickled by this name."""
    thing = type(name, (), {"__module__": where})
    setattr(module(where), name, thing)
    return thing


REBUILD = {version: stand_in("torch._utils", "_rebuild_tensor" + version) for version in ("", "_v2", "_v3")}
PARAMETER = stand_in("torch._utils", "_rebuild_parameter")
SIZE = stand_in("torch", "Size")
CLASSES = {kind: stand_in("torch", name) for name, kind in STORAGES.items() if name != "UntypedStorage"}
UNTYPED = stand_in("torch.storage", "UntypedStorage")
TYPES = {kind: stand_in("torch", name) for name, kind in DTYPES.items()}


class Storage:
    def __init__(self, kind, data, key, untyped=False):
        self.kind, self.data, self.key, self.untyped = kind, bytes(data), key, untyped

    def identity(self, extra):
        count = len(self.data) // (1 if self.untyped else width(self.kind))
        return ("storage", UNTYPED if self.untyped else CLASSES[self.kind], self.key, "cpu", count) + extra


class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def view(storage, first, shape, strides, version="_v2", *more):
    arguments = [storage, first, tuple(shape), tuple(strides)]
    if version != "":
        arguments += [False, collections.OrderedDict()]
    return Call(REBUILD[version], *arguments, *more)


class Pickler(pickle._Pickler):  # the one in Python calls `persistent_id` and takes our stand-ins
    extra = ()

    def persistent_id(self, thing):
        return thing.identity(self.extra) if isinstance(thing, Storage) else None

    def save_global(self, thing, name=None):
        super().save_global(thing, name)


def dump(thing, protocol, extra=()):
    stream = io.BytesIO()
    pickler = Pickler(stream, protocol)
    pickler.extra = extra
    pickler.dump(thing)
    return stream.getvalue()


def make_zip(path, state, storages, protocol=2, byteorder="little", folder="archive"):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(folder + "/data.pkl", dump(state, protocol))
        archive.writestr(folder + "/byteorder", byteorder)
        for storage in storages:
            archive.writestr(folder + "/data/" + storage.key, storage.data)
        archive.writestr(folder + "/version", "3\n")


def make_legacy(path, state, storages, little=True):
    with open(path, "wb") as stream:
        for thing in (MAGIC, 1001, {"protocol_version": 1001, "little_endian": little, "type_sizes": {"int": 4}}):
            stream.write(dump(thing, 2))
        stream.write(dump(state, 2, (None,)))
        stream.write(dump([storage.key for storage in storages], 2))
        for storage in storages:
            stream.write(struct.pack("<q", len(storage.data) // width(storage.kind)) + storage.data)


def make_tar(path, tensors, storages, views):
    """The oldest form: the pickle names tensors by number, everything else lies beside it."""

    class Named:
        def __init__(self, number):
            self.number = number

        def identity(self, extra):
            return str(self.number)

    global Storage
    ordinary, Storage = Storage, Named
    state = dump(collections.OrderedDict((name, Named(number)) for number, (name, *_) in tensors.items()), 2)
    Storage = ordinary
    stored = dump(len(storages), 2)
    for number, storage in storages.items():
        stored += dump((number, "cpu", CLASSES[storage.kind]), 2)
        stored += struct.pack("<q", len(storage.data) // width(storage.kind)) + storage.data
    stored += dump(views, 2)
    described = dump(len(tensors), 2)
    for number, (_, storage, first, shape, strides) in tensors.items():
        described += dump((number, storage, CLASSES["f4"]), 2)
        described += struct.pack("<q%dq" % (2 * len(shape) + 1), len(shape), *shape, *strides, first)
    system = dump({"protocol_version": 1000, "little_endian": True}, 2)
    with tarfile.open(path, "w") as archive:
        for name, data in (("sys_info", system), ("pickle", state), ("storages", stored), ("tensors", described)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def make_torch(folder):
    counted = Storage("f4", numpy.arange(24, dtype="<f4").tobytes(), "0")
    wide = Storage("f8", (numpy.arange(12) / 7).astype("<f8").tobytes(), "1")
    brain = Storage("bf16", numpy.arange(0x3F80, 0x3F88, dtype="<u2").tobytes(), "2")
    storages = [counted, wide, brain]
    state = collections.OrderedDict()
    state["rows"] = view(counted, 0, (4, 6), (6, 1))
    state["columns"] = view(counted, 0, (6, 4), (1, 6))
    state["part"] = view(counted, 7, (2, 3), (6, 1))
    state["every.second"] = view(counted, 1, (2, 2, 3), (12, 6, 2))
    state["expanded"] = view(counted, 5, (3, 4), (0, 1))
    state["tied"] = view(counted, 0, (4, 6), (6, 1))
    state["one"] = view(counted, 23, (), ())
    state["oneAxis"] = view(counted, 2, (1, 5, 1), (99, 1, 77))
    state["empty"] = view(counted, 0, (0, 3), (3, 1))
    state["old"] = view(wide, 2, (2, 5), (5, 1), "")
    state["brain"] = view(brain, 0, (2, 4), (4, 1))
    nested = {"model": state, "list": [view(wide, 0, (12,), (1,)), (view(wide, 11, (1,), (1,)), "text")],
              "parameter": Call(PARAMETER, view(wide, 0, (3, 2), (1, 3)), True, collections.OrderedDict()),
              "epoch": 7, "rate": 0.5, "name": "caf\u00e9", "best": True, "nothing": None, 3: {"step": 2 ** 40},
              "betas": (0.9, 0.999), "order": [3, 1, 2], "big": 2 ** 100, "bytes": b"abc", ("a", 1): 5,
              "size": Call(SIZE, (2, 3))}
    for protocol in range(1, 6):
        make_zip("%s/protocol%d.pt" % (folder, protocol), nested, storages, protocol)
    plain = {key: item for key, item in nested.items() if key not in ("model", "list", "parameter")}
    make_zip(folder + "/protocol0.pt", plain, [], 0)  # which has no tuples for identities
    make_legacy(folder + "/legacy.pt", nested, storages)
    raw = Storage("f2", numpy.arange(10, dtype="<f2").tobytes(), "0", untyped=True)
    make_zip(folder + "/untyped.pt", {"half": view(raw, 1, (3, 3), (3, 1), "_v3", TYPES["f2"]),
                                      "words": view(raw, 0, (10,), (1,), "_v3", TYPES["u2"]),
                                      "bytes": view(raw, 0, (20,), (1,))}, [raw])
    kinds = {name: Storage(kind, numpy.arange(1, 9).astype("<u2" if kind == "bf16" else "<" + kind).tobytes(), str(i))
             for i, (name, kind) in enumerate(STORAGES.items()) if name != "UntypedStorage"}
    make_zip(folder + "/kinds.pt", {name: view(storage, 0, (2, 4), (4, 1)) for name, storage in kinds.items()}, kinds.values())
    make_tar(folder + "/keyed.tar", {11: ("a", 1, 0, (2, 3), (3, 1)), 12: ("b", 2, 1, (2, 2), (1, 2)), 13: ("c", 1, 5, (), ())},
             {1: Storage("f4", numpy.arange(6, dtype="<f4").tobytes(), ""), 2: Storage("f8", numpy.arange(5, dtype="<f8").tobytes(), "")}, [])
    make_zip(folder + "/big-endian.pt", state, storages, byteorder="big")
    make_legacy(folder + "/legacy-big-endian.pt", state, storages, little=False)
    with zipfile.ZipFile(folder + "/deflated-pickle.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", dump(state, 2))
        for storage in storages:
            archive.writestr("a/data/" + storage.key, storage.data, zipfile.ZIP_STORED)


def make_numpy(folder):
    arrays = {}
    for order in "<>":
        for kind in ("b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8"):
            values = numpy.arange(60) % 2 if kind == "b1" else numpy.arange(60) - (0 if kind[0] == "u" else 30)
            array = (values * (1 + 0.5j) if kind[0] == "c" else values).astype(order + kind).reshape(3, 4, 5)
            name = ("little" if order == "<" else "big") + "-" + kind
            arrays[name] = array
            arrays[name + "-fortran"] = numpy.asfortranarray(array)
    arrays["scalar"] = numpy.float32(2.5)
    arrays["empty"] = numpy.zeros((0, 3), "f4")
    for name, array in arrays.items():
        numpy.save("%s/%s.npy" % (folder, name), array)
    for version in ((1, 0), (2, 0), (3, 0)):
        with open("%s/version%d.npy" % (folder, version[0]), "wb") as stream:
            numpy.lib.format.write_array(stream, arrays["little-f4"], version)
    numpy.savez(folder + "/stored.npz", **arrays)
    numpy.savez_compressed(folder + "/deflated.npz", **arrays)
    numpy.save(folder + "/refused-text.npy", numpy.array(["a", "bc"]))
    numpy.save(folder + "/refused-record.npy", numpy.zeros(2, [("a", "f4"), ("b", "i2")]))
    numpy.save(folder + "/refused-object.npy", numpy.array([None, {}], object), allow_pickle=True)
    numpy.save(folder + "/refused-wide.npy", numpy.zeros(2, "c16"))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make_torch(sys.argv[2])
        make_numpy(sys.argv[2])
    else:
        for number, file in enumerate(sys.argv[3:]):
            write_values("%s/%d" % (sys.argv[2], number), read(file))
