// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

namespace qscope {

/// A place in a text: bytes [begin, end), line and column counted from 1 (columns in bytes). `line == 0`: no place.
struct SourceSpan {
    std::size_t begin = 0;
    std::size_t end = 0;
    int line = 0;
    int column = 0;
};

enum class Severity { Note, Warning, Error };

/// One message for the user, about a place in a text or a named thing (a tensor, a device).
struct Diagnostic {
    Severity severity = Severity::Note;
    std::string message;
    std::string subject;
    SourceSpan span;
    std::string suggestion;
};

/// Collects messages from any thread; read it when the work is over.
class Diagnostics {
public:
    void add(Diagnostic diagnostic) {
        const std::lock_guard lock(m_mutex);
        m_entries.push_back(std::move(diagnostic));
    }
    void note(std::string message, std::string subject = {}) {
        add({Severity::Note, std::move(message), std::move(subject), {}, {}});
    }
    void warn(std::string message, std::string subject = {}) {
        add({Severity::Warning, std::move(message), std::move(subject), {}, {}});
    }
    [[nodiscard]] std::vector<Diagnostic> entries() const {
        const std::lock_guard lock(m_mutex);
        return m_entries;
    }

private:
    mutable std::mutex m_mutex;
    std::vector<Diagnostic> m_entries;
};

} // namespace qscope
