// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/tensor_subject.h"

#include "engine/analysis/metrics.h"
#include "plugins/sdk/format.h"

#include <QStringList>

#include <algorithm>

namespace qscope {

const engine::TensorResult* resultOf(const engine::MethodResult& method, std::int64_t tensor) {
    const auto found =
        std::find_if(method.tensors.begin(), method.tensors.end(), [&](const engine::TensorResult& result) {
            return static_cast<std::int64_t>(result.tensor) == tensor;
        });
    return found == method.tensors.end() ? nullptr : &*found;
}

std::optional<TensorSubject> tensorSubject(const ViewContext& context) {
    TensorSubject subject;
    subject.checkpoint = context.checkpoint();
    subject.index = context.selection().tensor;
    if (!subject.checkpoint || subject.index < 0 ||
        subject.index >= static_cast<std::int64_t>(subject.checkpoint->tensors.size()))
        return std::nullopt;
    subject.report = context.report();
    const int method = context.selection().method;
    if (subject.report && method >= 0 && method < static_cast<int>(subject.report->methods.size())) {
        subject.methodIndex = method;
        subject.method = &subject.report->methods[static_cast<std::size_t>(method)];
        subject.result = resultOf(*subject.method, subject.index);
        if (subject.result && !subject.result->quantized) subject.result = nullptr;
    }
    return subject;
}

QString describe(const TensorSubject& subject) {
    const engine::TensorInfo& info = subject.info();
    QStringList sizes;
    for (const std::int64_t size : info.shape) sizes << formatInteger(size);
    QStringList parts{QString::fromStdString(info.name),
                      QString::fromUtf8(engine::typeName(info).data(), static_cast<qsizetype>(engine::typeName(info).size()))};
    if (!sizes.isEmpty()) parts << sizes.join(QStringLiteral(" × "));
    if (subject.method) parts << QString::fromStdString(subject.method->label);
    return parts.join(QStringLiteral(" · "));
}

QString metricTooltip(std::string_view key) {
    const auto text = [](std::string_view part) {
        return QString::fromUtf8(part.data(), static_cast<qsizetype>(part.size())).toHtmlEscaped();
    };
    for (const engine::MetricInfo& metric : engine::metricTable()) {
        if (metric.key != key) continue;
        QString tooltip = QStringLiteral("<b>%1</b><br>%2").arg(text(metric.name), text(metric.meaning));
        if (!metric.formula.empty()) tooltip += QStringLiteral("<br><code>%1</code>").arg(text(metric.formula));
        if (!metric.source.empty()) tooltip += QStringLiteral("<br><i>%1</i>").arg(text(metric.source));
        return tooltip;
    }
    return {};
}

} // namespace qscope
