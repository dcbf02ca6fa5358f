// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/about_button.h"

#include <QToolButton>
#include <QWhatsThis>

namespace qscope {

void addAbout(PanelHeader& header, const QString& text) {
    QStringList paragraphs;
    for (const QString& paragraph : text.split(QStringLiteral("\n\n")))
        paragraphs << QStringLiteral("<p>%1</p>").arg(paragraph.toHtmlEscaped());
    const QString page = paragraphs.join(QString());
    auto* button = new QToolButton(&header);
    button->setText(QStringLiteral("?"));
    button->setAutoRaise(true);
    button->setFont(Theme::caption());
    button->setAccessibleName(PanelHeader::tr("About these numbers"));
    button->setToolTip(PanelHeader::tr("What these numbers are, with formula and source"));
    header.setWhatsThis(page);
    header.addWidget(button);
    QObject::connect(button, &QToolButton::clicked, button, [button, page] {
        QWhatsThis::showText(button->mapToGlobal(button->rect().bottomLeft()), page, button);
    });
}

} // namespace qscope
