// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <memory>
#include <string_view>
#include <vector>

namespace qscope::engine::detail {

/// Cuts text into words by patterns, one after another: matches and what lies between them are words, which the next
/// pattern cuts further.
class WordSplit {
public:
    /// The patterns of a named split ("gpt-2", "llama-bpe", "qwen2", ...); Unsupported names the known ones.
    [[nodiscard]] static Result<WordSplit> named(std::string_view name);
    WordSplit(WordSplit&&) noexcept;
    ~WordSplit();

    /// `text` is valid UTF-8; the words are views of it. Unsupported when a pattern gives up on it.
    [[nodiscard]] Result<std::vector<std::string_view>> words(std::string_view text) const;
    /// Whether a word that is a token as a whole is taken without merging.
    [[nodiscard]] bool takesWholeWords() const;

private:
    struct Patterns;
    explicit WordSplit(std::unique_ptr<Patterns> patterns);
    std::unique_ptr<Patterns> m_patterns;
};

} // namespace qscope::engine::detail
