// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/array_samples.h"

#include "tests/support/zip_file.h"

namespace qscope::test {

using namespace std::string_literals;

std::string pickledText(std::string_view text) {
    return "X" + Bytes().put(static_cast<std::uint32_t>(text.size())).data + std::string(text);
}

std::string pickledNumber(std::int32_t number) { return "J" + Bytes().put(number).data; }

std::string pickledTuple(const std::vector<std::string>& items) {
    std::string pickle = "(";
    for (const std::string& item : items) pickle += item;
    return pickle + "t";
}

std::string pickledNumbers(const std::vector<std::int32_t>& numbers) {
    std::vector<std::string> items;
    for (const std::int32_t number : numbers) items.push_back(pickledNumber(number));
    return pickledTuple(items);
}

std::string pickledDict(const std::vector<std::pair<std::string, std::string>>& items) {
    std::string pickle = "}(";
    for (const auto& [key, value] : items) pickle += pickledText(key) + value;
    return pickle + "u";
}

std::string pickledStorage(const std::string& type, const std::string& key, std::int32_t elements, const std::string& last) {
    return pickledTuple({pickledText("storage"), "ctorch\n" + type + "\n", pickledText(key), pickledText("cpu"), pickledNumber(elements), last}) +
           "Q";
}

std::string pickledTensor(const std::string& storage, std::int32_t first, const std::vector<std::int32_t>& shape,
                          const std::vector<std::int32_t>& strides) {
    return "ctorch._utils\n_rebuild_tensor_v2\n" +
           pickledTuple({storage, pickledNumber(first), pickledNumbers(shape), pickledNumbers(strides), "\x89", "ccollections\nOrderedDict\n)R"}) + "R";
}

std::string torchZip(const std::string& value, const std::vector<std::pair<std::string, std::string>>& storages) {
    ZipFile zip;
    zip.add("m/data.pkl", pickled(value)).add("m/byteorder", "little");
    for (const auto& [key, data] : storages) zip.add("m/data/" + key, data);
    return zip.add("m/version", "3\n").finish();
}

std::string torchLegacy(const std::string& value, const std::vector<std::string>& keys, const std::string& data, const std::string& littleEndian) {
    std::string list = "](";
    for (const std::string& key : keys) list += pickledText(key);
    return pickled("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"s) + pickled("M\xe9\x03"s) +
           pickled(pickledDict({{"little_endian", littleEndian}})) + pickled(value) + pickled(list + "e") + data;
}

std::string torchTar(const std::vector<std::pair<std::string, std::string>>& members) {
    Bytes archive;
    for (const auto& [name, content] : members) {
        std::string header(512, '\0');
        header.replace(0, name.size(), name);
        header.replace(100, 8, "0000644\0"s);
        header.replace(124, 12, fmt::format("{:011o} ", content.size()));
        header.replace(148, 8, std::string(8, ' '));
        header[156] = '0';
        header.replace(257, 6, "ustar\0"s);
        unsigned sum = 0;
        for (const char c : header) sum += static_cast<unsigned char>(c);
        header.replace(148, 8, fmt::format("{:06o}", sum) + "\0 "s);
        archive.data += header + content;
        archive.alignTo(512);
    }
    return archive.zeros(1024).data;
}

std::string countedFloats(std::size_t count) {
    Bytes bytes;
    for (std::size_t i = 0; i < count; ++i) bytes.put(static_cast<float>(i));
    return bytes.data;
}

std::string npyFile(std::string_view header, std::string_view data, int version) {
    Bytes file;
    file.data = "\x93NUMPY";
    file.put(static_cast<std::uint8_t>(version)).put(std::uint8_t{0});
    if (version == 1) file.put(static_cast<std::uint16_t>(header.size()));
    else file.put(static_cast<std::uint32_t>(header.size()));
    return file.data + std::string(header) + std::string(data);
}

Bytes ggmfStart(std::uint32_t version, std::int32_t type) {
    Bytes bytes;
    bytes.put(0x67676d66u).put(version).put(3).put(32).put(1).put(type);
    return bytes;
}

Bytes& putGgmfTensor(Bytes& bytes, std::string_view name, const std::vector<std::int32_t>& sizes, std::int32_t type, std::string_view data) {
    bytes.put(static_cast<std::uint32_t>(sizes.size())).put(static_cast<std::uint32_t>(name.size())).put(type);
    for (const std::int32_t size : sizes) bytes.put(size);
    bytes.data += std::string(name) + std::string(data);
    return bytes;
}

namespace {

/// Two tensors of one storage, one of another, and plain values around them.
std::string sampleState(const std::string& last) {
    const std::string floats = pickledStorage("FloatStorage", "0", 6, last), words = pickledStorage("LongStorage", "1", 2, last);
    return pickledDict({{"model", pickledDict({{"a.weight", pickledTensor(floats, 0, {2, 3}, {3, 1})},
                                               {"turned", pickledTensor(floats, 0, {3, 2}, {1, 3})}})},
                        {"list", "](" + pickledTensor(words, 1, {}, {}) + "N" + "e"},
                        {"epoch", pickledNumber(7)},
                        {"rate", "G\x3f\xe0\x00\x00\x00\x00\x00\x00"s},
                        {"sizes", pickledNumbers({1, 2, 3})},
                        {"note", pickledText("caf\u00e9")}});
}

std::string sampleWords() { return Bytes().put(std::int64_t{5}).put(std::int64_t{-6}).data; }

} // namespace

std::string sampleTorchZip() { return torchZip(sampleState(""), {{"0", countedFloats(6)}, {"1", sampleWords()}}); }

std::string sampleTorchLegacy() {
    return torchLegacy(sampleState("N"), {"0", "1"},
                       Bytes().put(std::int64_t{6}).data + countedFloats(6) + Bytes().put(std::int64_t{2}).data + sampleWords());
}

std::string sampleTorchTar() {
    const std::string storages = pickled(pickledNumber(1)) +
                                 pickled(pickledTuple({pickledNumber(21), pickledText("cpu"), "ctorch\nFloatStorage\n"})) +
                                 Bytes().put(std::int64_t{6}).data + countedFloats(6) +
                                 pickled("](" + pickledNumbers({22, 21, 2, 4}) + "e");
    Bytes tensors{pickled(pickledNumber(2))};
    tensors.data += pickled(pickledTuple({pickledNumber(31), pickledNumber(21), "ctorch\nFloatTensor\n"}));
    tensors.put(std::int64_t{2}).put(std::int64_t{2}).put(std::int64_t{3}).put(std::int64_t{3}).put(std::int64_t{1}).put(std::int64_t{0});
    tensors.data += pickled(pickledTuple({pickledNumber(32), pickledNumber(22), "ctorch\nFloatTensor\n"}));
    tensors.put(std::int64_t{1}).put(std::int64_t{3}).put(std::int64_t{1}).put(std::int64_t{1});
    const std::string state = pickledDict({{"a", pickledText("31") + "Q"}, {"b", pickledText("32") + "Q"}});
    return torchTar({{"sys_info", pickled(pickledDict({{"little_endian", "\x88"}}))}, {"pickle", pickled(state)},
                     {"storages", storages}, {"tensors", tensors.data}});
}

std::string sampleNpy() { return npyFile("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n", std::string("\0\1\0\2\0\3\0\4\0\5\0\6", 12)); }

std::string sampleNpz() {
    const std::string plain = npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n", countedFloats(4));
    const std::string fortran = npyFile("{'shape': (2, 3,), 'fortran_order': True, 'descr': '<f8'}", std::string(48, '\0'), 2);
    // The bytes of `scalar` as deflate's stored block: last one, length, its complement, bytes.
    const std::string scalar = npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': ()}", "\x2a", 3);
    const auto length = static_cast<std::uint16_t>(scalar.size());
    const std::string packed = Bytes().put(std::uint8_t{1}).put(length).put(static_cast<std::uint16_t>(~length)).data + scalar;
    return ZipFile().add("a.npy", plain).add("b/c.npy", fortran).addDeflated("d.npy", packed, scalar).finish();
}

std::string sampleGgmf() {
    Bytes bytes = ggmfStart();
    putGgmfTensor(bytes, "emb.weight", {32, 3}, 0, countedFloats(96));
    putGgmfTensor(bytes, "blocks.0.ln1.weight", {32}, 1, std::string(64, '\0'));
    putGgmfTensor(bytes, "blocks.0.att.key.weight", {32, 2}, 2, std::string(36, '\x11'));
    return bytes.data;
}

} // namespace qscope::test
