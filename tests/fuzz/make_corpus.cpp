// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/checkpoint_samples.h"

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
    Bytes versioned;
    save(folder / "llama2c/version2", versioned.put(0x616b3432u).put(2).zeros(20).data);
    return 0;
}
