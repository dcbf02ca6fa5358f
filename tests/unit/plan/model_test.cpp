// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/generate.h"
#include "engine/report/exporter.h"
#include "tests/unit/plan/reference_run.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

// Small models with random weights against reference_models.py beside this file, which shares no code with the product.

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace fs = std::filesystem;

namespace {

void runPython(const std::string& arguments) {
    const std::string command =
        QSCOPE_PYTHON " -B " QSCOPE_SOURCE_DIR "/tests/unit/plan/reference_models.py " + arguments;
    INFO(command);
    REQUIRE(std::system(command.c_str()) == 0);
}

/// All cases, made once for this program.
const fs::path& cases() {
    static const TemporaryFolder folder;
    static const fs::path place = [] {
        runPython("make '" + (folder / "cases").string() + "'");
        return folder / "cases";
    }();
    return place;
}

Result<Model> openCase(const std::string& name, const ModelOptions& options = {}) {
    return openModel(*makeSafetensorsReader(), cases() / name, options);
}

/// "dynamic" scaling is worked out for the context that was asked for, which the reference takes as 128.
ModelOptions optionsOf(const std::string& name) { return {name == "llama_dynamic" ? 128 : 0}; }

Shape shapeOf(const fs::path& place) {
    std::ifstream file(place / "shape");
    return {std::istream_iterator<std::int64_t>(file), {}};
}

std::vector<nn::Value> inputsOf(const fs::path& place, Precision precision) {
    const Shape shape = shapeOf(place);
    if (fs::exists(place / "input.f32"))
        return {*nn::converted(nn::makeValue(shape, rawValues<float>(place / "input.f32")), nn::dtypeOf(precision))};
    std::vector<std::int64_t> positions(static_cast<std::size_t>(shape[1]));
    for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<std::int64_t>(i);
    return {nn::makeValue(shape, rawValues<std::int64_t>(place / "input.i64")),
            nn::makeValue<std::int64_t>({shape[1]}, std::move(positions))};
}

/// Columns [first, end) of the tokens, and their positions.
std::vector<nn::Value> part(const std::vector<nn::Value>& inputs, std::int64_t first, std::int64_t end) {
    const Shape& shape = inputs[0].shape();
    std::vector<std::int64_t> tokens, positions;
    for (std::int64_t row = 0; row < shape[0]; ++row)
        for (std::int64_t column = first; column < end; ++column)
            tokens.push_back(nn::elements<std::int64_t>(inputs[0])[static_cast<std::size_t>(row * shape[1] + column)]);
    for (std::int64_t column = first; column < end; ++column) positions.push_back(column);
    return {nn::makeValue<std::int64_t>({shape[0], end - first}, std::move(tokens)),
            nn::makeValue<std::int64_t>({end - first}, std::move(positions))};
}

void rewrite(const fs::path& path, const std::string& from, const std::string& to) {
    std::ifstream file(path);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    text.replace(at, from.size(), to);
    std::ofstream(path) << text;
}

} // namespace

TEST_CASE("Every architecture computes what its paper says, in both precisions", "[model]") {
    const auto name = GENERATE(as<std::string>{}, "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "phi3",
                               "gpt2", "opt", "opt_behind", "bert", "bert_words", "vit", "mamba", "rwkv",
                               "llama_linear", "llama_dynamic", "llama_llama3", "llama_yarn");
    const fs::path place = cases() / name;
    INFO(name);
    const auto model = openCase(name, optionsOf(name));
    if (!model) FAIL(describe(model.error()));
    const nn::Graph& graph = *model->graph;
    for (const Precision precision : {Precision::Single, Precision::Double}) {
        TestRun run;
        nn::Execution execution(graph, *model->weights, run.context, {precision});
        execution.keepAll();
        const auto inputs = inputsOf(place, precision);
        REQUIRE(inputs.size() == graph.inputs.size());
        for (std::size_t i = 0; i < inputs.size(); ++i) REQUIRE(execution.set(graph.inputs[i], inputs[i]));
        if (const auto ran = execution.run(); !ran) FAIL(describe(ran.error()));
        int compared = 0;
        for (const auto& entry : fs::directory_iterator(place)) {
            if (entry.path().extension() != ".f64") continue;
            const std::string edge = entry.path().stem().string();
            INFO(edge);
            const auto id = graph.find(edge);
            REQUIRE(id);
            const nn::Value* value = execution.find(*id);
            REQUIRE(value);
            CHECK(value->dtype() == nn::dtypeOf(precision));
            CHECK(farthest(doublesOf(*value), rawValues<double>(entry.path())) <
                  (precision == Precision::Single ? 1e-5 : 1e-6));
            ++compared;
        }
        CHECK(compared >= 3);
    }
    CHECK(graph.nodes.front().block == std::nullopt);
    CHECK(std::ranges::count_if(graph.nodes, [](const nn::Node& node) { return node.block == 1; }) > 5);
}

