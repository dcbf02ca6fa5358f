// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/workspace.h"

#include <QWidget>

class QGridLayout;

namespace qscope {

/// The parameters of several methods with a line of values for each; made from the methods' own tables.
class SweepRows : public QWidget {
    Q_OBJECT
public:
    explicit SweepRows(Workspace& workspace, QWidget* parent = nullptr);

    /// What the lines start with.
    void setAxes(const std::vector<engine::SweepAxis>& axes);
    /// Shows the parameters of these methods, those of all of them first; what was typed stays.
    void setMethods(const std::vector<engine::MethodSpec>& specs);
    /// The lines that are not empty; an error says which value is wrong.
    [[nodiscard]] Result<std::vector<engine::SweepAxis>> axes() const;

signals:
    /// The methods or a value have changed.
    void edited();

private:
    /// One parameter, of all methods that have it.
    struct Row {
        engine::ParamSpec param;
        QString text; ///< what is typed; of a flag or a choice, the values separated by commas
    };
    void proposeValues(std::vector<Row>& rows);
    QWidget* makeEditor(Row& row);

    Workspace& m_workspace;
    QGridLayout* m_grid;
    std::vector<Row> m_rows;
    std::map<QString, QString> m_typed; ///< by key, also of rows that are not on show
};

} // namespace qscope
