// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_codes/codes_view.h"

#include "engine/report/stored_codes.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QBoxLayout>
#include <QLabel>
#include <QResizeEvent>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr int kWideEnough = 500; // pixels: from here the map stands beside the chart

QString helpText() {
    return CodesView::tr(
        "<p><b>Bars</b>: share of the weights that use a level, drawn where the level lies. <b>Line</b>: the weights "
        "before rounding on the same axis, as the share that falls into a stretch as long as the mean distance of two "
        "levels, so that bars and line agree where a method rounds to nearest. Weights of the result's own form: "
        "behind column factors, less the low-rank part, without those stored apart.</p>"
        "<p><b>Entropy</b>: H = −Σ p log₂ p over the levels, in bits per code; what is below the width could be saved "
        "by coding frequent codes shorter (Shannon, 1948).</p>"
        "<p><b>Maps</b>: one cell per group. Scales and offsets in units of the weights, zero points in codes; w ≈ "
        "(code − zero) · scale, or code · scale + offset, or level · scale. Tables: one row each, levels ascending. "
        "A click selects the group's first weight.</p>"
        "<p>GGUF blocks and forms of methods' own are counted on up to 65,536 weights, by the rank of the level among "
        "those of its group.</p>");
}

} // namespace

CodesView::CodesView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Codes"), parent)
    , m_readouts(new QLabel)
    , m_counts(new PlotArea(context))
    , m_maps(new CodeMapPanel(context, nullptr)) {
    m_readouts->setFont(Theme::figures());
    m_readouts->setWordWrap(true);
    m_counts->setTitle(tr("Use of levels"));
    auto* page = new QVBoxLayout(&body());
    page->setContentsMargins(8, 0, 8, 8);
    page->setSpacing(8);
    page->addWidget(m_readouts);
    m_outer = new QBoxLayout(QBoxLayout::LeftToRight);
    m_outer->setSpacing(16);
    page->addLayout(m_outer, 1);
    m_outer->addWidget(m_counts, 1);
    m_outer->addWidget(m_maps, 1);
    addHelp(header(), helpText());
    connect(&context, &ViewContext::checkpointChanged, this, &CodesView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &CodesView::invalidate);
    connect(&context, &ViewContext::themeChanged, this, &CodesView::invalidate);
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        if (now.tensor != before.tensor || now.method != before.method)
            invalidate();
        else
            m_maps->showSelection();
    });
}

void CodesView::refresh() {
    header().setSubject({});
    const auto subject = tensorSubject(context());
    if (!context().checkpoint()) return showNoCheckpoint(tr("How a quantized tensor uses its codes appears here."));
    if (!subject) return showEmpty(tr("Select a tensor in the navigator to see how its codes are used."));
    header().setSubject(describe(*subject));
    m_matrix = subject->matrix();
    m_method = subject->methodIndex;
    if (subject->result) {
        showBody();
        return run(
            tr("Count codes"),
            [subject = *subject](const RunContext& job) {
                const engine::TensorView original = subject.view();
                return codeUse(*subject.result->quantized, &original, job);
            },
            [this, bits = subject->result->bits](CodeUse use) {
                showUse(std::make_shared<const CodeUse>(std::move(use)), bits);
            });
    }
    if (subject->method)
        return showEmpty(tr("%1 did not treat this tensor. Select another tensor or method.")
                             .arg(QString::fromStdString(subject->method->label)));
    if (!engine::isQuantized(subject->view())) {
        const auto report = context().report();
        const bool ran = report && !report->methods.empty();
        return showEmpty(ran ? tr("Select a method's result to see how it uses its codes.")
                             : tr("The tensor is stored as plain numbers. Run a method to see how its result uses "
                                  "codes."),
                         ran ? QString() : tr("Quantize…"), [this] { context().request(WindowRequest::Quantize); });
    }
    showBody();
    run(
        tr("Count codes"),
        [subject = *subject](const RunContext& job) -> Result<CodeUse> {
            const engine::TensorView stored = subject.view();
            auto codes = engine::storedCodes(stored);
            if (!codes && !stored.source) { // blocks whose codes have no place in a grid are placed among their levels
                const auto* bytes = stored.bytes.data();
                codes = engine::QuantizedTensor{stored.shape,
                                                engine::BlockCodes{stored.dtype, {bytes, bytes + stored.bytes.size()}}};
            }
            if (!codes) return tl::unexpected<Error>(codes.error());
            return codeUse(*codes, nullptr, job);
        },
        [this, info = subject->info()](CodeUse use) {
            const double bits =
                use.weights > 0 ? 8 * static_cast<double>(info.bytes) / static_cast<double>(use.weights) : 0;
            showUse(std::make_shared<const CodeUse>(std::move(use)), bits);
        });
}

void CodesView::showUse(std::shared_ptr<const CodeUse> use, double bits) {
    m_use = std::move(use);
    showReadouts(bits);
    showCounts();
    m_maps->showUse(m_use, m_matrix);
}

