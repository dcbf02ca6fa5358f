// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/html_report.h"

#include "engine/report/html_style.h"
#include "engine/report/markup.h"
#include "engine/report/svg_chart.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

namespace qscope::engine {

namespace {

constexpr std::size_t kWorstTensors = 10;

template<class... Args>
void add(std::string& out, fmt::format_string<Args...> text, Args&&... args) {
    fmt::format_to(std::back_inserter(out), text, std::forward<Args>(args)...);
}

/// One row of the table of methods side by side.
struct MetricRow {
    std::string name;
    std::string tooltip;
    Better better;
    double (*value)(const MethodResult&);
    std::string (*text)(const MethodResult&);
};

std::vector<MetricRow> metricRows(const CompareReport& report) {
    const auto defined = [](std::string_view key, auto value, auto text) {
        const MetricInfo& info = metric(key);
        std::string name(info.name);
        if (!info.unit.empty() && key != "bits_per_weight") name += fmt::format(" ({})", info.unit);
        return MetricRow{std::move(name), fmt::format("{} {}", info.meaning, info.formula), info.better, value, text};
    };
    using M = const MethodResult&;
    std::vector<MetricRow> rows{
        defined("bits_per_weight", [](M m) { return m.bitsPerWeight; }, [](M m) { return readableFixed(m.bitsPerWeight, 2); }),
        {"Size", std::string(metric("bytes").meaning), Better::Lower, [](M m) { return static_cast<double>(m.bytes); },
         [](M m) { return readableBytes(m.bytes); }},
        defined("sqnr_db", [](M m) { return m.metrics.sqnrDb; }, [](M m) { return readableDecibels(m.metrics.sqnrDb); }),
        defined("relative_mse", [](M m) { return m.metrics.relativeMse; },
                [](M m) { return readableNumber(m.metrics.relativeMse); }),
        defined("max_error", [](M m) { return m.metrics.maxError; }, [](M m) { return readableNumber(m.metrics.maxError); }),
        defined("cosine", [](M m) { return m.metrics.cosine; }, [](M m) { return readableFixed(m.metrics.cosine, 6); }),
        defined("seconds", [](M m) { return m.seconds; }, [](M m) { return readableNumber(m.seconds); }),
    };
    if (!report.text) return rows;
    const auto onText = [&](std::string_view key, auto value, auto text) {
        rows.push_back(defined(key, [](M m) { return m.quality ? decltype(value){}(*m.quality) : std::nan(""); },
                               [](M m) { return m.quality ? decltype(text){}(*m.quality) : std::string(); }));
    };
    using Q = const TextQuality&;
    onText("perplexity", [](Q q) { return q.perplexity; }, [](Q q) { return readableFixed(q.perplexity, 3); });
    onText("kl_divergence", [](Q q) { return q.klDivergence; }, [](Q q) { return readableNumber(q.klDivergence); });
    onText("top1_agreement", [](Q q) { return q.top1Agreement; }, [](Q q) { return readableFixed(q.top1Agreement, 4); });
    return rows;
}

/// Whether a value is the best of its row; with equal values everywhere none is.
bool isBest(const MetricRow& row, double value, const CompareReport& report) {
    if (row.better == Better::Neither) return false;
    bool differs = false;
    for (const MethodResult& other : report.methods) {
        const double rival = row.value(other);
        differs = differs || rival != value;
        if (row.better == Better::Lower ? rival < value : rival > value) return false;
    }
    return differs;
}

void addMetricTable(std::string& out, const CompareReport& report) {
    out += "<section><h2>Methods side by side</h2><div class=\"wide\"><table><thead><tr><th>Metric</th>";
    for (std::size_t i = 0; i < report.methods.size(); ++i)
        add(out, "<th class=\"number\"><span class=\"swatch\" style=\"background:var(--c{})\"></span>{}</th>", i % 8,
            escapeMarkup(report.methods[i].label));
    out += "</tr></thead><tbody>\n";
    for (const MetricRow& row : metricRows(report)) {
        add(out, "<tr><th title=\"{}\">{}</th>", escapeMarkup(row.tooltip), escapeMarkup(row.name));
        for (const MethodResult& method : report.methods) {
            const bool best = isBest(row, row.value(method), report);
            add(out, "<td class=\"number{}\">{}{}</td>", best ? " best" : "", best ? "<small>best</small> " : "",
                escapeMarkup(row.text(method)));
        }
        out += "</tr>\n";
    }
    out += "<tr><th>Device</th>";
    for (const MethodResult& method : report.methods) add(out, "<td class=\"number\">{}</td>", escapeMarkup(method.device));
    out += "</tr></tbody></table></div></section>\n";
}

/// Methods that no other one beats in both size and error, by size.
ChartSeries paretoFront(const CompareReport& report) {
    std::vector<const MethodResult*> bySize;
    for (const MethodResult& method : report.methods) bySize.push_back(&method);
    std::sort(bySize.begin(), bySize.end(), [](const MethodResult* a, const MethodResult* b) {
        return a->bitsPerWeight != b->bitsPerWeight ? a->bitsPerWeight < b->bitsPerWeight
                                                    : a->metrics.sqnrDb > b->metrics.sqnrDb;
    });
    ChartSeries front{"", -1, true, false, {}};
    for (const MethodResult* method : bySize)
        if (front.points.empty() || method->metrics.sqnrDb > front.points.back().y)
            front.points.push_back({method->bitsPerWeight, method->metrics.sqnrDb, {}});
    return front;
}

void addPareto(std::string& out, const CompareReport& report) {
    Chart chart{"Size against error: signal to noise of every method over its bits per weight",
                {"Bits per weight", ChartAxis::Scale::Linear},
                {"SQNR (dB)", ChartAxis::Scale::Linear},
                ChartRightAxis{"Relative MSE", [](double db) { return readableNumber(std::pow(10.0, -db / 10)); }},
                {paretoFront(report)}};
    std::string exact;
    for (std::size_t i = 0; i < report.methods.size(); ++i) {
        const MethodResult& method = report.methods[i];
        const std::string tooltip = fmt::format("{}: {} bits per weight, {} dB", method.label,
                                                readableFixed(method.bitsPerWeight, 2),
                                                readableDecibels(method.metrics.sqnrDb));
        chart.series.push_back({method.label, static_cast<int>(i), false, true,
                                {{method.bitsPerWeight, method.metrics.sqnrDb, tooltip}}});
        if (!std::isfinite(method.metrics.sqnrDb)) exact += (exact.empty() ? "" : ", ") + method.label;
    }
    add(out, "<section><h2>Size against error</h2><p>Up and to the left is better. The dotted line joins the methods that "
             "no other one beats in both.</p>{}", svgChart(chart));
    if (!exact.empty()) add(out, "<p>Exact, so above any scale: {}.</p>", escapeMarkup(exact));
    out += "</section>\n";
}

/// Only where a text was evaluated.
void addDivergence(std::string& out, const CompareReport& report) {
    if (!report.text) return;
    Chart chart{"Size against quality: divergence of every method's predictions over its bits per weight",
                {"Bits per weight", ChartAxis::Scale::Linear},
                {"KL divergence (nat)", ChartAxis::Scale::Logarithmic}, std::nullopt, {}};
    for (std::size_t i = 0; i < report.methods.size(); ++i) {
        const MethodResult& method = report.methods[i];
        if (!method.quality) continue;
        const double divergence = method.quality->klDivergence;
        chart.series.push_back({method.label, static_cast<int>(i), false, true,
                                {{method.bitsPerWeight, divergence,
                                  fmt::format("{}: {} bits per weight, KL divergence {}, perplexity {}", method.label,
                                              readableFixed(method.bitsPerWeight, 2), readableNumber(divergence),
                                              readableFixed(method.quality->perplexity, 3))}}});
    }
    const TextQuality& reference = report.text->reference;
    add(out, "<section><h2>Size against quality</h2><p>Down and to the left is better. In full precision the model's perplexity "
             "is {} over {} tokens of {}.</p>{}</section>\n", readableFixed(reference.perplexity, 3),
        readableCount(static_cast<std::uint64_t>(reference.tokens)), escapeMarkup(report.text->source), svgChart(chart));
}

/// Relative MSE per layer, or per tensor where no name holds a layer.
std::vector<ChartPoint> depthPoints(const MethodResult& method, bool byLayer) {
    std::map<std::int64_t, ErrorSums> sums;
    for (const TensorResult& tensor : method.tensors)
        if (!byLayer || tensor.layer)
            sums[byLayer ? *tensor.layer : static_cast<std::int64_t>(tensor.tensor)] += tensor.sums;
    std::vector<ChartPoint> points;
    for (const auto& [index, sum] : sums) {
        const double error = metricsOf(sum).relativeMse;
        points.push_back({static_cast<double>(index), error,
                          fmt::format("{}: {} {}, relative MSE {}", method.label, byLayer ? "layer" : "tensor", index,
                                      readableNumber(error))});
    }
    return points;
}

void addDepth(std::string& out, const CompareReport& report) {
    bool byLayer = false;
    bool outside = false;
    for (const MethodResult& method : report.methods)
        for (const TensorResult& tensor : method.tensors) (tensor.layer ? byLayer : outside) = true;
    Chart chart{"Relative MSE of every method across the depth of the network",
                {byLayer ? "Layer" : "Tensor, by its place in the file", ChartAxis::Scale::Whole},
                {"Relative MSE", ChartAxis::Scale::Logarithmic}, std::nullopt, {}};
    for (std::size_t i = 0; i < report.methods.size(); ++i)
        chart.series.push_back({report.methods[i].label, static_cast<int>(i), true, true,
                                depthPoints(report.methods[i], byLayer)});
    add(out, "<section><h2>Error across the depth</h2>{}", svgChart(chart));
    if (byLayer && outside) out += "<p>Tensors outside the layers (embedding, output) are in the tables below only.</p>";
    out += "</section>\n";
}

void addWorstTensors(std::string& out, const CompareReport& report) {
    out += "<section><h2>Worst tensors</h2>\n";
    for (std::size_t i = 0; i < report.methods.size(); ++i) {
        const MethodResult& method = report.methods[i];
        std::vector<const TensorResult*> worst;
        for (const TensorResult& tensor : method.tensors) worst.push_back(&tensor);
        std::stable_sort(worst.begin(), worst.end(), [](const TensorResult* a, const TensorResult* b) {
            return a->metrics.relativeMse > b->metrics.relativeMse;
        });
        worst.resize(std::min(worst.size(), kWorstTensors));
        add(out, "<h3><span class=\"swatch\" style=\"background:var(--c{})\"></span>{}</h3><p>The {} of {} tensors with the "
                 "largest relative MSE.</p>", i % 8, escapeMarkup(method.label), worst.size(), method.tensors.size());
        out += "<div class=\"wide\"><table><thead><tr><th>Tensor</th><th class=\"number\">Bits per weight</th>"
               "<th class=\"number\">Relative MSE</th><th class=\"number\">SQNR (dB)</th><th class=\"number\">Max error</th>"
               "<th class=\"number\">Cosine</th></tr></thead><tbody>\n";
        for (const TensorResult* tensor : worst)
            add(out, "<tr><td class=\"name\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>"
                     "<td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
                escapeMarkup(tensor->name), readableFixed(tensor->bits, 2), readableNumber(tensor->metrics.relativeMse),
                readableDecibels(tensor->metrics.sqnrDb), readableNumber(tensor->metrics.maxError),
                readableFixed(tensor->metrics.cosine, 6));
        out += "</tbody></table></div>\n";
    }
    out += "</section>\n";
}

/// Every parameter of a method as it ran, defaults included.
std::string parametersText(const MethodSpec& spec, const MethodInfo& info) {
    const auto values = resolveParameters(info.parameters, spec);
    if (!values) return {};
    std::string text;
    for (const ParamSpec& parameter : info.parameters)
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", parameter.label, toText(values->find(parameter.key)->second));
    return text;
}

void addSettings(std::string& out, const CompareReport& report, const HtmlReportDetails& details) {
    out += "<section><h2>Settings</h2><table><tbody>\n";
    const auto row = [&](const std::string& name, const std::string& value) {
        add(out, "<tr><th>{}</th><td>{}</td></tr>\n", escapeMarkup(name), escapeMarkup(value));
    };
    row("Checkpoint", report.source);
    if (report.text)
        row("Text", fmt::format("{}: windows of {} tokens, scoring \"{}\", {} tokens scored", report.text->source,
                                report.text->context, nameOf(report.text->scoring), report.text->reference.tokens));
    if (const auto& calibration = report.calibration)
        row("Calibration", fmt::format("{}: {} sequences of {} tokens, {} of {} tokens of the vocabulary, {} silent channels",
                                       calibration->text, calibration->sequences, calibration->length,
                                       calibration->distinctTokens, calibration->vocabulary, calibration->silentChannels));
    for (const auto& [name, value] : details.settings) row(name, value);
    for (const MethodResult& method : report.methods) {
        const auto info = std::find_if(details.methods.begin(), details.methods.end(),
                                       [&](const MethodInfo& known) { return known.id == method.spec.id; });
        add(out, "<tr><th>{}</th><td><code>{}</code>", escapeMarkup(method.label), escapeMarkup(toText(method.spec)));
        if (info != details.methods.end()) {
            add(out, "<br/>{}. {}", escapeMarkup(info->name), escapeMarkup(info->summary));
            if (const auto parameters = parametersText(method.spec, *info); !parameters.empty())
                add(out, "<br/>{}.", escapeMarkup(parameters));
            add(out, "<br/><span class=\"muted\">{}.</span>", escapeMarkup(info->paper));
        }
        out += "</td></tr>\n";
    }
    row("Program", "Quantoscope " + details.version);
    if (!details.date.empty()) row("Date", details.date);
    out += "</tbody></table></section>\n";
}

void addNotes(std::string& out, const CompareReport& report) {
    if (report.notes.empty()) return;
    out += "<section><h2>Notes</h2><ul>\n";
    for (const Diagnostic& note : report.notes) {
        const char* word = note.severity == Severity::Note ? "" : note.severity == Severity::Warning ? "Warning: " : "Error: ";
        add(out, "<li>{}{}{}{}</li>\n", word, escapeMarkup(note.subject), note.subject.empty() ? "" : ": ",
            escapeMarkup(note.message));
    }
    out += "</ul></section>\n";
}

std::string base64(std::string_view bytes) {
    static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto byte = [&](std::size_t k) { return k < bytes.size() ? static_cast<std::uint8_t>(bytes[k]) : 0U; };
        const std::uint32_t bits = byte(i) << 16U | byte(i + 1) << 8U | byte(i + 2);
        for (std::size_t digit = 0; digit < 4; ++digit)
            text += i + digit <= bytes.size() ? kDigits[bits >> (18 - 6 * digit) & 63U] : '=';
    }
    return text;
}

} // namespace

