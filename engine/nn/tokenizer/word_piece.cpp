// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/tokenizer/piece_encoder.h"

#include <utf8proc.h>

#include <algorithm>

namespace qscope::engine::detail {

namespace {

/// Characters that are words by themselves: the blocks of Chinese characters that BERT's own tokenizer names.
bool isIdeograph(utf8proc_int32_t c) {
    constexpr std::pair<utf8proc_int32_t, utf8proc_int32_t> kBlocks[] = {{0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F},
                                                                         {0x2B740, 0x2B81F}, {0x2B820, 0x2CEAF}, {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
    return std::ranges::any_of(kBlocks, [c](const auto& block) { return c >= block.first && c <= block.second; });
}

bool isPunctuation(utf8proc_int32_t c) {
    if (c < 0x80) return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
    const auto category = utf8proc_category(c);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool isSpace(utf8proc_int32_t c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || utf8proc_category(c) == UTF8PROC_CATEGORY_ZS;
}

/// Control characters, formats, accents that stand apart after decomposition.
bool isDropped(utf8proc_int32_t c) {
    const auto category = utf8proc_category(c);
    return c == 0 || c == 0xFFFD || category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CN ||
           category == UTF8PROC_CATEGORY_CO || category == UTF8PROC_CATEGORY_MN;
}

void append(std::string& text, utf8proc_int32_t c) {
    utf8proc_uint8_t bytes[4];
    const auto length = utf8proc_encode_char(c, bytes);
    text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

/// Lower case without accents, cut at spaces, punctuation and ideographs.
Result<std::vector<std::string>> wordsOf(std::string_view text) {
    std::vector<std::string> words(1);
    std::vector<utf8proc_int32_t> points(4 * text.size() + 16); // no character decomposes into more than four per byte
    const auto count = utf8proc_decompose(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                                          points.data(), static_cast<utf8proc_ssize_t>(points.size()), UTF8PROC_DECOMPOSE);
    if (count < 0 || static_cast<std::size_t>(count) > points.size())
        return fail(ErrorCode::Malformed, "the text cannot be decomposed: {}", utf8proc_errmsg(count));
    const auto startWord = [&] {
        if (!words.back().empty()) words.emplace_back();
    };
    for (utf8proc_ssize_t i = 0; i < count; ++i) {
        const utf8proc_int32_t c = points[static_cast<std::size_t>(i)];
        if (isSpace(c)) {
            startWord();
        } else if (!isDropped(c)) {
            const bool alone = isPunctuation(c) || isIdeograph(c);
            if (alone) startWord();
            append(words.back(), utf8proc_tolower(c));
            if (alone) startWord();
        }
    }
    if (words.back().empty()) words.pop_back();
    return words;
}

/// Devlin et al., "BERT", 2018, section 3 (WordPiece of Wu et al., 2016): the longest known piece from the left; a word
/// with an unknown rest is unknown as a whole.
class WordPieceEncoder final : public PieceEncoder {
public:
    WordPieceEncoder(const Vocabulary& vocabulary, const TokenIds& ids) : m_vocabulary(vocabulary), m_ids(ids) {
        for (const auto& [text, id] : ids) m_longest = std::max(m_longest, text.size());
    }

    Result<void> encode(std::string_view text, bool, std::vector<int>& out) const override {
        QSCOPE_TRY(const auto words, wordsOf(text));
        for (const std::string& word : words) {
            const std::string marked = std::string(kSpaceMark) + word;
            const std::size_t before = out.size();
            for (std::size_t at = 0; at < marked.size();) {
                std::size_t length = std::min(m_longest, marked.size() - at);
                auto found = m_ids.end();
                for (; length > 0 && found == m_ids.end(); --length) found = m_ids.find(std::string_view(marked).substr(at, length));
                if (found == m_ids.end()) {
                    out.resize(before);
                    if (m_vocabulary.unknown >= 0) out.push_back(m_vocabulary.unknown);
                    break;
                }
                out.push_back(found->second);
                at += length + 1; // the search went one further
            }
        }
        return {};
    }

private:
    const Vocabulary& m_vocabulary;
    const TokenIds& m_ids;
    std::size_t m_longest = 0;
};

} // namespace

std::unique_ptr<PieceEncoder> makeWordPieceEncoder(const Vocabulary& vocabulary, const TokenIds& ids) {
    return std::make_unique<WordPieceEncoder>(vocabulary, ids);
}

} // namespace qscope::engine::detail
