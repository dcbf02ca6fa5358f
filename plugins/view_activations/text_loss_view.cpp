// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_activations/text_loss_view.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QFileInfo>
#include <QTextBlock>
#include <QTextEdit>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kStrongest = 0.45; // of the mark's colour in the ground, so that the text stays readable
constexpr std::int64_t kTokens = 256;

QColor mixed(const QColor& ground, const QColor& mark, double share) {
    const auto part = [share](int a, int b) { return static_cast<int>(std::lround(a + (b - a) * share)); };
    return {part(ground.red(), mark.red()), part(ground.green(), mark.green()), part(ground.blue(), mark.blue())};
}

} // namespace

TokenCosts tokenCosts(const engine::CompareReport& report, const engine::PropagationReport* propagation, int method) {
    TokenCosts costs;
    const auto index = static_cast<std::size_t>(std::max(method, 0));
    if (index >= report.methods.size()) return costs;
    const auto& quality = report.methods[index].quality;
    if (report.text && quality && quality->loss.size() == report.text->reference.loss.size()) {
        costs.title = QObject::tr("%1, added loss").arg(QString::fromStdString(report.methods[index].label));
        costs.pieces = report.text->pieces;
        for (std::size_t i = 0; i < quality->loss.size(); ++i)
            costs.nats.push_back(quality->loss[i] - report.text->reference.loss[i]);
    } else if (propagation && index < propagation->methods.size()) {
        costs.title = QObject::tr("%1, KL divergence of the prediction that follows each token")
                          .arg(QString::fromStdString(report.methods[index].label));
        costs.pieces = propagation->pieces;
        costs.nats = propagation->methods[index].logits.tokenDivergence;
    }
    costs.nats.resize(costs.pieces.size(), std::nanf(""));
    for (const float value : costs.nats)
        if (std::isfinite(value)) costs.limit = std::max(costs.limit, std::abs(static_cast<double>(value)));
    return costs;
}

TextLossView::TextLossView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Text"), parent)
    , m_text(new QTextEdit) {
    addHelp(header(), tr("The text with every token painted by what the selected result costs it: added loss = −log p̂ "
                          "+ log p of that token, in nats, p in full precision and p̂ with the result. Where the plan "
                          "measured no text, the KL divergence of the prediction that follows the token, Σp (log p − "
                          "log p̂).\n\n"
                          "One hue is worse, the other better than full precision; the scale is symmetric and its end "
                          "is named in the header. A click selects the token in all views."));
    auto* layout = new QVBoxLayout(&body());
    layout->setContentsMargins(8, 0, 8, 8);
    layout->addWidget(m_text);
    m_text->setReadOnly(true);
    m_text->setFrameShape(QFrame::NoFrame);
    m_text->setAccessibleName(tr("Text with the cost of each token"));
    connect(m_text, &QTextEdit::cursorPositionChanged, this, &TextLossView::selectAtCursor);
    for (const auto signal : {&ViewContext::checkpointChanged, &ViewContext::reportChanged, &ViewContext::themeChanged})
        connect(&context, signal, this, &TextLossView::invalidate);
    connect(&context.textRuns(), &TextRuns::changed, this, [this](TextRun run) {
        if (run == TextRun::Propagation) invalidate();
    });
    connect(&context.textRuns(), &TextRuns::textChanged, this, &TextLossView::invalidate);
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        if (now.method != before.method || now.token != before.token) invalidate();
    });
}

void TextLossView::refresh() {
    const auto report = context().report();
    if (!context().checkpoint()) return showNoCheckpoint(tr("What a method costs each token of a text appears here."));
    header().setSubject({});
    if (!report || report->methods.empty())
        return showEmpty(tr("Run a method to see what it costs each token of a text."), tr("Quantize…"),
                         [this] { context().request(WindowRequest::Quantize); });
    TextRuns& runs = context().textRuns();
    m_costs = tokenCosts(*report, runs.propagation().get(), context().selection().method);
    if (m_costs.pieces.empty()) {
        if (runs.jobs(TextRun::Propagation).running())
            return showEmpty(tr("The text runs through the model, in full precision and under each method."));
        if (runs.text().isEmpty())
            return showEmpty(tr("Choose a text; what the method costs each of its tokens appears here."),
                             tr("Choose text…"), [this] { context().request(WindowRequest::ChooseText); });
        const QString problem = runs.problem(TextRun::Propagation);
        return showEmpty(
            problem.isEmpty()
                ? tr("%1 with what the method costs each token appears here.").arg(QFileInfo(runs.text()).fileName())
                : problem,
            tr("Run %1 tokens").arg(kTokens), [this] { context().textRuns().propagate(kTokens, false); });
    }
    showBody();
    header().setSubject(tr("%1 · strongest ground %2 nats").arg(m_costs.title, formatNumber(m_costs.limit, 3)));
    paint();
}

void TextLossView::paint() {
    m_painting = true;
    const Theme& theme = context().theme();
    m_text->clear();
    m_ends.clear();
    QTextCursor cursor(m_text->document());
    const std::int64_t selected = context().selection().token;
    // Bytes of one letter may lie in several tokens: it is written with the last of them and wears their largest cost.
    std::string pending;
    double cost = 0;
    for (std::size_t i = 0; i < m_costs.pieces.size(); ++i) {
        pending += m_costs.pieces[i];
        const QString text = QString::fromStdString(pending);
        QTextCharFormat format;
        const auto own = static_cast<double>(m_costs.nats[i]);
        if (std::abs(own) > std::abs(cost)) cost = own;
        if (m_costs.limit > 0) {
            const double share = std::sqrt(std::abs(cost) / m_costs.limit) * kStrongest;
            format.setBackground(
                mixed(theme.color(Role::Surface), theme.color(cost > 0 ? Role::Bad : Role::Good), share));
        }
        if (std::isfinite(own))
            format.setToolTip(
                tr("Token %1: %2 nats").arg(formatInteger(static_cast<std::int64_t>(i)), formatNumber(own, 3)));
        if (static_cast<std::int64_t>(i) == selected) {
            format.setUnderlineStyle(QTextCharFormat::SingleUnderline);
            format.setUnderlineColor(theme.color(Role::Accent));
            format.setFontWeight(QFont::Bold);
        }
        format.setForeground(theme.color(Role::Text));
        if (!text.contains(QChar::ReplacementCharacter) || pending.size() > 4) {
            cursor.insertText(text, format);
            pending.clear();
            cost = 0;
        }
        m_ends.push_back(cursor.position());
    }
    m_painting = false;
}

void TextLossView::selectAtCursor() {
    if (m_painting || m_ends.empty()) return;
    const int at = m_text->textCursor().position();
    const auto token = std::upper_bound(m_ends.begin(), m_ends.end(), at) - m_ends.begin();
    if (token >= static_cast<std::ptrdiff_t>(m_ends.size())) return;
    Selection selection = context().selection();
    selection.token = token;
    context().select(selection);
}

} // namespace qscope
