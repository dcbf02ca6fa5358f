// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/registry.h"

#include <QFrame>

class QLabel;
class QLineEdit;
class QTreeWidget;
class QTreeWidgetItem;

namespace qscope {

/// All registered methods by group, with a filter and what the current one says about itself. Pops up under its button.
class MethodBrowser : public QFrame {
    Q_OBJECT
public:
    explicit MethodBrowser(const engine::Registries& registries, QWidget* parent = nullptr);

    void popup(QWidget& under);

signals:
    void chosen(const QString& id);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void filter(const QString& text);
    void describe(const QTreeWidgetItem* item);
    void choose(const QTreeWidgetItem* item);

    const engine::Registries& m_registries;
    QLineEdit* m_filter;
    QTreeWidget* m_tree;
    QLabel* m_description;
};

} // namespace qscope
