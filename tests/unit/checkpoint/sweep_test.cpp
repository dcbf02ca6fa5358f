// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/array_samples.h"
#include "tests/support/checkpoint_samples.h"
#include "tests/support/damage.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

/// Where the tensors begin.
std::size_t headerBytes(const CheckpointReader& reader, const std::string& bytes) {
    const auto opened = openBytes(reader, bytes);
    REQUIRE(opened);
    std::size_t first = bytes.size();
    for (const TensorInfo& tensor : (*opened)->tensors) first = std::min(first, static_cast<std::size_t>(tensor.offset));
    return first;
}

} // namespace

TEST_CASE("small files damaged in any header bit load consistently or are refused") {
    const auto safetensors = makeSafetensorsReader(), gguf = makeGgufReader(), llama2c = makeLlama2cReader(), npy = makeNpyReader();
    for (const auto& [reader, bytes] : {std::pair(safetensors.get(), sampleSafetensors()), std::pair(gguf.get(), sampleGguf()),
                                        std::pair(llama2c.get(), sampleLlama2c()), std::pair(llama2c.get(), llama2cFile({4, 4, 1, 2, 1, 4, 1}, 1)),
                                        std::pair(llama2c.get(), llama2cFile({4, 4, 1, 2, 1, -4, 1}, 2)), std::pair(npy.get(), sampleNpy())}) {
        INFO(reader->info().id);
        sweep(*reader, bytes, {headerBytes(*reader, bytes), 1, true});
    }
}

TEST_CASE("small files whose headers lie among their data load consistently or are refused, whatever is damaged") {
    const auto pytorch = makePytorchReader(), npy = makeNpyReader(), ggmf = makeGgmfReader();
    for (const auto& [reader, bytes] : {std::pair(pytorch.get(), sampleTorchZip()), std::pair(pytorch.get(), sampleTorchLegacy()),
                                        std::pair(npy.get(), sampleNpz()), std::pair(ggmf.get(), sampleGgmf())}) {
        INFO(reader->info().id);
        sweep(*reader, bytes, {bytes.size(), 1, true});
    }
    sweep(*pytorch, sampleTorchTar(), {sampleTorchTar().size()});
}

TEST_CASE("real files damaged in any header byte load consistently or are refused") {
    const auto safetensors = makeSafetensorsReader(), gguf = makeGgufReader(), llama2c = makeLlama2cReader(), ggmf = makeGgmfReader();
    for (const auto& [reader, name] : {std::pair(safetensors.get(), "safetensors/multi_layer.safetensors"),
                                       std::pair(safetensors.get(), "llm-llama/hf/model.safetensors"),
                                       std::pair(gguf.get(), "llm-llama/stories260K-f32.gguf"),
                                       std::pair(llama2c.get(), "llm-llama/stories260K.bin"),
                                       std::pair(llama2c.get(), "llm-llama/stories260K-q8.bin"),
                                       std::pair(ggmf.get(), "llm-rwkv/tiny-rwkv-4v0-660K-Q5_1.bin")})
        if (const auto path = realData(name)) {
            INFO(name);
            const std::string bytes = contentsOf(*path);
            sweep(*reader, bytes, {headerBytes(*reader, bytes)});
        }
    const auto pytorch = makePytorchReader();
    for (const char* name : {"pytorch/burn-reader/nested_dict.pt", "pytorch/burn-reader/legacy_with_offsets.pt", "pytorch/candle/fortran_tensor_3d.pth"})
        if (const auto path = realData(name)) {
            INFO(name);
            const std::string bytes = contentsOf(*path);
            sweep(*pytorch, bytes, {bytes.size()});
        }
}
