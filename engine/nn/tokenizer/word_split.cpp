// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/tokenizer/word_split.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>

namespace qscope::engine::detail {

namespace {

// The published patterns of the tokenizers, as their authors' configurations state them.
constexpr const char* kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kPunctuation = R"([\p{P}\$\+<=>\^~\|`]+)";
constexpr const char* kThreeDigits = "[0-9][0-9][0-9]";
constexpr const char* kOneDigit = R"(\p{N})";
constexpr const char* kDigits = R"(\p{N}+)";

struct Split {
    std::string_view names; ///< separated by spaces
    std::array<const char*, 4> patterns;
    bool wholeWords;
};

constexpr Split kSplits[] = {
    {"gpt-2 gpt2 gpt-neox phi-2 roberta-bpe olmo jina-es jina-de jina-v2-es jina-v2-de jina-v2-code mpt exaone", {kGpt2}, false},
    {"llama-bpe llama3 llama-v3 falcon3 smaug-bpe", {kLlama3}, true},
    {"qwen2 stablelm2 deepseek-r1-qwen megrez", {kQwen2}, false},
    {"falcon", {kPunctuation, kGpt2, kThreeDigits}, false},
    {"default", {kPunctuation, kGpt2, kDigits, kThreeDigits}, false},
    {"starcoder refact command-r smollm codeshell", {kOneDigit, kGpt2}, false},
};

struct FreeCode {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
using Code = std::unique_ptr<pcre2_code, FreeCode>;
struct FreeMatch {
    void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};
struct FreeContext {
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

/// Steps of backtracking per match: text chosen to be slow ends in an error, not in a hang.
constexpr std::uint32_t kMatchLimit = 10'000'000;

Result<void> cut(const pcre2_code* code, std::string_view text, std::vector<std::string_view>& words) {
    const std::unique_ptr<pcre2_match_data, FreeMatch> match(pcre2_match_data_create_from_pattern(code, nullptr));
    const std::unique_ptr<pcre2_match_context, FreeContext> context(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(context.get(), kMatchLimit);
    std::size_t done = 0;
    while (done < text.size()) {
        const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), done, PCRE2_NO_UTF_CHECK, match.get(), context.get());
        if (found == PCRE2_ERROR_NOMATCH) break;
        if (found < 0) return fail(ErrorCode::Unsupported, "the text is too intricate to be cut into words (after byte {})", done);
        const std::size_t begin = pcre2_get_ovector_pointer(match.get())[0], end = pcre2_get_ovector_pointer(match.get())[1];
        if (end == begin) break; // none of the patterns matches nothing
        if (begin > done) words.push_back(text.substr(done, begin - done));
        words.push_back(text.substr(begin, end - begin));
        done = end;
    }
    if (done < text.size()) words.push_back(text.substr(done));
    return {};
}

bool isAmong(std::string_view names, std::string_view name) {
    while (!names.empty()) {
        const std::size_t end = std::min(names.find(' '), names.size());
        if (names.substr(0, end) == name) return true;
        names.remove_prefix(std::min(end + 1, names.size()));
    }
    return false;
}

} // namespace

struct WordSplit::Patterns {
    std::vector<Code> codes;
    bool wholeWords = false;
};

WordSplit::WordSplit(std::unique_ptr<Patterns> patterns) : m_patterns(std::move(patterns)) {}
WordSplit::WordSplit(WordSplit&&) noexcept = default;
WordSplit::~WordSplit() = default;

Result<WordSplit> WordSplit::named(std::string_view name) {
    const auto split = std::ranges::find_if(kSplits, [&](const Split& row) { return isAmong(row.names, name); });
    if (split == std::end(kSplits))
        return fail(ErrorCode::Unsupported, "the pre-tokenizer '{}' is not known; gpt-2, llama-bpe, qwen2, falcon and starcoder are", name);
    auto patterns = std::make_unique<Patterns>();
    patterns->wholeWords = split->wholeWords;
    for (const char* text : split->patterns) {
        if (!text) continue;
        int error = 0;
        PCRE2_SIZE place = 0;
        Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text), PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &error, &place, nullptr));
        if (!code) return fail(ErrorCode::Unsupported, "this build of PCRE2 has no Unicode: '{}'", name);
        pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE); // where there is no such compiler, matching is only slower
        patterns->codes.push_back(std::move(code));
    }
    return WordSplit(std::move(patterns));
}

Result<std::vector<std::string_view>> WordSplit::words(std::string_view text) const {
    std::vector<std::string_view> words{text}, cutWords;
    for (const Code& code : m_patterns->codes) {
        cutWords.clear();
        for (const std::string_view word : words) QSCOPE_CHECK(cut(code.get(), word, cutWords));
        words.swap(cutWords);
    }
    return words;
}

bool WordSplit::takesWholeWords() const { return m_patterns->wholeWords; }

} // namespace qscope::engine::detail
