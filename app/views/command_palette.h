// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFrame>

#include <functional>
#include <vector>

class QLineEdit;
class QTreeWidget;

namespace qscope {

/// Something the palette can do.
struct Command {
    QString title;
    QString detail; ///< shortcut, or where it belongs
    std::function<void()> run;
};

/// All commands by name: type a few letters, press Enter. Made anew each time it is opened.
class CommandPalette : public QFrame {
    Q_OBJECT
public:
    explicit CommandPalette(QWidget* window);

    void open(std::vector<Command> commands);
    [[nodiscard]] QStringList shownTitles() const;

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void filter(const QString& pattern);
    void runCurrent();

    std::vector<Command> m_commands;
    QLineEdit* m_input;
    QTreeWidget* m_list;
};

} // namespace qscope
