// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/checkpoint_samples.h"
#include "tests/support/onnx_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

void expectLoadsOrRefuses(const CheckpointReader& reader, const MemoryFile& file, const std::string& damage) {
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

/// Changes bytes and cuts the file, every `step`-th place: one bit after the other when `everyBit`, else one and all.
void sweep(const std::string& bytes, std::size_t step, bool everyBit) {
    const auto reader = makeOnnxReader();
    MemoryFile file(bytes);
    const auto change = [&](std::size_t at, unsigned mask) {
        file.overwrite(at, std::string(1, static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ mask)));
        expectLoadsOrRefuses(*reader, file, fmt::format("byte {} changed by {:#x}", at, mask));
    };
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        if (everyBit)
            for (unsigned bit = 0; bit < 8; ++bit) change(at, 1u << bit);
        else change(at, 1u << (at % 8));
        change(at, 0xFF);
        file.overwrite(at, bytes.substr(at, 1));
    }
    for (std::size_t length = bytes.size(); length-- > 0;) {
        if (length % step != 0) continue;
        file.truncate(length);
        expectLoadsOrRefuses(*reader, file, fmt::format("cut to {} bytes", length));
    }
}

} // namespace

TEST_CASE("small ONNX models damaged in any bit load consistently or are refused") {
    sweep(sampleOnnx(), 1, true);
    sweep(sampleOnnxCodes(), 1, true);
}

TEST_CASE("real ONNX models damaged here and there load consistently or are refused") {
    for (const char* name : {"onnx-models/light/light_zfnet512.onnx", "onnx-nodes/test_dequantizelinear_axis/model.onnx"})
        if (const auto path = realData(name)) {
            INFO(name);
            std::ifstream file(*path, std::ios::binary);
            const std::string bytes{std::istreambuf_iterator<char>(file), {}};
            sweep(bytes, bytes.size() / 1000 + 1, false);
        }
}
