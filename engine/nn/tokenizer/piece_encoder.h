// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "engine/nn/tokenizer/vocabulary.h"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace qscope::engine::detail {

// What the models of tokenization share. Not for users of tokenizers.

inline constexpr std::string_view kSpaceMark = "\u2581"; ///< stands for a space in SentencePiece and WordPiece tokens

/// Ids by text; the last of equal texts counts, as in the public runtimes.
using TokenIds = std::unordered_map<std::string_view, int>;

/// Encodes text that holds no special tokens.
class PieceEncoder {
public:
    virtual ~PieceEncoder() = default;
    /// Appends the ids of `text`, valid UTF-8; `first`: it begins the input or follows a special token.
    [[nodiscard]] virtual Result<void> encode(std::string_view text, bool first, std::vector<int>& ids) const = 0;
};

/// The vocabulary and the map outlive the encoder; the map's views point into the vocabulary.
[[nodiscard]] std::unique_ptr<PieceEncoder> makeSentencePieceEncoder(const Vocabulary& vocabulary, const TokenIds& ids);
[[nodiscard]] std::unique_ptr<PieceEncoder> makeUnigramEncoder(const Vocabulary& vocabulary, const TokenIds& ids);
/// Unsupported for an unknown split, Malformed for a merge that is not two words.
[[nodiscard]] Result<std::unique_ptr<PieceEncoder>> makeByteLevelEncoder(const Vocabulary& vocabulary, const TokenIds& ids);
[[nodiscard]] std::unique_ptr<PieceEncoder> makeWordPieceEncoder(const Vocabulary& vocabulary, const TokenIds& ids);

/// Bytes of the UTF-8 character that begins with `lead`.
[[nodiscard]] inline std::size_t characterBytes(char lead) {
    const auto byte = static_cast<unsigned char>(lead);
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// The text with every space as the space mark, and one in front when asked.
[[nodiscard]] std::string markSpaces(std::string_view text, bool prefix);

/// Ids of the byte tokens "<0x00>" to "<0xFF>" of a text, or the unknown token for each character that lacks one.
void appendBytes(std::string_view text, const Vocabulary& vocabulary, const TokenIds& ids, std::vector<int>& out);

/// How well a pair merges: more is better, equal ones from the left; nothing: not at all.
using MergeValue = std::function<std::optional<double>(std::string_view left, std::string_view right)>;

/// Merges neighbouring pieces, best pair first, until none merges. Pieces lie side by side in one text.
[[nodiscard]] std::vector<std::string_view> mergePieces(std::vector<std::string_view> pieces, const MergeValue& value);

/// The characters of a text.
[[nodiscard]] std::vector<std::string_view> charactersOf(std::string_view text);

/// Printable characters that stand for bytes in byte-level BPE, and back (GPT-2's alphabet).
[[nodiscard]] std::string toByteAlphabet(std::string_view bytes);
[[nodiscard]] std::string fromByteAlphabet(std::string_view text);

} // namespace qscope::engine::detail
