// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/models/list_models.h"
#include "app/workspace/workspace.h"

#include <QDialog>
#include <QFrame>

class QLabel;
class QPushButton;
class QTextBrowser;

namespace qscope {

/// Version, licence, and every compute device with its limits or why it cannot be used.
class AboutDialog : public QDialog {
    Q_OBJECT
public:
    explicit AboutDialog(Workspace& workspace, QWidget* parent = nullptr);

signals:
    void devicesListed();

private:
    std::unique_ptr<Jobs> m_jobs;
    QTextBrowser* m_text;
};

/// All plugins: what each adds, its state and its error; the check box takes effect at the next start.
class PluginsDialog : public QDialog {
    Q_OBJECT
public:
    PluginsDialog(Workspace& workspace, std::vector<PluginRecord> records, QWidget* parent = nullptr);

private:
    PluginsModel m_model;
};

/// Every command that has a shortcut, by menu.
class ShortcutSheet : public QDialog {
    Q_OBJECT
public:
    /// Group and the actions in it.
    using Groups = std::vector<std::pair<QString, QList<QAction*>>>;
    ShortcutSheet(ViewContext& context, const Groups& groups, QWidget* parent = nullptr);
};

/// A line above the centre that offers something and can be closed; it blocks nothing.
class NoticeBar : public QFrame {
    Q_OBJECT
public:
    explicit NoticeBar(ViewContext& context, QWidget* parent = nullptr);

    void offer(const QString& text, const QString& action, std::function<void()> accept, std::function<void()> decline = {});
    void accept();

private:
    void answer(const std::function<void()>& what);

    QLabel* m_text;
    QPushButton* m_action;
    std::function<void()> m_accept;
    std::function<void()> m_decline;
};

} // namespace qscope