TEST_CASE("A model that was converted to GGUF computes the same", "[model]") {
    // Rows in pairs, norms with 1 added, matrices the other way round, scaling in other words.
    const auto name =
        GENERATE(as<std::string>{}, "llama", "qwen2", "qwen3", "gemma", "gpt2", "llama_linear", "llama_yarn");
    INFO(name);
    const TemporaryFolder folder;
    TestRun run;
    const auto source = makeSafetensorsReader()->open(cases() / name, {}, run.notes);
    REQUIRE(source);
    const auto written = makeGgufExporter()->write(**source, nullptr, folder / "m.gguf", run.context);
    if (!written) FAIL(describe(written.error()));
    const auto model = openModel(*makeGgufReader(), folder / "m.gguf");
    if (!model) FAIL(describe(model.error()));
    const auto outputs =
        nn::runGraph(*model->graph, inputsOf(cases() / name, Precision::Single), *model->weights, run.context);
    if (!outputs) FAIL(describe(outputs.error()));
    CHECK(farthest(doublesOf(outputs->front()), rawValues<double>(cases() / name / "logits.f64")) < 1e-5);
}

TEST_CASE("A text in pieces with a session gives what the whole text gives", "[model]") {
    const auto name = GENERATE(as<std::string>{}, "llama", "mistral", "gemma2", "phi3", "gpt2", "opt", "mamba", "rwkv");
    INFO(name);
    const auto model = openCase(name);
    REQUIRE(model);
    CHECK(isLanguageModel(*model));
    TestRun run;
    const auto whole = inputsOf(cases() / name, Precision::Single);
    const auto expected = rawValues<double>(cases() / name / "logits.f64");
    const std::int64_t rows = whole[0].shape()[0], time = whole[0].shape()[1], words = model->config.vocabulary;
    nn::Session session;
    for (const auto& [first, end] : {std::pair<std::int64_t, std::int64_t>{0, 4}, {4, 5}, {5, 7}, {7, time}}) {
        const auto outputs = nn::runGraph(*model->graph, part(whole, first, end), *model->weights, run.context,
                                          {Precision::Single, nullptr, &session});
        if (!outputs) FAIL(describe(outputs.error()));
        session.position = end;
        std::vector<double> here;
        for (std::int64_t row = 0; row < rows; ++row)
            for (std::int64_t at = first; at < end; ++at)
                here.insert(here.end(), expected.begin() + (row * time + at) * words,
                            expected.begin() + (row * time + at + 1) * words);
        CHECK(farthest(doublesOf(outputs->front()), here) < 1e-5);
    }
}

TEST_CASE("Every linear layer is a node of its module's name over a weight of its module's name", "[model]") {
    const auto name = GENERATE(as<std::string>{}, "llama", "phi3", "gpt2", "opt", "bert", "vit", "mamba", "rwkv");
    INFO(name);
    const auto model = openCase(name);
    REQUIRE(model);
    int linear = 0;
    for (const nn::Node& node : model->graph->nodes) {
        if (node.op->name != "Linear") continue;
        ++linear;
        const std::string& weight = model->graph->values[static_cast<std::size_t>(node.inputs[1])].name;
        if (node.name != "lm_head") CHECK(weight == node.name + ".weight");
        const auto tensor = model->weights->tensorOf(weight);
        REQUIRE(tensor);
        CHECK(model->weights->nameOf(*tensor) == weight);
        CHECK(model->checkpoint->tensors[*tensor].shape.size() == 2);
    }
    CHECK(linear > 4);
}

