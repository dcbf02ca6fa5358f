// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/open_files.h"

#include "engine/quantum/qasm/parse.h"

#include <QFile>
#include <QFileInfo>

namespace qscope {

namespace {

// A circuit text is read whole and drawn; anything longer is no circuit.
constexpr qint64 kCircuitBytes = 64 << 20;

Result<std::shared_ptr<const OpenCircuit>> openCircuit(const QString& path) {
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly))
        return fail(ErrorCode::Io, "{}: {}", path.toStdString(), file.errorString().toStdString());
    if (file.size() > kCircuitBytes)
        return fail(ErrorCode::Unsupported, "{}: {} bytes are too long for a circuit", path.toStdString(), file.size());
    return circuitFromText(path, QString::fromUtf8(file.readAll()));
}

} // namespace

std::shared_ptr<const OpenCircuit> circuitFromText(const QString& path, const QString& text) {
    const QByteArray bytes = text.toUtf8();
    auto parsed = engine::parseQasm({bytes.constData(), static_cast<std::size_t>(bytes.size())});
    return std::make_shared<const OpenCircuit>(OpenCircuit{path, text, std::move(parsed.circuit), std::move(parsed.diagnostics)});
}

Result<OpenedFiles> openFiles(const QString& path, const engine::Registries& registries, const RunContext& context) {
    OpenedFiles opened;
    if (path.endsWith(QLatin1String(".qasm"), Qt::CaseInsensitive)) {
        QSCOPE_TRY(opened.circuit, openCircuit(path));
    } else if (path.endsWith(QLatin1String(".qscope"), Qt::CaseInsensitive)) {
        QSCOPE_TRY(opened.session, loadSession(path));
        if (!opened.session->checkpoint.isEmpty()) {
            auto checkpoint = engine::openCheckpoint(opened.session->checkpoint.toStdString(), registries, context.notes);
            if (checkpoint) opened.checkpoint = *std::move(checkpoint);
            else opened.missing.push_back(checkpoint.error());
        }
        if (opened.session->circuitText) {
            opened.circuit = circuitFromText(opened.session->circuit, *opened.session->circuitText);
        } else if (!opened.session->circuit.isEmpty()) {
            auto circuit = openCircuit(opened.session->circuit);
            if (circuit) opened.circuit = *std::move(circuit);
            else opened.missing.push_back(circuit.error());
        }
    } else {
        QSCOPE_TRY(opened.checkpoint, engine::openCheckpoint(path.toStdString(), registries, context.notes));
    }
    return opened;
}

} // namespace qscope
