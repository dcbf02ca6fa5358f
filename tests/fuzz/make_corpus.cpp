// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/array_samples.h"
#include "tests/support/checkpoint_samples.h"
#include "tests/support/onnx_samples.h"
#include "tests/support/zip_file.h"

#include <cstdio>
#include <fstream>

using namespace qscope::test;

namespace {

void save(const std::filesystem::path& path, const std::string& bytes) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
}

std::string ggufOfTypes(const std::vector<std::array<std::uint32_t, 3>>& types) {
    Bytes bytes = ggufStart(types.size(), 0);
    std::uint64_t offset = 0;
    for (const auto& [id, length, size] : types) {
        putGgufTensor(bytes, "t" + std::to_string(id), {length}, id, offset);
        offset += (size + 31) / 32 * 32;
    }
    return bytes.alignTo(32).zeros(offset).data;
}

/// NVFP4 weights with second scales beside them, as a divisor's inverse, for each expert, and of a wrong count.
std::string ggufOfScaledBlocks() {
    Bytes bytes = ggufStart(6, 1);
    bytes.text("quantoscope.scale_divisor.a.weight").put(6u).put(4.f);
    putGgufTensor(bytes, "a.weight", {64, 1}, 40, 0);
    putGgufTensor(bytes, "a.scale", {1}, 0, 64);
    putGgufTensor(bytes, "b.weight", {64, 1, 2}, 40, 96);
    putGgufTensor(bytes, "b.scale", {2}, 0, 192);
    putGgufTensor(bytes, "c", {64, 1}, 40, 224);
    putGgufTensor(bytes, "c.scale", {3}, 0, 288);
    bytes.alignTo(32);
    const auto block = [&](int blocks) {
        for (int i = 0; i < blocks; ++i) {
            bytes.put(0x38383838u);
            for (int byte = 0; byte < 32; ++byte) bytes.put(static_cast<std::uint8_t>(byte * 8 + i));
        }
        bytes.alignTo(32);
    };
    block(1);
    bytes.put(0.25f).alignTo(32);
    block(2);
    bytes.put(2.f).put(0.5f).alignTo(32);
    block(1);
    return bytes.put(1.f).put(2.f).put(3.f).alignTo(32).data;
}

/// One of two parts, with one tensor of 8 F32 values.
std::string ggufPart(std::uint16_t number, std::uint16_t count, const char* name) {
    Bytes bytes = ggufStart(1, 3);
    bytes.text("split.no").put(2u).put(number);
    bytes.text("split.count").put(2u).put(count);
    bytes.text("split.tensors.count").put(5u).put(std::int32_t{2});
    putGgufTensor(bytes, name, {8}, 0, 0);
    return bytes.alignTo(32).zeros(32).data;
}

std::string joined(const std::string& first, const std::string& second) {
    Bytes bytes;
    bytes.put(static_cast<std::uint32_t>(first.size()));
    return bytes.data + first + second;
}

} // namespace