std::string pictureSection(const std::vector<ReportPicture>& pictures) {
    if (pictures.empty()) return {};
    std::string out = "<section><h2>Views</h2>\n";
    for (const ReportPicture& picture : pictures)
        add(out, "<h3>{0}</h3><img class=\"view\" alt=\"{0}\" src=\"data:image/png;base64,{1}\"/>\n", escapeMarkup(picture.title),
            base64(picture.png));
    return out + "</section>\n";
}

std::string htmlReport(const CompareReport& report, const HtmlReportDetails& details) {
    std::size_t tensors = 0;
    std::int64_t weights = 0;
    for (const MethodResult& method : report.methods) {
        std::int64_t treated = 0;
        for (const TensorResult& tensor : method.tensors) treated += tensor.sums.count;
        tensors = std::max(tensors, method.tensors.size());
        weights = std::max(weights, treated);
    }
    const std::string title = "Quantization of " + std::filesystem::path(report.source).filename().string();
    std::string out;
    add(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" "
             "content=\"width=device-width, initial-scale=1\"/><title>{}</title><style>{}</style></head><body><main>\n",
        escapeMarkup(title), kHtmlStyle);
    add(out, "<header><h1>{}</h1><p class=\"muted\">{} on {} with {} weights, measured against the stored weights.</p></header>\n",
        escapeMarkup(title), report.methods.size() == 1 ? "1 method" : fmt::format("{} methods", report.methods.size()),
        tensors == 1 ? "1 tensor" : fmt::format("{} tensors", tensors), readableCount(static_cast<std::uint64_t>(weights)));
    addMetricTable(out, report);
    addPareto(out, report);
    addDivergence(out, report);
    addDepth(out, report);
    addWorstTensors(out, report);
    out += pictureSection(details.pictures);
    addSettings(out, report, details);
    addNotes(out, report);
    out += "</main></body></html>\n";
    return out;
}

} // namespace qscope::engine
