// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/atomic_file.h"
#include "engine/quantum/analysis/noise_report.h"
#include "engine/quantum/sim/noise_json.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/view_evolution/evolution_page.h"
#include "plugins/view_evolution/evolution_views.h"

#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QLineEdit>
#include <QSplitter>
#include <QToolButton>

#include <algorithm>

namespace qscope {

namespace {

constexpr std::size_t kMostRows = 200; ///< of the table: the gates that cost most

/// A preset with its parameters, or a model's file.
Result<engine::NoiseModel> modelOf(const QString& spec) {
    if (!spec.endsWith(QStringLiteral(".json"))) return engine::makeNoisePreset(spec.toStdString());
    auto model = readJsonFile(spec.toStdString()).and_then([](const Json& json) { return engine::noiseFromJson(json); });
    if (!model) return during(std::move(model).error(), QFileInfo(spec).fileName().toStdString());
    return model;
}

/// The ideal run beside the noisy one: fidelity along the depth, and what each gate's noise costs alone.
class NoiseView : public EvolutionPage {
public:
    NoiseView(ViewContext& viewContext, QWidget* parent)
        : EvolutionPage(viewContext, tr("Ideal and noisy"), tr("what noise does to it"), parent)
        , m_noise(new QComboBox(this))
        , m_fidelity(new PlotArea(viewContext, &body()))
        , m_losses(new PlotArea(viewContext, &body()))
        , m_table(new NumberTable(viewContext, &body())) {
        m_noise->setEditable(true);
        for (const auto& preset : engine::noisePresets())
            if (preset.name != "readout")
                m_noise->addItem(QString::fromUtf8(preset.name.data(), static_cast<qsizetype>(preset.name.size())));
        m_noise->setAccessibleName(tr("Noise"));
        m_noise->setToolTip(tr(
            "A preset of noise, with numbers of your own after a colon: depolarizing:p1=0.001,p2=0.01, or the path of "
            "a model's .json file"));
        m_noise->setMinimumContentsLength(14);
        m_noise->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
        header().addWidget(m_noise);
        addButton(tr("Open…"), tr("Open a noise model from a JSON file"), [this] { openModel(); });
        addButton(tr("Save…"),
                  tr("Save this noise as a JSON file, to change it rule by rule or for qscope simulate --noise"),
                  [this] { saveModel(); });
        addHelp(
            header(),
            tr("Upper chart: the fidelity ⟨ψₖ|ρₖ|ψₖ⟩ of the ideal state ψₖ and the noisy mixed state ρₖ after k "
               "operations, from density matrices (up to %1 qubits). Dashed: Π(1 − cᵢ) over the gates so far, what "
               "it would be if the errors of different gates never met.\n\n"
               "Lower chart: c of each gate, the fidelity that the final state loses when this gate's channels act "
               "alone. All later gates are unitary and keep overlaps, so c = 1 − ⟨ψ|E(|ψ⟩⟨ψ|)|ψ⟩ with ψ the ideal "
               "state right after the gate: exact at any width. Idle time before a gate counts with it.\n\n"
               "Errors of readout belong to no state and are left out; the circuit's measurements must all come "
               "last. Click a point, bar or row to go to its step. Source: Nielsen and Chuang, sections 8.3 and 9.2.")
                .arg(engine::kMostExact));
        m_fidelity->setAccessibleName(tr("Fidelity along the circuit"));
        m_losses->setAccessibleName(tr("Loss by gate"));
        m_table->setAccessibleName(tr("Gates by loss"));
        m_table->setColumns({{tr("Gate"), {}, true},
                             {tr("Step"), tr("Operations applied after it"), false},
                             {tr("Loss c"), tr("Fidelity lost when this gate alone is noisy"), false},
                             {tr("Share"), tr("Of the sum of all losses"), false}});
        auto* charts = new QSplitter(Qt::Vertical, &body());
        charts->addWidget(m_fidelity);
        charts->addWidget(m_losses);
        charts->setChildrenCollapsible(false);
        auto* split = m_split = new QSplitter(Qt::Horizontal, &body());
        split->addWidget(charts);
        split->addWidget(m_table);
        split->setStretchFactor(0, 1);
        split->setStretchFactor(1, 0);
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(split);
        connect(m_noise, &QComboBox::activated, this, [this] { invalidate(); });
        connect(m_noise->lineEdit(), &QLineEdit::editingFinished, this, [this] {
            if (m_noise->currentText() != m_spec) invalidate();
        });
        connect(m_fidelity, &PlotArea::clicked, this, [this](PlotArea::Hit hit) { selectStep(hit.index); });
        connect(m_losses, &PlotArea::clicked, this,
                [this](PlotArea::Hit hit) { choose(static_cast<std::size_t>(hit.index / 2)); });
        connect(m_table, &NumberTable::rowChosen, this, [this](int id) { choose(static_cast<std::size_t>(id)); });
    }

protected:
    void showCircuit(const Circuit& circuit) override {
        m_spec = m_noise->currentText();
        const auto model = modelOf(m_spec.trimmed());
        if (!model) return showEmpty(QString::fromStdString(describe(model.error())));
        run(
            tr("Ideal and noisy run"),
            [circuit, noise = std::make_shared<const engine::NoiseModel>(*model)](const RunContext& context) {
                engine::SimulationRequest request;
                request.noise = noise;
                return engine::noiseReport(*circuit, request, context);
            },
            [this](engine::NoiseReport report) {
                m_report = std::move(report);
                showReport();
                showBody();
            });
    }
    void resizeEvent(QResizeEvent* event) override {
        EvolutionPage::resizeEvent(event);
        makeRoom();
    }
    void followSelection() override {
        if (!m_report.independent.empty()) showCharts();
    }

private:
    template<class Act>
    void addButton(const QString& text, const QString& help, Act act) {
        auto* button = new QToolButton(this);
        button->setText(text);
        button->setToolTip(help);
        button->setAccessibleName(help);
        connect(button, &QToolButton::clicked, this, act);
        header().addWidget(button);
    }
    void openModel() {
        const QString path =
            QFileDialog::getOpenFileName(this, tr("Open noise model"), {}, tr("Noise models (*.json)"));
        if (path.isEmpty()) return;
        m_noise->setEditText(path);
        invalidate();
    }
    void saveModel() {
        QString path = QFileDialog::getSaveFileName(this, tr("Save noise model"), QStringLiteral("noise.json"),
                                                    tr("Noise models (*.json)"));
        if (path.isEmpty()) return;
        if (!path.endsWith(QStringLiteral(".json"))) path += QStringLiteral(".json");
        const auto saved = modelOf(m_noise->currentText().trimmed()).and_then([&path](const engine::NoiseModel& model) {
            return writeFileAtomically(path.toStdString(), toJson(model).dump(2) + "\n");
        });
        if (!saved) context().showMessage(QString::fromStdString(describe(saved.error())), Severity::Error);
    }

