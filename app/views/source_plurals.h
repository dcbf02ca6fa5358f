// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTranslator>

namespace qscope {

/// The program's own language: "%n tensor(s)" reads "1 tensor" or "2 tensors". A translation file that is installed later
/// takes precedence.
class SourcePlurals : public QTranslator {
    Q_OBJECT
public:
    using QTranslator::QTranslator;

    [[nodiscard]] bool isEmpty() const override { return false; }
    [[nodiscard]] QString translate(const char*, const char* source, const char*, int n) const override {
        if (n < 0 || !source) return {};
        return QString::fromUtf8(source).replace(QLatin1String("(s)"), QLatin1String(n == 1 ? "" : "s"));
    }
};

} // namespace qscope
