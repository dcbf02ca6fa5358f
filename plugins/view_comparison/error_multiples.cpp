// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/error_multiples.h"

#include "engine/core/parallel.h"
#include "plugins/sdk/format.h"

#include <QHBoxLayout>

#include <algorithm>
#include <cmath>
#include <mutex>

namespace qscope {

namespace {

constexpr std::int64_t kChunk = 1 << 17; // elements: with several methods, about 10 ms
constexpr int kBins = 101;
constexpr int kNarrowest = 180; // pixels of one small multiple before the row scrolls

} // namespace

Result<ErrorHistograms> countErrors(const TensorSubject& subject, int bins, const RunContext& context) {
    ErrorHistograms result;
    std::vector<const engine::QuantizedTensor*> quantized;
    double largest = 0;
    for (std::size_t i = 0; i < subject.report->methods.size(); ++i) {
        const engine::TensorResult* found = resultOf(subject.report->methods[i], subject.index);
        if (!found || !found->quantized) continue;
        result.methods.push_back(static_cast<int>(i));
        quantized.push_back(found->quantized.get());
        if (std::isfinite(found->metrics.maxError)) largest = std::max(largest, found->metrics.maxError);
    }
    if (!(largest > 0)) largest = 1;
    for (int i = 0; i <= bins; ++i) result.edges.push_back(largest * (2.0 * i / bins - 1));
    std::vector<std::vector<std::int64_t>> counts(quantized.size(),
                                                  std::vector<std::int64_t>(static_cast<std::size_t>(bins)));
    const engine::TensorView stored = subject.view();
    const std::int64_t elements = engine::elementCount(stored.shape);
    context.progress.total = elements;
    std::mutex mutex;
    QSCOPE_CHECK(parallelChunks(elements, kChunk, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        std::vector<float> reference(static_cast<std::size_t>(end - begin)), values(reference.size());
        QSCOPE_CHECK(engine::decode(stored, begin, std::span<float>(reference)));
        for (std::size_t method = 0; method < quantized.size(); ++method) {
            QSCOPE_CHECK(engine::dequantize(*quantized[method], begin, values));
            std::vector<std::int64_t> mine(static_cast<std::size_t>(bins));
            for (std::size_t i = 0; i < values.size(); ++i) {
                const double error = static_cast<double>(values[i]) - static_cast<double>(reference[i]);
                if (!std::isfinite(error)) continue;
                const double place = std::floor((error / largest + 1) / 2 * bins);
                ++mine[static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(bins - 1)))];
            }
            const std::lock_guard lock(mutex);
            for (std::size_t bin = 0; bin < mine.size(); ++bin) counts[method][bin] += mine[bin];
        }
        return {};
    }));
    for (const auto& method : counts) result.counts.emplace_back(method.begin(), method.end());
    return result;
}

ErrorMultiples::ErrorMultiples(ViewContext& context, QWidget* parent)
    : QScrollArea(parent)
    , m_context(context)
    , m_row(new QWidget)
    , m_layout(new QHBoxLayout(m_row))
    , m_empty(new EmptyState(context))
    , m_jobs(context.makeJobs()) {
    setWidgetResizable(true);
    setFrameShape(QFrame::NoFrame);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setMinimumHeight(150);
    m_row->setBackgroundRole(QPalette::Base);
    m_layout->setContentsMargins(0, 0, 0, 0);
    m_layout->setSpacing(8);
    m_layout->addWidget(m_empty);
    setWidget(m_row);
    m_veil = new BusyVeil(context, m_row);
}

void ErrorMultiples::showText(const QString& text) {
    m_jobs->cancel();
    m_veil->stop();
    arrange(0);
    m_methods.clear();
    m_report.reset();
    m_empty->setContent(text);
    m_empty->show();
}

void ErrorMultiples::showTensor(const TensorSubject& subject) {
    if (subject.report == m_report && subject.index == m_tensor) return;
    m_report = subject.report;
    m_tensor = subject.index;
    runJob(
        *m_jobs, tr("Count errors"), [subject](const RunContext& job) { return countErrors(subject, kBins, job); },
        [this, subject](Result<ErrorHistograms> result) {
            if (result)
                showHistograms(subject, *result);
            else if (result.error().code != ErrorCode::Cancelled)
                showText(QString::fromStdString(describe(result.error())));
        });
    m_veil->watch(*m_jobs);
}

void ErrorMultiples::arrange(std::size_t count) {
    while (m_plots.size() < count) {
        auto* plot = new PlotArea(m_context);
        plot->setMinimumWidth(kNarrowest);
        m_layout->addWidget(plot, 1);
        const std::size_t place = m_plots.size();
        connect(plot, &PlotArea::clicked, this, [this, place] {
            if (place < m_methods.size()) emit methodChosen(m_methods[place]);
        });
        connect(plot, &PlotArea::hovered, this, [this, plot](double x, bool inside) {
            for (PlotArea* other : m_plots)
                if (other != plot) other->showHover(inside ? std::optional(x) : std::nullopt);
        });
        connect(plot, &PlotArea::viewChanged, this, [this, plot] {
            for (PlotArea* other : m_plots)
                if (other != plot) other->setView(plot->viewX(), plot->viewY());
        });
        m_plots.push_back(plot);
    }
    for (std::size_t i = 0; i < m_plots.size(); ++i) m_plots[i]->setVisible(i < count);
}

void ErrorMultiples::showHistograms(const TensorSubject& subject, const ErrorHistograms& histograms) {
    if (histograms.methods.empty())
        return showText(tr("No method treated this tensor. Select another one to see the errors side by side."));
    m_empty->hide();
    arrange(histograms.methods.size());
    m_methods = histograms.methods;
    double highest = 1;
    for (const auto& counts : histograms.counts)
        highest = std::max(highest, *std::max_element(counts.begin(), counts.end()));
    for (std::size_t i = 0; i < m_methods.size(); ++i) {
        const engine::MethodResult& method = subject.report->methods[static_cast<std::size_t>(m_methods[i])];
        const QString label = QString::fromStdString(method.label);
        PlotArea& plot = *m_plots[i];
        plot.setTitle(label);
        plot.setAxes({tr("Error"), {}, Scale::Linear, true},
                     {i == 0 ? tr("Count") : QString(QChar::Nbsp), {}, Scale::Log});
        plot.setFullRange(Range{histograms.edges.front(), histograms.edges.back()}, Range{0.5, highest * 2});
        plot.setLayers({{Mark::Bars, label, Ink::ofCategory(m_methods[i]), histograms.edges, histograms.counts[i]}});
        const engine::TensorResult* result = resultOf(method, subject.index);
        plot.setNote([text = formatDecibels(result->metrics.sqnrDb)](const Range&) { return text; });
    }
    markMethod(m_context.selection().method);
}

void ErrorMultiples::markMethod(int method) {
    for (std::size_t i = 0; i < m_methods.size(); ++i) m_plots[i]->setMarked(m_methods[i] == method);
}

} // namespace qscope
