// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/models/report_models.h"

#include "plugins/sdk/format.h"

namespace qscope {

namespace {

QString text(std::string_view part) { return QString::fromUtf8(part.data(), static_cast<qsizetype>(part.size())); }

/// Header of a column that shows a metric: its name, unit and definition.
QVariant metricHeader(const char* key, int role) {
    const auto& metric = engine::metric(key);
    if (role == Qt::DisplayRole)
        return metric.unit.empty() ? text(metric.name)
                                   : QStringLiteral("%1 (%2)").arg(text(metric.name), text(metric.unit));
    if (role == Qt::ToolTipRole)
        return QStringLiteral("%1\n%2").arg(text(metric.formula), text(metric.meaning));
    return {};
}

QVariant aligned(bool number) {
    return static_cast<int>((number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
}

/// A number in both forms: as people read it, and raw for sorting.
QVariant numberCell(double value, const QString& display, int role) {
    if (role == Qt::DisplayRole) return display;
    if (role == SortRole) return value;
    return {};
}

} // namespace

void ReportModel::setReport(std::shared_ptr<const engine::CompareReport> report) {
    beginResetModel();
    m_report = std::move(report);
    endResetModel();
}

int ReportModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() || !m_report ? 0 : static_cast<int>(m_report->methods.size());
}

int ReportModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

QVariant ReportModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const auto& method = m_report->methods[static_cast<std::size_t>(index.row())];
    const int column = index.column();
    if (role == IndexRole) return index.row();
    if (role == Qt::TextAlignmentRole) return aligned(column != Method && column != Device);
    if (role == Qt::ToolTipRole) return QString::fromStdString(engine::toText(method.spec));
    switch (column) {
    case Bits: return numberCell(method.bitsPerWeight, formatBits(method.bitsPerWeight), role);
    case Bytes: return numberCell(static_cast<double>(method.bytes), formatBytes(method.bytes), role);
    case RelativeMse: return numberCell(method.metrics.relativeMse, formatNumber(method.metrics.relativeMse), role);
    case Sqnr: return numberCell(method.metrics.sqnrDb, formatDecibels(method.metrics.sqnrDb), role);
    case Cosine: return numberCell(method.metrics.cosine, formatNumber(method.metrics.cosine, 6), role);
    case MaxError: return numberCell(method.metrics.maxError, formatNumber(method.metrics.maxError), role);
    case Seconds: return numberCell(method.seconds, formatDuration(method.seconds), role);
    default: break;
    }
    if (role != Qt::DisplayRole && role != SortRole) return {};
    return QString::fromStdString(column == Method ? method.label : method.device);
}

QVariant ReportModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::TextAlignmentRole) return aligned(section != Method && section != Device);
    switch (section) {
    case Bits: return metricHeader("bits_per_weight", role);
    case RelativeMse: return metricHeader("relative_mse", role);
    case Sqnr: return role == Qt::DisplayRole ? QVariant(text(engine::metric("sqnr_db").name)) : metricHeader("sqnr_db", role);
    case Cosine: return metricHeader("cosine", role);
    case MaxError: return metricHeader("max_error", role);
    default: break;
    }
    if (role != Qt::DisplayRole) return {};
    switch (section) {
    case Method: return tr("Method");
    case Bytes: return tr("Size");
    case Seconds: return tr("Time");
    case Device: return tr("Device");
    default: return {};
    }
}

void TensorResultsModel::setResult(std::shared_ptr<const engine::CompareReport> report, int method) {
    if (report == m_report && method == m_method) return;
    beginResetModel();
    m_report = std::move(report);
    m_method = m_report ? method : -1;
    endResetModel();
}

QModelIndex TensorResultsModel::indexOf(std::int64_t tensor) const {
    if (m_method < 0) return {};
    const auto& tensors = m_report->methods[static_cast<std::size_t>(m_method)].tensors;
    for (std::size_t row = 0; row < tensors.size(); ++row)
        if (static_cast<std::int64_t>(tensors[row].tensor) == tensor) return index(static_cast<int>(row), Name);
    return {};
}

int TensorResultsModel::rowCount(const QModelIndex& parent) const {
    if (parent.isValid() || m_method < 0) return 0;
    return static_cast<int>(m_report->methods[static_cast<std::size_t>(m_method)].tensors.size());
}

int TensorResultsModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

QVariant TensorResultsModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const auto& result =
        m_report->methods[static_cast<std::size_t>(m_method)].tensors[static_cast<std::size_t>(index.row())];
    if (role == IndexRole) return static_cast<qlonglong>(result.tensor);
    if (role == Qt::TextAlignmentRole) return aligned(index.column() != Name);
    switch (index.column()) {
    case Name: break;
    case Layer:
        if (!result.layer) return {};
        return numberCell(*result.layer, QString::number(*result.layer), role);
    case Bits: return numberCell(result.bits, formatBits(result.bits), role);
    case RelativeMse: return numberCell(result.metrics.relativeMse, formatNumber(result.metrics.relativeMse), role);
    case Sqnr: return numberCell(result.metrics.sqnrDb, formatDecibels(result.metrics.sqnrDb), role);
    case Cosine: return numberCell(result.metrics.cosine, formatNumber(result.metrics.cosine, 6), role);
    case MaxError: return numberCell(result.metrics.maxError, formatNumber(result.metrics.maxError), role);
    default: return {};
    }
    return role == Qt::DisplayRole || role == SortRole || role == Qt::ToolTipRole ? QString::fromStdString(result.name)
                                                                                 : QVariant();
}

QVariant TensorResultsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::TextAlignmentRole) return aligned(section != Name);
    switch (section) {
    case Bits: return metricHeader("bits_per_weight", role);
    case RelativeMse: return metricHeader("relative_mse", role);
    case Sqnr: return role == Qt::DisplayRole ? QVariant(text(engine::metric("sqnr_db").name)) : metricHeader("sqnr_db", role);
    case Cosine: return metricHeader("cosine", role);
    case MaxError: return metricHeader("max_error", role);
    case Name: return role == Qt::DisplayRole ? QVariant(tr("Tensor")) : QVariant();
    case Layer: return role == Qt::DisplayRole ? QVariant(tr("Layer")) : QVariant();
    default: return {};
    }
}

} // namespace qscope
