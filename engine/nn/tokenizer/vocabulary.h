// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qscope::engine {

/// What a token stands for; the numbers are those of GGUF files (formats.md, section 1.1).
enum class TokenKind : std::uint8_t { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

enum class TokenizerModel : std::uint8_t {
    SentencePieceBpe, ///< merges the pair whose token has the best score; unknown characters become byte tokens
    Unigram,          ///< the segmentation whose scores add up to the most
    ByteLevelBpe,     ///< bytes as printable characters, split into words by patterns, merged by rank
    WordPiece         ///< words from left to right, the longest known piece first
};

/// Everything a tokenizer is made from, as plain data.
struct Vocabulary {
    TokenizerModel model = TokenizerModel::ByteLevelBpe;
    std::vector<std::string> tokens;  ///< by id; byte-level ones in GPT-2's alphabet, the others with U+2581 for a space
    std::vector<float> scores;        ///< of SentencePiece and Unigram; else empty
    std::vector<TokenKind> kinds;     ///< empty: all normal
    std::vector<std::string> merges;  ///< of byte-level BPE, "left right", best first
    std::string split;                ///< name of the patterns that cut text into words, as GGUF has it: "gpt-2", "llama-bpe"
    int begin = -1;                   ///< ids; -1: none
    int end = -1;
    int unknown = -1;
    int separator = -1;               ///< ends a WordPiece text
    bool addBegin = false;
    bool addEnd = false;
    bool spacePrefix = true;          ///< SentencePiece and Unigram: a space before the first word
};

} // namespace qscope::engine
