// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/models/calibration_warnings.h"

#include "engine/plan/coverage.h"
#include "plugins/sdk/format.h"

#include <QCoreApplication>

namespace qscope {

namespace {

QString tr(const char* text, std::size_t count = 0) {
    return QCoreApplication::translate("CalibrationWarnings", text, nullptr, static_cast<int>(count));
}

/// The names of the plan's methods, and of its rules', of which `flag` holds.
QString methodsWith(bool engine::MethodInfo::*flag, const engine::Plan& plan, const engine::Registries& registries) {
    std::vector<engine::MethodSpec> specs = plan.methods;
    for (const auto& rule : plan.rules) specs.push_back(rule.method);
    QStringList names;
    for (const auto& spec : specs)
        if (const auto* method = registries.methods.find(spec.id); method && method->info().*flag)
            names << QString::fromStdString(method->info().name);
    names.removeDuplicates();
    return names.join(QStringLiteral(", "));
}

} // namespace

QStringList calibrationWarnings(const engine::Plan& plan, const engine::Registries& registries,
                                const engine::Checkpoint& checkpoint, const engine::Calibration* made) {
    const QString moments = methodsWith(&engine::MethodInfo::needsCalibration, plan, registries);
    const bool ownImportance = !plan.importance.empty();
    const QString importance = methodsWith(&engine::MethodInfo::needsImportance, plan, registries);
    QStringList warnings;
    if (plan.calibration.text.empty()) {
        if (!moments.isEmpty()) warnings << tr("No calibration text is chosen; needed by %1.").arg(moments);
        if (!importance.isEmpty() && !ownImportance)
            warnings
                << tr("Neither a calibration text nor an importance matrix is chosen; needed by %1.").arg(importance);
        return warnings;
    }
    if (!made || (moments.isEmpty() && (importance.isEmpty() || ownImportance))) return warnings;
    const engine::CoverageGaps gaps = engine::coverageGaps(plan, checkpoint, *made);
    if (gaps.unreached > 0) warnings << tr("%n weight(s) saw no token of the text.", gaps.unreached);
    if (gaps.deficient > 0 && !moments.isEmpty())
        warnings
            << tr("%n weight(s) saw fewer tokens (%1) than they have channels (up to %2): second moments of low rank.",
                  gaps.deficient)
                   .arg(formatInteger(gaps.fewestTokens), formatInteger(gaps.mostChannels));
    if (gaps.silentChannels > 0)
        warnings << tr("%1 channels of %n weight(s) are never excited.", gaps.silentWeights)
                        .arg(formatInteger(gaps.silentChannels));
    return warnings;
}

} // namespace qscope
