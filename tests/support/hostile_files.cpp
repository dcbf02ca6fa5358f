// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/hostile_files.h"

#include "tests/support/array_samples.h"
#include "tests/support/onnx_samples.h"
#include "tests/support/zip_file.h"

#include <fmt/format.h>

namespace qscope::test {

using namespace qscope::engine;
using namespace std::string_literals;

namespace {

/// A file that is read all the same; the others are refused.
HostileFile opening(HostileFile file) {
    file.opens = true;
    return file;
}

/// `count` times what `item` makes of 0, 1, 2, ..., with `between` between them.
template<class Item>
std::string repeated(std::size_t count, std::string_view between, const Item& item) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) text += between;
        text += item(i);
    }
    return text;
}

/// Safetensors and what lies beside it.

HostileFile safetensors(std::string what, std::string_view header, std::size_t dataBytes,
                        std::vector<std::pair<std::string, std::string>> beside = {}) {
    HostileFile file{std::move(what), makeSafetensorsReader, {{"model.safetensors", safetensorsFile(header, dataBytes)}}};
    std::ranges::move(beside, std::back_inserter(file.files));
    return file;
}

HostileFile manyTensors() {
    const auto item = [](std::size_t i) { return fmt::format(R"("{:x}":{{"dtype":"U8","shape":[0,1,1,1,1],"data_offsets":[0,0]}})", i); };
    return opening(safetensors("tensors", "{" + repeated(100'000, ",", item) + "}", 0));
}

HostileFile manyLongNames() {
    const auto item = [](std::size_t i) { return fmt::format(R"("{:017}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", i); };
    return opening(safetensors("tensors with names of their own memory", "{" + repeated(120'000, ",", item) + "}", 0));
}

HostileFile manyPairs() {
    const auto item = [](std::size_t i) { return fmt::format(R"("{:x}":"")", i); };
    return safetensors("metadata", R"({"__metadata__":{)" + repeated(300'000, ",", item) + "}}", 0);
}

HostileFile manyCodedWeights() {
    const auto item = [](std::size_t i) {
        return fmt::format(R"("{0:x}.weight":{{"dtype":"F8_E4M3","shape":[1,1],"data_offsets":[{1},{2}]}},)"
                           R"("{0:x}.weight_scale_inv":{{"dtype":"F32","shape":[1,1],"data_offsets":[{2},{3}]}})",
                           i, 5 * i, 5 * i + 1, 5 * i + 5);
    };
    return safetensors("weights in parts", "{" + repeated(20'000, ",", item) + "}", 100'000);
}

HostileFile manyListedInIndex() {
    const auto item = [](std::size_t i) { return fmt::format(R"("{:x}":"a")", i); };
    HostileFile file = safetensors("names in an index", "{}", 0);
    file.files.insert(file.files.begin(), {"model.safetensors.index.json", R"({"weight_map":{)" + repeated(300'000, ",", item) + "}}"});
    file.files[1].first = "a";
    return file;
}

HostileFile emptyListsInConfig() {
    const std::string lists = repeated(1'000'000, ",", [](std::size_t) { return "[]"; });
    return opening(safetensors("empty lists in a configuration", "{}", 0,
                               {{"config.json", R"({"quantization_config":{"quant_method":"gptq","x":[)" + lists + "]}}"}}));
}

HostileFile manyConfiguredGroups() {
    const auto group = [](std::size_t i) { return fmt::format(R"("g{}":{{"weights":{{"num_bits":3}},"targets":["a"]}})", i); };
    const auto item = [](std::size_t i) {
        return fmt::format(R"("{0:x}.weight_packed":{{"dtype":"I32","shape":[1,1],"data_offsets":[{1},{2}]}})", i, 4 * i, 4 * i + 4);
    };
    return opening(safetensors("groups of a configuration", "{" + repeated(5'000, ",", item) + "}", 20'000,
                       {{"config.json", R"({"quantization_config":{"quant_method":"compressed-tensors","config_groups":{)" +
                                            repeated(5'000, ",", group) + "}}}"}}));
}

// GGUF and importance matrices.

HostileFile gguf(std::string what, std::string bytes) { return {std::move(what), makeGgufReader, {{"model.gguf", std::move(bytes)}}}; }

HostileFile ggufBytesAsArray() {
    return opening(gguf("one-byte numbers", ggufStart(0, 1).text("a").put(9u).put(0u).put(std::uint64_t{9'000'000}).zeros(9'000'000).data));
}

HostileFile ggufEmptyTexts() {
    return opening(gguf("empty texts", ggufStart(0, 1).text("a").put(9u).put(8u).put(std::uint64_t{700'000}).zeros(700'000 * 8).data));
}

HostileFile ggufTexts() {
    Bytes bytes = ggufStart(0, 1).text("a").put(9u).put(8u).put(std::uint64_t{400'000});
    for (int i = 0; i < 400'000; ++i) bytes.text("0123456789abcdef");
    return opening(gguf("texts just too long to lie in their place", bytes.data));
}

HostileFile ggufInnerArrays() {
    return opening(gguf("arrays in arrays", ggufStart(0, 1).text("a").put(9u).put(9u).put(std::uint64_t{600'000}).zeros(600'000 * 12).data));
}

HostileFile ggufPairs() {
    Bytes bytes = ggufStart(0, 99'000);
    for (int i = 0; i < 99'000; ++i) bytes.text(fmt::format("{:x}", i)).put(0u).put(std::uint8_t{0});
    return opening(gguf("pairs", bytes.data));
}

void putSmallTensors(Bytes& bytes, int count, std::size_t rank) {
    std::vector<std::uint64_t> sizes(rank, 1);
    sizes[0] = 0;
    for (int i = 0; i < count; ++i) putGgufTensor(bytes, fmt::format("{:x}", i), sizes, 0, 0);
}

HostileFile ggufTensors() {
    Bytes bytes = ggufStart(200'000, 0);
    putSmallTensors(bytes, 200'000, 1);
    return opening(gguf("tensors", bytes.alignTo(32).data));
}

HostileFile ggufOfEverything() {
    Bytes bytes = ggufStart(100'000, 60'003);
    bytes.text("numbers").put(9u).put(0u).put(std::uint64_t{4'000'000}).zeros(4'000'000);
    bytes.text("texts").put(9u).put(8u).put(std::uint64_t{200'000}).zeros(200'000 * 8);
    bytes.text("arrays").put(9u).put(9u).put(std::uint64_t{100'000}).zeros(100'000 * 12);
    for (int i = 0; i < 60'000; ++i) bytes.text(fmt::format("{:x}", i)).put(0u).put(std::uint8_t{0});
    putSmallTensors(bytes, 100'000, 4);
    return gguf("everything", bytes.alignTo(32).data);
}

HostileFile ggufInTwoParts() {
    const auto part = [](std::uint16_t number) {
        Bytes bytes = ggufStart(number == 1 ? 150'000 : 0, 3);
        bytes.text("split.no").put(2u).put(number).text("split.count").put(2u).put(std::uint16_t{2});
        bytes.text("numbers").put(9u).put(0u).put(std::uint64_t{3'000'000}).zeros(3'000'000);
        if (number == 1) putSmallTensors(bytes, 150'000, 1);
        return bytes.alignTo(32).data;
    };
    return {"the same in two parts", makeGgufReader, {{"m-00001-of-00002.gguf", part(0)}, {"m-00002-of-00002.gguf", part(1)}}};
}

HostileFile importanceGguf() {
    Bytes bytes = ggufStart(120'000, 1);
    bytes.text("general.type").put(8u).text("imatrix");
    std::uint64_t place = 0;
    for (int i = 0; i < 60'000; ++i)
        for (const char* kind : {".in_sum2", ".counts"}) putGgufTensor(bytes, fmt::format("{:x}{}", i, kind), {1, 1}, 0, std::exchange(place, place + 32));
    return opening(gguf("importance of small weights", bytes.alignTo(32).zeros(place).data));
}

HostileFile importanceDat() {
    Bytes bytes;
    bytes.put(300'000);
    for (int i = 0; i < 300'000; ++i) bytes.put(5).data += fmt::format("{:05x}", i) + Bytes().put(1).put(1).put(1.0f).data;
    return {"importance of small weights in the old form", nullptr, {{"importance.dat", bytes.data}}};
}

// llama2.c, ggmf, NumPy.

HostileFile llama2cLayers() { return opening(HostileFile{"layers", makeLlama2cReader, {{"model.bin", llama2cFile({2, 1, 4000, 1, 1, 1, 1})}}}); }

HostileFile llama2cCodedLayers() {
    return {"layers of codes", makeLlama2cReader, {{"model.bin", llama2cFile({4, 4, 4000, 1, 1, 1, 1}, 2)}}};
}

HostileFile llama2cTokens() {
    Bytes bytes{"\1\0\0\0\0\0\0\0\5\0\0\0<unk>"s};
    for (int i = 0; i < 600'000; ++i) bytes.zeros(8);
    for (int i = 0; i < 20'000; ++i) bytes.put(0.0f).put(64).data += std::string(64, ' ');
    return opening(HostileFile{"tokens of nothing and of spaces", makeTokenizerReader, {{"tokenizer.bin", bytes.data}}});
}

HostileFile ggmfTensors() {
    Bytes bytes = ggmfStart();
    for (int i = 0; i < 200'000; ++i) putGgmfTensor(bytes, fmt::format("{:x}", i), {0, 1, 1}, 0, "");
    return {"tensors", makeGgmfReader, {{"model.bin", bytes.data}}};
}

HostileFile npzArrays() {
    ZipFile zip;
    zip.wide = true;
    const std::string array = npyFile("{'descr':'<f4','fortran_order':True,'shape':(0,1,1,1),}", "");
    for (int i = 0; i < 20'000; ++i) zip.add(fmt::format("{:x}.npy", i), array);
    return opening(HostileFile{"arrays", makeNpyReader, {{"model.npz", zip.finish()}}});
}

/// A stream of zeros as deflate packs them: one block of the fixed code, a zero and then copies of 258 bytes, 13 bits each.
std::string deflatedZeros(const std::string& start, std::size_t zeros) {
    std::string stream;
    unsigned held = 0, bits = 0;
    const auto put = [&](unsigned value, unsigned count) { // lowest bit first
        held |= value << bits;
        for (bits += count; bits >= 8; bits -= 8, held >>= 8) stream += static_cast<char>(held);
    };
    const auto code = [&](unsigned value, unsigned count) { // Huffman codes come highest bit first
        for (unsigned bit = count; bit-- > 0;) put(value >> bit & 1, 1);
    };
    const auto literal = [&](unsigned char c) { c < 144 ? code(0x30u + c, 8) : code(0x190u + c - 144u, 9); };
    put(1, 1); // the last block
    put(1, 2); // with the fixed codes (RFC 1951, 3.2.6)
    for (const char c : start) literal(static_cast<unsigned char>(c));
    literal(0);
    std::size_t left = zeros - 1;
    for (; left >= 258; left -= 258) {
        code(0xC5, 8); // length 258
        code(0, 5);    // distance 1
    }
    for (; left > 0; --left) literal(0);
    code(0, 7); // end
    put(0, 7);
    return stream;
}

HostileFile npzBombs() {
    ZipFile zip;
    for (int i = 0; i < 4; ++i) {
        constexpr std::size_t kZeros = 5'000'000;
        const std::string array = npyFile("{'descr':'>f4','fortran_order':True,'shape':(1000,1250),}", std::string(kZeros, '\0'));
        zip.addDeflated(fmt::format("{}.npy", i), deflatedZeros(array.substr(0, array.size() - kZeros), kZeros), array);
    }
    return opening(HostileFile{"arrays that unpack to a thousand times their size", makeNpyReader, {{"model.npz", zip.finish()}}});
}

// PyTorch.

HostileFile torch(std::string what, const std::string& value) {
    return {std::move(what), makePytorchReader, {{"model.pt", torchZip(value, {{"0", countedFloats(1)}})}}};
}

std::string smallKey(std::size_t i) { return "J" + Bytes().put(static_cast<std::int32_t>(i)).data; }

/// One value, remembered in place 0, under many keys.
std::string underManyKeys(const std::string& value, std::size_t count) {
    return value + "q\0000}("s + repeated(count, "", [](std::size_t i) { return smallKey(i) + "h\0"s; }) + "u";
}

HostileFile torchSharedTensor() {
    return torch("names of one tensor", underManyKeys(pickledTensor(pickledStorage("FloatStorage", "0", 1), 0, {1, 1, 1}, {0, 0, 0}), 200'000));
}

HostileFile torchRepeatedElements() {
    return torch("tensors that repeat one number", underManyKeys(pickledTensor(pickledStorage("FloatStorage", "0", 1), 0, {2000, 2000}, {0, 0}), 1000));
}

HostileFile torchNothings() { return torch("values on the stack", "(" + std::string(5'000'000, 'N') + "t"); }

HostileFile torchPairs() {
    const std::string pairs = "](" + repeated(1'500'000, "", [](std::size_t) { return "h\0"s; }) + "e";
    return torch("pairs of dicts", "NN\x86q\0000"s + pairs + "q\1ccollections\nOrderedDict\nh\1h\1\x86R");
}

HostileFile torchNestedShares() {
    std::string value = "](NNNNNNNNNNe";
    for (char place = 0; place < 20; ++place) // each holds the one before ten times
        value += "q"s + place + "0](" + repeated(10, "", [&](std::size_t) { return "h"s + place; }) + "e";
    return torch("shared lists in shared lists", value);
}

HostileFile torchSharedArrays() {
    const std::string numbers = "](" + repeated(100'000, "", [](std::size_t) { return "K\1"; }) + "e";
    return torch("names of one list of numbers", numbers + "q\0000}("s + repeated(100'000, "", [](std::size_t) { return "X\0\0\0\0h\0"s; }) + "u");
}

HostileFile torchNestedCalls() {
    return torch("calls in calls", "ctorch\nSize\nq\0000N"s + repeated(200'000, "", [](std::size_t) { return "\x85q\1" "0h\0h\1R"s; }));
}

HostileFile torchTarTensors() {
    const std::string storages = pickled(pickledNumber(1)) + pickled(pickledTuple({pickledNumber(1), pickledText("cpu"), "ctorch\nFloatStorage\n"})) +
                                 Bytes().put(std::int64_t{1}).put(1.0f).data;
    Bytes tensors{pickled(pickledNumber(60'000))};
    for (int i = 0; i < 60'000; ++i) {
        tensors.data += pickled(smallKey(static_cast<std::size_t>(i)) + "K\1\x86");
        tensors.put(std::int64_t{0}).put(std::int64_t{0});
    }
    const std::string state = "](" + repeated(60'000, "", [](std::size_t i) { return pickledText(std::to_string(i)) + "Q"; }) + "e";
    return {"tensors of the tar form", makePytorchReader, {{"model.tar", torchTar({{"pickle", pickled(state)}, {"storages", storages}, {"tensors", tensors.data}})}}};
}

// ONNX.

HostileFile onnx(std::string what, const Proto& graph) { return {std::move(what), makeOnnxReader, {{"model.onnx", onnxModel(graph)}}}; }

HostileFile onnxWeights() {
    Proto graph;
    for (int i = 0; i < 150'000; ++i) graph.message(5, Proto{}.number(1, 0).number(2, 1).text(8, fmt::format("{:x}", i)));
    return onnx("weights", graph);
}

HostileFile onnxNodes() {
    Proto graph;
    for (int i = 0; i < 400'000; ++i) graph.message(1, Proto{}.text(1, "a").text(2, "b"));
    return onnx("nodes", graph);
}

HostileFile onnxUses() {
    Proto graph;
    graph.message(5, onnxTensor("c", 3, {4}, std::string(4, '\1'))).message(5, onnxTensor("s", 1, {}, std::string(4, '\1')));
    for (int i = 0; i < 100'000; ++i) graph.message(1, onnxNode("DequantizeLinear", {"c", "s"}, {"o"}));
    return onnx("weights made of the same codes", graph);
}

HostileFile onnxDimensions() {
    Proto shape, graph;
    for (int i = 0; i < 1'000'000; ++i) shape.text(1, "");
    graph.message(11, Proto{}.text(1, "x").message(2, Proto{}.message(1, Proto{}.number(1, 1).message(2, shape))));
    return opening(onnx("dimensions", graph));
}

// Tokenizers.

HostileFile tokenizer(std::string what, std::string name, std::string bytes) {
    return {std::move(what), makeTokenizerReader, {{std::move(name), std::move(bytes)}}};
}

std::string byteLevelBpe(std::string_view vocabulary, std::string_view merges) {
    return fmt::format(R"({{"pre_tokenizer":{{"type":"ByteLevel"}},"model":{{"type":"BPE","vocab":{{{}}},"merges":[{}]}}}})", vocabulary, merges);
}

HostileFile emptyLists() {
    return tokenizer("empty lists", "tokenizer.json", "[" + repeated(1'000'000, ",", [](std::size_t) { return "[]"; }) + "]");
}

HostileFile numbersInLists() {
    return tokenizer("numbers", "tokenizer.json", "[" + repeated(3'000'000, ",", [](std::size_t) { return "1"; }) + "]");
}

HostileFile emptyObjects() {
    return tokenizer("members", "tokenizer.json", "{" + repeated(400'000, ",", [](std::size_t i) { return fmt::format(R"("{:x}":{{}})", i); }) + "}");
}

HostileFile farTokens() { return tokenizer("a token of a far place", "tokenizer.json", byteLevelBpe(R"("a":3999999)", "")); }

HostileFile manyTokens() {
    const auto token = [](std::size_t i) { return fmt::format(R"("{:x}":{})", i, 2 * i + 1); };
    const auto merge = [](std::size_t) { return R"(["a","b"])"; };
    return opening(tokenizer("tokens and merges", "tokenizer.json", byteLevelBpe(repeated(100'000, ",", token), repeated(200'000, ",", merge))));
}

HostileFile manyPieces() {
    const std::string piece = Proto{}.message(1, Proto{}.text(1, "a")).data;
    return tokenizer("pieces", "tokenizer.model", repeated(800'000, "", [&](std::size_t) { return piece; }) + Proto{}.message(2, Proto{}.number(3, 2)).data);
}

} // namespace

std::vector<HostileFile (*)()> hostileFiles() {
    return {manyTensors,      manyLongNames,     manyPairs,         manyCodedWeights, manyListedInIndex, emptyListsInConfig,    manyConfiguredGroups,
            ggufBytesAsArray, ggufEmptyTexts,    ggufTexts,         ggufInnerArrays,  ggufPairs,         ggufTensors,           ggufOfEverything,
            ggufInTwoParts,   importanceGguf,    importanceDat,     llama2cLayers,    llama2cCodedLayers, llama2cTokens,        ggmfTensors,
            npzArrays,        npzBombs,          torchSharedTensor, torchRepeatedElements, torchNothings, torchPairs,           torchNestedShares,
            torchSharedArrays, torchNestedCalls, torchTarTensors,  onnxWeights,       onnxNodes,        onnxUses,          onnxDimensions,        emptyLists,
            numbersInLists,   emptyObjects,      farTokens,         manyTokens,       manyPieces};
}

} // namespace qscope::test
