// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/models/tensor_tree_model.h"

#include "engine/analysis/metrics.h"
#include "plugins/sdk/format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>

namespace qscope {

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// Key in the table of metrics of each column that shows one.
constexpr std::array<const char*, TensorTreeModel::ColumnCount> kMetricKeys{
    nullptr, nullptr, nullptr, nullptr, "std", "absmax", "kurtosis", "max_to_mean", "outliers", nullptr};

QString shapeText(const engine::Shape& shape) {
    QStringList sizes;
    for (const auto size : shape) sizes << QString::number(size);
    return sizes.isEmpty() ? TensorTreeModel::tr("scalar") : sizes.join(QStringLiteral(" × "));
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

void takeLarger(StatisticsRow& into, const StatisticsRow& from) {
    into.known = true;
    into.std = std::max(into.std, from.std);
    into.absmax = std::max(into.absmax, from.absmax);
    into.kurtosis = std::max(into.kurtosis, from.kurtosis);
    into.maxToMean = std::max(into.maxToMean, from.maxToMean);
    into.outliers = std::max(into.outliers, from.outliers);
}

} // namespace

void TensorTreeModel::setTree(std::shared_ptr<const TensorTree> tree) {
    beginResetModel();
    m_tree = std::move(tree);
    const std::size_t count = m_tree ? m_tree->nodes.size() : 0;
    m_numbers.assign(count, {});
    m_nodeOfTensor.assign(m_tree && m_tree->checkpoint ? m_tree->checkpoint->tensors.size() : 0, -1);
    for (std::size_t node = 0; node < count; ++node)
        if (const auto tensor = m_tree->nodes[node].tensor; tensor >= 0)
            m_nodeOfTensor[static_cast<std::size_t>(tensor)] = static_cast<int>(node);
    applyFilter();
    applySort();
    endResetModel();
}

void TensorTreeModel::setNumbers(std::int64_t tensor, const StatisticsRow& numbers) {
    if (tensor < 0 || static_cast<std::size_t>(tensor) >= m_nodeOfTensor.size()) return;
    const bool whole = m_tree->checkpoint->tensors[static_cast<std::size_t>(tensor)].isWhole(); // a part speaks for itself alone
    for (int node = m_nodeOfTensor[static_cast<std::size_t>(tensor)]; node >= 0;
         node = whole ? m_tree->nodes[static_cast<std::size_t>(node)].parent : -1) {
        takeLarger(m_numbers[static_cast<std::size_t>(node)], numbers);
        if (node > 0 && m_rows[static_cast<std::size_t>(node)] >= 0)
            emit dataChanged(indexOfNode(node, Std), indexOfNode(node, Outliers));
    }
    if (m_sortColumn >= Std) m_sortStale = true;
}

void TensorTreeModel::setNotes(std::function<QString(std::int64_t)> noteOf) {
    m_noteOf = std::move(noteOf);
    if (m_tree && !m_tree->nodes.empty() && !m_children[0].empty())
        emit dataChanged(index(0, Name), index(rowCount() - 1, Note)); // views repaint as a whole
}

void TensorTreeModel::setFilter(const QString& text) {
    if (text == m_filter) return;
    beginResetModel();
    m_filter = text;
    applyFilter();
    applySort();
    endResetModel();
}

void TensorTreeModel::applyFilter() {
    const std::size_t count = m_tree ? m_tree->nodes.size() : 0;
    m_children.assign(count, {});
    m_rows.assign(count, -1);
    m_visibleTensors = 0;
    if (count == 0) return;
    std::string pattern = lower(m_filter.trimmed().toStdString());
    if (!pattern.empty() && pattern.find_first_of("*?|") == std::string::npos) pattern = "*" + pattern + "*";
    std::vector<bool> visible(count, pattern.empty());
    if (!pattern.empty())
        for (std::size_t node = 0; node < count; ++node) {
            const auto& tensor = m_tree->nodes[node].tensor;
            if (tensor < 0) continue;
            const auto& name = m_tree->checkpoint->tensors[static_cast<std::size_t>(tensor)].name;
            if (!engine::matchesGlob(lower(name), pattern)) continue;
            for (int at = static_cast<int>(node); at >= 0 && !visible[static_cast<std::size_t>(at)];
                 at = m_tree->nodes[static_cast<std::size_t>(at)].parent)
                visible[static_cast<std::size_t>(at)] = true;
        }
    for (std::size_t node = 0; node < count; ++node)
        for (const int child : m_tree->nodes[node].children) {
            if (!visible[static_cast<std::size_t>(child)]) continue;
            m_children[node].push_back(child);
            const auto tensor = m_tree->nodes[static_cast<std::size_t>(child)].tensor;
            if (tensor >= 0 && m_tree->checkpoint->tensors[static_cast<std::size_t>(tensor)].isWhole()) ++m_visibleTensors;
        }
}

void TensorTreeModel::applySort() {
    const bool descending = m_sortOrder == Qt::DescendingOrder;
    const auto before = [&](int a, int b) {
        if (m_sortColumn == Name || m_sortColumn == Type || m_sortColumn == Note) {
            const QString x = display(a, m_sortColumn), y = display(b, m_sortColumn);
            return descending ? y < x : x < y;
        }
        const double x = number(a, m_sortColumn), y = number(b, m_sortColumn);
        if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
        return descending ? y < x : x < y;
    };
    for (auto& children : m_children) {
        if (m_sortColumn < 0) std::sort(children.begin(), children.end());
        else std::stable_sort(children.begin(), children.end(), before);
        for (std::size_t row = 0; row < children.size(); ++row)
            m_rows[static_cast<std::size_t>(children[row])] = static_cast<int>(row);
    }
    m_sortStale = false;
}

void TensorTreeModel::sort(int column, Qt::SortOrder order) {
    m_sortColumn = column;
    m_sortOrder = order;
    emit layoutAboutToBeChanged({}, VerticalSortHint);
    const auto before = persistentIndexList();
    applySort();
    QModelIndexList after;
    after.reserve(before.size());
    for (const auto& index : before) after << indexOfNode(nodeOf(index), index.column());
    changePersistentIndexList(before, after);
    emit layoutChanged({}, VerticalSortHint);
}

void TensorTreeModel::resort() {
    if (m_sortStale) sort(m_sortColumn, m_sortOrder);
}

int TensorTreeModel::nodeOf(const QModelIndex& index) const {
    return index.isValid() ? static_cast<int>(index.internalId()) : 0;
}

QModelIndex TensorTreeModel::indexOfNode(int node, int column) const {
    if (node <= 0 || m_rows[static_cast<std::size_t>(node)] < 0) return {};
    return createIndex(m_rows[static_cast<std::size_t>(node)], column, static_cast<quintptr>(node));
}

QModelIndex TensorTreeModel::indexOf(std::int64_t tensor) const {
    if (tensor < 0 || static_cast<std::size_t>(tensor) >= m_nodeOfTensor.size()) return {};
    return indexOfNode(m_nodeOfTensor[static_cast<std::size_t>(tensor)], Name);
}

QModelIndex TensorTreeModel::index(int row, int column, const QModelIndex& parent) const {
    if (!hasIndex(row, column, parent)) return {};
    return indexOfNode(m_children[static_cast<std::size_t>(nodeOf(parent))][static_cast<std::size_t>(row)], column);
}

QModelIndex TensorTreeModel::parent(const QModelIndex& index) const {
    if (!index.isValid()) return {};
    return indexOfNode(m_tree->nodes[static_cast<std::size_t>(nodeOf(index))].parent, Name);
}

int TensorTreeModel::rowCount(const QModelIndex& parent) const {
    if (m_children.empty() || parent.column() > 0) return 0;
    return static_cast<int>(m_children[static_cast<std::size_t>(nodeOf(parent))].size());
}

int TensorTreeModel::columnCount(const QModelIndex&) const { return ColumnCount; }

double TensorTreeModel::number(int node, int column) const {
    const auto& at = m_tree->nodes[static_cast<std::size_t>(node)];
    const auto& numbers = m_numbers[static_cast<std::size_t>(node)];
    if (column == Shape) return static_cast<double>(at.parameters);
    if (column == Size) return static_cast<double>(at.bytes);
    if (!numbers.known) return kUnknown;
    switch (column) {
    case Std: return numbers.std;
    case AbsMax: return numbers.absmax;
    case Kurtosis: return numbers.kurtosis;
    case MaxToMean: return numbers.maxToMean;
    case Outliers: return numbers.outliers;
    default: return kUnknown;
    }
}

QString TensorTreeModel::display(int node, int column) const {
    const auto& at = m_tree->nodes[static_cast<std::size_t>(node)];
    const auto* tensor = at.tensor < 0 ? nullptr : &m_tree->checkpoint->tensors[static_cast<std::size_t>(at.tensor)];
    switch (column) {
    case Name: return QString::fromStdString(at.label);
    case Shape: return tensor ? shapeText(tensor->shape) : formatParameters(at.parameters);
    case Type: {
        const auto name = tensor ? engine::typeName(*tensor) : std::string_view();
        return QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size()));
    }
    case Size: return formatBytes(at.bytes);
    case Note: return tensor && m_noteOf ? m_noteOf(at.tensor) : QString();
    default: break;
    }
    const double value = number(node, column);
    if (std::isnan(value)) return {};
    return column == Outliers ? formatInteger(static_cast<std::int64_t>(value)) : formatNumber(value);
}

