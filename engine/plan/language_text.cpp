// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/language_text.h"

#include "engine/core/mapped_file.h"
#include "engine/core/read_limits.h"
#include "engine/plan/common_names.h"
#include "engine/plan/model_tokenizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

namespace qscope::engine {

namespace {

/// Bytes that logits and the widest activations of one batch may take, and its tokens: beyond some thousand the
/// products of matrices are as fast as they get.
constexpr std::int64_t kBatchBytes = std::int64_t{256} << 20;
constexpr std::int64_t kBatchTokens = 8192;

Result<std::string> readText(const std::string& path) {
    QSCOPE_TRY(const auto file, MappedFile::open(path));
    const auto bytes = file->bytes();
    if (bytes.size() > ReadLimits{}.textBytes)
        return fail(ErrorCode::Malformed, "{} bytes of text are too many", bytes.size());
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

} // namespace

Result<void> requireLanguageModel(const Model& model) {
    if (isLanguageModel(model)) return {};
    return fail(ErrorCode::Unsupported, "{} is no language model: it does not predict tokens", model.family);
}

Result<TokenizedText> tokenizeFile(const Model& model, const std::string& path, AddEnds ends,
                                   const RunContext& context) {
    const auto read = [&]() -> Result<TokenizedText> {
        QSCOPE_TRY(const std::string text, readText(path));
        TokenizedText made;
        QSCOPE_TRY(made.tokenizer, tokenizerOf(*model.checkpoint, context.notes));
        QSCOPE_TRY(const std::vector<int> ids, made.tokenizer->encode(text, ends));
        made.tokens.assign(ids.begin(), ids.end());
        if (made.tokens.size() < 2)
            return fail(ErrorCode::Malformed, "the text has {}: there is nothing to predict",
                        made.tokens.empty() ? "no token" : "one token");
        const std::int64_t known = model.config.vocabulary;
        const auto largest = std::ranges::max(made.tokens);
        if (known > 0 && largest >= known)
            return fail(ErrorCode::Malformed, "the tokenizer gives token {}, and the model knows {}", largest, known);
        return made;
    };
    auto text = read();
    if (!text) return during(std::move(text).error(), "text " + path);
    return text;
}

Result<std::vector<std::string>> piecesOf(const Tokenizer& tokenizer, std::span<const std::int32_t> tokens) {
    // What begins a text may lose a space: the second of two equal tokens is what stands inside one.
    std::unordered_map<std::int32_t, std::string> known;
    std::vector<std::string> pieces;
    pieces.reserve(tokens.size());
    for (const std::int32_t token : tokens) {
        auto found = known.find(token);
        if (found == known.end()) {
            const std::array twice{static_cast<int>(token), static_cast<int>(token)};
            QSCOPE_TRY(const std::string one, tokenizer.decode(std::span(twice).first(1)));
            QSCOPE_TRY(const std::string two, tokenizer.decode(twice));
            found = known.emplace(token, two.substr(std::min(one.size(), two.size()))).first;
        }
        pieces.push_back(found->second);
    }
    return pieces;
}

Result<std::int64_t> windowLength(const Model& model, std::int64_t asked) {
    if (asked < 0 || asked == 1)
        return fail(ErrorCode::OutOfRange, "a window of {} tokens has nothing to predict", asked);
    // Zero: any number. A model may be loaded for longer texts than it was made for; measuring those would say little.
    std::int64_t made = model.context;
    if (!isRecurrent(model.family) && model.config.context > 0) made = std::min(made, model.config.context);
    if (asked == 0) return made > 1 ? std::min(made, kUsualWindow) : kUsualWindow;
    if (made > 0 && asked > made)
        return fail(ErrorCode::OutOfRange, "windows of {} tokens are longer than the model's context of {}", asked,
                    made);
    return asked;
}

std::vector<TextWindow> cutWindows(std::int64_t tokens, std::int64_t context, const EvaluationSettings& settings) {
    std::vector<TextWindow> windows;
    std::int64_t scored = 0;
    for (std::int64_t first = 0; first < tokens; first += context) {
        TextWindow window{first, std::min(context, tokens - first), 1};
        if (settings.scoring == Scoring::SecondHalf) {
            // Predictions made from position context / 2 on: the first of them is of the token after it.
            if (window.length < context) break;
            window.scoredFrom = context / 2 + 1;
        }
        if (window.scored() < 1) break;
        windows.push_back(window);
        scored += window.scored();
        if (settings.tokens > 0 && scored >= settings.tokens) break;
    }
    return windows;
}

nn::Value nextTokens(std::span<const std::int32_t> tokens) {
    std::vector<std::int64_t> next(tokens.begin() + 1, tokens.end());
    next.push_back(-1);
    return nn::makeValue<std::int64_t>({1, static_cast<std::int64_t>(tokens.size())}, std::move(next));
}

Result<void> setTokens(nn::Execution& execution, const nn::Graph& graph, std::span<const std::int32_t> tokens,
                       std::int64_t batch) {
    const auto time = static_cast<std::int64_t>(tokens.size()) / batch;
    for (const nn::ValueId input : graph.inputs) {
        const std::string& name = graph.values[static_cast<std::size_t>(input)].name;
        if (name == "tokens") {
            QSCOPE_CHECK(execution.set(
                input,
                nn::makeValue<std::int64_t>({batch, time}, std::vector<std::int64_t>(tokens.begin(), tokens.end()))));
        } else if (name == "positions") {
            std::vector<std::int64_t> positions(static_cast<std::size_t>(time));
            for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<std::int64_t>(i);
            QSCOPE_CHECK(execution.set(input, nn::makeValue<std::int64_t>({time}, std::move(positions))));
        } else {
            return fail(ErrorCode::Unsupported, "the network takes an input '{}' besides tokens", name);
        }
    }
    return {};
}

Result<void> runCounted(nn::Execution& execution, std::size_t first, std::size_t end, NodeProgress& counted) {
    for (std::size_t node = first; node < end; ++node) {
        QSCOPE_CHECK(execution.run(node, node + 1));
        counted.owed += counted.perNode;
        const double whole = std::floor(counted.owed + 1e-6); // sums of fractions end just below a whole number
        counted.progress.done += static_cast<std::int64_t>(whole);
        counted.owed -= whole;
    }
    return {};
}

Result<void> runCounted(nn::Execution& execution, const nn::Graph& graph, std::size_t tokens, Progress& progress) {
    NodeProgress counted{progress, static_cast<double>(tokens) / static_cast<double>(graph.nodes.size())};
    return runCounted(execution, 0, graph.nodes.size(), counted);
}

std::int64_t batchSize(const Model& model, std::int64_t time) {
    const ModelConfig& config = model.config;
    const std::int64_t width = std::max({config.vocabulary, 3 * config.hidden, 8 * config.width, std::int64_t{1}});
    const std::int64_t tokens = std::min(kBatchTokens, kBatchBytes / (4 * width));
    return std::max<std::int64_t>(1, tokens / std::max<std::int64_t>(1, time));
}

} // namespace qscope::engine
