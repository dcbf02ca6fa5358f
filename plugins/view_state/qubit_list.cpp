// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_state/qubit_list.h"

#include <QRegularExpression>
#include <QStringList>

#include <algorithm>
#include <set>

namespace qscope {

Result<std::vector<int>> parseQubits(const QString& text, int qubits, int most) {
    static const QRegularExpression kPart(QStringLiteral("^(\\d{1,4})(?:\\s*[-–]\\s*(\\d{1,4}))?$"));
    static const QRegularExpression kBetween(QStringLiteral("\\s*,\\s*|(?<=\\d)\\s+(?=\\d)"));
    std::set<int> found;
    for (const auto& part : text.trimmed().split(kBetween, Qt::SkipEmptyParts)) {
        const auto match = kPart.match(part);
        if (!match.hasMatch())
            return fail(ErrorCode::OutOfRange, "\"{}\" is no qubit; write them as \"0, 2, 5\" or \"0-3\".",
                        part.toStdString());
        const int first = match.captured(1).toInt();
        const int last = match.captured(2).isEmpty() ? first : match.captured(2).toInt();
        if (std::max(first, last) >= qubits)
            return fail(ErrorCode::OutOfRange, "There is no qubit {}; this state has qubits 0 to {}.",
                        std::max(first, last), qubits - 1);
        for (int qubit = std::min(first, last); qubit <= std::max(first, last); ++qubit) found.insert(qubit);
    }
    if (found.empty()) return fail(ErrorCode::OutOfRange, "No qubit is named; write them as \"0, 2, 5\" or \"0-3\".");
    if (found.size() > static_cast<std::size_t>(most))
        return fail(ErrorCode::OutOfRange, "{} qubits are too many to draw; name at most {}.", found.size(), most);
    return std::vector<int>(found.begin(), found.end());
}

std::vector<int> defaultQubits(int qubits, int selected, int most) {
    const int count = std::min(qubits, most);
    const int first = selected < count ? 0 : std::min(selected, qubits - count);
    std::vector<int> chosen;
    for (int qubit = first; qubit < first + count; ++qubit) chosen.push_back(qubit);
    return chosen;
}

} // namespace qscope
