// SPDX-License-Identifier: GPL-3.0-or-later
// What the board shows and where; events and painting have files of their own.
#include "plugins/view_comparison/column_board.h"

#include "plugins/sdk/widgets/tensor_subject.h"

#include <QScrollBar>

#include <algorithm>
#include <cmath>
#include <set>

namespace qscope {

namespace {

constexpr double kNarrowest = 196, kWidest = 340, kLowest = 92;
constexpr std::size_t kMostPictures = 96; // 100 KB each

std::size_t at(BoardRow row) { return static_cast<std::size_t>(row); }

} // namespace

ColumnBoard::ColumnBoard(ViewContext& context, QWidget* parent)
    : QAbstractScrollArea(parent)
    , m_context(context)
    , m_jobs(context.makeJobs()) {
    setFrameShape(QFrame::NoFrame);
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(tr("Results side by side"));
    viewport()->setMouseTracking(true);
    viewport()->setAccessibleName(accessibleName());
    connect(&context, &ViewContext::themeChanged, viewport(), qOverload<>(&QWidget::update));
}

ColumnBoard::~ColumnBoard() = default;

void ColumnBoard::setColumns(std::vector<BoardColumn> columns, std::shared_ptr<const engine::CompareReport> report,
                             std::shared_ptr<const engine::Checkpoint> checkpoint) {
    const bool isSame = columns == m_columns && report == m_report && checkpoint == m_checkpoint;
    if (checkpoint != m_checkpoint) m_pictures.clear();
    const auto tensorsOf = [](const std::vector<BoardColumn>& all) {
        std::set<std::int64_t> tensors;
        for (const BoardColumn& column : all) tensors.insert(column.tensor);
        return tensors;
    };
    if (checkpoint != m_checkpoint || tensorsOf(columns) != tensorsOf(m_columns))
        m_viewX = {}; // a zoom is of what it was made on
    m_columns = std::move(columns);
    m_report = std::move(report);
    m_checkpoint = std::move(checkpoint);
    if (isSame) return;
    m_hover.reset();
    refreshScrollBars();
    refreshRanges();
    wantPictures();
    viewport()->update();
}

void ColumnBoard::setPropagation(std::shared_ptr<const engine::PropagationReport> propagation) {
    if (propagation == m_propagation) return;
    m_propagation = std::move(propagation);
    refreshScrollBars();
    refreshRanges();
    viewport()->update();
}

void ColumnBoard::setBaseline(const QString& label) {
    m_baseline = label;
    viewport()->update();
}

void ColumnBoard::setSelected(const Selection& selection) {
    // Of the columns of the result, the one on the selected tensor, or the model's.
    int found = -1;
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
        const BoardColumn& column = m_columns[i];
        if (column.method < 0 || column.method != selection.method) continue;
        if (found < 0 || column.tensor == selection.tensor) found = static_cast<int>(i);
        if (column.tensor == selection.tensor) break;
    }
    const bool stays = m_selected >= 0 && m_selected < static_cast<int>(m_columns.size()) && found >= 0 &&
                       m_columns[static_cast<std::size_t>(m_selected)].method == selection.method &&
                       m_columns[static_cast<std::size_t>(m_selected)].tensor < 0;
    const int now = stays ? m_selected : found;
    if (now != m_selected && now >= 0 && isVisible()) showColumn(static_cast<std::size_t>(now));
    m_selected = now;
    viewport()->update();
}

void ColumnBoard::setMenuHook(std::function<void(QMenu&, const BoardColumn&)> hook) { m_menuHook = std::move(hook); }

std::vector<BoardRow> ColumnBoard::shownRows() const {
    std::vector<BoardRow> rows{BoardRow::Values, BoardRow::Errors, BoardRow::Map, BoardRow::Channels};
    if (m_propagation) rows.push_back(BoardRow::Propagation);
    return rows;
}

double ColumnBoard::columnWidth() const {
    const double room = viewport()->width() - kGutter;
    return std::clamp(room / std::max<double>(1, static_cast<double>(m_columns.size())), kNarrowest, kWidest);
}

