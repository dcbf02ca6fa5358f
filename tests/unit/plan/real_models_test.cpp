// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/json.h"
#include "engine/plan/generate.h"
#include "engine/plan/model_tokenizer.h"
#include "tests/unit/plan/reference_run.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

// Trained models against what their authors' programs, PyTorch and NumPy computed.

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace fs = std::filesystem;

namespace {

Model opened(const CheckpointReader& reader, const fs::path& path) {
    auto model = openModel(reader, path);
    if (!model) FAIL(path.string() << ": " << describe(model.error()));
    return *std::move(model);
}

std::vector<double> logitsOf(const Model& model, const std::vector<int>& tokens, Precision precision) {
    TestRun run;
    REQUIRE(checkTokens(model, tokens));
    const auto outputs = nn::runGraph(*model.graph, tokenInputs(tokens), *model.weights, run.context, {precision});
    if (!outputs) FAIL(describe(outputs.error()));
    return doublesOf(outputs->front());
}

double largestDifference(const std::vector<double>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

std::vector<int> greedy(const Model& model, const std::vector<int>& prompt, std::int64_t tokens) {
    TestRun run;
    const auto made = generate(model, prompt, {}, {.tokens = tokens}, run.context);
    if (!made) FAIL(describe(made.error()));
    return made->ids;
}

std::shared_ptr<const Tokenizer> tokenizer(const Model& model) {
    Diagnostics notes;
    const auto found = tokenizerOf(*model.checkpoint, notes);
    if (!found) FAIL(describe(found.error()));
    return *found;
}

/// The story that the model's author prints at temperature 0.
std::string storyIn(const fs::path& description) {
    std::ifstream file(description);
    std::ostringstream text;
    text << file.rdbuf();
    const std::string all = text.str();
    const auto begin = all.find("Once upon", all.find("-t 0.0"));
    return all.substr(begin, all.find("\n```", begin) - begin);
}

/// What reference_models.py computes from the file by itself.
std::vector<double> logitsOfNumpy(const fs::path& file, const std::vector<int>& tokens) {
    const TemporaryFolder scratch;
    const std::string command =
        fmt::format(QSCOPE_PYTHON " -B " QSCOPE_SOURCE_DIR "/tests/unit/plan/reference_models.py llama '{}' '{}' {}",
                    file.string(), (scratch / "logits").string(), fmt::join(tokens, " "));
    REQUIRE(std::system(command.c_str()) == 0);
    return rawValues<double>(scratch / "logits");
}

/// A named array of an .npz file.
std::vector<double> arrayIn(const Checkpoint& file, std::string_view name) {
    const auto tensor = file.find(name);
    REQUIRE(tensor);
    std::vector<double> values(static_cast<std::size_t>(elementCount(file.tensors[*tensor].shape)));
    REQUIRE(decode(file.view(*tensor), 0, std::span<double>(values)));
    return values;
}

} // namespace

TEST_CASE("A small Llama tells the story that its author printed, from each format", "[model][real]") {
    const auto folder = realData("llm-llama");
    if (!folder) return;
    const std::string story = storyIn(*folder / "stories260K.md");
    REQUIRE(story.size() > 500);
    const Model own = opened(*makeLlama2cReader(), *folder / "stories260K.bin");
    const auto words = tokenizer(own);
    const std::vector<int> begin{words->vocabulary().begin};
    const auto ids = greedy(own, begin, 256); // as many as llama2.c makes without being asked
    CHECK(*words->decode(ids) == story);
    CHECK(greedy(opened(*makeSafetensorsReader(), *folder / "hf"), begin, 256) == ids);
    const Model gguf = opened(*makeGgufReader(), *folder / "stories260K-f32.gguf");
    CHECK(greedy(gguf, begin, 256) == ids);
    CHECK(*tokenizer(gguf)->decode(ids) == story);
}

TEST_CASE("A small Llama of eight bits tells the story that follows from its codes", "[model][real]") {
    const auto folder = realData("llm-llama");
    if (!folder) return;
    const fs::path file = *folder / "stories260K-q8.bin";
    const Model model = opened(*makeLlama2cReader(), file);
    const auto words = tokenizer(model);
    auto ids = greedy(model, {words->vocabulary().begin}, 256);
    const std::string told = *words->decode(ids), original = storyIn(*folder / "stories260K.md");
    CHECK(told.substr(0, 180) == original.substr(0, 180)); // then the rounding of the weights tells
    ids.insert(ids.begin(), words->vocabulary().begin);
    const auto next = ids.back();
    ids.pop_back();
    const auto expected = logitsOfNumpy(file, ids);
    CHECK(largestDifference(logitsOf(model, ids, Precision::Double), expected) < 1e-5);
    ids.push_back(next);
    const auto vocabulary = static_cast<std::size_t>(model.config.vocabulary);
    for (std::size_t at = 0; at + 1 < ids.size(); ++at) {
        const auto row = std::span(expected).subspan(at * vocabulary, vocabulary);
        CHECK(std::ranges::max_element(row) - row.begin() == ids[at + 1]);
    }
}

TEST_CASE("A small Llama's logits are NumPy's", "[model][real]") {
    const auto folder = realData("llm-llama");
    if (!folder) return;
    const Model model = opened(*makeSafetensorsReader(), *folder / "hf");
    const auto words = tokenizer(opened(*makeLlama2cReader(), *folder / "stories260K.bin"));
    const auto tokens = words->encode(storyIn(*folder / "stories260K.md"), AddEnds::Yes);
    REQUIRE(tokens);
    const auto expected = logitsOfNumpy(*folder / "hf/model.safetensors", *tokens);
    CHECK(largestDifference(logitsOf(model, *tokens, Precision::Single), expected) < 1e-4);
    CHECK(largestDifference(logitsOf(model, *tokens, Precision::Double), expected) < 1e-5);
}

TEST_CASE("The project's own model computes what PyTorch did, from each of its files", "[model][real]") {
    const auto folder = realData("llm-bard");
    if (!folder) return;
    Diagnostics notes;
    const auto reference = makeNpyReader()->open(*folder / "reference.npz", {}, notes);
    REQUIRE(reference);
    std::vector<int> tokens;
    for (const double id : arrayIn(**reference, "token_ids")) tokens.push_back(static_cast<int>(id));
    const auto expected = arrayIn(**reference, "logits");
    const Model model = opened(*makeSafetensorsReader(), *folder / "model.safetensors");
    CHECK(largestDifference(logitsOf(model, tokens, Precision::Single), expected) < 1e-4);
    CHECK(largestDifference(logitsOf(model, tokens, Precision::Double), expected) < 1e-4);
    CHECK(largestDifference(logitsOf(opened(*makeGgufReader(), *folder / "model-bf16.gguf"), tokens, Precision::Single),
                            expected) < 1e-4);
    // The same function with large channels behind the norms.
    CHECK(largestDifference(logitsOf(opened(*makeSafetensorsReader(), *folder / "outliers"), tokens, Precision::Single),
                            expected) < 1e-4);
}

TEST_CASE("The project's own model continues as in PyTorch, block by block", "[model][real]") {
    const auto folder = realData("llm-bard");
    if (!folder) return;
    Diagnostics notes;
    const auto reference = makeNpyReader()->open(*folder / "reference.npz", {}, notes);
    REQUIRE(reference);
    const auto facts = readJsonFile(*folder / "reference.json");
    REQUIRE(facts);
    const auto ids = facts->at("greedy_ids").get<std::vector<int>>();
    const auto prompt = facts->at("greedy_prompt_ids").get<std::vector<int>>();
    const Model model = opened(*makeSafetensorsReader(), *folder / "model.safetensors");
    auto made = greedy(model, prompt, static_cast<std::int64_t>(ids.size() - prompt.size()));
    made.insert(made.begin(), prompt.begin(), prompt.end());
    CHECK(made == ids);

    // The file's block outputs are those of the last step of that continuation.
    TestRun run;
    nn::Execution execution(*model.graph, *model.weights, run.context);
    execution.keepAll();
    const auto inputs = tokenInputs(std::span(ids).first(ids.size() - 1));
    for (std::size_t i = 0; i < inputs.size(); ++i) REQUIRE(execution.set(model.graph->inputs[i], inputs[i]));
    REQUIRE(execution.run());
    for (int block = 0; block < 6; ++block) {
        const auto edge = model.graph->find(fmt::format("model.layers.{}.output", block));
        REQUIRE(edge);
        CHECK(farthest(doublesOf(*execution.find(*edge)), arrayIn(**reference, fmt::format("block{}.out", block))) <
              1e-5);
    }
}

TEST_CASE("A small RWKV computes the logits of rwkv.cpp's own test", "[model][real]") {
    const auto folder = realData("llm-rwkv");
    if (!folder) return;
    const std::vector<float> read = rawValues<float>(*folder / "expected-logits-4v0-660K.bin");
    const std::vector<double> expected(read.begin(), read.end());
    // The sums of differences that its test allows for each type, with 5 %; there, activations are rounded too.
    for (const auto& [type, allowed] :
         {std::pair{"FP32", 0.001}, {"FP16", 0.013652}, {"Q5_0", 0.170404}, {"Q5_1", 0.278034}}) {
        INFO(type);
        const Model model = opened(*makeGgmfReader(), *folder / fmt::format("tiny-rwkv-4v0-660K-{}.bin", type));
        const auto all = logitsOf(model, {'"', 'i', 'n'}, Precision::Single);
        const std::vector<double> last(all.end() - 256, all.end());
        double sum = 0;
        for (std::size_t i = 0; i < last.size(); ++i) sum += last[i] - expected[i];
        CHECK(std::abs(sum) <= 1.05 * allowed);
        if (std::string_view(type) == "FP32") CHECK(largestDifference(last, expected) < 1e-4);
    }
}
