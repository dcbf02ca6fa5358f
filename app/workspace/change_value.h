// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QUndoCommand>

#include <functional>
#include <utility>

namespace qscope {

/// Undoable change of one value. Undo is redo: both swap the stored and the current value. Successive changes with the
/// same merge key (not -1) become one step.
template<class T>
class ChangeValue : public QUndoCommand {
public:
    ChangeValue(T& target, T value, std::function<void()> announce, const QString& text, int mergeKey = -1)
        : QUndoCommand(text), m_target(target), m_value(std::move(value)), m_announce(std::move(announce)),
          m_mergeKey(mergeKey) {}

    void redo() override {
        std::swap(m_target, m_value);
        m_announce();
    }
    void undo() override { redo(); }
    [[nodiscard]] int id() const override { return m_mergeKey; }
    bool mergeWith(const QUndoCommand*) override {
        // Ours already holds the value from before both changes, the target the one after both.
        setObsolete(m_value == m_target);
        return true;
    }

private:
    T& m_target;
    T m_value;
    std::function<void()> m_announce;
    int m_mergeKey;
};

} // namespace qscope
