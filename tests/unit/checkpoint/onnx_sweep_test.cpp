// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/damage.h"
#include "tests/support/onnx_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

TEST_CASE("small ONNX models damaged in any bit load consistently or are refused") {
    const auto reader = makeOnnxReader();
    for (const std::string& bytes : {sampleOnnx(), sampleOnnxCodes()}) sweep(*reader, bytes, {bytes.size(), 1, true});
}

TEST_CASE("real ONNX models damaged here and there load consistently or are refused") {
    for (const char* name : {"onnx-models/light/light_zfnet512.onnx", "onnx-nodes/test_dequantizelinear_axis/model.onnx"})
        if (const auto path = realData(name)) {
            INFO(name);
            const std::string bytes = contentsOf(*path);
            sweep(*makeOnnxReader(), bytes, {bytes.size(), bytes.size() / 1000 + 1});
        }
}
