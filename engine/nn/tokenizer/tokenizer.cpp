// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/tokenizer/tokenizer.h"

#include "engine/nn/tokenizer/piece_encoder.h"

#include <utf8proc.h>

#include <algorithm>
#include <charconv>

namespace qscope::engine {

using namespace detail;

struct Tokenizer::State {
    Vocabulary vocabulary;
    TokenIds ids;
    std::vector<int> special; ///< tokens found in text by their names, longest first
    std::unique_ptr<PieceEncoder> pieces;

    TokenKind kindOf(int id) const {
        return vocabulary.kinds.empty() ? TokenKind::Normal : vocabulary.kinds[static_cast<std::size_t>(id)];
    }
};

namespace {

Result<void> check(const Vocabulary& vocabulary) {
    const std::size_t count = vocabulary.tokens.size();
    const auto malformed = [](std::string_view what) { return fail(ErrorCode::Malformed, "tokenizer: {}", what); };
    if (count == 0) return malformed("it has no tokens");
    const bool scored = vocabulary.model == TokenizerModel::SentencePieceBpe || vocabulary.model == TokenizerModel::Unigram;
    if (scored ? vocabulary.scores.size() != count : !(vocabulary.scores.empty() || vocabulary.scores.size() == count))
        return fail(ErrorCode::Malformed, "tokenizer: {} scores for {} tokens", vocabulary.scores.size(), count);
    if (!vocabulary.kinds.empty() && vocabulary.kinds.size() != count)
        return fail(ErrorCode::Malformed, "tokenizer: {} kinds for {} tokens", vocabulary.kinds.size(), count);
    if (std::ranges::any_of(vocabulary.scores, [](float score) { return score != score; })) return malformed("a score is no number");
    for (const int id : {vocabulary.begin, vocabulary.end, vocabulary.unknown, vocabulary.separator})
        if (id < -1 || id >= static_cast<int>(count)) return fail(ErrorCode::Malformed, "tokenizer: token {} is outside its {} tokens", id, count);
    return {};
}

/// The first byte that is no UTF-8, or nothing.
std::optional<std::size_t> brokenByte(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        utf8proc_int32_t point;
        const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                             static_cast<utf8proc_ssize_t>(text.size() - at), &point);
        if (length <= 0) return at;
        at += static_cast<std::size_t>(length);
    }
    return std::nullopt;
}

/// A piece of text, or a token that was named in it.
struct Fragment {
    std::string_view text;
    int id = -1;
};

std::optional<char> byteOfToken(std::string_view text) {
    unsigned value = 0;
    if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
    const auto end = std::from_chars(text.data() + 3, text.data() + 5, value, 16);
    if (end.ec != std::errc{} || end.ptr != text.data() + 5) return std::nullopt;
    return static_cast<char>(value);
}

std::string withSpaces(std::string_view text) {
    std::string plain;
    for (std::size_t mark; (mark = text.find(kSpaceMark)) != text.npos; text.remove_prefix(mark + kSpaceMark.size()))
        plain.append(text.substr(0, mark)).append(1, ' ');
    return plain.append(text);
}

} // namespace

Tokenizer::Tokenizer(std::unique_ptr<const State> state) : m_state(std::move(state)) {}
Tokenizer::~Tokenizer() = default;
const Vocabulary& Tokenizer::vocabulary() const { return m_state->vocabulary; }

