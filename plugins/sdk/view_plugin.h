// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/method_plugin.h"
#include "plugins/sdk/view_context.h"

#include <QtPlugin>

#include <vector>

class QWidget;

namespace qscope {

/// What a view shows; decides where the window offers it.
enum class ViewSubject { Tensor, Report, Circuit, State };

/// What a view tells about itself.
struct ViewInfo {
    QString id;    ///< stable, also the dock's object name: "distribution"
    QString title; ///< "Distribution"
    QString icon;  ///< name in the icon set
    ViewSubject subject;
    QString summary; ///< one sentence for tooltips and the command palette
};

/// A plugin with views for the window.
class ViewPlugin {
public:
    virtual ~ViewPlugin() = default;
    [[nodiscard]] virtual std::vector<ViewInfo> views() const = 0;
    /// A new widget for one of `views()`; `context` outlives it.
    [[nodiscard]] virtual QWidget* create(const QString& id, ViewContext& context, QWidget* parent) = 0;
};

} // namespace qscope

Q_DECLARE_INTERFACE(qscope::ViewPlugin, "qscope.ViewPlugin/1")
