// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/models/value_list.h"

#include "plugins/sdk/format.h"

#include <QCoreApplication>
#include <QRegularExpression>
#include <QStringList>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr std::size_t kMostValues = 256;

QString tr(const char* text) { return QCoreApplication::translate("ValueList", text); }

/// "2..8" and "32..512 x2" as numbers; nothing for another form.
std::optional<std::vector<std::string>> expandRange(const QString& part) {
    static const QRegularExpression form(
        QStringLiteral("^(\\d{1,9})\\s*\\.\\.\\s*(\\d{1,9})(?:\\s*[x×]\\s*(\\d{1,4}))?$"));
    const auto match = form.match(part);
    if (!match.hasMatch()) return std::nullopt;
    const qint64 first = match.captured(1).toLongLong(), last = match.captured(2).toLongLong();
    const qint64 factor = match.captured(3).toLongLong();
    std::vector<std::string> values;
    if (!match.captured(3).isEmpty() && (factor < 2 || first < 1)) return values;
    for (qint64 value = first; value <= last && values.size() <= kMostValues;
         value = factor ? value * factor : value + 1)
        values.push_back(std::to_string(value));
    return values;
}

} // namespace

Result<std::vector<std::string>> parseValueList(const engine::ParamSpec& param, const QString& text) {
    std::vector<std::string> values;
    const auto add = [&](const std::string& value) -> Result<void> {
        engine::MethodSpec one{{}, {{param.key, value}}};
        QSCOPE_TRY(const auto resolved, engine::resolveParameters({param}, one));
        const std::string spelled = engine::toText(resolved.find(param.key)->second);
        if (std::ranges::find(values, spelled) == values.end()) values.push_back(spelled);
        if (values.size() > kMostValues) return fail(ErrorCode::OutOfRange, "more than {} values", kMostValues);
        return {};
    };
    for (const QString& piece : text.split(QLatin1Char(','), Qt::SkipEmptyParts)) {
        const QString part = piece.trimmed();
        if (part.isEmpty()) continue;
        const auto range = param.type == engine::ParamType::Integer ? expandRange(part) : std::nullopt;
        if (range && range->empty()) return fail(ErrorCode::OutOfRange, "'{}' holds no value", part.toStdString());
        for (const std::string& value : range.value_or(std::vector{part.toStdString()})) QSCOPE_CHECK(add(value));
    }
    return values;
}

QString describeRange(const engine::ParamSpec& param) {
    const QString standard = QString::fromStdString(engine::toText(param.defaultValue));
    if (param.type == engine::ParamType::Flag || param.type == engine::ParamType::Choice)
        return tr("default %1").arg(standard);
    const bool isWhole = param.type == engine::ParamType::Integer;
    const auto bound = [isWhole](double value) {
        return isWhole ? formatInteger(static_cast<std::int64_t>(value)) : formatNumber(value);
    };
    return tr("%1 to %2, default %3").arg(bound(param.minimum), bound(param.maximum), standard);
}

} // namespace qscope
