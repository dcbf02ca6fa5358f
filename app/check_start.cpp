// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/check_start.h"

#include <QApplication>
#include <QTimer>

#include <cstdio>

namespace qscope {

namespace {

constexpr int kLookEvery = 20; // milliseconds

struct Start {
    qsizetype filesLeft = 0;
    QStringList problems;
};

} // namespace

void leaveOnceStarted(MainWindow& window, Workspace& workspace, const PluginHost& host, qsizetype files) {
    const auto start = std::make_shared<Start>(Start{files, {}});
    for (const auto& record : host.records())
        if (record.state == PluginState::Failed) start->problems << record.id + QStringLiteral(": ") + record.error;
    QObject::connect(&workspace, &Workspace::opened, &window, [start] { --start->filesLeft; });
    QObject::connect(&workspace, &Workspace::openFailed, &window, [start](const QString& path, const QString& reason) {
        start->problems << path + QStringLiteral(": ") + reason;
        --start->filesLeft;
    });
    auto* timer = new QTimer(&window);
    QObject::connect(timer, &QTimer::timeout, &window, [start, &window, &workspace] {
        if (start->filesLeft > 0 || !workspace.jobs().jobs().empty()) return;
        if (window.grab().isNull()) start->problems << QStringLiteral("the window did not paint");
        for (const QString& problem : start->problems) std::fprintf(stderr, "error: %s\n", qPrintable(problem));
        QApplication::exit(start->problems.isEmpty() ? 0 : 1);
    });
    timer->start(kLookEvery);
}

} // namespace qscope