double ColumnBoard::rowHeight() const {
    return std::max(kLowest, (viewport()->height() - kHead) / static_cast<double>(shownRows().size()));
}

QRectF ColumnBoard::headRect(std::size_t column) const {
    return {kGutter + static_cast<double>(column) * columnWidth() - horizontalScrollBar()->value(), 0, columnWidth(),
            kHead};
}

QRectF ColumnBoard::pinRect(std::size_t column) const {
    const QRectF head = headRect(column);
    return {head.right() - 24, head.top() + 6, 18, 18};
}

QRectF ColumnBoard::chartRect(std::size_t column, BoardRow row) const {
    const auto rows = shownRows();
    const auto place = static_cast<double>(std::find(rows.begin(), rows.end(), row) - rows.begin());
    const QRectF head = headRect(column);
    const double top = kHead + place * rowHeight() - verticalScrollBar()->value() + kTitle;
    return {head.left() + 4, top, head.width() - 12, rowHeight() - kTitle - kTickRoom};
}

std::pair<std::size_t, std::size_t> ColumnBoard::visibleColumns() const {
    const double left = horizontalScrollBar()->value(), right = left + viewport()->width() - kGutter;
    const auto first = static_cast<std::size_t>(std::max(0.0, std::floor(left / columnWidth())));
    const auto last = static_cast<std::size_t>(std::max(0.0, std::ceil(right / columnWidth())));
    return {std::min(first, m_columns.size()), std::min(last, m_columns.size())};
}

ColumnBoard::Key ColumnBoard::keyOf(const BoardColumn& column) const {
    if (!m_report || column.method < 0) return {nullptr, column.tensor};
    const auto& method = m_report->methods[static_cast<std::size_t>(column.method)];
    if (column.tensor < 0) return {method.tensors.empty() ? nullptr : method.tensors.front().quantized.get(), -1};
    const engine::TensorResult* result = resultOf(method, column.tensor);
    return {result ? result->quantized.get() : nullptr, column.tensor};
}

const ColumnBoard::Held* ColumnBoard::held(const BoardColumn& column) const {
    const auto found = m_pictures.find(keyOf(column));
    return found == m_pictures.end() ? nullptr : &found->second;
}

ColumnData ColumnBoard::dataOf(const BoardColumn& column) const {
    ColumnData shown{nullptr, nullptr, column.method, column.tensor < 0};
    if (const Held* known = held(column)) shown.picture = known->picture.get();
    if (m_propagation)
        for (const auto& method : m_propagation->methods)
            if (QString::fromStdString(method.label) == column.label) shown.propagation = &method;
    return shown;
}

void ColumnBoard::refreshScrollBars() {
    const double wide = static_cast<double>(m_columns.size()) * columnWidth() + kGutter - viewport()->width();
    horizontalScrollBar()->setRange(0, static_cast<int>(std::ceil(std::max(0.0, wide))));
    horizontalScrollBar()->setPageStep(std::max(1, viewport()->width() - static_cast<int>(kGutter)));
    horizontalScrollBar()->setSingleStep(static_cast<int>(columnWidth()));
    const double high = static_cast<double>(shownRows().size()) * rowHeight() + kHead - viewport()->height();
    verticalScrollBar()->setRange(0, static_cast<int>(std::ceil(std::max(0.0, high))));
    verticalScrollBar()->setPageStep(std::max(1, viewport()->height() - static_cast<int>(kHead)));
    verticalScrollBar()->setSingleStep(24);
}

