// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/onnx_graph.h"
#include "engine/plan/onnx_values.h"
#include "tests/support/test_data.h"
#include "tests/unit/nn_onnx/close_values.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using nn::Value;

namespace {

namespace fs = std::filesystem;

void runPython(const std::string& script, const std::string& arguments) {
    const std::string command =
        QSCOPE_PYTHON " -B " QSCOPE_SOURCE_DIR "/tests/unit/nn_onnx/" + script + " " + arguments;
    INFO(command);
    REQUIRE(std::system(command.c_str()) == 0);
}

std::vector<Value> readAll(const fs::path& folder, std::string_view kind, std::size_t count) {
    std::vector<Value> values;
    for (std::size_t i = 0; i < count; ++i) {
        auto value = readOnnxTensor(folder / fmt::format("{}_{}.pb", kind, i));
        if (!value) FAIL(describe(value.error()));
        values.push_back(*std::move(value));
    }
    return values;
}

std::vector<Value> outputsOf(const fs::path& model, const std::vector<Value>& inputs) {
    test::TestRun run;
    auto outputs = runOnnx(model, inputs, run.context);
    if (!outputs) FAIL(describe(outputs.error()));
    return *std::move(outputs);
}

/// The model on inputs that NumPy draws, against what NumPy calculates in double precision (reference_onnx.py). About
/// a hundred layers of single precision, each wrong by less than 1e-6 of its largest value, in no common direction.
void compareWithNumPy(std::string_view name, const std::string& inputs, std::size_t inputCount) {
    const auto model = test::realData("onnx-models/" + std::string(name));
    if (!model) return;
    INFO(name);
    const test::TemporaryFolder folder;
    runPython("reference_onnx.py", fmt::format("'{}' '{}' {}", model->string(), (folder / "").string(), inputs));
    const auto found = outputsOf(*model, readAll(folder / "", "input", inputCount));
    const auto expected = readAll(folder / "", "output", found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        INFO("output " << i);
        const auto problem = test::difference(found[i], expected[i], {1e-4, 1e-5});
        CHECK(problem.value_or("") == "");
    }
}

} // namespace

TEST_CASE("Convolutional networks give what NumPy calculates") {
    compareWithNumPy("version-RFB-320.onnx", "float:1,3,240,320", 1);
    compareWithNumPy("ch_ppocr_mobile_v2.0_cls_infer.onnx", "float:2,3,48,192", 1);
}

TEST_CASE("A streaming network with recurrent layers gives what NumPy calculates") {
    compareWithNumPy("gtcrn_simple.onnx", "float:1,257,1,2 float:2,1,16,16,33 float:2,3,1,1,16 float:2,1,33,16", 4);
}

TEST_CASE("A network that chooses its path by the sampling rate gives what NumPy calculates") {
    compareWithNumPy("silero_vad.onnx", "float:1,576 float:2,1,128 int64::16000:16001", 3);
    compareWithNumPy("silero_vad.onnx", "float:3,288 float:2,3,128 int64::8000:8001", 3);
}

TEST_CASE("A file classifier gives what NumPy calculates") {
    compareWithNumPy("magika_standard_v3_3.onnx", "int32:2,2048:0:257", 1);
}

TEST_CASE("The file classifier names the files of its reference examples") {
    const auto model = test::realData("onnx-models/magika_standard_v3_3.onnx");
    if (!model) return;
    const test::TemporaryFolder folder;
    const auto beside = [&](const char* name) { return "'" + (model->parent_path() / name).string() + "' "; };
    runPython("magika_examples.py", beside("magika_standard_v3_3-inference_examples_by_content.json.gz") +
                                        beside("magika_standard_v3_3.config.json") + "3 '" + (folder / "").string() +
                                        "'");
    const auto input = readOnnxTensor(folder / "input.pb");
    REQUIRE(input);
    const Value scores = outputsOf(*model, {*input})[0];
    const std::int64_t labels = scores.shape().back();
    std::ifstream expected(folder / "expected.txt");
    std::ptrdiff_t row = 0;
    double score = 0;
    for (std::ptrdiff_t label = 0; expected >> label >> score; ++row) {
        const auto line = nn::elements<float>(scores).subspan(static_cast<std::size_t>(row * labels),
                                                              static_cast<std::size_t>(labels));
        const auto best = std::ranges::max_element(line);
        CHECK(best - line.begin() == label);
        // The stored scores are another runtime's in single precision, up to 3e-4 from what NumPy has in double.
        CHECK(static_cast<double>(*best) == Approx(score).margin(1e-3));
    }
    CHECK(row >= 3);
}

// Their weights are constants, so that they test how layers are put together: padding, joining, sums over branches.
TEST_CASE("The light models of the ONNX project give what is stored with them") {
    const auto folder = test::realData("onnx-models/light");
    if (!folder) return;
    for (const char* name : {"bvlc_alexnet", "inception_v1", "resnet50", "squeezenet", "zfnet512"}) {
        INFO(name);
        // The project's own test counts up from 0 to just below 1 (onnx/backend/test/runner).
        std::vector<float> ramp(3 * 224 * 224);
        for (std::size_t i = 0; i < ramp.size(); ++i)
            ramp[i] = static_cast<float>(static_cast<double>(i) / static_cast<double>(ramp.size()));
        const auto outputs = outputsOf(*folder / fmt::format("light_{}.onnx", name),
                                       {nn::makeValue<float>({1, 3, 224, 224}, std::move(ramp))});
        const auto expected = readOnnxTensor(*folder / fmt::format("light_{}_output_0.pb", name));
        REQUIRE(expected);
        CHECK(test::difference(outputs[0], *expected, {1e-5, 0}).value_or("") == "");
    }
}
