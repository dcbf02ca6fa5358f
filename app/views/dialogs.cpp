// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/dialogs.h"

#include "app/views/icon_set.h"
#include "plugins/host/devices.h"
#include "plugins/sdk/format.h"

#include <QAction>
#include <QCheckBox>
#include <QCoreApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QTableView>
#include <QTextBrowser>
#include <QVBoxLayout>

namespace qscope {

namespace {

QString text(const std::string& part) { return QString::fromStdString(part).toHtmlEscaped(); }

QString row(const QString& name, const QString& value) {
    return QStringLiteral("<tr><td style='padding-right:16px'>%1</td><td>%2</td></tr>").arg(name, value);
}

QString aboutDevices(const std::vector<Device>& devices) {
    QString html;
    for (const auto& device : devices) {
        html += QStringLiteral("<h4>%1</h4><table>").arg(text(device.name));
        html += row(AboutDialog::tr("Kind"), text(device.type));
        if (!device.refused.empty()) html += row(AboutDialog::tr("Not usable"), text(device.refused));
        if (!device.driver.empty()) html += row(AboutDialog::tr("Driver"), text(device.driver));
        if (device.memory > 0) html += row(AboutDialog::tr("Memory"), formatBytes(device.memory));
        for (const auto& [key, value] : device.limits)
            html += row(text(key), formatInteger(static_cast<std::int64_t>(value)));
        html += QStringLiteral("</table>");
    }
    return html;
}

QHBoxLayout* closeRow(QDialog& dialog) {
    auto* close = new QPushButton(QDialog::tr("Close"), &dialog);
    QObject::connect(close, &QPushButton::clicked, &dialog, &QDialog::close);
    auto* layout = new QHBoxLayout;
    layout->addStretch();
    layout->addWidget(close);
    return layout;
}

} // namespace

AboutDialog::AboutDialog(Workspace& workspace, QWidget* parent)
    : QDialog(parent), m_jobs(workspace.makeJobs()), m_text(new QTextBrowser(this)) {
    setObjectName(QStringLiteral("aboutDialog"));
    setWindowTitle(tr("About Quantoscope"));
    setAttribute(Qt::WA_DeleteOnClose);
    auto* logo = new QLabel(this);
    logo->setPixmap(applicationIcon().pixmap(64, 64));
    auto* title = new QLabel(tr("Quantoscope %1").arg(QCoreApplication::applicationVersion()), this);
    title->setFont(Theme::title());
    auto* licence = new QLabel(tr("Free software under the GNU General Public License, version 3 or later.\nComputing on %1, Qt %2.")
                                   .arg(QString::fromStdString(workspace.backend()->name()), QString::fromLatin1(qVersion())),
                               this);
    licence->setWordWrap(true);
    auto* words = new QVBoxLayout;
    words->addWidget(title);
    words->addWidget(licence);
    auto* head = new QHBoxLayout;
    head->setSpacing(16);
    head->addWidget(logo);
    head->addLayout(words, 1);
    m_text->setFrameShape(QFrame::NoFrame);
    m_text->setAccessibleName(tr("Devices"));
    m_text->setHtml(tr("Looking for devices…"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(16, 16, 16, 16);
    layout->setSpacing(16);
    layout->addLayout(head);
    layout->addWidget(m_text, 1);
    layout->addLayout(closeRow(*this));
    resize(560, 520);
    runJob(
        *m_jobs, tr("Listing devices"), [](const RunContext&) -> Result<std::vector<Device>> { return listDevices(); },
        [this](const Result<std::vector<Device>>& devices) {
            m_text->setHtml(aboutDevices(*devices));
            emit devicesListed();
        });
}

PluginsDialog::PluginsDialog(Workspace& workspace, std::vector<PluginRecord> records, QWidget* parent)
    : QDialog(parent), m_model(std::move(records), workspace.settings().disabledPlugins()) {
    setObjectName(QStringLiteral("pluginsDialog"));
    setWindowTitle(tr("Plugins"));
    setAttribute(Qt::WA_DeleteOnClose);
    auto* table = new QTableView(this);
    table->setModel(&m_model);
    table->setAccessibleName(tr("Plugins"));
    table->setShowGrid(false);
    table->setSelectionBehavior(QAbstractItemView::SelectRows);
    table->setSelectionMode(QAbstractItemView::SingleSelection);
    table->verticalHeader()->hide();
    table->verticalHeader()->setDefaultSectionSize(26);
    table->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    table->horizontalHeader()->setSectionResizeMode(PluginsModel::Name, QHeaderView::Stretch);
    auto* details = new QLabel(this);
    details->setWordWrap(true);
    details->setTextInteractionFlags(Qt::TextSelectableByMouse);
    details->setMinimumHeight(72);
    details->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    auto* own = new QCheckBox(tr("Also load plugins from %1").arg(PluginHost::userFolder()), this);
    own->setChecked(workspace.settings().userPlugins());
    auto* note = new QLabel(tr("Changes take effect at the next start."), this);
    note->setFont(Theme::caption());
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(16, 16, 16, 16);
    layout->setSpacing(8);
    layout->addWidget(table, 1);
    layout->addWidget(details);
    layout->addWidget(own);
    layout->addWidget(note);
    layout->addLayout(closeRow(*this));
    resize(640, 480);
    connect(table->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this, details](const QModelIndex& index) {
        const auto& record = m_model.record(index.row());
        details->setText(QStringLiteral("%1\n%2 %3\n%4").arg(record.error.isEmpty() ? record.description : record.error,
                                                             record.id, record.licence, record.file));
    });
    connect(&m_model, &PluginsModel::disabledChanged, this,
            [this, &settings = workspace.settings()] { settings.setDisabledPlugins(m_model.disabled()); });
    connect(own, &QCheckBox::toggled, this, [&settings = workspace.settings()](bool on) { settings.setUserPlugins(on); });
    if (m_model.rowCount() > 0) table->selectRow(0);
}

ShortcutSheet::ShortcutSheet(ViewContext& context, const Groups& groups, QWidget* parent) : QDialog(parent) {
    setObjectName(QStringLiteral("shortcutSheet"));
    setWindowTitle(tr("Keyboard shortcuts"));
    setAttribute(Qt::WA_DeleteOnClose);
    const QString muted = context.theme().color(Role::Muted).name();
    QStringList columns(2);
    int used[2] = {0, 0};
    for (const auto& [group, actions] : groups) {
        QString rows;
        int count = 0;
        for (const auto* action : actions) {
            if (action->shortcut().isEmpty()) continue;
            rows += row(action->text().remove(QLatin1Char('&')).toHtmlEscaped(),
                        QStringLiteral("<span style='color:%1'>%2</span>").arg(muted, action->shortcut().toString(QKeySequence::NativeText)));
            ++count;
        }
        if (count == 0) continue;
        const int to = used[0] <= used[1] ? 0 : 1;
        used[to] += count + 2;
        columns[to] += QStringLiteral("<h4>%1</h4><table width='100%'>%2</table>").arg(group.toHtmlEscaped(), rows);
    }
    auto* row = new QHBoxLayout;
    row->setSpacing(32);
    for (const auto& html : columns) {
        auto* label = new QLabel(html, this);
        label->setTextFormat(Qt::RichText);
        label->setAlignment(Qt::AlignTop);
        row->addWidget(label, 1);
    }
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(24, 16, 24, 16);
    layout->addLayout(row, 1);
    layout->addLayout(closeRow(*this));
}

NoticeBar::NoticeBar(ViewContext& context, QWidget* parent)
    : QFrame(parent), m_text(new QLabel(this)), m_action(new QPushButton(this)) {
    setObjectName(QStringLiteral("noticeBar"));
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::Midlight);
    auto* dismiss = new QPushButton(tr("Not now"), this);
    dismiss->setFlat(true);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(16, 8, 16, 8);
    layout->setSpacing(8);
    layout->addWidget(m_text, 1);
    layout->addWidget(m_action);
    layout->addWidget(dismiss);
    m_text->setWordWrap(true);
    m_action->setObjectName(QStringLiteral("noticeAction"));
    connect(m_action, &QPushButton::clicked, this, &NoticeBar::accept);
    connect(dismiss, &QPushButton::clicked, this, [this] { answer(m_decline); });
    connect(&context, &ViewContext::themeChanged, this, qOverload<>(&QWidget::update));
    hide();
}

void NoticeBar::offer(const QString& text, const QString& action, std::function<void()> accept, std::function<void()> decline) {
    m_text->setText(text);
    m_action->setText(action);
    m_accept = std::move(accept);
    m_decline = std::move(decline);
    show();
}

void NoticeBar::accept() { answer(m_accept); }

void NoticeBar::answer(const std::function<void()>& what) {
    hide();
    if (what) what();
}

} // namespace qscope
