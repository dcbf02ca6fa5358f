// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/wire.h"
#include "engine/core/mapped_file.h"
#include "engine/plan/onnx_graph.h"
#include "engine/plan/onnx_values.h"
#include "tests/support/test_data.h"
#include "tests/unit/nn_onnx/close_values.h"
#include "tests/unit/nn_onnx/old_attention.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace qscope;
using namespace qscope::engine;

namespace {

namespace fs = std::filesystem;
using nn::Value;

/// A SequenceProto: tensors one after another in field 3.
Result<Value> readSequence(const fs::path& path) {
    QSCOPE_TRY(const auto file, MappedFile::open(path));
    MemoryBudget budget(file->bytes().size());
    std::vector<Value> items;
    WireReader message(file->bytes());
    WireField field;
    for (;;) {
        QSCOPE_TRY(const bool more, message.next(field));
        if (!more) return nn::makeSequence(std::move(items));
        if (field.number != 3) continue;
        QSCOPE_TRY(const auto tensor, parseOnnxTensor(field.bytes, budget, {}));
        QSCOPE_TRY(items.emplace_back(), onnxValue(tensor, budget, {}));
    }
}

/// BFLOAT16 is stored as the UINT16 of its bits; the model says what they are.
Result<Value> declared(Result<Value> value, OnnxType type) {
    if (value && type == OnnxType::BF16 && value->dtype() == DType::U16) value->host.dtype = DType::BF16;
    return value;
}

/// Operators that copy, round to a grid or compare: their results are exact.
bool isExact(const std::string& name) {
    constexpr std::array kCalculating{
        "add",          "attention",  "averagepool", "basic_conv", "batchnorm", "conv",    "div",
        "erf",          "exp",        "gelu",        "gemm",       "global",    "gru",     "hardsigmoid",
        "instancenorm", "layer_norm", "leakyrelu",   "logsoftmax", "lstm",      "matmul",  "mul",
        "pow",          "reduce",     "rms_norm",    "rotary",     "sigmoid",   "softmax", "sqrt",
        "sub",          "tanh",       "dequantize"};
    return std::ranges::none_of(kCalculating,
                                [&](const char* part) { return name.starts_with(std::string("test_") + part); });
}

test::Closeness closenessOf(const std::string& name, DType type) {
    // Its numbers are written with four digits, and so were those that they were calculated from.
    if (name == "test_averagepool_2d_ceil_last_window_starts_on_pad") return {1e-3, 0};
    return isExact(name) ? test::Closeness{} : test::closenessOf(type);
}

/// The stored results of these let numbers outside of INT8 wrap around, where the operator "saturates" by its text.
bool differsBySaturation(const std::string& name, const Value& found, const Value& stored) {
    if (!name.starts_with("test_qlinearmatmul") || found.dtype() != DType::I8 || stored.dtype() != DType::I8)
        return false;
    return std::ranges::equal(nn::elements<std::int8_t>(found), nn::elements<std::int8_t>(stored),
                              [](int a, int b) { return a == b || a == -128 || a == 127; });
}

/// Nothing when the model gives what is stored beside it.
std::optional<std::string> problemOf(const fs::path& folder) {
    test::TestRun run;
    const auto network = openOnnxNetwork(folder / "model.onnx", {}, run.notes);
    if (!network) return describe(network.error());
    const auto read = [&](const char* kind, const std::vector<OnnxSlot>& slots, std::size_t i) {
        const fs::path path = folder / "test_data_set_0" / fmt::format("{}_{}.pb", kind, i);
        return slots[i].type == OnnxType::Undefined ? readSequence(path)
                                                    : declared(readOnnxTensor(path), slots[i].type);
    };
    std::vector<Value> inputs;
    for (std::size_t i = 0; i < network->inputs.size(); ++i) {
        auto input = read("input", network->inputs, i);
        if (!input) return describe(input.error());
        inputs.push_back(*std::move(input));
    }
    const std::string name = folder.filename().string();
    std::optional<test::OldAttention> old;
    if (test::OldAttention::concerns(name)) old.emplace(network->graph->nodes.front(), inputs);
    auto outputs = nn::runGraph(*network->graph, old ? old->arranged(inputs) : inputs, *network->weights, run.context);
    if (!outputs) return describe(outputs.error());
    if (old) outputs = old->restored(*outputs);
    for (std::size_t i = 0; i < outputs->size(); ++i) {
        const auto expected = read("output", network->outputs, i);
        if (!expected) return describe(expected.error());
        const auto compare = [&](const Value& found, const Value& wanted) {
            return test::difference(found, wanted, closenessOf(name, wanted.dtype()));
        };
        std::optional<std::string> problem;
        if (!expected->items) {
            problem = compare((*outputs)[i], *expected);
            if (differsBySaturation(name, (*outputs)[i], *expected)) problem.reset();
        } else if (!(*outputs)[i].items || (*outputs)[i].items->size() != expected->items->size()) {
            problem = "no such sequence";
        } else {
            for (std::size_t k = 0; k < expected->items->size() && !problem; ++k)
                problem = compare((*(*outputs)[i].items)[k], (*expected->items)[k]);
        }
        if (problem) return fmt::format("output {}: {}", i, *problem);
    }
    return std::nullopt;
}

} // namespace

TEST_CASE("The node tests of the ONNX project give what is stored with them") {
    const auto data = test::realData("onnx-nodes");
    if (!data) return;
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(*data))
        if (entry.is_directory()) folders.push_back(entry.path());
    std::ranges::sort(folders);
    REQUIRE(folders.size() > 200);
    std::vector<std::string> failed;
    for (const fs::path& folder : folders)
        if (const auto problem = problemOf(folder)) failed.push_back(folder.filename().string() + ": " + *problem);
    INFO(fmt::format("{} of {} do not pass:\n{}", failed.size(), folders.size(), fmt::join(failed, "\n")));
    CHECK(failed.empty());
}
