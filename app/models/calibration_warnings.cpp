// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/models/calibration_warnings.h"

#include "engine/plan/coverage.h"
#include "engine/plan/plan_inputs.h"
#include "plugins/sdk/format.h"

#include <QCoreApplication>

namespace qscope {

namespace {

QString tr(const char* text, std::size_t count = 0) {
    return QCoreApplication::translate("CalibrationWarnings", text, nullptr, static_cast<int>(count));
}

/// The names of the plan's methods, and of its rules', that need something.
template<class Need>
QString methodsThat(Need need, const engine::Plan& plan, const engine::Registries& registries) {
    std::vector<engine::MethodSpec> specs = plan.methods;
    for (const auto& rule : plan.rules) specs.push_back(rule.method);
    QStringList names;
    for (const auto& spec : specs) {
        const auto method = engine::findMethod(registries, spec.id);
        if (!method) continue;
        const auto& info = (*method)->info();
        const auto values = engine::resolveParameters(info.parameters, spec);
        if (values && need(info, *values)) names << QString::fromStdString(info.name);
    }
    names.removeDuplicates();
    return names.join(QStringLiteral(", "));
}

bool needsText(const engine::MethodInfo& info, const engine::ParamValues& values) {
    return engine::needsCalibrationText(info) || engine::wantsStaticRanges(values);
}
bool needsImportance(const engine::MethodInfo& info, const engine::ParamValues&) { return info.needsImportance; }

} // namespace

QStringList calibrationWarnings(const engine::Plan& plan, const engine::Registries& registries,
                                const engine::Checkpoint& checkpoint, const engine::Calibration* made) {
    const QString text = methodsThat(needsText, plan, registries);
    const bool ownImportance = !plan.importance.empty();
    const QString importance = methodsThat(needsImportance, plan, registries);
    QStringList warnings;
    if (plan.calibration.text.empty()) {
        if (!text.isEmpty()) warnings << tr("No calibration text is chosen; needed by %1.").arg(text);
        if (!importance.isEmpty() && !ownImportance)
            warnings
                << tr("Neither a calibration text nor an importance matrix is chosen; needed by %1.").arg(importance);
        return warnings;
    }
    if (!made || (text.isEmpty() && (importance.isEmpty() || ownImportance))) return warnings;
    const engine::CoverageGaps gaps = engine::coverageGaps(plan, checkpoint, *made);
    if (gaps.unreached > 0) warnings << tr("%n weight(s) saw no token of the text.", gaps.unreached);
    const auto seesMoments = [](const auto& info, const auto&) { return engine::needsCalibrationText(info); };
    if (gaps.deficient > 0 && !methodsThat(seesMoments, plan, registries).isEmpty())
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
