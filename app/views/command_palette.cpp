// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/command_palette.h"

#include "app/views/fuzzy.h"

#include <QHeaderView>
#include <QKeyEvent>
#include <QLineEdit>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>

namespace qscope {

namespace {
constexpr std::size_t kShown = 60;
}

CommandPalette::CommandPalette(QWidget* window)
    : QFrame(window, Qt::Popup), m_input(new QLineEdit(this)), m_list(new QTreeWidget(this)) {
    setObjectName(QStringLiteral("commandPalette"));
    setFrameShape(QFrame::StyledPanel);
    setAccessibleName(tr("Command palette"));
    m_input->setPlaceholderText(tr("Type a command, a view or a tensor"));
    m_input->setAccessibleName(tr("Command"));
    m_input->installEventFilter(this);
    m_list->setHeaderHidden(true);
    m_list->setRootIsDecorated(false);
    m_list->setColumnCount(2);
    m_list->setUniformRowHeights(true);
    m_list->setFocusPolicy(Qt::NoFocus);
    m_list->header()->setStretchLastSection(false);
    m_list->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_list->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(8, 8, 8, 8);
    layout->setSpacing(8);
    layout->addWidget(m_input);
    layout->addWidget(m_list, 1);
    connect(m_input, &QLineEdit::textChanged, this, &CommandPalette::filter);
    connect(m_list, &QTreeWidget::itemClicked, this, &CommandPalette::runCurrent);
}

void CommandPalette::open(std::vector<Command> commands) {
    m_commands = std::move(commands);
    const QRect window = parentWidget()->rect();
    resize(std::min(560, window.width() - 32), std::min(420, window.height() - 96));
    move(parentWidget()->mapToGlobal(QPoint((window.width() - width()) / 2, 72)));
    m_input->clear();
    filter({});
    show();
    m_input->setFocus();
}

void CommandPalette::filter(const QString& pattern) {
    std::vector<std::pair<int, std::size_t>> fits;
    for (std::size_t i = 0; i < m_commands.size(); ++i)
        if (const auto score = fuzzyScore(pattern, m_commands[i].title)) fits.emplace_back(pattern.isEmpty() ? 0 : *score, i);
    std::stable_sort(fits.begin(), fits.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    if (fits.size() > kShown) fits.resize(kShown);
    m_list->clear();
    for (const auto& [score, i] : fits) {
        auto* item = new QTreeWidgetItem(m_list, {m_commands[i].title, m_commands[i].detail});
        item->setData(0, Qt::UserRole, static_cast<qulonglong>(i));
        item->setForeground(1, palette().placeholderText());
        item->setTextAlignment(1, Qt::AlignRight | Qt::AlignVCenter);
    }
    if (m_list->topLevelItemCount() > 0) m_list->setCurrentItem(m_list->topLevelItem(0));
}

QStringList CommandPalette::shownTitles() const {
    QStringList titles;
    for (int i = 0; i < m_list->topLevelItemCount(); ++i) titles << m_list->topLevelItem(i)->text(0);
    return titles;
}

void CommandPalette::runCurrent() {
    const auto* item = m_list->currentItem();
    hide();
    if (!item) return;
    const auto run = m_commands[item->data(0, Qt::UserRole).toULongLong()].run; // the command may open the palette again
    run();
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_input && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        const int rows = m_list->topLevelItemCount();
        if (key == Qt::Key_Return || key == Qt::Key_Enter) {
            runCurrent();
            return true;
        }
        if ((key == Qt::Key_Down || key == Qt::Key_Up) && rows > 0) {
            const int row = m_list->indexOfTopLevelItem(m_list->currentItem());
            m_list->setCurrentItem(m_list->topLevelItem((row + (key == Qt::Key_Down ? 1 : rows - 1)) % rows));
            return true;
        }
    }
    return QFrame::eventFilter(watched, event);
}

} // namespace qscope
