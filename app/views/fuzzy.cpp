// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/fuzzy.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace qscope {

namespace {
constexpr int kLetter = 1;
constexpr int kRun = 4;
constexpr int kWordStart = 6;
constexpr int kNone = std::numeric_limits<int>::min() / 2;

bool startsWord(const QString& text, qsizetype at) {
    if (at == 0) return true;
    return !text[at - 1].isLetterOrNumber() || (text[at].isUpper() && text[at - 1].isLower());
}
} // namespace

std::optional<int> fuzzyScore(const QString& pattern, const QString& text) {
    QString wanted = pattern.toLower();
    wanted.remove(QLatin1Char(' '));
    if (wanted.isEmpty()) return 0;
    const auto length = static_cast<std::size_t>(text.size());
    // best[j]: score of the letters so far with the last one at text[j]; the best over all placements, not the first found.
    std::vector<int> best(length, kNone), next(length);
    for (qsizetype i = 0; i < wanted.size(); ++i) {
        int before = i == 0 ? 0 : kNone; // best score with the last letter left of j
        for (std::size_t j = 0; j < length; ++j) {
            const auto at = static_cast<qsizetype>(j);
            next[j] = kNone;
            if (text[at].toLower() == wanted[i]) {
                const int run = i > 0 && j > 0 && best[j - 1] > kNone ? best[j - 1] + kRun : kNone;
                const int from = std::max(before, run);
                if (from > kNone) next[j] = from + kLetter + (startsWord(text, at) ? kWordStart : 0);
            }
            if (i > 0) before = std::max(before, best[j]);
        }
        best.swap(next);
    }
    const auto found = std::max_element(best.begin(), best.end());
    if (found == best.end() || *found <= kNone) return std::nullopt;
    return *found * 64 - static_cast<int>(std::min<std::size_t>(length, 63)); // of equal fits the shorter text
}

} // namespace qscope
