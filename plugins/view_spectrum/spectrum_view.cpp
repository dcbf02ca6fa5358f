// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_spectrum/spectrum_view.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/tensor_subject.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QBoxLayout>
#include <QResizeEvent>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace qscope {

namespace {

constexpr int kWideEnough = 500; // pixels: from here the smaller charts stand beside the large one
constexpr int kTallEnough = 440; // below, the table makes room for the charts

QString helpText() {
    return SpectrumView::tr(
        "<p><b>Singular values</b> σ₁ ≥ σ₂ ≥ … of the matrix [output channels, input channels]. All of them up to a "
        "shorter side of 1024 (what is below 1e−7 of the largest is rounding), else the largest 256 by random "
        "projection (Halko, Martinsson and Tropp, 2011), of which the last may be a few percent low.</p>"
        "<p><b>Held</b>: Σ of the r largest σ² over Σ of all, the best that any matrix of rank r can do in squared "
        "error.</p>"
        "<p><b>Stable rank</b>: Σσ² / σ₁². <b>Effective rank</b>: exp(−Σ p ln p), p = σ / Σσ (Roy and Vetterli, "
        "2007).</p>"
        "<p><b>Entropy over the cuts</b>: the entries of W, divided by its norm, are read as the amplitudes of a state "
        "whose sites are the prime factors of the number of rows, ascending, then those of the columns; the first site "
        "is the most significant digit of the row. A cut behind sites with L levels in all turns W, read row by row, "
        "into a matrix [L, rows · columns / L]; with its singular values and p = σ² / Σσ², S = −Σ p log₂ p bits. It is "
        "what a matrix product state needs there: a bond of about 2<sup>S</sup>. Behind the last site of the rows the "
        "matrix is W itself. At most log₂ min(L, rows · columns / L); random states have log₂ m − m / (2 n ln 2), "
        "m ≤ n the sizes of both sides (Page, 1993; Schollwöck, 2011).</p>");
}

/// For legends, which have little room.
QString shortName(SpectrumOf of) {
    switch (of) {
    case SpectrumOf::Weights: return SpectrumView::tr("Stored");
    case SpectrumOf::Result: return SpectrumView::tr("Result");
    case SpectrumOf::Error: return SpectrumView::tr("Error");
    case SpectrumOf::Unhelped: return SpectrumView::tr("Without low rank");
    case SpectrumOf::LowRank: return SpectrumView::tr("Low rank");
    }
    return {};
}

std::vector<double> ranks(std::size_t count) {
    std::vector<double> x;
    for (std::size_t i = 1; i <= count; ++i) x.push_back(static_cast<double>(i));
    return x;
}

} // namespace

SpectrumView::SpectrumView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Spectrum"), parent)
    , m_values(new PlotArea(context))
    , m_held(new PlotArea(context))
    , m_entropies(new PlotArea(context))
    , m_table(new NumberTable(context)) {
    m_values->setTitle(tr("Singular values"));
    m_held->setTitle(tr("What the largest hold"));
    m_entropies->setTitle(tr("Entropy over the cuts of the matrix"));
    m_table->setColumns(
        {{tr("Matrix"), {}, true},
         {tr("Largest σ"), tr("The spectral norm, σ₁")},
         {tr("Stable rank"), tr("<qt>Σσ² / σ₁²</qt>")},
         {tr("Effective rank"), tr("<qt>exp(−Σ p ln p), p = σ / Σσ. Roy and Vetterli, The effective rank, 2007. "
                                   "A dash: not all singular values are known.</qt>")},
         {tr("Rank for 90 %"), tr("<qt>Least r whose largest σ² hold 90 % of Σσ²</qt>")},
         {tr("Rank for 99 %"), tr("<qt>Least r whose largest σ² hold 99 % of Σσ²</qt>")}});
    m_table->setSortingEnabled(false);
    for (PlotArea* plot : {m_values, m_held, m_entropies}) plot->setMinimumHeight(110);
    auto* page = new QVBoxLayout(&body());
    page->setContentsMargins(8, 0, 8, 8);
    page->setSpacing(8);
    m_outer = new QBoxLayout(QBoxLayout::LeftToRight);
    m_outer->setSpacing(16);
    page->addLayout(m_outer, 1);
    page->addWidget(m_table);
    m_side = new QBoxLayout(QBoxLayout::TopToBottom);
    m_side->setSpacing(8);
    m_outer->addWidget(m_values, 3);
    m_outer->addLayout(m_side, 2);
    m_side->addWidget(m_held, 1);
    m_side->addWidget(m_entropies, 1);
    header().addChoice({tr("Linear"), tr("Log")}, 1,
                       [this](int index) {
                           m_log = index == 1;
                           showSpectra();
                       },
                       {tr("Singular values on a linear scale"), tr("Singular values on a logarithmic scale")});
    addHelp(header(), helpText());
    connect(&context, &ViewContext::checkpointChanged, this, &SpectrumView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &SpectrumView::invalidate);
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        if (now.tensor != before.tensor || now.method != before.method) invalidate();
    });
}

