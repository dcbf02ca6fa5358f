// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/theme.h"

#include <QSyntaxHighlighter>

#include <array>

namespace qscope {

/// Colours of OpenQASM: words of the language bold, types, gates and numbers in hues of the theme's categories made
/// dark or light enough to read, comments slanted and muted.
class QasmHighlighter : public QSyntaxHighlighter {
    Q_OBJECT
public:
    QasmHighlighter(QTextDocument* document, const Theme& theme);
    void setTheme(const Theme& theme);

protected:
    void highlightBlock(const QString& text) override;

private:
    enum Style { Keyword, Type, Gate, Number, String, Comment, Count };
    void makeStyles(const Theme& theme);
    std::array<QTextCharFormat, Count> m_styles;
};

/// A hue mixed with the text colour until it stands out from `ground` by 4.5 : 1.
[[nodiscard]] QColor readable(QColor hue, const QColor& text, const QColor& ground);

} // namespace qscope
