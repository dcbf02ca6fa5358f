// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/compute_backend.h"
#include "engine/report/exporter.h"
#include "tests/support/checkpoint_samples.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace qscope;
using namespace qscope::engine;

namespace {

void hold(bool property, const char* what) {
    if (property) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

std::filesystem::path scratch() {
    const bool shm = std::filesystem::is_directory("/dev/shm");
    const auto folder = shm ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
    return folder / ("qscope-fuzz-onnx-" + std::to_string(::getpid()) + ".onnx");
}

/// Every value can be asked for, or the file's own damage is the reason why not.
void decodeAll(const Checkpoint& checkpoint) {
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
        const TensorView view = checkpoint.view(i);
        std::vector<float> values(static_cast<std::size_t>(std::min<std::int64_t>(elementCount(view.shape), 1 << 12)));
        const auto decoded = decode(view, 0, std::span<float>(values));
        hold(decoded || decoded.error().code == ErrorCode::Unsupported || decoded.error().code == ErrorCode::Malformed, "values decode");
    }
}

} // namespace

/// What opens is consistent, decodes, and is written again by the exporter, which reads back and compares all tensors.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto reader = makeOnnxReader();
    static const auto exporter = makeOnnxExporter(64);
    static const auto backend = makeCpuBackend();
    static const auto path = scratch();
    const test::MemoryFile file({reinterpret_cast<const char*>(data), size});
    Diagnostics notes;
    const auto opened = reader->open(file.path(), {}, notes);
    if (!opened) {
        const Error& error = opened.error();
        hold(error.code == ErrorCode::Malformed || error.code == ErrorCode::Unsupported, "bad bytes are malformed or unsupported");
        hold(describe(error).find('\n') == std::string::npos, "an error is one line");
        return 0;
    }
    const std::string problem = test::inconsistency(**opened);
    hold(problem.empty(), problem.c_str());
    for (const auto& [key, value] : (*opened)->metadata) hold(describe(value).find('\n') == std::string::npos, "one line");
    decodeAll(**opened);
    Progress progress;
    const RunContext context{{}, progress, notes, *backend};
    const auto written = makeOnnxExporter()->write(**opened, nullptr, path, context);
    if (!written) std::fprintf(stderr, "%s\n", describe(written.error()).c_str());
    hold(written.has_value(), "what opens can be written and reads back the same");
    const auto beside = exporter->write(**opened, nullptr, path, context);
    if (!beside) std::fprintf(stderr, "%s\n", describe(beside.error()).c_str());
    hold(beside.has_value(), "what opens can be written with its data beside it");
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(path.parent_path(), ignored))
        if (entry.path().filename().string().starts_with(path.filename().string())) std::filesystem::remove(entry.path(), ignored);
    return 0;
}
