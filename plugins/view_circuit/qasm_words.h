// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <utility>
#include <vector>

namespace qscope {

enum class WordKind { Keyword, Type, Constant, Gate, Other };
/// What a word of OpenQASM 2 or 3 means, as far as the word alone says it.
[[nodiscard]] WordKind wordKind(QStringView word);

/// One proposal: the word and what helps to choose it ("control, target").
struct Completion {
    QString word;
    QString detail;
};
/// The beginning of a word in front of a place, and what it may become: gates with their signatures, the gates and
/// registers of the text, words of the language. Nothing in comments and strings.
struct Completions {
    QString prefix;
    std::vector<Completion> proposals;
};
[[nodiscard]] Completions completionsAt(const QString& text, int position);

/// Runs of lines that can be folded under their first, counted from 0: bodies in braces, comments of several lines.
[[nodiscard]] std::vector<std::pair<int, int>> foldableLines(const QString& text);

} // namespace qscope
