// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fuzz/reader_property.h"

#include "engine/backend/compute_backend.h"
#include "engine/checkpoint/writer.h"
#include "tests/support/checkpoint_samples.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace qscope::test {

using namespace qscope::engine;

namespace {

void hold(bool property, const char* what) {
    if (property) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

bool sameValue(const MetadataValue& a, const MetadataValue& b) {
    if (a.type != b.type || a.value.index() != b.value.index()) return false;
    if (const auto* text = std::get_if<double>(&a.value)) return *text == std::get<double>(b.value) || *text != *text;
    if (const auto* list = std::get_if<std::vector<double>>(&a.value))
        return std::ranges::equal(*list, std::get<std::vector<double>>(b.value),
                                  [](double x, double y) { return x == y || (x != x && y != y); });
    if (const auto* list = std::get_if<std::vector<MetadataValue>>(&a.value))
        return std::ranges::equal(*list, std::get<std::vector<MetadataValue>>(b.value), sameValue);
    return a.value == b.value;
}

/// What a format can hold of a checkpoint, read whole; nothing when it is too much for a quick look or damaged.
std::optional<std::vector<std::pair<std::string, TensorView>>> plainTensors(const Checkpoint& checkpoint) {
    std::vector<std::pair<std::string, TensorView>> plain;
    std::int64_t elements = 0;
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
        const TensorInfo& tensor = checkpoint.tensors[i];
        if (!tensor.isWhole() || tensor.name == "__metadata__") continue;
        if (checkpoint.format != "gguf" && !tensor.source && !safetensorsHolds(tensor.dtype)) continue;
        if (tensor.source) elements += elementCount(tensor.shape);
        if (elements > 1 << 16) return std::nullopt;
        auto view = contiguous(checkpoint.view(i));
        if (!view) {
            hold(view.error().code == ErrorCode::Malformed, "values that cannot be read are malformed");
            return std::nullopt;
        }
        plain.emplace_back(tensor.name, *std::move(view));
    }
    return plain;
}

void checkSame(const std::vector<std::pair<std::string, TensorView>>& tensors, const Metadata& metadata, const Checkpoint& b) {
    hold(tensors.size() == b.tensors.size(), "as many tensors after a round trip");
    for (const auto& [name, before] : tensors) {
        const auto other = b.find(name);
        hold(other.has_value(), "every tensor is there after a round trip");
        const TensorView after = b.view(*other);
        hold(before.dtype == after.dtype && before.shape == after.shape && std::ranges::equal(before.bytes, after.bytes),
             "every tensor is the same after a round trip");
    }
    for (const auto& [key, value] : metadata) {
        if (key == "general.alignment") continue;
        const MetadataValue* other = find(b.metadata, key);
        hold(other && sameValue(value, *other), "metadata is the same after a round trip");
    }
}

/// A folder that costs no disk; removed when the program ends in the ordinary way.
struct Folder {
    std::filesystem::path path;
    Folder() {
        const bool shm = std::filesystem::is_directory("/dev/shm");
        path = (shm ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) /
               ("qscope-fuzz-" + std::to_string(::getpid()));
        std::filesystem::create_directories(path);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

void checkRoundTrip(const Checkpoint& checkpoint) {
    static const Folder folder;
    static const auto backend = makeCpuBackend();
    const auto plain = plainTensors(checkpoint);
    if (!plain) return;
    std::vector<TensorToWrite> tensors;
    for (const auto& tensor : *plain)
        tensors.push_back({tensor.first, tensor.second.dtype, tensor.second.shape, [&tensor]() -> Result<TensorView> { return tensor.second; }});
    Progress progress;
    Diagnostics notes;
    const RunContext context{{}, progress, notes, *backend};
    const bool gguf = checkpoint.format == "gguf";
    const auto path = folder.path / "written";
    std::vector<std::pair<std::string, std::string>> texts;
    Metadata metadata = checkpoint.metadata;
    if (!gguf) std::erase_if(metadata, [](const auto& pair) { return pair.second.type != MetadataType::String; });
    if (!gguf)
        for (const auto& [key, value] : metadata) texts.emplace_back(key, std::get<std::string>(value.value));
    const auto written = gguf ? writeGguf(path, metadata, std::move(tensors), context)
                              : writeSafetensors(path, texts, std::move(tensors), context);
    hold(written.has_value(), "what opens can be written");
    const auto read = (gguf ? makeGgufReader() : makeStoredSafetensorsReader())->open(path, {}, notes);
    hold(read.has_value(), "what was written opens");
    checkSame(*plain, metadata, **read);
}

} // namespace

void checkError(const Error& error) {
    hold(error.code == ErrorCode::Malformed || error.code == ErrorCode::Unsupported, "bad bytes are malformed or unsupported");
    hold(describe(error).find('\n') == std::string::npos, "an error is one line");
}

void checkReader(const CheckpointReader& reader, const std::uint8_t* data, std::size_t size) {
    const MemoryFile file({reinterpret_cast<const char*>(data), size});
    checkPath(reader, file.path());
}

void checkPath(const CheckpointReader& reader, const std::filesystem::path& path) {
    Diagnostics notes;
    const auto opened = reader.open(path, {}, notes);
    if (!opened) return checkError(opened.error());
    const std::string problem = inconsistency(**opened);
    hold(problem.empty(), problem.c_str());
    for (const auto& [key, value] : (*opened)->metadata) hold(describe(value).find('\n') == std::string::npos, "one line");
    checkRoundTrip(**opened);
}

} // namespace qscope::test
