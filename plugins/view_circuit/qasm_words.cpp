// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_circuit/qasm_words.h"

#include "engine/quantum/gates.h"
#include "engine/quantum/qasm/scan.h"

#include <QCoreApplication>

#include <algorithm>
#include <array>
#include <set>

namespace qscope {

namespace {

using engine::qasm::PartKind;

constexpr std::array kKeywords{"OPENQASM", "include", "gate",     "opaque", "measure", "reset",  "barrier",
                               "if",       "else",    "for",      "in",     "while",   "switch", "case",
                               "default",  "break",   "continue", "end",    "return",  "def",    "let",
                               "const",    "input",   "output",   "ctrl",   "negctrl", "inv",    "pow",
                               "box",      "delay",   "gphase",   "extern", "cal",     "defcal", "pragma"};
constexpr std::array kTypes{"qreg",  "creg", "qubit",   "bit",   "int",      "uint",   "float",
                            "angle", "bool", "complex", "array", "duration", "stretch"};
constexpr std::array kConstants{"pi",      "tau",   "euler", "true",     "false",  "sin",    "cos",  "tan",  "exp",
                                "ln",      "log",   "sqrt",  "arcsin",   "arccos", "arctan", "asin", "acos", "atan",
                                "ceiling", "floor", "mod",   "popcount", "π",      "τ",      "ℇ"};

template<class List>
bool holds(const List& list, QStringView word) {
    return std::ranges::any_of(list, [&](const char* each) { return word == QString::fromUtf8(each); });
}

std::u16string_view view(const QString& text) {
    return {reinterpret_cast<const char16_t*>(text.utf16()), static_cast<std::size_t>(text.size())};
}

struct Word {
    PartKind kind;
    QString text;
    int begin, end;
};

std::vector<Word> wordsOf(const QString& text) {
    std::vector<Word> words;
    std::size_t at = 0;
    while (const auto part = engine::qasm::scanPart(view(text), at)) {
        at = part->end;
        const int begin = static_cast<int>(part->begin), end = static_cast<int>(part->end);
        words.push_back({part->kind, text.mid(begin, end - begin), begin, end});
    }
    return words;
}

/// "control, control, target" or "(angle) qubit"
QString signature(const engine::GateInfo& gate) {
    QStringList parts;
    for (int i = 0; i < gate.parameters; ++i) parts << QCoreApplication::translate("CircuitView", "angle");
    QString text = parts.isEmpty() ? QString() : QStringLiteral("(%1) ").arg(parts.join(QStringLiteral(", ")));
    QStringList qubits;
    for (int i = 0; i < gate.qubits; ++i)
        qubits << (i < gate.controls ? QCoreApplication::translate("CircuitView", "control")
                   : gate.controls   ? QCoreApplication::translate("CircuitView", "target")
                                     : QCoreApplication::translate("CircuitView", "qubit"));
    return text + qubits.join(QStringLiteral(", "));
}

/// Gates, registers and inputs that the text declares, with what stands behind their names.
std::vector<Completion> declared(const std::vector<Word>& words) {
    std::vector<Completion> found;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        const QString& word = words[i].text;
        if (words[i].kind != PartKind::Word) continue;
        if (word == QLatin1String("gate") || word == QLatin1String("opaque") || word == QLatin1String("def")) {
            QString rest;
            for (std::size_t k = i + 2;
                 k < words.size() && words[k].text != QLatin1String("{") && words[k].text != QLatin1String(";"); ++k)
                rest +=
                    (words[k].kind == PartKind::Word && !rest.isEmpty() && rest.back().isLetterOrNumber()
                         ? QStringLiteral(" ")
                         : QString()) +
                    words[k].text +
                    (words[k].text == QLatin1String(",") || words[k].text == QLatin1String(")") ? QStringLiteral(" ")
                                                                                                : QString());
            found.push_back({words[i + 1].text, rest.trimmed()});
        } else if (holds(kTypes, word) || word == QLatin1String("let")) {
            std::size_t k = i + 1; // behind a size in brackets
            if (words[k].text == QLatin1String("["))
                while (k < words.size() && words[k - 1].text != QLatin1String("]")) ++k;
            if (k < words.size() && words[k].kind == PartKind::Word) {
                QString size;
                for (std::size_t s = i + 1; s < std::min(words.size(), i + 6); ++s)
                    if (words[s].kind == PartKind::Number) {
                        size = words[s].text;
                        break;
                    } else if (words[s].text == QLatin1String(";")) {
                        break;
                    }
                found.push_back({words[k].text, size.isEmpty() ? word : QStringLiteral("%1[%2]").arg(word, size)});
            }
        }
    }
    return found;
}

} // namespace

