// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fuzz/reader_property.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

namespace {

/// A folder that costs no disk; removed when the program ends in the ordinary way.
struct Folder {
    std::filesystem::path path = std::filesystem::path("/dev/shm") / ("qscope-fuzz-split-" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

} // namespace

/// Two parts of a model in one input: the length of the first in four bytes, then both.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto reader = qscope::engine::makeGgufReader();
    static const Folder folder;
    std::uint32_t length = 0;
    if (size < sizeof length) return 0;
    std::memcpy(&length, data, sizeof length);
    const auto* const text = reinterpret_cast<const char*>(data) + sizeof length;
    const std::size_t rest = size - sizeof length, first = std::min<std::size_t>(length, rest);
    const auto one = folder.path / "m-00001-of-00002.gguf", two = folder.path / "m-00002-of-00002.gguf";
    std::ofstream(one, std::ios::binary).write(text, static_cast<std::streamsize>(first));
    std::ofstream(two, std::ios::binary).write(text + first, static_cast<std::streamsize>(rest - first));
    qscope::test::checkPath(*reader, one);
    qscope::test::checkPath(*reader, two);
    return 0;
}