QString TensorTreeModel::tooltip(int node) const {
    const auto& at = m_tree->nodes[static_cast<std::size_t>(node)];
    if (at.tensor < 0)
        return tr("%n tensor(s), %1 parameters, %2", nullptr, static_cast<int>(at.tensors))
            .arg(formatParameters(at.parameters), formatBytes(at.bytes));
    const auto& tensor = m_tree->checkpoint->tensors[static_cast<std::size_t>(at.tensor)];
    QString text = QStringLiteral("%1\n%2, %3, %4").arg(QString::fromStdString(tensor.name), display(node, Shape),
                                                        display(node, Type), display(node, Size));
    if (const QString note = display(node, Note); !note.isEmpty()) text += QStringLiteral("\n") + note;
    return text;
}

QVariant TensorTreeModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const int node = nodeOf(index);
    const auto tensor = m_tree->nodes[static_cast<std::size_t>(node)].tensor;
    const bool numeric = index.column() >= Size && index.column() <= Outliers;
    switch (role) {
    case Qt::DisplayRole: return display(node, index.column());
    case Qt::ToolTipRole: return tooltip(node);
    case Qt::TextAlignmentRole:
        return static_cast<int>((numeric ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case SortRole: {
        if (!numeric && index.column() != Shape) return display(node, index.column());
        const double value = number(node, index.column());
        return std::isnan(value) ? QVariant() : QVariant(value);
    }
    case IndexRole: return static_cast<qlonglong>(tensor);
    case PathRole:
        return tensor < 0 ? QString()
                          : QString::fromStdString(m_tree->checkpoint->tensors[static_cast<std::size_t>(tensor)].name);
    default: return {};
    }
}

QVariant TensorTreeModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount) return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((section >= Size && section <= Outliers ? Qt::AlignRight : Qt::AlignLeft) |
                                Qt::AlignVCenter);
    if (const char* key = kMetricKeys[static_cast<std::size_t>(section)]) {
        const auto& metric = engine::metric(key);
        const auto text = [](std::string_view part) {
            return QString::fromUtf8(part.data(), static_cast<qsizetype>(part.size()));
        };
        if (role == Qt::DisplayRole) return text(metric.name);
        if (role == Qt::ToolTipRole)
            return QStringLiteral("%1\n%2\n%3").arg(text(metric.formula), text(metric.meaning),
                                                    tr("A module shows the largest value below it."));
        return {};
    }
    if (role != Qt::DisplayRole) return {};
    switch (section) {
    case Name: return tr("Name");
    case Shape: return tr("Shape");
    case Type: return tr("Type");
    case Size: return tr("Size");
    case Note: return tr("Note");
    default: return {};
    }
}

} // namespace qscope
