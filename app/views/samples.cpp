// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/samples.h"

#include <QCoreApplication>
#include <QDir>

namespace qscope {

QString samplesFolder() {
    const QString installed =
        QDir(QCoreApplication::applicationDirPath()).absoluteFilePath(QStringLiteral("../share/quantoscope/samples"));
    for (const QString& folder : {installed, QStringLiteral(QSCOPE_SAMPLES_DIR)})
        if (QDir(folder).exists()) return QDir::cleanPath(folder);
    return {};
}

QString sampleModel() {
    const QString path = samplesFolder() + QStringLiteral("/bard/model.safetensors");
    return QFile::exists(path) ? path : QString();
}

QString sampleText() {
    const QString path = samplesFolder() + QStringLiteral("/bard/page.txt");
    return QFile::exists(path) ? path : QString();
}

QStringList sampleCircuits() {
    const QDir folder(samplesFolder() + QStringLiteral("/circuits"));
    QStringList paths;
    for (const auto& name : folder.entryList({QStringLiteral("*.qasm")}, QDir::Files, QDir::Name))
        paths << folder.filePath(name);
    return paths;
}

QString sampleCircuit(const QString& name) {
    const QString path = QStringLiteral("%1/circuits/%2.qasm").arg(samplesFolder(), name);
    return QFile::exists(path) ? path : QString();
}

} // namespace qscope
