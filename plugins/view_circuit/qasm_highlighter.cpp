// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/qasm_highlighter.h"

#include "engine/quantum/qasm/scan.h"
#include "plugins/view_circuit/qasm_words.h"

#include <cmath>

namespace qscope {

namespace {

/// Relative luminance as the contrast rules of the web define it.
double luminance(const QColor& color) {
    const auto part = [](double value) {
        return value <= 0.03928 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * part(color.redF()) + 0.7152 * part(color.greenF()) + 0.0722 * part(color.blueF());
}

} // namespace

QColor readable(QColor hue, const QColor& text, const QColor& ground) {
    const auto contrast = [&](const QColor& color) {
        const double a = luminance(color), b = luminance(ground);
        return (std::max(a, b) + 0.05) / (std::min(a, b) + 0.05);
    };
    for (int step = 0; step < 20 && contrast(hue) < 4.5; ++step)
        hue = QColor::fromRgbF(static_cast<float>(hue.redF() * 0.9f + text.redF() * 0.1f),
                               static_cast<float>(hue.greenF() * 0.9f + text.greenF() * 0.1f),
                               static_cast<float>(hue.blueF() * 0.9f + text.blueF() * 0.1f));
    return hue;
}

QasmHighlighter::QasmHighlighter(QTextDocument* document, const Theme& theme)
    : QSyntaxHighlighter(document) {
    makeStyles(theme);
}

void QasmHighlighter::setTheme(const Theme& theme) {
    makeStyles(theme);
    rehighlight();
}

void QasmHighlighter::makeStyles(const Theme& theme) {
    const auto hue = [&](int category) {
        return readable(theme.category(category), theme.color(Role::Text), theme.color(Role::Raised));
    };
    m_styles = {};
    m_styles[Keyword].setFontWeight(QFont::Bold);
    m_styles[Keyword].setForeground(theme.color(Role::Text));
    m_styles[Type].setFontWeight(QFont::Bold);
    m_styles[Type].setForeground(hue(2));
    m_styles[Gate].setForeground(hue(4));
    m_styles[Number].setForeground(hue(5));
    m_styles[String].setForeground(hue(2));
    m_styles[Comment].setForeground(theme.color(Role::Muted));
    m_styles[Comment].setFontItalic(true);
}

void QasmHighlighter::highlightBlock(const QString& text) {
    using engine::qasm::PartKind;
    const std::u16string_view view(reinterpret_cast<const char16_t*>(text.utf16()),
                                   static_cast<std::size_t>(text.size()));
    std::size_t at = 0;
    setCurrentBlockState(0);
    if (previousBlockState() == 1) { // a comment goes on
        const auto end = view.find(u"*/");
        at = end == view.npos ? view.size() : end + 2;
        setFormat(0, static_cast<int>(at), m_styles[Comment]);
        if (end == view.npos) setCurrentBlockState(1);
    }
    while (const auto part = engine::qasm::scanPart(view, at)) {
        at = part->end;
        const int begin = static_cast<int>(part->begin), length = static_cast<int>(part->end - part->begin);
        if (part->kind == PartKind::Comment) {
            setFormat(begin, length, m_styles[Comment]);
            const auto whole = view.substr(part->begin, part->end - part->begin);
            if (whole.starts_with(u"/*") && (whole.size() < 4 || !whole.ends_with(u"*/"))) setCurrentBlockState(1);
        } else if (part->kind == PartKind::Number) {
            setFormat(begin, length, m_styles[Number]);
        } else if (part->kind == PartKind::String) {
            setFormat(begin, length, m_styles[String]);
        } else if (part->kind == PartKind::Word) {
            switch (wordKind(QStringView(text).mid(begin, length))) {
            case WordKind::Keyword: setFormat(begin, length, m_styles[Keyword]); break;
            case WordKind::Type: setFormat(begin, length, m_styles[Type]); break;
            case WordKind::Constant: setFormat(begin, length, m_styles[Number]); break;
            case WordKind::Gate: setFormat(begin, length, m_styles[Gate]); break;
            case WordKind::Other: break;
            }
        }
    }
}

} // namespace qscope