    /// The table as wide as its columns; in a narrow view the charts go first.
    void makeRoom() {
        const int table = m_table->contentWidth();
        m_table->setVisible(width() >= 2 * table);
        m_split->setSizes({std::max(1, width() - table), table});
    }

    void choose(std::size_t share) {
        if (share >= m_report.shares.size()) return;
        Selection selection = context().selection();
        selection.step = static_cast<std::int64_t>(m_report.shares[share].operation) + 1;
        if (!m_report.shares[share].qubits.empty()) selection.qubit = m_report.shares[share].qubits.back();
        context().select(selection);
    }
    [[nodiscard]] QString nameOf(const engine::NoiseShare& share) const {
        QStringList qubits;
        for (const int qubit : share.qubits) qubits << QStringLiteral("q%1").arg(qubit);
        return QString::fromStdString(share.name) + QLatin1Char(' ') + qubits.join(QStringLiteral(", "));
    }

    void showReport() {
        double sum = 0;
        for (const auto& share : m_report.shares) sum += share.loss;
        std::vector<std::size_t> order(m_report.shares.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::ranges::stable_sort(order, std::greater{}, [this](std::size_t i) { return m_report.shares[i].loss; });
        if (order.size() > kMostRows) order.resize(kMostRows);
        std::vector<NumberRow> rows;
        for (const std::size_t i : order) {
            const auto& share = m_report.shares[i];
            const double part = sum > 0 ? share.loss / sum : 0;
            rows.push_back({{{nameOf(share)},
                             {formatInteger(static_cast<std::int64_t>(share.operation + 1)),
                              static_cast<double>(share.operation + 1)},
                             {formatNumber(share.loss), share.loss},
                             {QStringLiteral("%1 %").arg(part * 100, 0, 'f', 1), part}},
                            static_cast<int>(i)});
        }
        m_table->setRows(rows);
        makeRoom();
        const double last = m_report.fidelity.empty() ? m_report.independent.back() : m_report.fidelity.back();
        header().setSubject(m_report.fidelity.empty()
                                ? tr("fidelity at the end about %1, if errors are independent").arg(formatNumber(last))
                                : tr("fidelity at the end %1").arg(formatNumber(last)));
        showCharts();
    }

    void showCharts() {
        const auto count = static_cast<double>(m_report.independent.size());
        Axis steps, fidelity, loss;
        steps.title = tr("Operations applied");
        steps.whole = true;
        fidelity.title = tr("Fidelity");
        loss.title = tr("Loss c by gate");
        PlotLayer exact{Mark::Line, tr("Noisy"), Ink::ofCategory(0), {}, {}};
        PlotLayer estimate{Mark::Line, tr("If independent"), Ink::of(Role::Muted), {}, {}};
        estimate.dash = Qt::DashLine;
        double least = 1;
        for (std::size_t k = 0; k < m_report.independent.size(); ++k) {
            estimate.x.push_back(static_cast<double>(k));
            estimate.y.push_back(m_report.independent[k]);
            least = std::min(least, m_report.independent[k]);
            if (m_report.fidelity.empty()) continue;
            exact.x.push_back(static_cast<double>(k));
            exact.y.push_back(m_report.fidelity[k]);
            least = std::min(least, m_report.fidelity[k]);
        }
        const auto now = static_cast<int>(step());
        exact.selected = estimate.selected = now;
        std::vector<PlotLayer> lines{estimate};
        if (!m_report.fidelity.empty()) lines.insert(lines.begin(), exact);
        PlotLayer here{Mark::Points,
                       tr("Step"),
                       Ink::of(Role::Accent),
                       {static_cast<double>(now)},
                       {lines.front().y[std::min(static_cast<std::size_t>(now), lines.front().y.size() - 1)]}};
        here.interactive = here.inLegend = false;
        m_fidelity->setAxes(steps, fidelity);
        m_fidelity->setFullRange(Range{-0.5, std::max(1.5, count - 0.5)},
                                 Range{std::max(0.0, least - (1 - least) * 0.1 - 1e-6), 1 + (1 - least) * 0.05 + 1e-6});
        m_fidelity->setReadout([this](const PlotArea::Hit& hit) {
            const auto k = static_cast<std::size_t>(hit.index);
            QString text = tr("after %1 operations").arg(formatInteger(hit.index));
            if (k > 0) text += QStringLiteral(": ") + operationText(k - 1);
            if (!m_report.fidelity.empty())
                text += QStringLiteral("\n") + tr("fidelity %1").arg(formatNumber(m_report.fidelity[k], 6));
            return text + QStringLiteral("\n") +
                   tr("if errors were independent %1").arg(formatNumber(m_report.independent[k], 6));
        });
        lines.push_back(here);
        m_fidelity->setLayers(std::move(lines));

        // One bar per noisy gate, at the operation it belongs to; several of one operation (a call) share its width.
        PlotLayer bars{Mark::Bars, tr("Loss"), Ink::of(Role::Muted), {}, {}};
        const auto& shares = m_report.shares;
        for (std::size_t i = 0; i < shares.size();) {
            std::size_t end = i;
            while (end < shares.size() && shares[end].operation == shares[i].operation) ++end;
            const double width = 0.8 / static_cast<double>(end - i);
            for (std::size_t k = i; k < end; ++k) {
                const double from = static_cast<double>(shares[i].operation) + 0.6 + width * static_cast<double>(k - i);
                bars.x.insert(bars.x.end(), {from, from + width * 0.999});
                bars.y.insert(bars.y.end(), {shares[k].loss, 0.0});
                if (static_cast<std::int64_t>(shares[k].operation) + 1 == now) bars.selected = 2 * static_cast<int>(k);
            }
            i = end;
        }
        if (!bars.y.empty()) bars.y.pop_back();
        m_losses->setAxes(steps, loss);
        m_losses->setFullRange(Range{-0.5, std::max(1.5, count - 0.5)}, std::nullopt);
        m_losses->setReadout([this](const PlotArea::Hit& hit) {
            const auto& share =
                m_report.shares[std::min(static_cast<std::size_t>(hit.index / 2), m_report.shares.size() - 1)];
            return tr("%1, step %2\nloss %3")
                .arg(nameOf(share), formatInteger(static_cast<std::int64_t>(share.operation + 1)),
                     formatNumber(share.loss, 6));
        });
        m_losses->setLayers({bars});
        const auto chosen =
            std::ranges::find(shares, static_cast<std::size_t>(std::max(now - 1, 0)), &engine::NoiseShare::operation);
        m_table->setSelectedId(now > 0 && chosen != shares.end()
                                   ? std::optional(static_cast<int>(chosen - shares.begin()))
                                   : std::nullopt);
    }

    QComboBox* m_noise;
    PlotArea* m_fidelity;
    PlotArea* m_losses;
    NumberTable* m_table;
    QSplitter* m_split = nullptr;
    QString m_spec; ///< of the report on show
    engine::NoiseReport m_report;
};

} // namespace

QWidget* makeNoiseView(ViewContext& context, QWidget* parent) { return new NoiseView(context, parent); }

} // namespace qscope
