// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/tokenizer/tokenizer.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <map>
#include <random>

using namespace qscope;
using namespace qscope::engine;

namespace {

const std::string kMark = "\u2581";

/// Tokens over a tiny alphabet with random scores, and single characters so that everything has a segmentation.
Vocabulary tinyVocabulary(TokenizerModel model, unsigned seed) {
    Vocabulary vocabulary;
    vocabulary.model = model;
    vocabulary.spacePrefix = false;
    std::mt19937 random(seed);
    std::map<std::string, float> tokens{{"a", 0.f}, {"b", 0.f}, {"c", 0.f}};
    for (int i = 0; i < 12; ++i) {
        std::string token;
        for (auto length = 2 + random() % 3; length > 0; --length) token += "abc"[random() % 3];
        tokens[token] = 0;
    }
    for (auto& [token, score] : tokens) {
        score = -static_cast<float>(random() % 1000) / 100;
        vocabulary.tokens.push_back(token);
        vocabulary.scores.push_back(score);
    }
    return vocabulary;
}

std::string randomText(std::mt19937& random) {
    std::string text;
    for (auto length = 1 + random() % 12; length > 0; --length) text += "abc"[random() % 3];
    return text;
}

/// The best total score over all segmentations, by trying them all.
double bestScore(const Vocabulary& vocabulary, std::string_view text) {
    if (text.empty()) return 0;
    double best = -1e300;
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
        if (text.starts_with(vocabulary.tokens[id]))
            best = std::max(best, static_cast<double>(vocabulary.scores[id]) + bestScore(vocabulary, text.substr(vocabulary.tokens[id].size())));
    return best;
}

/// BPE as its definition says it: again and again, the first of the best pairs merges.
std::vector<std::string> naiveMerges(const Vocabulary& vocabulary, const std::string& text) {
    std::vector<std::string> pieces;
    for (const char c : text) pieces.emplace_back(1, c);
    while (true) {
        std::size_t best = pieces.size();
        float bestValue = -1e30f;
        for (std::size_t i = 0; i + 1 < pieces.size(); ++i)
            for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
                if (vocabulary.tokens[id] == pieces[i] + pieces[i + 1] && vocabulary.scores[id] > bestValue) {
                    best = i;
                    bestValue = vocabulary.scores[id];
                }
        if (best == pieces.size()) return pieces;
        pieces[best] += pieces[best + 1];
        pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
}

std::vector<int> encode(const Vocabulary& vocabulary, std::string_view text, AddEnds ends = AddEnds::No, ControlNames names = ControlNames::AreText) {
    const auto tokenizer = Tokenizer::make(vocabulary);
    REQUIRE(tokenizer);
    const auto ids = (*tokenizer)->encode(text, ends, names);
    REQUIRE(ids);
    return *ids;
}

} // namespace

TEST_CASE("unigram segmentation has the largest total score", "[tokenizer]") {
    std::mt19937 random(1);
    for (unsigned seed = 0; seed < 40; ++seed) {
        const Vocabulary vocabulary = tinyVocabulary(TokenizerModel::Unigram, seed);
        const std::string text = randomText(random);
        double score = 0;
        std::string joined;
        for (const int id : encode(vocabulary, text)) {
            score += static_cast<double>(vocabulary.scores[static_cast<std::size_t>(id)]);
            joined += vocabulary.tokens[static_cast<std::size_t>(id)];
        }
        CHECK(joined == text);
        CHECK(score == Approx(bestScore(vocabulary, text)));
    }
}

TEST_CASE("SentencePiece merges as the definition of BPE says", "[tokenizer]") {
    std::mt19937 random(2);
    for (unsigned seed = 0; seed < 200; ++seed) {
        const Vocabulary vocabulary = tinyVocabulary(TokenizerModel::SentencePieceBpe, seed);
        const std::string text = randomText(random);
        std::vector<std::string> pieces;
        for (const int id : encode(vocabulary, text)) pieces.push_back(vocabulary.tokens[static_cast<std::size_t>(id)]);
        CHECK(pieces == naiveMerges(vocabulary, text));
    }
}

TEST_CASE("unknown characters become bytes, or the unknown token", "[tokenizer]") {
    Vocabulary vocabulary;
    vocabulary.model = TokenizerModel::SentencePieceBpe;
    vocabulary.tokens = {"<unk>", kMark, "a"};
    vocabulary.scores = {0, -1, -2};
    vocabulary.unknown = 0;
    CHECK(encode(vocabulary, "a\u00e9") == std::vector{1, 2, 0});
    vocabulary.tokens.insert(vocabulary.tokens.end(), {"<0xC3>", "<0xA9>"});
    vocabulary.scores.insert(vocabulary.scores.end(), {0, 0});
    vocabulary.kinds = {TokenKind::Unknown, TokenKind::Normal, TokenKind::Normal, TokenKind::Byte, TokenKind::Byte};
    CHECK(encode(vocabulary, "a\u00e9") == std::vector{1, 2, 3, 4});
    CHECK(*(*Tokenizer::make(vocabulary))->decode(std::vector{1, 2, 3, 4}) == "a\u00e9");
}

TEST_CASE("special tokens are found by name, the longest first, and control tokens only when asked", "[tokenizer]") {
    Vocabulary vocabulary;
    vocabulary.model = TokenizerModel::SentencePieceBpe;
    vocabulary.tokens = {"<s>", "<s><s>", "[x]", "a", kMark};
    vocabulary.scores = {0, 0, 0, 0, 0};
    vocabulary.kinds = {TokenKind::Control, TokenKind::Control, TokenKind::UserDefined, TokenKind::Normal, TokenKind::Normal};
    vocabulary.begin = 0;
    vocabulary.addBegin = true;
    vocabulary.spacePrefix = true;
    CHECK(encode(vocabulary, "a[x]a", AddEnds::Yes) == std::vector{0, 4, 3, 2, 4, 3});
    CHECK(encode(vocabulary, "<s><s><s>a", AddEnds::No, ControlNames::AreTokens) == std::vector{1, 0, 4, 3});
    CHECK(encode(vocabulary, "", AddEnds::Yes) == std::vector{0});
}

TEST_CASE("vocabularies that contradict themselves and texts that are none are refused", "[tokenizer]") {
    Vocabulary good = tinyVocabulary(TokenizerModel::SentencePieceBpe, 3);
    const auto refused = [&](auto change) {
        Vocabulary vocabulary = good;
        change(vocabulary);
        const auto tokenizer = Tokenizer::make(vocabulary);
        return !tokenizer && tokenizer.error().code == ErrorCode::Malformed;
    };
    CHECK(refused([](Vocabulary& v) { v.tokens.clear(); }));
    CHECK(refused([](Vocabulary& v) { v.scores.pop_back(); }));
    CHECK(refused([](Vocabulary& v) { v.scores[0] = NAN; }));
    CHECK(refused([](Vocabulary& v) { v.kinds.resize(1); }));
    CHECK(refused([](Vocabulary& v) { v.begin = 1000; }));
    Vocabulary bytes;
    bytes.tokens = {"a"};
    bytes.split = "no-such-split";
    CHECK(Tokenizer::make(bytes).error().code == ErrorCode::Unsupported);
    bytes.split = "gpt-2";
    bytes.merges = {"nothing"};
    CHECK(Tokenizer::make(bytes).error().code == ErrorCode::Malformed);
    const auto tokenizer = *Tokenizer::make(good);
    CHECK(tokenizer->encode("ab\xFF").error().code == ErrorCode::Malformed);
    CHECK(tokenizer->decode(std::vector{-1}).error().code == ErrorCode::OutOfRange);
    CHECK(tokenizer->decode(std::vector{1000}).error().code == ErrorCode::OutOfRange);
}
