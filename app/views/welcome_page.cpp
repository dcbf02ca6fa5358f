// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/welcome_page.h"

#include "app/views/samples.h"

#include <QDir>
#include <QFileInfo>
#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QToolButton>
#include <QVBoxLayout>

namespace qscope {

namespace {

constexpr int kShownRecent = 6;

/// A card with a title; returns its column.
QVBoxLayout* makeCard(const QString& title, QWidget*& card) {
    auto* frame = new QFrame;
    frame->setProperty("card", true);
    auto* column = new QVBoxLayout(frame);
    column->setContentsMargins(16, 16, 16, 16);
    column->setSpacing(4);
    auto* label = new QLabel(title, frame);
    QFont font = Theme::body();
    font.setWeight(QFont::DemiBold);
    label->setFont(font);
    column->addWidget(label);
    card = frame;
    return column;
}

QLabel* makeNote(const QString& text) {
    auto* label = new QLabel(text);
    label->setWordWrap(true);
    label->setProperty("muted", true);
    return label;
}

/// A line of text that opens something.
QToolButton* makeLink(const QString& text, const QString& tooltip) {
    auto* button = new QToolButton;
    button->setText(text);
    button->setToolTip(tooltip);
    button->setAutoRaise(true);
    button->setCursor(Qt::PointingHandCursor);
    button->setProperty("link", true);
    button->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
    return button;
}

} // namespace

WelcomePage::WelcomePage(Workspace& workspace, const std::vector<Tour>& tours, QWidget* parent)
    : QWidget(parent), m_workspace(workspace) {
    setObjectName(QStringLiteral("welcomePage"));
    auto* content = new QWidget;
    content->setMaximumWidth(1080);
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(24, 32, 24, 24);
    column->setSpacing(16);
    auto* title = new QLabel(tr("Quantoscope"), content);
    QFont font = Theme::title();
    font.setPointSizeF(font.pointSizeF() * 1.4);
    font.setWeight(QFont::DemiBold);
    title->setFont(font);
    column->addWidget(title);
    column->addWidget(makeNote(tr("See which layers hurt when a network is quantized, which method is best at a given size, and what a quantum circuit does gate by gate.")));
    auto* cards = new QHBoxLayout;
    cards->setSpacing(16);
    cards->addWidget(makeStart(), 1);
    m_recent = makeCard(tr("Recent files"), m_recentCard);
    cards->addWidget(m_recentCard, 1);
    column->addLayout(cards);
    column->addWidget(makeTours(tours));
    column->addStretch();

    auto* scroll = new QScrollArea(this);
    auto* centred = new QWidget;
    auto* row = new QHBoxLayout(centred);
    row->setContentsMargins(0, 0, 0, 0);
    row->addStretch(1);
    row->addWidget(content, 100);
    row->addStretch(1);
    scroll->setWidget(centred);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(scroll);
    connect(&workspace.settings(), &Settings::recentFilesChanged, this, &WelcomePage::refreshRecent);
    connect(&workspace, &ViewContext::themeChanged, this, &WelcomePage::recolor);
    refreshRecent();
}

QWidget* WelcomePage::makeStart() {
    QWidget* card = nullptr;
    auto* column = makeCard(tr("Start"), card);
    if (const QString model = sampleModel(); !model.isEmpty()) {
        auto* button = new QPushButton(tr("Open the sample model"));
        button->setObjectName(QStringLiteral("openSample"));
        button->setProperty("primary", true);
        button->setToolTip(model);
        connect(button, &QPushButton::clicked, this, [this, model] { emit openRequested(model); });
        column->addSpacing(4);
        column->addWidget(button, 0, Qt::AlignLeft);
        column->addWidget(makeNote(tr("Bard, a language model of 5.8 million parameters trained on novels in the public domain.")));
        column->addSpacing(8);
    }
    auto* files = new QHBoxLayout;
    files->setSpacing(8);
    const auto open = [&](const QString& text, WindowRequest what) {
        auto* button = new QPushButton(text);
        connect(button, &QPushButton::clicked, this, [this, what] { m_workspace.request(what); });
        files->addWidget(button);
    };
    open(tr("Open a model…"), WindowRequest::OpenCheckpoint);
    open(tr("Open a circuit…"), WindowRequest::OpenCircuit);
    files->addStretch();
    column->addLayout(files);
    column->addSpacing(8);
    const auto circuits = sampleCircuits();
    if (!circuits.isEmpty()) column->addWidget(makeNote(tr("Sample circuits")));
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(8);
    grid->setVerticalSpacing(0);
    for (int i = 0; i < circuits.size(); ++i) {
        const QString& path = circuits[i];
        auto* link = makeLink(QFileInfo(path).completeBaseName().replace(QLatin1Char('_'), QLatin1Char(' ')), path);
        connect(link, &QToolButton::clicked, this, [this, path] { emit openRequested(path); });
        grid->addWidget(link, i / 2, i % 2, Qt::AlignLeft);
    }
    column->addLayout(grid);
    column->addStretch();
    return card;
}

QWidget* WelcomePage::makeTours(const std::vector<Tour>& tours) {
    auto* row = new QWidget;
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(16);
    for (std::size_t i = 0; i < tours.size(); ++i) {
        QWidget* card = nullptr;
        auto* column = makeCard(tours[i].title, card);
        column->addWidget(makeNote(tours[i].summary));
        column->addStretch();
        auto* button = new QPushButton(tr("Take the tour, %n click(s)", nullptr, static_cast<int>(tours[i].steps.size())));
        button->setAccessibleDescription(tours[i].title);
        connect(button, &QPushButton::clicked, this, [this, i] { emit tourRequested(static_cast<int>(i)); });
        column->addSpacing(8);
        column->addWidget(button, 0, Qt::AlignLeft);
        layout->addWidget(card, 1);
    }
    return row;
}

void WelcomePage::setLastSession(const QString& path) {
    m_lastSession = path;
    refreshRecent();
}

void WelcomePage::refreshRecent() {
    while (m_recent->count() > 1) {
        auto* item = m_recent->takeAt(1);
        delete item->widget();
        delete item;
    }
    if (!m_lastSession.isEmpty()) {
        auto* button = new QPushButton(tr("Continue where you left"));
        connect(button, &QPushButton::clicked, this, [this] { emit openRequested(m_lastSession); });
        m_recent->addSpacing(4);
        m_recent->addWidget(button, 0, Qt::AlignLeft);
    }
    const auto files = m_workspace.settings().recentFiles();
    int shown = 0;
    for (const auto& path : files) {
        const QFileInfo file(path);
        if (!file.exists()) continue;
        auto* link = makeLink(QStringLiteral("%1/%2").arg(file.dir().dirName(), file.fileName()), path);
        connect(link, &QToolButton::clicked, this, [this, path] { emit openRequested(path); });
        m_recent->addWidget(link, 0, Qt::AlignLeft);
        if (++shown == kShownRecent) break;
    }
    if (shown == 0) m_recent->addWidget(makeNote(tr("Files you open are listed here. You can also drop a file anywhere on the window.")));
    m_recent->addStretch();
    recolor();
}

void WelcomePage::recolor() {
    const auto& theme = m_workspace.theme();
    for (auto* label : findChildren<QLabel*>()) {
        if (!label->property("muted").toBool()) continue;
        QPalette palette = label->palette();
        palette.setColor(QPalette::WindowText, theme.color(Role::Muted));
        label->setPalette(palette);
    }
    for (auto* button : findChildren<QToolButton*>()) {
        if (!button->property("link").toBool()) continue;
        QPalette palette = button->palette();
        palette.setColor(QPalette::ButtonText, theme.color(Role::Accent));
        button->setPalette(palette);
    }
}

} // namespace qscope