void SpectrumView::refresh() {
    header().setSubject({});
    const auto subject = tensorSubject(context());
    if (!context().checkpoint()) return showNoCheckpoint(tr("The singular values of a weight matrix appear here."));
    if (!subject) return showEmpty(tr("Select a tensor in the navigator to see its singular values."));
    header().setSubject(describe(*subject));
    m_matrix = subject->matrix();
    if (std::min(m_matrix.rows, m_matrix.columns) < 2)
        return showEmpty(tr("A vector has one singular value, its norm. Select a matrix."));
    m_method = subject->methodIndex;
    m_label = subject->method ? QString::fromStdString(subject->method->label) : QString();
    showBody();
    run(
        tr("Find singular values"),
        [subject = *subject](const RunContext& job) {
            return spectraOf(subject.view(), subject.result ? subject.result->quantized.get() : nullptr, job);
        },
        [this](std::vector<Spectrum> spectra) {
            m_spectra = std::move(spectra);
            showSpectra();
            showEntropies();
            showTable();
        });
}

QString SpectrumView::nameOf(SpectrumOf of) const {
    switch (of) {
    case SpectrumOf::Weights: return tr("Stored");
    case SpectrumOf::Result: return m_label;
    case SpectrumOf::Error: return tr("Error");
    case SpectrumOf::Unhelped: return tr("Error without the low-rank part");
    case SpectrumOf::LowRank: return tr("Low-rank part");
    }
    return {};
}

PlotLayer SpectrumView::layerOf(const Spectrum& spectrum, std::vector<double> y) const {
    const Ink ink = Ink::ofCategory(spectrum.of == SpectrumOf::Weights ? -1 : m_method);
    PlotLayer layer{Mark::Line, shortName(spectrum.of), ink, ranks(y.size()), std::move(y)};
    layer.dash = spectrum.of == SpectrumOf::Error      ? Qt::DashLine
                 : spectrum.of == SpectrumOf::Unhelped ? Qt::DotLine
                 : spectrum.of == SpectrumOf::LowRank  ? Qt::DashDotLine
                                                       : Qt::SolidLine;
    return layer;
}

void SpectrumView::showSpectra() {
    std::vector<PlotLayer> values, held;
    double largest = 0;
    std::size_t most = 0, unknown = 0;
    for (const Spectrum& spectrum : m_spectra) {
        std::vector<double> sigma = spectrum.values.values;
        if (!sigma.empty()) largest = std::max(largest, sigma.front());
        most = std::max(most, sigma.size());
        if (spectrum.of == SpectrumOf::LowRank) { // beyond its rank there is nothing but rounding
            const auto rank = std::ranges::find_if(sigma, [&](double s) { return s <= 1e-6 * sigma.front(); });
            sigma.erase(rank, sigma.end());
        }
        if (!spectrum.values.complete)
            unknown =
                static_cast<std::size_t>(std::min(m_matrix.rows, m_matrix.columns)) - spectrum.values.values.size();
        values.push_back(layerOf(spectrum, std::move(sigma)));
        if (spectrum.of == SpectrumOf::LowRank || spectrum.of == SpectrumOf::Result) continue; // as those beside them
        held.push_back(layerOf(spectrum, spectrum.values.held()));
    }
    const Axis rank{tr("Rank"), {}, Scale::Linear, false, true};
    m_values->setAxes(rank, {tr("Singular value"), {}, m_log ? Scale::Log : Scale::Linear});
    m_values->setNote([unknown](const Range&) {
        return unknown > 0
                   ? tr("%1 smaller ones are not computed").arg(formatInteger(static_cast<std::int64_t>(unknown)))
                   : QString();
    });
    std::optional<Range> range;
    if (m_log && largest > 0) { // down to where rounding begins, not below
        double least = largest;
        for (const PlotLayer& layer : values)
            for (const double s : layer.y)
                if (s > 1e-7 * largest) least = std::min(least, s);
        range = Range{least * 0.8, largest * 1.25};
    }
    m_values->setFullRange(std::nullopt, range);
    m_values->setLayers(std::move(values));
    m_held->setAxes(rank, {tr("Share of Σσ²"), QStringLiteral("%")});
    m_held->setFullRange(std::nullopt, Range{0, 102});
    m_held->setLayers(std::move(held));
}