Result<std::shared_ptr<const Tokenizer>> Tokenizer::make(Vocabulary vocabulary) {
    QSCOPE_CHECK(check(vocabulary));
    auto state = std::make_unique<State>();
    state->vocabulary = std::move(vocabulary);
    const Vocabulary& held = state->vocabulary;
    state->ids.reserve(held.tokens.size());
    for (std::size_t id = 0; id < held.tokens.size(); ++id) {
        state->ids.insert_or_assign(held.tokens[id], static_cast<int>(id));
        const TokenKind kind = state->kindOf(static_cast<int>(id));
        const bool named = kind == TokenKind::Control || kind == TokenKind::UserDefined || kind == TokenKind::Unknown;
        if (named && !held.tokens[id].empty()) state->special.push_back(static_cast<int>(id));
    }
    std::ranges::stable_sort(state->special, std::greater<>{}, [&](int id) { return held.tokens[static_cast<std::size_t>(id)].size(); });
    switch (held.model) {
    case TokenizerModel::SentencePieceBpe: state->pieces = makeSentencePieceEncoder(held, state->ids); break;
    case TokenizerModel::Unigram: state->pieces = makeUnigramEncoder(held, state->ids); break;
    case TokenizerModel::WordPiece: state->pieces = makeWordPieceEncoder(held, state->ids); break;
    case TokenizerModel::ByteLevelBpe: {
        QSCOPE_TRY(state->pieces, makeByteLevelEncoder(held, state->ids));
        break;
    }
    }
    return std::shared_ptr<const Tokenizer>(new Tokenizer(std::move(state)));
}

Result<std::vector<int>> Tokenizer::encode(std::string_view text, AddEnds ends, ControlNames names) const {
    if (const auto broken = brokenByte(text)) return fail(ErrorCode::Malformed, "the text is no UTF-8 at byte {}", *broken);
    const Vocabulary& vocabulary = m_state->vocabulary;
    std::vector<Fragment> fragments;
    if (!text.empty()) fragments.push_back({text});
    for (const int id : m_state->special) {
        if (m_state->kindOf(id) != TokenKind::UserDefined && names == ControlNames::AreText) continue;
        const std::string& name = vocabulary.tokens[static_cast<std::size_t>(id)];
        if (text.find(name) == text.npos) continue;
        std::vector<Fragment> cut;
        for (Fragment fragment : fragments) {
            std::size_t place = fragment.id < 0 ? fragment.text.find(name) : fragment.text.npos;
            for (; place != fragment.text.npos; place = fragment.text.find(name)) {
                if (place > 0) cut.push_back({fragment.text.substr(0, place)});
                cut.push_back({fragment.text.substr(place, name.size()), id});
                fragment.text.remove_prefix(place + name.size());
            }
            if (!fragment.text.empty()) cut.push_back(fragment);
        }
        fragments = std::move(cut);
    }
    std::vector<int> ids;
    if (ends == AddEnds::Yes && vocabulary.addBegin && vocabulary.begin >= 0) ids.push_back(vocabulary.begin);
    bool first = true; // also after a special token
    for (const Fragment& fragment : fragments) {
        if (fragment.id >= 0) ids.push_back(fragment.id);
        else QSCOPE_CHECK(m_state->pieces->encode(fragment.text, first, ids));
        first = fragment.id >= 0;
    }
    const int last = vocabulary.model == TokenizerModel::WordPiece ? vocabulary.separator : vocabulary.end;
    if (ends == AddEnds::Yes && vocabulary.addEnd && last >= 0) ids.push_back(last);
    return ids;
}

Result<std::string> Tokenizer::decode(std::span<const int> ids) const {
    const Vocabulary& vocabulary = m_state->vocabulary;
    std::string text;
    for (const int id : ids) {
        if (id < 0 || id >= static_cast<int>(vocabulary.tokens.size()))
            return fail(ErrorCode::OutOfRange, "token {} is outside the vocabulary of {}", id, vocabulary.tokens.size());
        const std::string& token = vocabulary.tokens[static_cast<std::size_t>(id)];
        const TokenKind kind = m_state->kindOf(id);
        if (kind == TokenKind::Control || kind == TokenKind::Unknown) continue;
        if (vocabulary.model == TokenizerModel::ByteLevelBpe) text += kind == TokenKind::UserDefined ? token : fromByteAlphabet(token);
        else if (const auto byte = kind == TokenKind::Normal ? std::nullopt : byteOfToken(token)) text += *byte;
        else text += withSpaces(token);
    }
    const bool marked = vocabulary.model == TokenizerModel::WordPiece || (vocabulary.model != TokenizerModel::ByteLevelBpe && vocabulary.spacePrefix);
    if (marked && text.starts_with(' ')) text.erase(0, 1);
    return text;
}

} // namespace qscope::engine
