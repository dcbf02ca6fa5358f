// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/circuit_report.h"

#include "engine/quantum/sim/noise_model.h"
#include "engine/report/html_style.h"
#include "engine/report/json_report.h"
#include "engine/report/markup.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace qscope::engine {

namespace {

template<class... Args>
void add(std::string& out, fmt::format_string<Args...> text, Args&&... args) {
    fmt::format_to(std::back_inserter(out), text, std::forward<Args>(args)...);
}

std::string bitsOf(const BasisProbability& state, int qubits) {
    if (!state.bits.empty()) return state.bits;
    std::string bits;
    for (int qubit = qubits - 1; qubit >= 0; --qubit) bits += (state.index >> qubit & 1U) != 0 ? '1' : '0';
    return bits;
}

std::string nameOf(const CircuitReport& report) {
    return report.source.empty() ? "untitled circuit" : std::filesystem::path(report.source).filename().string();
}

std::string noiseOf(const CircuitReport& report) {
    return report.request.noise ? report.request.noise->name : std::string();
}

void row(std::string& out, const std::string& name, const std::string& value) {
    add(out, "<tr><th>{}</th><td>{}</td></tr>\n", escapeMarkup(name), escapeMarkup(value));
}

/// A table of shares: name, number, bar.
void shareRow(std::string& out, const std::string& name, const std::string& number, double share) {
    add(out,
        "<tr><td class=\"name\">{}</td><td class=\"number\">{}</td><td width=\"50%\"><div class=\"bar\" "
        "style=\"width:{:.1f}%\"></div></td></tr>\n",
        escapeMarkup(name), escapeMarkup(number), 100 * std::clamp(share, 0.0, 1.0));
}

void addCircuit(std::string& out, const CircuitReport& report, const std::string& drawing) {
    const Circuit& circuit = *report.circuit;
    out += "<section><h2>Circuit</h2>";
    if (!drawing.empty()) add(out, "<div class=\"wide drawing\">{}</div>", drawing);
    out += "<table><tbody>\n";
    row(out, "Qubits", std::to_string(circuit.qubits));
    row(out, "Classical bits", std::to_string(circuit.clbits));
    row(out, "Depth", std::to_string(depth(circuit)));
    row(out, "Operations", readableCount(circuit.operations.size()));
    std::string gates;
    for (const auto& [name, count] : gateCounts(circuit))
        gates += fmt::format("{}{} {}", gates.empty() ? "" : ", ", name, count);
    row(out, "Gates", gates);
    out += "</tbody></table></section>\n";
}

void addState(std::string& out, const CircuitReport& report) {
    out += "<section><h2>State</h2>";
    if (!report.simulation) {
        add(out, "<p>No state: {}</p></section>\n",
            escapeMarkup(report.problem.empty() ? "no simulation ran." : report.problem));
        return;
    }
    const SimulationResult& result = *report.simulation;
    double listed = 0;
    for (const auto& state : result.probabilities) listed += state.probability;
    add(out,
        "<p>After {} of {} operations. The {} most probable basis states, qubit 0 rightmost; they hold {} of the "
        "probability.</p>"
        "<div class=\"wide\"><table><thead><tr><th>State</th><th class=\"number\" "
        "title=\"{}\">Probability</th><th></th></tr></thead><tbody>\n",
        report.steps, report.circuit->operations.size(), result.probabilities.size(), readableNumber(listed),
        escapeMarkup(metric("probability").formula));
    for (const auto& state : result.probabilities)
        shareRow(out, bitsOf(state, result.qubits), readableNumber(state.probability), state.probability);
    out += "</tbody></table></div></section>\n";
    if (!report.bloch.empty()) {
        add(out,
            "<section><h2>Qubits</h2><p>{}</p><div class=\"wide\"><table><thead><tr><th>Qubit</th><th "
            "class=\"number\">⟨X⟩</th><th class=\"number\">⟨Y⟩</th>"
            "<th class=\"number\">⟨Z⟩</th><th class=\"number\">Bloch length</th></tr></thead><tbody>\n",
            escapeMarkup(metric("bloch_length").meaning));
        for (std::size_t qubit = 0; qubit < report.bloch.size(); ++qubit) {
            const auto& [x, y, z] = report.bloch[qubit];
            add(out,
                "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td "
                "class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
                qubit, readableFixed(x, 4), readableFixed(y, 4), readableFixed(z, 4),
                readableFixed(std::sqrt(x * x + y * y + z * z), 4));
        }
        out += "</tbody></table></div></section>\n";
    }
    if (!result.counts.empty()) {
        std::int64_t shots = 0;
        for (const auto& outcome : result.counts) shots += outcome.count;
        add(out,
            "<section><h2>Counts</h2><p>{} shots.</p><div class=\"wide\"><table><thead><tr><th>Outcome</th><th "
            "class=\"number\">Count</th><th></th></tr></thead><tbody>\n",
            readableCount(static_cast<std::uint64_t>(shots)));
        for (const auto& outcome : result.counts)
            shareRow(out, outcome.bits, std::to_string(outcome.count),
                     static_cast<double>(outcome.count) / static_cast<double>(std::max<std::int64_t>(shots, 1)));
        out += "</tbody></table></div></section>\n";
    }
    if (result.expectations.empty()) return;
    add(out, "<section><h2>Expectation values</h2><p>{}</p><table><tbody>\n",
        escapeMarkup(metric("expectation").meaning));
    for (const auto& value : result.expectations)
        row(out, value.observable,
            value.error == 0 ? readableNumber(value.value)
                             : readableNumber(value.value) + " ± " + readableNumber(value.error));
    out += "</tbody></table></section>\n";
}

void addSettings(std::string& out, const CircuitReport& report, const HtmlReportDetails& details) {
    out += "<section><h2>Settings</h2><table><tbody>\n";
    if (!report.source.empty()) row(out, "File", report.source);
    row(out, "OpenQASM", report.circuit->version);
    row(out, "Noise",
        report.request.noise ? (noiseOf(report).empty() ? "a model without a name" : noiseOf(report))
                             : "none, the ideal circuit");
    row(out, "Shots", std::to_string(report.request.shots));
    row(out, "Seed", std::to_string(report.request.seed));
    for (const auto& [name, value] : report.request.inputs) row(out, "Input " + name, readableNumber(value));
    if (report.simulation) {
        const SimulationResult& result = *report.simulation;
        row(out, "Simulator", result.method);
        row(out, "Precision", result.precision == Precision::Single ? "single" : "double");
        row(out, "Device", result.device);
        row(out, "Gates", fmt::format("{} in {} passes", result.gates, result.fusedGates));
        row(out, "Norm", fmt::format("{:.12g}", result.norm));
        row(out, "Time (s)", readableNumber(result.seconds));
    }
    for (const auto& [name, value] : details.settings) row(out, name, value);
    row(out, "Program", "Quantoscope " + details.version);
    if (!details.date.empty()) row(out, "Date", details.date);
    out += "</tbody></table></section>\n";
}

} // namespace

