// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/damage.h"

#include "tests/support/checkpoint_samples.h"

#include <catch2/catch.hpp>

#include <fstream>

namespace qscope::test {

namespace {

void expectLoadsOrRefuses(const engine::CheckpointReader& reader, const MemoryFile& file, const std::string& damage) {
    Diagnostics notes;
    const auto opened = reader.open(file.path(), {}, notes);
    if (opened) {
        const std::string problem = inconsistency(**opened);
        if (!problem.empty()) FAIL(damage << ": " << problem);
        return;
    }
    const ErrorCode code = opened.error().code;
    if (code != ErrorCode::Malformed && code != ErrorCode::Unsupported) FAIL(damage << ": " << describe(opened.error()));
    if (describe(opened.error()).find('\n') != std::string::npos) FAIL(damage << ": more than one line");
}

} // namespace

void sweep(const engine::CheckpointReader& reader, const std::string& bytes, const Damage& damage) {
    MemoryFile file(bytes);
    std::size_t checked = 0;
    const auto change = [&](std::size_t at, unsigned mask) {
        file.overwrite(at, std::string(1, static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ mask)));
        expectLoadsOrRefuses(reader, file, fmt::format("byte {} changed by {:#x}", at, mask));
        ++checked;
    };
    for (std::size_t at = 0; at < damage.length; at += damage.step) {
        if (damage.everyBit)
            for (unsigned bit = 0; bit < 8; ++bit) change(at, 1u << bit);
        else change(at, 1u << (at % 8));
        change(at, 0xFF);
        file.overwrite(at, bytes.substr(at, 1));
    }
    for (std::size_t length = std::min(damage.length + 1, bytes.size()); length-- > 0;) {
        if (length % damage.step != 0) continue;
        file.truncate(length);
        expectLoadsOrRefuses(reader, file, fmt::format("cut to {} bytes", length));
        ++checked;
    }
    CHECK(checked >= 3 * (damage.length / damage.step));
}

std::string contentsOf(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace qscope::test
