// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/compute_backend.h"
#include "engine/quant/from_coded.h"
#include "engine/report/exporter.h"
#include "tests/support/checkpoint_samples.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

using namespace qscope;
using namespace qscope::engine;

namespace {

void hold(bool property, const char* what) {
    if (property) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

/// A folder that costs no disk; removed when the program ends in the ordinary way.
struct Folder {
    std::filesystem::path path =
        std::filesystem::path("/dev/shm") / ("qscope-fuzz-coded-" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path / "out"); }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

std::vector<float> valuesOf(const Checkpoint& checkpoint, std::size_t tensor) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(checkpoint.tensors[tensor].shape)));
    hold(decode(checkpoint.view(tensor), 0, std::span<float>(values)).has_value(), "every weight has values");
    return values;
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return std::ranges::equal(a, b, [](float x, float y) { return x == y || (x != x && y != y); });
}

/// What a format of codes takes comes back with the same values.
void checkExports(const Checkpoint& checkpoint, const std::filesystem::path& folder) {
    static const auto backend = makeCpuBackend();
    for (auto* make : {makeCompressedTensorsExporter, makeGptqExporter, makeGptq2Exporter, makeAwqExporter,
                       makeBitsandbytesExporter}) {
        const auto exporter = make();
        if (!exporter->accepts(checkpoint, nullptr)) continue;
        Progress progress;
        Diagnostics notes;
        const RunContext context{{}, progress, notes, *backend};
        const auto target = folder / "out" / "model.safetensors";
        const auto written = exporter->write(checkpoint, nullptr, target, context);
        if (!written) { // names may clash, or the file's own text be no UTF-8
            hold(written.error().code != ErrorCode::Io, "what is written reads back");
            continue;
        }
        const auto read = makeSafetensorsReader()->open(target, {}, notes);
        hold(read.has_value(), "what was written opens");
        for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
            const TensorInfo& tensor = checkpoint.tensors[i];
            if (!tensor.isWhole() || !tensor.source || !tensor.source->coded()) continue;
            const auto place = (*read)->find(tensor.name);
            hold(place && (*read)->tensors[*place].source, "a weight is one after a round trip");
            hold(same(valuesOf(checkpoint, i), valuesOf(**read, *place)), "a weight is the same after a round trip");
        }
    }
}

} // namespace

/// The input is a config.json, a zero byte, and a safetensors file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Folder folder;
    static const auto reader = makeSafetensorsReader();
    const auto* end = std::find(data, data + size, std::uint8_t{0});
    if (end == data + size) return 0;
    const auto save = [&](const char* name, const std::uint8_t* from, const std::uint8_t* to) {
        std::ofstream(folder.path / name, std::ios::binary).write(reinterpret_cast<const char*>(from), to - from);
    };
    save("config.json", data, end);
    save("model.safetensors", end + 1, data + size);
    Diagnostics notes;
    const auto opened = reader->open(folder.path / "model.safetensors", {}, notes);
    if (!opened) {
        const Error& error = opened.error();
        hold(error.code == ErrorCode::Malformed || error.code == ErrorCode::Unsupported,
             "bad bytes are malformed or unsupported");
        hold(describe(error).find('\n') == std::string::npos, "an error is one line");
        return 0;
    }
    const Checkpoint& checkpoint = **opened;
    const std::string problem = test::inconsistency(checkpoint);
    hold(problem.empty(), problem.c_str());
    std::int64_t weights = 0;
    for (const TensorInfo& tensor : checkpoint.tensors)
        if (tensor.source) weights += elementCount(tensor.shape);
    if (weights > 1 << 18) return 0;
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
        const TensorInfo& tensor = checkpoint.tensors[i];
        if (!tensor.source || !tensor.source->coded()) continue;
        const auto quantized = fromCoded(*tensor.source->coded(), tensor.shape);
        if (!quantized) continue;
        std::vector<float> values(static_cast<std::size_t>(elementCount(tensor.shape)));
        hold(dequantize(*quantized, 0, values).has_value() && same(values, valuesOf(checkpoint, i)),
             "the codes say what the weight says");
    }
    checkExports(checkpoint, folder.path);
    return 0;
}