TEST_CASE("Descriptions that contradict the tensors are refused before anything runs", "[model]") {
    const TemporaryFolder folder;
    const auto refusal = [&](const std::string& from, const std::string& to) {
        fs::remove_all(folder / "m");
        fs::copy(cases() / "llama", folder / "m");
        rewrite(folder / "m" / "config.json", from, to);
        const auto model = openModel(*makeSafetensorsReader(), folder / "m");
        REQUIRE_FALSE(model);
        return model.error();
    };
    CHECK(refusal("\"vocab_size\": 19", "\"vocab_size\": 20").message ==
          "'model.embed_tokens.weight' is 19 x 24, the model's description makes it 20 x 24");
    CHECK(refusal("\"num_attention_heads\": 4", "\"num_attention_heads\": 5").message ==
          "a width of 24 does not divide into 5 heads");
    CHECK(refusal("\"num_attention_heads\": 4", "\"num_attention_heads\": 3").message ==
          "3 heads cannot share 2 key and value heads");
    CHECK(refusal("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3").message ==
          "the model has no weight 'model.layers.2.input_layernorm.weight'");
    CHECK(refusal("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1")
              .message.find("belongs to layer 1, and the model's description has 1") != std::string::npos);
    CHECK(refusal("\"silu\"", "\"sine\"").message == "the activation 'sine' is not known");
    CHECK(refusal("\"model_type\": \"llama\"", "\"model_type\": \"frob\"").code == ErrorCode::Unsupported);
    CHECK(refusal("\"rope_theta\"", "\"rope_scaling\": {\"type\": \"spiral\"}, \"rope_theta\"").message ==
          "rotary scaling 'spiral' is not known");
    CHECK(refusal("\"hidden_size\": 24", "\"hidden_size\": 0").message == "the model's description gives no width");
    const auto shorter = openCase("gpt2", {1000});
    REQUIRE_FALSE(shorter);
    CHECK(shorter.error().code == ErrorCode::OutOfRange);
}

TEST_CASE("Tokens that a model cannot take are refused", "[model]") {
    const auto model = openCase("llama", {6});
    REQUIRE(model);
    const auto why = [&](std::vector<int> tokens, std::int64_t position = 0) {
        const auto checked = checkTokens(*model, tokens, position);
        return checked ? std::string() : checked.error().message;
    };
    CHECK(why({0, 18, 1, 2, 3, 4}).empty());
    CHECK(why({}) == "there are no tokens to run the model on");
    CHECK(why({3, 19}) == "token 1 is 19, outside the vocabulary of 19");
    CHECK(why({-1}) == "token 0 is -1, outside the vocabulary of 19");
    CHECK(why({1, 2}, 5) == "7 tokens are more than the context of 6");
}