void SpectrumView::showEntropies() {
    std::vector<PlotLayer> layers;
    std::vector<Range> ofColumns;
    std::size_t leftOut = 0;
    if (const auto& first = m_spectra.front().entropies) { // the bounds are the same for all
        for (const auto& [name, y, dash] : {std::tuple{tr("At most"), first->most, Qt::DotLine},
                                            std::tuple{tr("Random state"), first->random, Qt::DashLine}}) {
            PlotLayer bound{Mark::Line, name, Ink::of(Role::Muted), first->levels, y};
            bound.dash = dash;
            bound.interactive = false;
            layers.push_back(std::move(bound));
        }
        ofColumns.push_back({first->levels[first->rowsEnd], first->levels.back()});
        leftOut = first->leftOut;
    }
    for (const Spectrum& spectrum : m_spectra) {
        if (!spectrum.entropies) continue;
        PlotLayer layer = layerOf(spectrum, spectrum.entropies->bits);
        layer.x = spectrum.entropies->levels;
        layers.push_back(std::move(layer));
    }
    m_entropies->setBands(std::move(ofColumns));
    m_entropies->setNote([leftOut](const Range&) {
        return leftOut > 0 ? tr("%1 cuts are too large to compute").arg(leftOut) : QString();
    });
    m_entropies->setReadout([this](const PlotArea::Hit& hit) {
        const PlotLayer& layer = m_entropies->layers()[hit.layer];
        const auto at = static_cast<std::size_t>(hit.index);
        return tr("%1\ncut behind %2 levels\n%3 bit")
            .arg(layer.name, formatInteger(std::llround(std::exp2(layer.x[at]))), formatNumber(layer.y[at]));
    });
    m_entropies->setAxes({tr("Cut: log₂ levels to its left; shaded: sites of the columns"), {}},
                         {tr("Entropy"), tr("bit")});
    m_entropies->setLayers(std::move(layers));
}

void SpectrumView::showTable() {
    std::vector<NumberRow> rows;
    const auto rankOf = [](const SingularValues& values, double part) -> NumberCell {
        const auto rank = values.rankHolding(part);
        return {rank > 0 ? formatInteger(static_cast<std::int64_t>(rank))
                         : QStringLiteral("> %1").arg(values.values.size()),
                static_cast<double>(rank)};
    };
    for (const Spectrum& spectrum : m_spectra) {
        const SingularValues& values = spectrum.values;
        const double largest = values.values.empty() ? 0 : values.values.front(), effective = values.effectiveRank();
        NumberRow row{{{nameOf(spectrum.of)},
                       {formatNumber(largest), largest},
                       {formatNumber(values.stableRank()), values.stableRank()},
                       {std::isnan(effective) ? QStringLiteral("–") : formatNumber(effective), effective},
                       rankOf(values, 0.9),
                       rankOf(values, 0.99)},
                      static_cast<int>(rows.size())};
        row.swatch = Ink::ofCategory(spectrum.of == SpectrumOf::Weights ? -1 : m_method);
        rows.push_back(std::move(row));
    }
    m_table->setRows(rows);
    const int lines = static_cast<int>(rows.size());
    m_table->setFixedHeight(m_table->fontMetrics().height() * 2 + lines * (m_table->rowHeight(0) + 1) + 8);
}

void SpectrumView::resizeEvent(QResizeEvent* event) {
    ViewPage::resizeEvent(event);
    const bool wide = event->size().width() >= kWideEnough;
    m_outer->setDirection(wide ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
    m_side->setDirection(wide ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
    m_table->setVisible(event->size().height() >= kTallEnough);
}

} // namespace qscope
