// SPDX-License-Identifier: GPL-3.0-or-later
// What the view writes and draws.
#include "plugins/view_bit_allocation/bit_allocation_view.h"

#include "plugins/sdk/format.h"

#include <QAction>
#include <QLabel>

#include <algorithm>
#include <cmath>
#include <limits>

namespace qscope {

namespace {

QString inDecibels(double relativeMse) {
    return formatDecibels(relativeMse > 0 ? -10 * std::log10(relativeMse) : std::numeric_limits<double>::infinity());
}

/// The last part of a tensor's name without what all have: "q_proj", "attn_q".
QString shortName(const std::string& tensor) {
    return QString::fromStdString(engine::moduleName(tensor)).section(QLatin1Char('.'), -1);
}

} // namespace

BitBar BitAllocationView::barOf(const Place& place, bool isTensor, double total, double reference) const {
    BitBar bar;
    double weights = 0, bits = 0;
    std::optional<double> cost = 0;
    for (std::size_t i = place.first; i < place.first + place.count; ++i) {
        const TensorSlot& slot = m_shown.tensors[i];
        const Cost* known = findCost(m_costs, slot.spec, slot.tensor);
        const double count = static_cast<double>(slot.weights);
        const double own = slot.width ? *slot.width
                           : known    ? static_cast<double>(known->bits) / std::max(count, 1.0)
                                      : slot.stored;
        const bool counts = isTensor || slot.width; // a layer is what its editable tensors are
        weights += counts ? count : 0;
        bits += counts ? count * own : 0;
        if (!known) continue; // kept: no error
        const auto loss = costOf(slot, *known, goal(), m_sensitivity ? &*m_sensitivity : nullptr, reference);
        cost = cost && loss ? std::optional(*cost + *loss) : std::nullopt;
    }
    const TensorSlot& slot = m_shown.tensors[place.first];
    bar.isTensor = isTensor;
    bar.isFixed = isTensor ? !slot.width : weights == 0;
    bar.bits = weights > 0 ? bits / weights : 0;
    if (bar.isFixed && !isTensor) bar.bits = slot.stored;
    if (cost && total > 0) bar.share = *cost / total;
    if (!isTensor) {
        bar.label = place.layer < 0 ? tr("other") : QString::number(place.layer);
        bar.name = place.layer < 0 ? tr("Outside the layers") : tr("Layer %1").arg(place.layer);
        bar.details = tr("%n tensor(s)", nullptr, static_cast<int>(place.count));
        return bar;
    }
    bar.label = shortName(slot.name);
    bar.name = QString::fromStdString(slot.name);
    if (const Cost* known = findCost(m_costs, slot.spec, slot.tensor)) {
        const double size =
            static_cast<double>(known->bits) / static_cast<double>(std::max<std::int64_t>(slot.weights, 1));
        QStringList lines{tr("%1 bits per weight with scales").arg(formatBits(size))};
        if (known->error >= 0 && known->reference > 0)
            lines << tr("relative MSE %1").arg(formatNumber(known->error / known->reference));
        lines << QString::fromStdString(engine::toText(slot.spec));
        bar.details = lines.join(QLatin1Char('\n'));
    } else {
        bar.details = tr("kept as stored");
    }
    return bar;
}

int BitAllocationView::colorIndex() const {
    const auto report = context().report();
    for (std::size_t i = 0; report && i < report->methods.size(); ++i)
        if (report->methods[i].spec == m_method.spec) return static_cast<int>(i);
    return m_method.index;
}

void BitAllocationView::show() {
    const Sensitivity* sensitivity = m_sensitivity ? &*m_sensitivity : nullptr;
    const Totals totals = totalsOf(m_shown, m_costs, goal(), sensitivity);
    const double reference = referenceOf(m_shown, m_costs);
    const std::int64_t selected = context().selection().tensor;
    std::vector<BitBar> bars;
    m_places.clear();
    const auto add = [&](const Place& place, bool isTensor, bool isOpen) {
        BitBar bar = barOf(place, isTensor, totals.quality.value_or(0), reference);
        bar.isOpen = isOpen;
        for (std::size_t i = place.first; i < place.first + place.count && !isOpen; ++i)
            bar.isSelected = bar.isSelected || static_cast<std::int64_t>(m_shown.tensors[i].tensor) == selected;
        bars.push_back(std::move(bar));
        m_places.push_back(place);
    };
    for (const LayerSlots& layer : m_shown.layers) {
        const bool isOpen = m_open.contains(layer.layer);
        add({layer.first, layer.count, layer.layer}, false, isOpen);
        for (std::size_t i = layer.first; isOpen && i < layer.first + layer.count; ++i)
            add({i, 1, layer.layer}, true, false);
    }
    m_bars->setBars(std::move(bars), m_method.widths, m_method.bits, Ink::ofCategory(colorIndex()));
    showTotals();
}

void BitAllocationView::showTotals() {
    const Sensitivity* sensitivity = m_sensitivity ? &*m_sensitivity : nullptr;
    const bool byWeights = goal() == Goal::Weights;
    const Totals now = totalsOf(m_shown, m_costs, goal(), sensitivity);
    Allocation flat = m_shown;
    for (std::size_t i = 0; i < flat.tensors.size(); ++i)
        if (flat.tensors[i].width) setWidth(flat, i, 1, m_method, m_method.bits, m_costs);
    const Totals even = totalsOf(flat, m_costs, goal(), sensitivity);
    const bool differs = !changes(flat, m_shown).empty();

    const auto size = [](const Totals& totals) {
        const double weights = static_cast<double>(std::max<std::int64_t>(totals.weights, 1));
        return tr("%1, %2 bits per weight")
            .arg(formatBytes((totals.bits + 7) / 8), formatBits(static_cast<double>(totals.bits) / weights));
    };
    const auto quality = [&](double value) {
        return byWeights ? tr("relative MSE %1, SQNR %2").arg(formatNumber(value), inDecibels(value))
                         : tr("KL divergence %1 nats per token").arg(formatNumber(value));
    };
    QString text = tr("Size: %1").arg(size(now));
    if (differs) text += tr("  (all at %1 bits: %2)").arg(m_method.bits).arg(size(even));
    const auto kept =
        std::ranges::count_if(m_shown.tensors, [](const TensorSlot& slot) { return slot.spec.id == "keep"; });
    if (kept > 0) text += tr("  · %n kept as stored and not counted", nullptr, static_cast<int>(kept));
    if (m_shown.leftOut > 0)
        text += tr("  · %n left out: the method does not take them", nullptr, static_cast<int>(m_shown.leftOut));
    m_size->setText(text);

    if (now.quality) {
        text = tr("Predicted: %1").arg(quality(*now.quality));
        if (differs && even.quality)
            text += tr("  (all at %1 bits: %2)").arg(m_method.bits).arg(quality(*even.quality));
    } else if (!m_problem.isEmpty()) {
        text = tr("No prediction: %1").arg(m_problem);
    } else if (m_measure->isVisible()) {
        text = tr("No prediction yet: the method has to be run at %1 widths first").arg(m_method.widths.size());
    } else if (!byWeights) {
        text = tr("No prediction: the attribution says nothing about a layer that is quantized here");
    } else {
        text = tr("No prediction yet");
    }
    if (now.quality && !m_problem.isEmpty()) text += QStringLiteral("  · ") + m_problem;
    m_quality->setText(text);
    m_fill->setEnabled(now.quality.has_value());
    m_even->setEnabled(differs);
    m_formula->setText(byWeights ? tr("= sum (w − ŵ)² / sum w², measured on each tensor at each width with this method")
                                 : tr("= sum over layers of KL(layer alone) · new sum (w − ŵ)² / measured one; KL "
                                      "measured with %1 on %2 tokens")
                                       .arg(QString::fromStdString(m_sensitivity->label))
                                       .arg(m_sensitivity->tokens));
    if (m_poll.isActive()) showProgress();
}

void BitAllocationView::showProgress() {
    if (!m_measuring->running()) return m_poll.stop();
    const double part = m_measuring->fraction().value_or(0);
    m_quality->setText(
        tr("Measuring the errors at %1 widths: %2 %").arg(m_method.widths.size()).arg(100 * part, 0, 'f', 0));
}

} // namespace qscope