/// Writes the starting files of the checkpoint fuzzers: valid ones with every kind of field, and empty ones.
int main(int argc, char** argv) {
    if (argc != 2) return std::fprintf(stderr, "usage: make_corpus FOLDER\n"), 2;
    const std::filesystem::path folder = argv[1];
    save(folder / "safetensors/sample", sampleSafetensors());
    save(folder / "safetensors/empty", safetensorsFile("{}", 0));
    save(folder / "safetensors/padded", safetensorsFile("{}      ", 0));
    save(folder / "safetensors/escapes", safetensorsFile(R"({"a\"\\\/\n\u00e9\ud83d\ude00":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1));
    save(folder / "gguf/sample", sampleGguf());
    save(folder / "gguf/empty", ggufStart(0, 0).data);
    save(folder / "gguf/version2", ggufStart(0, 0, 2).data);
    save(folder / "gguf/big-endian", ggufStart(0, 0, 0x03000000).data);
    save(folder / "gguf/types", ggufOfTypes({{0, 1, 4}, {2, 32, 18}, {12, 256, 144}, {28, 1, 8}, {39, 32, 17}}));
    save(folder / "gguf/scaled", ggufOfScaledBlocks());
    save(folder / "gguf/nested", ggufStart(0, 1).text("a").put(9u).put(9u).put(std::uint64_t{2}).put(4u).put(std::uint64_t{1})
                                     .put(7u).put(8u).put(std::uint64_t{1}).text("x").data);
    save(folder / "gguf_split/two", joined(ggufPart(0, 2, "a"), ggufPart(1, 2, "b")));
    save(folder / "gguf_split/twice", joined(ggufPart(0, 2, "a"), ggufPart(1, 2, "a")));
    save(folder / "gguf_split/odd", joined(ggufPart(0, 2, "a"), ggufPart(0, 3, "b")));
    save(folder / "imatrix/gguf", sampleImportanceGguf());
    save(folder / "imatrix/dat", sampleImportanceDat());
    save(folder / "imatrix/empty", ggufStart(0, 1).text("general.type").put(8u).text("imatrix").data);
    save(folder / "llama2c/sample", sampleLlama2c());
    save(folder / "llama2c/shared", llama2cFile({4, 2, 1, 1, 1, 3, 1}));
    save(folder / "llama2c/version1", llama2cFile({4, 4, 1, 2, 1, -4, 1}, 1));
    save(folder / "llama2c/version2", llama2cFile({4, 4, 1, 2, 1, 4, 1}, 2));
    save(folder / "pytorch/zip", sampleTorchZip());
    save(folder / "pytorch/legacy", sampleTorchLegacy());
    save(folder / "pytorch/tar", sampleTorchTar());
    // Every opcode that makes a value, in one list.
    save(folder / "pytorch/opcodes", torchZip(std::string("](NI01\nL5L\nF0.5\nK\x01M\x01\x02J\1\2\3\4\x8a\x01\x05\x8b\1\0\0\0\5", 41) +
                                              "S'a'\nVb\\u20ac\nU\x01" "cC\x01" "d\x8c\x01" "e)]}\x8f(K\1K\2tp5\n0g5\n(K\1l(K\1K\2" "dctorch\nfloat32\n"
                                              "ccollections\nOrderedDict\n)R}bctorch\nSize\nK\2K\3\x86\x85R(K\7ictorch\nSize\n\x8c\x05torch\x8c\x04Size\x93" "2e", {}));
    save(folder / "pytorch/shared", torchZip("](]q\x01(K\x01Neh\x01h\x01" "e", {}));
    save(folder / "npy/big-endian", sampleNpy());
    save(folder / "npy/archive", sampleNpz());
    save(folder / "npy/complex", npyFile("{'descr': '<c8', 'fortran_order': True, 'shape': (1, 2)}", std::string(16, 'c'), 2));
    save(folder / "npy/empty", ZipFile().finish());
    ZipFile wide;
    wide.wide = true;
    save(folder / "npy/wide", wide.add("x.npy", npyFile("{'descr':'|b1','fortran_order':False,'shape':(2,)}", "\1\1")).finish("comment"));
    ZipFile streamed;
    streamed.sizesFollow = true;
    save(folder / "npy/streamed", streamed.add("x.npy", npyFile("{'descr':'<u8','fortran_order':False,'shape':()}", "12345678")).finish());
    save(folder / "ggmf/sample", sampleGgmf());
    save(folder / "ggmf/empty", ggmfStart(100, 1).data);
    const std::string bpe = R"(,"added_tokens":[{"id":4,"content":"<end>","special":true},{"id":2,"content":"more","special":false}],)"
                            R"("model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":3},"merges":["a b",["a","ab"]]}})";
    save(folder / "tokenizer/bytes", R"({"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false})" + bpe);
    save(folder / "tokenizer/steps", R"({"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<end>"}}]},"normalizer":{"type":"NFC"},)"
                                     R"("pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel"}]})" + bpe);
    const auto piece = [](std::string_view text, int type) { return Proto{}.text(1, text).single(2, -1.5f).number(3, type); };
    save(folder / "tokenizer/pieces", Proto{}.message(1, piece("<unk>", 2)).message(1, piece("<s>", 3)).message(1, piece("</s>", 3)).message(1, piece("a", 1))
                                          .message(1, piece("<0x0A>", 6)).message(2, Proto{}.number(3, 2).number(42, 2).number(43, -1)).message(3, Proto{}.number(3, 0)).data);
    Bytes printed;
    printed.put(5u);
    for (const std::string_view text : {"<unk>", "\n<s>\n", "\n</s>\n", " a", "b"}) printed.put(0.0f).put(static_cast<std::int32_t>(text.size())).data += text;
    save(folder / "tokenizer/printed", printed.data);
    save(folder / "onnx/sample", sampleOnnx());
    save(folder / "onnx/codes", sampleOnnxCodes());
    save(folder / "onnx/empty", Proto{}.number(1, 8).message(7, {}).data);
    save(folder / "onnx/outside", onnxModel(Proto{}.message(5, Proto{}.number(1, 1).number(2, 1).text(8, "w").message(13, Proto{}.text(1, "location").text(2, "0")).number(14, 1))));
    return 0;
}