WordKind wordKind(QStringView word) {
    if (holds(kKeywords, word)) return WordKind::Keyword;
    if (holds(kTypes, word)) return WordKind::Type;
    if (holds(kConstants, word)) return WordKind::Constant;
    return engine::findGate(word.toUtf8().toStdString()) ? WordKind::Gate : WordKind::Other;
}

Completions completionsAt(const QString& text, int position) {
    const auto words = wordsOf(text);
    const auto here =
        std::ranges::find_if(words, [&](const Word& word) { return word.begin < position && position <= word.end; });
    Completions result;
    if (here != words.end()) {
        if (here->kind == PartKind::Comment && (position < here->end || here->text.startsWith(QLatin1String("//"))))
            return result;
        if (here->kind == PartKind::String || here->kind == PartKind::Number) return result;
        if (here->kind == PartKind::Word) result.prefix = here->text.left(position - here->begin);
    }
    const bool two = !words.empty() && std::ranges::any_of(words, [&](const Word& word) {
        return word.kind == PartKind::Number && word.text.startsWith(QLatin1Char('2')) && (&word - words.data()) > 0 &&
               (&word - 1)->text == QLatin1String("OPENQASM");
    });
    std::set<QString> seen;
    const auto propose = [&](const QString& word, const QString& detail) {
        if (word.size() <= result.prefix.size() || !word.startsWith(result.prefix, Qt::CaseInsensitive)) return;
        if (seen.insert(word).second) result.proposals.push_back({word, detail});
    };
    for (const auto& each : declared(words)) propose(each.word, each.detail);
    for (const auto& gate : engine::gateTable())
        propose(QString::fromUtf8(gate.name.data(), static_cast<qsizetype>(gate.name.size())), signature(gate));
    const auto known = [&](const auto& list, const QString& detail) {
        for (const char* word : list) propose(QString::fromUtf8(word), detail);
    };
    constexpr std::array kOldKeywords{"OPENQASM", "include", "gate", "opaque", "measure",
                                      "reset",    "barrier", "if",   "qreg",   "creg"};
    if (two) {
        known(kOldKeywords, QCoreApplication::translate("CircuitView", "statement"));
    } else {
        known(kKeywords, QCoreApplication::translate("CircuitView", "statement"));
        known(kTypes, QCoreApplication::translate("CircuitView", "type"));
    }
    known(kConstants, QCoreApplication::translate("CircuitView", "in expressions"));
    std::ranges::stable_sort(result.proposals,
                             [](const Completion& a, const Completion& b) { return a.word < b.word; });
    return result;
}

std::vector<std::pair<int, int>> foldableLines(const QString& text) {
    std::vector<std::pair<int, int>> ranges;
    std::vector<int> open; // lines of braces that are not closed yet
    int line = 0, counted = 0;
    int commentsFrom = -1, commentsTo = -2; // a run of lines that are comments
    const auto lineAt = [&](int position) {
        for (; counted < position; ++counted) line += text[counted] == QLatin1Char('\n');
        return line;
    };
    const auto endComments = [&] {
        if (commentsTo > commentsFrom && commentsFrom >= 0) ranges.emplace_back(commentsFrom, commentsTo);
        commentsFrom = -1;
        commentsTo = -2;
    };
    for (const auto& word : wordsOf(text)) {
        const int first = lineAt(word.begin), last = lineAt(word.end);
        if (word.kind == PartKind::Comment) {
            int before = word.begin;
            while (before > 0 && (text[before - 1] == QLatin1Char(' ') || text[before - 1] == QLatin1Char('\t')))
                --before;
            const bool whole = before == 0 || text[before - 1] == QLatin1Char('\n');
            if (whole && first == commentsTo + 1) {
                commentsTo = last;
            } else {
                endComments();
                if (whole) commentsFrom = first, commentsTo = last;
            }
            continue;
        }
        endComments();
        if (word.text == QLatin1String("{")) open.push_back(first);
        if (word.text == QLatin1String("}") && !open.empty()) {
            if (first > open.back()) ranges.emplace_back(open.back(), first);
            open.pop_back();
        }
    }
    endComments();
    std::ranges::sort(ranges);
    return ranges;
}

} // namespace qscope