void CodesView::showReadouts(double bits) {
    const QString muted = context().theme().color(Role::Muted).name();
    QStringList parts;
    const auto part = [&](const QString& name, const QString& value) {
        parts << QStringLiteral("<span style='color:%1'>%2</span>&nbsp;<b>%3</b>")
                     .arg(muted, QString(name).replace(QLatin1Char(' '), QStringLiteral("&nbsp;")),
                          value.toHtmlEscaped().replace(QLatin1Char(' '), QStringLiteral("&nbsp;")));
    };
    const auto used = std::ranges::count_if(m_use->counts, [](double count) { return count > 0; });
    part(tr("Entropy"), tr("%1 of %2 bit").arg(formatNumber(m_use->entropyBits(), 3)).arg(m_use->width));
    part(tr("Levels used"), tr("%1 of %2").arg(used).arg(m_use->levels.size()));
    part(tr("Bits per weight"), formatBits(bits));
    if (!m_use->apart.empty())
        part(tr("Stored apart"),
             tr("%1 (%2 %)")
                 .arg(formatInteger(static_cast<std::int64_t>(m_use->apart.size())),
                      formatNumber(
                          100.0 * static_cast<double>(m_use->apart.size()) / static_cast<double>(m_use->weights), 2)));
    parts << QStringLiteral("<span style='color:%1'>%2</span>")
                 .arg(muted, QString::fromStdString(m_use->form).toHtmlEscaped());
    m_readouts->setText(parts.join(QStringLiteral(" &nbsp; &nbsp; ")));
    m_readouts->setToolTip(
        tr("<qt>Entropy H = −Σ p log₂ p over the levels, in bits per code, against the width of a code. Bits per "
           "weight count everything that storing takes.</qt>"));
}

QString CodesView::unitTitle() const {
    switch (m_use->unit) {
    case LevelUnit::Code:
        return tr("Code (weight / scale%1)").arg(m_use->zeros.values.empty() ? QString() : tr(" + zero"));
    case LevelUnit::Scale: return tr("Level (weight / scale)");
    case LevelUnit::Value: return tr("Level (weight, mean over tables)");
    case LevelUnit::Rank: return tr("Rank of the level in its group");
    }
    return {};
}

void CodesView::showCounts() {
    const CodeUse& use = *m_use;
    const double all = std::max(1.0, static_cast<double>(use.counted));
    // Bars around each level, with empty ones between: wide enough to see, never touching.
    PlotLayer bars{Mark::Bars, tr("Codes"), Ink::ofCategory(m_method), {}, {}};
    for (std::size_t i = 0; i < use.levels.size(); ++i) {
        const bool first = i == 0, last = i + 1 == use.levels.size();
        double below = first ? 0 : use.levels[i] - use.levels[i - 1],
               above = last ? 0 : use.levels[i + 1] - use.levels[i];
        if (first) below = above;
        if (last) above = below > 0 ? below : 1;
        if (i > 0) bars.y.push_back(std::nan(""));
        bars.x.push_back(use.levels[i] - 0.35 * below);
        bars.x.push_back(use.levels[i] + 0.35 * above);
        bars.y.push_back(100 * use.counts[i] / all);
    }
    std::vector<PlotLayer> layers{std::move(bars)};
    if (!use.histogram.empty()) {
        PlotLayer weights{Mark::Steps, tr("Weights before rounding"), Ink::ofCategory(-1), use.edges, {}};
        const double gap = (use.levels.back() - use.levels.front()) / static_cast<double>(use.levels.size() - 1);
        const double bin = use.edges[1] - use.edges[0];
        for (const double count : use.histogram) weights.y.push_back(100 * count / all * gap / bin);
        weights.interactive = false;
        layers.push_back(std::move(weights));
    }
    const bool ofCodes = use.unit == LevelUnit::Code || use.unit == LevelUnit::Rank;
    const bool zeroIsZero = use.unit != LevelUnit::Rank && use.zeros.values.empty();
    const Axis x{unitTitle(), {}, Scale::Linear, zeroIsZero, ofCodes};
    m_counts->setAxes(x, {tr("Share of the weights"), QStringLiteral("%")});
    m_counts->setNote([this](const Range&) {
        QStringList notes;
        if (m_use->counted + static_cast<std::int64_t>(m_use->apart.size()) < m_use->weights)
            notes
                << tr("counted on %1 of %2 weights").arg(formatInteger(m_use->counted), formatInteger(m_use->weights));
        if (m_use->beyond > 0)
            notes << tr("%1 weights beyond the axis").arg(formatInteger(static_cast<std::int64_t>(m_use->beyond)));
        return notes.join(QLatin1Char('\n'));
    });
    m_counts->setReadout([this](const PlotArea::Hit& hit) -> QString {
        if (hit.layer != 0 || hit.index % 2 != 0) return {};
        const auto level = static_cast<std::size_t>(hit.index / 2);
        if (level >= m_use->levels.size()) return {};
        return tr("Level %1\n%2 weights (%3 %)")
            .arg(formatNumber(m_use->levels[level]), formatInteger(static_cast<std::int64_t>(m_use->counts[level])),
                 formatNumber(100 * m_use->counts[level] / std::max(1.0, static_cast<double>(m_use->counted)), 3));
    });
    m_counts->setLayers(std::move(layers));
}

void CodesView::resizeEvent(QResizeEvent* event) {
    ViewPage::resizeEvent(event);
    m_outer->setDirection(event->size().width() >= kWideEnough ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
}

} // namespace qscope
