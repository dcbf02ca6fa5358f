// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/importance_matrix.h"
#include "engine/checkpoint/tokenizer_json.h"
#include "tests/support/array_samples.h"
#include "tests/support/hostile_files.h"
#include "tests/support/onnx_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <functional>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

constexpr std::uint64_t kFreeBytes = 64'000'000;
constexpr rlim_t kMostSeconds = 60; ///< of CPU; a hang ends as a failure. No measure: unoptimised builds run here too

std::uint64_t peakBytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

/// What a process of its own needs on top of what it starts with, mapped pages included; nothing when it fails.
std::optional<std::uint64_t> extraMemory(const std::function<bool()>& work) {
    ::malloc_trim(0); // what the test itself gave back must not be there for the taking
    std::array<int, 2> channel{};
    REQUIRE(::pipe(channel.data()) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const rlimit seconds{kMostSeconds, kMostSeconds};
        ::setrlimit(RLIMIT_CPU, &seconds);
        const std::uint64_t before = peakBytes(); // a new process begins with what it has
        const bool done = work();
        const std::uint64_t extra = peakBytes() - before;
        const bool told = ::write(channel[1], &extra, sizeof extra) == static_cast<ssize_t>(sizeof extra);
        ::_exit(done && told ? 0 : 1);
    }
    ::close(channel[1]);
    std::uint64_t extra = 0;
    const bool told = ::read(channel[0], &extra, sizeof extra) == static_cast<ssize_t>(sizeof extra);
    ::close(channel[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!told || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
    return extra;
}

bool isRefusal(const Error& error) {
    return (error.code == ErrorCode::Malformed || error.code == ErrorCode::Unsupported) && describe(error).find('\n') == std::string::npos;
}

/// Opens a file as one of the format and reads every value there is, a piece at a time; or it is refused in one line.
/// False when it does not do the one that is expected.
bool readsAll(const CheckpointReader& reader, const std::filesystem::path& path, std::optional<bool> opens = std::nullopt) {
    Diagnostics notes;
    const auto opened = reader.open(path, {}, notes);
    if (opens && *opens != opened.has_value()) return false;
    if (!opened) return isRefusal(opened.error());
    std::vector<float> piece(1 << 16);
    for (std::size_t i = 0; i < (*opened)->tensors.size(); ++i) {
        if (!canDecode((*opened)->tensors[i].dtype)) continue;
        const TensorView view = (*opened)->view(i);
        const std::int64_t count = elementCount(view.shape);
        for (std::int64_t first = 0; first < count; first += std::ssize(piece)) {
            const auto part = std::span(piece).first(static_cast<std::size_t>(std::min(std::ssize(piece), count - first)));
            if (const auto read = decode(view, first, part); !read && !isRefusal(read.error())) return false;
        }
    }
    return true;
}

bool readsImportance(const std::filesystem::path& path) {
    (void)isImportanceFile(path);
    const auto matrix = readImportance(path);
    return matrix || isRefusal(matrix.error());
}

std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void checkMemory(const std::string& what, std::uint64_t fileBytes, const std::function<bool()>& work) {
    INFO(what << ", " << fileBytes << " bytes");
    const auto extra = extraMemory(work);
    if (!extra) FAIL_CHECK("it opens and should not, or should and does not, or took more than a minute");
    if (!extra) return;
    INFO("it took " << *extra << " bytes");
#ifdef QSCOPE_SANITIZED
    SUCCEED("memory is not measured: the sanitizers keep their own beside it");
#else
    CHECK(*extra <= 4 * fileBytes + kFreeBytes);
#endif
}

/// A small valid file of each kind, and the fuzzers' starting files.
std::vector<std::pair<std::unique_ptr<CheckpointReader>, std::vector<std::string>>> smallFiles() {
    std::vector<std::pair<std::unique_ptr<CheckpointReader>, std::vector<std::string>>> files;
    const auto add = [&](std::unique_ptr<CheckpointReader> reader, std::vector<std::string> samples, const char* corpus) {
        for (const auto& entry : std::filesystem::directory_iterator(std::string(QSCOPE_SOURCE_DIR) + "/tests/fuzz/corpus/" + corpus))
            samples.push_back(contents(entry.path()));
        files.emplace_back(std::move(reader), std::move(samples));
    };
    add(makeSafetensorsReader(), {sampleSafetensors()}, "safetensors");
    add(makeGgufReader(), {sampleGguf()}, "gguf");
    add(makeGgufReader(), {sampleImportanceGguf(), sampleImportanceDat()}, "imatrix");
    add(makeLlama2cReader(), {sampleLlama2c(), llama2cFile({4, 4, 1, 2, 1, -4, 1}, 2)}, "llama2c");
    add(makeGgmfReader(), {sampleGgmf()}, "ggmf");
    add(makeNpyReader(), {sampleNpy(), sampleNpz()}, "npy");
    add(makePytorchReader(), {sampleTorchZip(), sampleTorchLegacy(), sampleTorchTar()}, "pytorch");
    add(makeOnnxReader(), {sampleOnnx(), sampleOnnxCodes()}, "onnx");
    return files;
}

/// Counts, lengths and sizes far too large at every fourth place, and the file cut short there.
bool survivesBlowUps(const CheckpointReader& reader, const std::string& bytes) {
    constexpr std::size_t kLooked = 4096; // headers lie within
    const auto tried = [&](const std::string& changed) {
        const MemoryFile file(changed);
        return readsAll(reader, file.path()) && readsImportance(file.path());
    };
    if (!tried(bytes)) return false;
    for (std::size_t at = 0; at < std::min(bytes.size(), kLooked); at += 4) {
        for (const std::string_view huge : {std::string_view("\xff\xff\xff\x7f\0\0\0\0", 8), std::string_view("\xff\xff\xff\xff\xff\xff\xff\x7f", 8),
                                            std::string_view("\0\0\0\x01", 4), std::string_view("999", 3)}) {
            std::string changed = bytes;
            changed.replace(at, std::min(huge.size(), bytes.size() - at), huge.substr(0, bytes.size() - at));
            if (!tried(changed)) return false;
        }
        if (!tried(bytes.substr(0, at))) return false;
    }
    return true;
}

} // namespace

TEST_CASE("no hostile file takes more memory than four times its size and 64 MB") {
    const TemporaryFolder folder;
    for (const auto& make : hostileFiles()) {
        HostileFile hostile = make();
        const auto place = folder / hostile.what;
        std::filesystem::create_directory(place);
        std::uint64_t bytes = 0;
        for (const auto& [name, content] : hostile.files) {
            std::ofstream(place / name, std::ios::binary) << content;
            bytes += content.size();
        }
        const auto path = place / hostile.files[0].first;
        hostile.files.clear();
        const auto reader = hostile.reader ? hostile.reader() : nullptr;
        const bool importance = !reader || reader->info().id == "gguf";
        if (reader) checkMemory(reader->info().id + ": " + hostile.what, bytes, [&] { return readsAll(*reader, path, hostile.opens); });
        if (importance) checkMemory("importance: " + hostile.what, bytes, [&] { return readsImportance(path); });
        std::filesystem::remove_all(place);
    }
}

TEST_CASE("a tokenizer beside a model takes no more memory than the files' sizes allow") {
    const TemporaryFolder folder;
    const auto check = [&](const char* what, const std::string& config, const std::string& tokenizer) {
        std::ofstream(folder / "config.json") << config;
        std::ofstream(folder / "tokenizer.json") << tokenizer;
        checkMemory(what, config.size() + tokenizer.size(), [&] {
            Diagnostics notes;
            (void)tokenizerBeside(folder / "model.safetensors", {}, notes);
            return true;
        });
    };
    const std::string small = R"({"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})";
    check("a vocabulary to be filled up", R"({"vocab_size":4000000})", small);
    std::string lists = "[[]";
    for (int i = 0; i < 1'000'000; ++i) lists += ",[]";
    check("lists in a configuration", R"({"x":)" + lists + "]}", small);
    check("lists in a tokenizer", "{}", R"({"x":)" + lists + "]}");
}

TEST_CASE("small files with impossible sizes take no more than 64 MB, whatever is read of them") {
    for (const auto& entry : smallFiles())
        for (const std::string& bytes : entry.second)
            checkMemory(entry.first->info().id, 0, [&] { return survivesBlowUps(*entry.first, bytes); });
}
