// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPlainTextEdit>

#include <map>

namespace qscope {

/// Folds runs of lines of a text editor under their first line. What is folded is what is invisible in the document.
class SourceFolding {
public:
    explicit SourceFolding(QPlainTextEdit& editor)
        : m_editor(editor) {}

    /// Finds the runs anew after the text has changed; lines whose run is gone come back.
    void refresh();
    [[nodiscard]] bool foldable(int line) const { return m_ranges.contains(line); }
    [[nodiscard]] bool folded(int line) const;
    void setFolded(int line, bool folded);
    /// Unfolds whatever hides a line.
    void reveal(int line);

private:
    void relayout();

    QPlainTextEdit& m_editor;
    std::map<int, int> m_ranges; ///< first line to last
};

} // namespace qscope
