// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QMap>
#include <QTimer>
#include <QUndoStack>

namespace qscope {

/// The text of the open circuit while the user edits it: whatever changes the circuit changes the text, in one row of
/// undo steps. It is parsed off the window's thread a moment after the last edit. Line ends are '\n' here; a file's own
/// come back in `savedText`. Positions count UTF-16 units. On the window's thread.
class CircuitText : public QObject {
    Q_OBJECT
public:
    explicit CircuitText(std::unique_ptr<Jobs> jobs, QObject* parent = nullptr);
    ~CircuitText() override;

    [[nodiscard]] const QString& text() const { return m_text; }
    [[nodiscard]] bool isOpen() const { return m_open; }
    /// Begins with a circuit as opened, without undo steps; null: nothing is open. `saved`: its file holds this text.
    void load(std::shared_ptr<const OpenCircuit> opened, bool saved = true);

    /// One undo step called `what`. Steps with the same merge key that touch each other become one.
    void replace(int begin, int removed, const QString& inserted, const QString& what, int mergeKey = -1);
    /// Parses without waiting for further edits.
    void parseSoon();
    [[nodiscard]] QUndoStack& undoStack() { return m_undo; }

    [[nodiscard]] bool modified() const { return m_open && !m_undo.isClean(); }
    [[nodiscard]] QByteArray savedText() const;
    void markSaved() { m_undo.setClean(); }
    [[nodiscard]] const QString& path() const { return m_path; }
    void setPath(const QString& path) { m_path = path; }

    /// What the parser says about the newest text that it has read.
    [[nodiscard]] const std::vector<Diagnostic>& diagnostics() const { return m_diagnostics; }
    [[nodiscard]] bool hasErrors() const;
    /// The newest circuit was made from exactly this text: the places in its operations are right.
    [[nodiscard]] bool inStep() const { return m_circuitRevision == m_revision; }

    /// Values of the circuit's inputs that the user has set; others are 0.
    [[nodiscard]] const QMap<QString, double>& inputs() const { return m_inputs; }
    void setInput(const QString& name, double value);

signals:
    /// Also by undo and redo.
    void edited(int begin, int removed, int inserted);
    void loaded();
    /// The text makes a circuit.
    void parsed(const std::shared_ptr<const OpenCircuit>& circuit);
    /// `diagnostics` and `inStep` are new.
    void checked();
    void modifiedChanged();
    void inputsChanged();

private:
    friend class CircuitTextEdit;
    void apply(int begin, int removed, const QString& inserted);
    void parse();

    QString m_path;
    QString m_text;
    bool m_open = false;
    bool m_carriageReturns = false; ///< the file ends its lines with "\r\n"
    bool m_wasModified = false;
    std::int64_t m_revision = 0;
    std::int64_t m_circuitRevision = -1;
    std::vector<Diagnostic> m_diagnostics;
    QMap<QString, double> m_inputs;
    QUndoStack m_undo;
    QTimer m_timer;
    std::unique_ptr<Jobs> m_jobs;
};

/// Implemented by contexts whose circuit can be edited.
class CircuitEditing {
public:
    virtual ~CircuitEditing();
    [[nodiscard]] virtual CircuitText& circuitText() = 0;
};
/// Null where circuits can only be looked at.
[[nodiscard]] CircuitText* editableText(ViewContext& context);

/// Units of the text before a place that counts bytes of UTF-8, and back.
[[nodiscard]] int unitsBefore(const QString& text, std::size_t byte);
[[nodiscard]] std::size_t bytesBefore(const QString& text, int unit);

} // namespace qscope
