// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/workspace.h"

#include <QDialog>

namespace qscope {

class ParamForm;

/// A result's method with its parameters, to be changed and run again on the same tensors.
class RerunDialog : public QDialog {
    Q_OBJECT
public:
    /// `method` is a result of the report on show; `tensor` as in a pinned column.
    RerunDialog(Workspace& workspace, int method, const QString& tensor, QWidget* parent = nullptr);

private:
    ParamForm* m_form;
};

} // namespace qscope