TEST_CASE("A weight with NaN or infinity is refused with its layer", "[model]") {
    const TemporaryFolder folder;
    fs::copy(cases() / "llama", folder / "m");
    Diagnostics notes;
    const auto before = makeSafetensorsReader()->open(folder / "m", {}, notes);
    REQUIRE(before);
    const auto& tensor = (*before)->tensors[*(*before)->find("model.layers.1.mlp.up_proj.weight")];
    {
        std::fstream file(folder / "m" / "model.safetensors", std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(static_cast<std::streamoff>(tensor.offset + 4 * 5));
        const float bad = INFINITY;
        file.write(reinterpret_cast<const char*>(&bad), sizeof bad);
    }
    const auto model = openModel(*makeSafetensorsReader(), folder / "m");
    REQUIRE(model);
    TestRun run;
    const auto inputs = inputsOf(cases() / "llama", Precision::Single);
    for (int again = 0; again < 2; ++again) {
        const auto outputs = nn::runGraph(*model->graph, inputs, *model->weights, run.context);
        REQUIRE_FALSE(outputs);
        CHECK(outputs.error().code == ErrorCode::Malformed);
        CHECK(outputs.error().message == "'model.layers.1.mlp.up_proj.weight' of layer 1 holds infinity at element 5");
    }
}

TEST_CASE("What stands for a stored tensor becomes a weight in the same way", "[model]") {
    const auto model = openCase("gpt2");
    REQUIRE(model);
    const std::string name = "transformer.h.0.mlp.c_fc.weight"; // stored as [in, out]
    const auto tensor = *model->weights->tensorOf(name);
    const TensorView stored = model->checkpoint->view(tensor);
    REQUIRE(stored.shape == Shape{24, 96});
    std::vector<float> values(24 * 96);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    const auto common = model->weights->commonForm(tensor, makeTensor(stored.shape, values), Precision::Double);
    REQUIRE(common);
    CHECK(common->shape() == Shape{96, 24});
    CHECK(nn::elements<double>(*common)[1] == 96);
    CHECK_FALSE(
        model->weights->commonForm(tensor, makeTensor({24, 95}, std::vector<float>(24 * 95)), Precision::Single));
}

TEST_CASE("F32 weights are used where they lie, others are decoded and kept within the budget", "[model]") {
    const auto model = openCase("llama", {0, 0});
    REQUIRE(model);
    const auto tensor = *model->weights->tensorOf("lm_head.weight");
    const TensorView stored = model->checkpoint->view(tensor);
    const auto single = model->weights->weight("lm_head.weight", Precision::Single);
    REQUIRE(single);
    const bool aligned = reinterpret_cast<std::uintptr_t>(stored.bytes.data()) % alignof(float) == 0;
    CHECK((single->host.bytes.data() == stored.bytes.data()) == aligned);
    const auto bytes = [](const Model& from) {
        const auto value = from.weights->weight("lm_head.weight", Precision::Double);
        REQUIRE(value);
        return value->host.keepAlive;
    };
    CHECK(bytes(*model) != bytes(*model));
    const auto keeping = openCase("llama");
    REQUIRE(keeping);
    CHECK(bytes(*keeping) == bytes(*keeping));
    CHECK_FALSE(model->weights->weight("model.frob.weight", Precision::Single));
}

TEST_CASE("Tokens are chosen by likelihood, and by chance within the bounds that are set", "[generate]") {
    const std::vector<float> logits{1, 3, 3, 0, 2.5F};
    CHECK(chooseToken(logits, {}, 0) == 1);
    std::vector<int> all(5), two(5), most(5);
    constexpr int kDraws = 4000;
    for (std::uint64_t step = 0; step < kDraws; ++step) {
        ++all[static_cast<std::size_t>(chooseToken(logits, {.temperature = 0.7, .seed = 3}, step))];
        ++two[static_cast<std::size_t>(chooseToken(logits, {.temperature = 1, .topK = 2}, step))];
        ++most[static_cast<std::size_t>(chooseToken(logits, {.temperature = 1, .topP = 0.8}, step))];
    }
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit / 0.7);
    for (std::size_t i = 0; i < 5; ++i) { // within five standard deviations
        const double p = std::exp(logits[i] / 0.7) / sum;
        CHECK(std::abs(all[i] - kDraws * p) < 5 * std::sqrt(kDraws * p * (1 - p)));
    }
    CHECK(two[1] + two[2] == kDraws);
    CHECK(std::min(two[1], two[2]) > kDraws / 3);
    CHECK(most[0] + most[3] == 0); // exp(3), exp(3), exp(2.5) are 0.94 of the sum, two of them 0.72
    CHECK(most[4] > 0);
    CHECK(chooseToken(logits, {.temperature = 1, .seed = 9}, 4) ==
          chooseToken(logits, {.temperature = 1, .seed = 9}, 4));
    CHECK_FALSE(checkSampling({.temperature = -1}));
    CHECK_FALSE(checkSampling({.topP = 0}));
    CHECK_FALSE(checkSampling({.temperature = NAN}));
}

TEST_CASE("Generation stops at an end token, at its length, when the context is full, and when it is cancelled",
          "[generate]") {
    const auto model = openCase("llama", {8});
    REQUIRE(model);
    TestRun run;
    const std::vector<int> prompt{3, 1, 4};
    GenerateOptions options{.tokens = 4};
    std::vector<int> heard;
    options.onToken = [&](int id) { heard.push_back(id); };
    const auto free = generate(*model, prompt, {}, options, run.context);
    REQUIRE(free);
    CHECK(free->ids.size() == 4);
    CHECK(free->ids == heard);
    CHECK(free->end == GenerateEnd::Tokens);

    const std::vector<int> ends{free->ids.back()};
    const auto ended = generate(*model, prompt, ends, options, run.context);
    REQUIRE(ended);
    CHECK(ended->end == GenerateEnd::EndToken);
    CHECK(std::ranges::count(ended->ids, ends[0]) == 0);
    CHECK(std::equal(ended->ids.begin(), ended->ids.end(), free->ids.begin()));
    options.pastEnd = true;
    CHECK(generate(*model, prompt, ends, options, run.context)->ids == free->ids);

    options.tokens = 100;
    const auto full = generate(*model, prompt, {}, options, run.context);
    REQUIRE(full);
    CHECK(full->end == GenerateEnd::ContextFull);
    CHECK(full->ids.size() == 6); // the last one follows from a full context

    const auto encoder = openCase("bert");
    REQUIRE(encoder);
    CHECK_FALSE(isLanguageModel(*encoder));
    const auto no = generate(*encoder, prompt, {}, options, run.context);
    REQUIRE_FALSE(no);
    CHECK(no.error().code == ErrorCode::Unsupported);

    options.onToken = [&](int) { run.stop.request_stop(); };
    const auto stopped = generate(*model, prompt, {}, options, run.context);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == ErrorCode::Cancelled);
}
