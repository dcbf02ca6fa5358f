// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/view_help.h"

#include <QAction>
#include <QToolButton>
#include <QWhatsThis>

namespace qscope {

void addHelp(PanelHeader& header, const QString& text) {
    auto* action = new QAction(QStringLiteral("?"), &header);
    action->setToolTip(QStringLiteral("<qt>%1</qt>").arg(text));
    QToolButton* button = header.addAction(action);
    button->setAccessibleName(PanelHeader::tr("What the numbers mean"));
    QObject::connect(action, &QAction::triggered, button, [button, text] {
        QWhatsThis::showText(button->mapToGlobal(QPoint(0, button->height())), QStringLiteral("<qt>%1</qt>").arg(text),
                             button);
    });
}

} // namespace qscope
