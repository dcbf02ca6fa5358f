// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/method_fit.h"

#include <QFrame>

#include <functional>
#include <map>

class QCheckBox;
class QComboBox;
class QLineEdit;
class QPushButton;
class QTextBrowser;
class QTreeWidget;
class QTreeWidgetItem;

namespace qscope {

/// All registered methods by group, with filters, and a page for the current one: what it minimises, its steps, what it
/// needs, whether it takes the open model's tensors and which formats hold its result. Pops up under its button.
class MethodBrowser : public QFrame {
    Q_OBJECT
public:
    /// `fit` judges a method for the open checkpoint.
    using Judge = std::function<engine::MethodFit(const std::string& id)>;
    MethodBrowser(const engine::Registries& registries, Judge judge, QWidget* parent = nullptr);

    void popup(QWidget& under);

signals:
    void chosen(const QString& id);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    QWidget* makeFilters();
    void filter();
    [[nodiscard]] bool passes(const engine::MethodInfo& info);
    [[nodiscard]] const engine::MethodFit& fitOf(const std::string& id);
    void describe(const QTreeWidgetItem* item);
    void choose(const QTreeWidgetItem* item);

    const engine::Registries& m_registries;
    Judge m_judge;
    std::map<std::string, engine::MethodFit> m_fits; ///< since it popped up
    QLineEdit* m_filter;
    QComboBox* m_time = nullptr;
    QComboBox* m_format = nullptr;
    QCheckBox* m_activations = nullptr;
    QTreeWidget* m_tree;
    QTextBrowser* m_page;
    QPushButton* m_add;
};

} // namespace qscope
