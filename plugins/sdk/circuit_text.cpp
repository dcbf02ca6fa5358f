// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/circuit_text.h"

#include "engine/quantum/qasm/parse.h"

#include <QUndoCommand>

#include <algorithm>

namespace qscope {

namespace {
constexpr int kPauseMs = 200; ///< of typing, before the text is parsed
}

/// Undoes itself by the opposite replacement.
class CircuitTextEdit : public QUndoCommand {
public:
    CircuitTextEdit(CircuitText& text, int begin, QString removed, QString inserted, const QString& what, int mergeKey)
        : QUndoCommand(what)
        , m_text(text)
        , m_begin(begin)
        , m_removed(std::move(removed))
        , m_inserted(std::move(inserted))
        , m_mergeKey(mergeKey) {}

    void redo() override { m_text.apply(m_begin, static_cast<int>(m_removed.size()), m_inserted); }
    void undo() override { m_text.apply(m_begin, static_cast<int>(m_inserted.size()), m_removed); }
    [[nodiscard]] int id() const override { return m_mergeKey; }

    bool mergeWith(const QUndoCommand* other) override {
        const auto& next = *static_cast<const CircuitTextEdit*>(other);
        if (next.m_begin == m_begin && next.m_removed == m_inserted) { // the same place once more: a slider
            m_inserted = next.m_inserted;
        } else if (next.m_removed.isEmpty() && next.m_begin == m_begin + m_inserted.size()) { // typed on
            m_inserted += next.m_inserted;
        } else if (m_inserted.isEmpty() && next.m_inserted.isEmpty() &&
                   next.m_begin + next.m_removed.size() == m_begin) {
            m_removed.prepend(next.m_removed); // deleted backwards
            m_begin = next.m_begin;
        } else {
            return false;
        }
        return true;
    }

private:
    CircuitText& m_text;
    int m_begin;
    QString m_removed, m_inserted;
    int m_mergeKey;
};

CircuitText::CircuitText(std::unique_ptr<Jobs> jobs, QObject* parent)
    : QObject(parent)
    , m_jobs(std::move(jobs)) {
    m_timer.setSingleShot(true);
    connect(&m_timer, &QTimer::timeout, this, &CircuitText::parse);
    connect(&m_undo, &QUndoStack::cleanChanged, this, [this] {
        if (std::exchange(m_wasModified, modified()) != modified()) emit modifiedChanged();
    });
}

CircuitText::~CircuitText() { m_undo.disconnect(this); }

void CircuitText::load(std::shared_ptr<const OpenCircuit> opened, bool saved) {
    m_timer.stop();
    m_jobs->cancel();
    m_open = opened != nullptr;
    m_path = opened ? opened->path : QString();
    m_text = opened ? opened->text : QString();
    m_carriageReturns = m_text.count(QLatin1String("\r\n")) > 0 &&
                        m_text.count(QLatin1String("\r\n")) == m_text.count(QLatin1Char('\n'));
    const bool rewritten = m_text.contains(QLatin1Char('\r'));
    m_text.replace(QLatin1String("\r\n"), QLatin1String("\n")).replace(QLatin1Char('\r'), QLatin1Char('\n'));
    ++m_revision;
    m_diagnostics = opened ? opened->diagnostics : std::vector<Diagnostic>();
    m_circuitRevision = opened && opened->circuit && !rewritten ? m_revision : -1;
    m_inputs.clear();
    m_undo.clear();
    if (!saved) m_undo.resetClean();
    m_wasModified = modified();
    emit loaded();
    emit checked();
    emit modifiedChanged();
    if (rewritten) parseSoon(); // places count from the text without them
}

void CircuitText::replace(int begin, int removed, const QString& inserted, const QString& what, int mergeKey) {
    begin = std::clamp(begin, 0, static_cast<int>(m_text.size()));
    m_undo.push(new CircuitTextEdit(*this, begin, m_text.mid(begin, removed), inserted, what, mergeKey));
}

void CircuitText::apply(int begin, int removed, const QString& inserted) {
    m_text.replace(begin, removed, inserted);
    ++m_revision;
    m_timer.start(kPauseMs);
    emit edited(begin, removed, static_cast<int>(inserted.size()));
}

void CircuitText::parseSoon() { m_timer.start(0); }

void CircuitText::parse() {
    runJob(
        *m_jobs, QString(),
        [path = m_path, text = m_text](const RunContext&) -> Result<std::shared_ptr<const OpenCircuit>> {
            const QByteArray bytes = text.toUtf8();
            auto parsed = engine::parseQasm({bytes.constData(), static_cast<std::size_t>(bytes.size())});
            return std::make_shared<const OpenCircuit>(
                OpenCircuit{path, text, std::move(parsed.circuit), std::move(parsed.diagnostics)});
        },
        [this, revision = m_revision](const Result<std::shared_ptr<const OpenCircuit>>& opened) {
            if (revision != m_revision) return; // typed on meanwhile: the timer runs
            m_diagnostics = (*opened)->diagnostics;
            if ((*opened)->circuit) {
                m_circuitRevision = revision;
                emit this->parsed(*opened);
            }
            emit checked();
        });
}

bool CircuitText::hasErrors() const {
    return std::ranges::any_of(m_diagnostics,
                               [](const Diagnostic& entry) { return entry.severity == Severity::Error; });
}

QByteArray CircuitText::savedText() const {
    QString text = m_text;
    if (m_carriageReturns) text.replace(QLatin1Char('\n'), QLatin1String("\r\n"));
    return text.toUtf8();
}

void CircuitText::setInput(const QString& name, double value) {
    if (m_inputs.value(name) == value && m_inputs.contains(name)) return;
    m_inputs[name] = value;
    emit inputsChanged();
}

CircuitEditing::~CircuitEditing() = default;

CircuitText* editableText(ViewContext& context) {
    auto* editing = dynamic_cast<CircuitEditing*>(&context);
    return editing ? &editing->circuitText() : nullptr;
}

int unitsBefore(const QString& text, std::size_t byte) {
    std::size_t bytes = 0;
    int unit = 0;
    for (; unit < text.size() && bytes < byte; ++unit) {
        const ushort c = text[unit].unicode();
        bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : QChar::isSurrogate(c) ? 2 : 3;
    }
    return unit;
}

std::size_t bytesBefore(const QString& text, int unit) {
    return static_cast<std::size_t>(text.left(unit).toUtf8().size());
}

} // namespace qscope
