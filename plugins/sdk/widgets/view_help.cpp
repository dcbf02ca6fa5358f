// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/view_help.h"

#include <QAction>
#include <QTextDocument>
#include <QToolButton>
#include <QWhatsThis>

namespace qscope {

void setViewHelp(PanelHeader& header, const QString& text) {
    header.setWhatsThis(text);
    if (header.parentWidget()) header.parentWidget()->setWhatsThis(text);
}

void addHelp(PanelHeader& header, const QString& text) {
    const QString page =
        QStringLiteral("<qt>%1</qt>")
            .arg(Qt::mightBeRichText(text) ? text : Qt::convertFromPlainText(text, Qt::WhiteSpaceNormal));
    setViewHelp(header, page);
    auto* action = new QAction(QStringLiteral("?"), &header);
    action->setToolTip(page);
    QToolButton* button = header.addAction(action);
    button->setAccessibleName(PanelHeader::tr("What the numbers mean"));
    QObject::connect(action, &QAction::triggered, button, [button, page] {
        QWhatsThis::showText(button->mapToGlobal(QPoint(0, button->height())), page, button);
    });
}

} // namespace qscope
