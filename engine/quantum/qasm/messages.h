// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/diagnostics.h"

#include <set>
#include <string>
#include <vector>

namespace qscope::engine::qasm {

/// The diagnostics of one text, at most 100 of them; the last place says that there were more.
class Messages {
public:
    void error(SourceSpan span, std::string message, std::string suggestion = {}) {
        m_failed = true;
        ++m_errors;
        add({Severity::Error, std::move(message), {}, span, std::move(suggestion)});
    }
    void warning(SourceSpan span, std::string message) { add({Severity::Warning, std::move(message), {}, span, {}}); }
    /// A warning or note whose text is said once, however often it applies.
    void once(Severity severity, SourceSpan span, std::string message) {
        if (m_said.size() < kMost && m_said.insert(message).second) add({severity, std::move(message), {}, span, {}});
    }
    /// An error after which reading on makes no sense.
    void fatal(SourceSpan span, std::string message) {
        if (!m_stopped) error(span, std::move(message));
        m_stopped = true;
    }

    [[nodiscard]] bool failed() const { return m_failed; }
    [[nodiscard]] std::size_t errors() const { return m_errors; }
    [[nodiscard]] bool stopped() const { return m_stopped; }
    [[nodiscard]] std::vector<Diagnostic> take() { return std::move(m_entries); }

private:
    static constexpr std::size_t kMost = 100;

    void add(Diagnostic diagnostic) {
        if (m_entries.size() + 1 < kMost) {
            m_entries.push_back(std::move(diagnostic));
            return;
        }
        // Only errors end the reading: a text with very many warnings is still a circuit.
        m_stopped = m_failed;
        if (m_entries.size() == kMost) m_entries.pop_back();
        m_entries.push_back({m_failed ? Severity::Error : Severity::Note,
                             "there is more to say, but only the first 100 messages are kept", {}, diagnostic.span, {}});
    }

    std::vector<Diagnostic> m_entries;
    std::set<std::string> m_said;
    std::size_t m_errors = 0;
    bool m_failed = false;
    bool m_stopped = false;
};

} // namespace qscope::engine::qasm
