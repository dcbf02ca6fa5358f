// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// Runs every file of the folders and files given through the target, as libFuzzer does with -runs=0.
int main(int argc, char** argv) {
    int files = 0;
    const auto run = [&](const std::filesystem::path& path) {
        std::ifstream file(path, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        ++files;
    };
    for (int i = 1; i < argc; ++i)
        if (!std::filesystem::exists(argv[i])) return std::fprintf(stderr, "%s is not there\n", argv[i]), 2;
        else if (!std::filesystem::is_directory(argv[i])) run(argv[i]);
        else for (const auto& entry : std::filesystem::directory_iterator(argv[i])) run(entry.path());
    std::printf("%d files\n", files);
    return files > 0 ? 0 : 1;
}