void ColumnBoard::refreshRanges() {
    m_fullX = {};
    m_fullY = {};
    m_mapLimit = 0;
    m_modelMapRange.reset();
    for (const BoardColumn& column : m_columns) {
        const ColumnData shown = dataOf(column);
        if (!shown.picture && !shown.propagation) continue;
        for (const BoardRow row : shownRows()) {
            const auto layers = rowLayers(row, shown);
            auto& x = m_fullX[at(row)][shown.isModel];
            x = united(x, rowExtentX(row, layers));
            m_fullY[at(row)] = united(m_fullY[at(row)], rowExtentY(row, layers));
        }
        if (!shown.picture) continue;
        for (const float cell : shown.picture->map) {
            const auto value = static_cast<double>(cell);
            if (!std::isfinite(value)) continue;
            if (!shown.isModel)
                m_mapLimit = std::max(m_mapLimit, std::abs(value));
            else if (value > 0)
                m_modelMapRange = united(m_modelMapRange, Range{value, value});
        }
    }
    for (const BoardRow row :
         {BoardRow::Values, BoardRow::Errors, BoardRow::Map, BoardRow::Channels, BoardRow::Propagation}) {
        for (auto& x : m_fullX[at(row)])
            if (x) x = padded(Scale::Linear, *x, row == BoardRow::Channels || row == BoardRow::Propagation ? 0.02 : 0);
        if (m_fullY[at(row)]) m_fullY[at(row)] = padded(Scale::Log, *m_fullY[at(row)], 0.06);
    }
}

Range ColumnBoard::viewX(BoardRow row, bool isModel) const {
    if (const auto& zoomed = m_viewX[at(row)][isModel]) return *zoomed;
    return m_fullX[at(row)][isModel].value_or(Range{0, 1});
}

void ColumnBoard::wantPictures() {
    if (!isVisible() || !m_report || !m_checkpoint || m_jobs->running()) return;
    const auto [first, last] = visibleColumns();
    for (std::size_t i = first; i < last; ++i) {
        const BoardColumn& column = m_columns[i];
        if (column.method < 0) continue;
        const Key key = keyOf(column);
        if (const auto found = m_pictures.find(key); found != m_pictures.end()) {
            found->second.used = ++m_clock;
            continue;
        }
        if (!hasCodes(m_report->methods[static_cast<std::size_t>(column.method)], column.tensor)) continue;
        const Selection& place = m_context.selection();
        const bool isHere = place.tensor == column.tensor;
        ColumnSubject subject{
            m_checkpoint, m_report, column.method, column.tensor, isHere ? place.row : 0, isHere ? place.column : 0};
        runJob(
            *m_jobs, tr("Picture of %1").arg(column.label),
            [subject](const RunContext& context) { return pictureOf(subject, context); },
            [this, key, report = m_report](Result<ColumnPicture> picture) {
                Held& entry = m_pictures[key];
                entry = {report, nullptr, {}, ++m_clock, {}, {}};
                if (picture)
                    entry.picture = std::make_shared<const ColumnPicture>(*std::move(picture));
                else
                    entry.problem = QString::fromStdString(picture.error().message);
                keepFew();
                refreshRanges();
                viewport()->update();
                wantPictures();
            });
        return; // one at a time: each shows as soon as it is made
    }
}

void ColumnBoard::keepFew() {
    while (m_pictures.size() > kMostPictures)
        m_pictures.erase(std::min_element(m_pictures.begin(), m_pictures.end(),
                                          [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
}

void ColumnBoard::showColumn(std::size_t column) {
    const double left = static_cast<double>(column) * columnWidth(), right = left + columnWidth();
    const double room = viewport()->width() - kGutter;
    auto* bar = horizontalScrollBar();
    if (left < bar->value())
        bar->setValue(static_cast<int>(left));
    else if (right > bar->value() + room)
        bar->setValue(static_cast<int>(std::ceil(right - room)));
}

void ColumnBoard::resizeEvent(QResizeEvent* event) {
    QAbstractScrollArea::resizeEvent(event);
    refreshScrollBars();
    wantPictures();
}

void ColumnBoard::scrollContentsBy(int, int) {
    m_hover.reset();
    m_jobs->cancel(); // for columns that may be gone
    wantPictures();
    viewport()->update();
}

void ColumnBoard::showEvent(QShowEvent* event) {
    QAbstractScrollArea::showEvent(event);
    refreshScrollBars();
    wantPictures();
}

} // namespace qscope
