// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/circuit_file.h"

#include "engine/quantum/qasm/parse.h"

#include <algorithm>

namespace qscope::cli {

Result<CircuitFile> readCircuit(Environment& environment, const std::string& path) {
    QSCOPE_TRY(const auto text, environment.readText(path));
    auto parsed = engine::parseQasm(text);
    if (parsed.circuit) return CircuitFile{std::move(parsed.circuit), std::move(parsed.diagnostics)};
    const auto first = std::ranges::find(parsed.diagnostics, Severity::Error, &Diagnostic::severity);
    if (first == parsed.diagnostics.end()) return fail(ErrorCode::Malformed, "not a circuit");
    const auto errors = std::ranges::count(parsed.diagnostics, Severity::Error, &Diagnostic::severity);
    return fail(ErrorCode::Malformed, "{}{}{} (line {}, column {})", first->message,
                first->suggestion.empty() ? "" : "; " + first->suggestion,
                errors > 1 ? fmt::format("; {} more errors", errors - 1) : "", first->span.line, first->span.column);
}

Json toJson(const std::vector<Diagnostic>& diagnostics) {
    Json rows = Json::array();
    for (const auto& entry : diagnostics)
        rows.push_back({{"severity", entry.severity == Severity::Note ? "note" : entry.severity == Severity::Warning ? "warning" : "error"},
                        {"message", entry.message}, {"line", entry.span.line}, {"column", entry.span.column},
                        {"suggestion", entry.suggestion}});
    return rows;
}

} // namespace qscope::cli