std::string htmlReport(const CircuitReport& report, const std::string& drawing, const HtmlReportDetails& details) {
    const std::string title = "Circuit " + nameOf(report);
    std::string out;
    add(out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" "
        "content=\"width=device-width, "
        "initial-scale=1\"/><title>{0}</title><style>{1}</style></head><body><main>\n<header><h1>{0}</h1></header>\n",
        escapeMarkup(title), kHtmlStyle);
    addCircuit(out, report, drawing);
    addState(out, report);
    out += pictureSection(details.pictures);
    addSettings(out, report, details);
    if (!report.notes.empty()) {
        out += "<section><h2>Notes</h2><ul>\n";
        for (const Diagnostic& note : report.notes) add(out, "<li>{}</li>\n", escapeMarkup(note.message));
        out += "</ul></section>\n";
    }
    out += "<section><h2>Source</h2><pre>";
    for (std::size_t begin = 0; begin < report.text.size();) { // line by line: escaping makes line ends spaces
        const std::size_t end = std::min(report.text.find('\n', begin), report.text.size());
        add(out, "{}\n", escapeMarkup(std::string_view(report.text).substr(begin, end - begin)));
        begin = end + 1;
    }
    out += "</pre></section>\n</main></body></html>\n";
    return out;
}

Json toJson(const CircuitReport& report) {
    const Circuit& circuit = *report.circuit;
    Json gates = Json::object();
    for (const auto& [name, count] : gateCounts(circuit)) gates[name] = count;
    Json inputs = Json::object();
    for (const auto& [name, value] : report.request.inputs) inputs[name] = value;
    Json simulation;
    if (report.simulation) {
        const SimulationResult& result = *report.simulation;
        Json probabilities = Json::array();
        for (const auto& state : result.probabilities)
            probabilities.push_back(
                {{"index", state.index}, {"bits", bitsOf(state, result.qubits)}, {"p", state.probability}});
        Json counts = Json::object();
        for (const auto& outcome : result.counts) counts[outcome.bits] = outcome.count;
        Json expectations = Json::object();
        for (const auto& value : result.expectations) expectations[value.observable] = value.value;
        simulation = {{"method", result.method},
                      {"device", result.device},
                      {"precision", result.precision == Precision::Single ? "single" : "double"},
                      {"seconds", result.seconds},
                      {"gates", result.gates},
                      {"fused_gates", result.fusedGates},
                      {"norm", result.norm},
                      {"fidelity", result.fidelity},
                      {"probabilities", std::move(probabilities)},
                      {"counts", std::move(counts)},
                      {"expectations", std::move(expectations)}};
    }
    Json notes = Json::array();
    for (const auto& note : report.notes) notes.push_back(toJson(note));
    return {{"source", report.source},
            {"version", circuit.version},
            {"qubits", circuit.qubits},
            {"clbits", circuit.clbits},
            {"depth", depth(circuit)},
            {"operations", circuit.operations.size()},
            {"steps", report.steps},
            {"gates", std::move(gates)},
            {"inputs", std::move(inputs)},
            {"seed", report.request.seed},
            {"shots", report.request.shots},
            {"noise", noiseOf(report)},
            {"simulation", std::move(simulation)},
            {"bloch", report.bloch},
            {"notes", std::move(notes)}};
}

} // namespace qscope::engine
