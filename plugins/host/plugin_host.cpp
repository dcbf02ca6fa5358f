// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/host/plugin_host.h"

#include "plugins/host/plugin_checks.h"
#include "plugins/sdk/method_plugin.h"

#include <QCoreApplication>
#include <QDir>
#include <QLibrary>
#include <QPluginLoader>
#include <QStandardPaths>

#include <exception>

namespace qscope {

struct PluginHost::Entry {
    PluginRecord record;
    QObject* root = nullptr;

    void fail(const QString& why) {
        record.state = PluginState::Failed;
        record.error = why.simplified();
    }
};

QString toText(PluginState state) {
    switch (state) {
    case PluginState::Found: return QStringLiteral("found");
    case PluginState::Loaded: return QStringLiteral("loaded");
    case PluginState::Disabled: return QStringLiteral("disabled");
    case PluginState::Failed: return QStringLiteral("failed");
    }
    return {};
}

PluginHost::PluginHost(const QStringList& folders, const QStringList& disabled) {
    QStringList seen;
    for (const QString& folder : folders) {
        const QString canonical = QDir(folder).canonicalPath();
        if (canonical.isEmpty() || seen.contains(canonical)) continue;
        seen.append(canonical);
        scan(canonical, disabled);
    }
}

PluginHost::~PluginHost() = default;

void PluginHost::scan(const QString& folder, const QStringList& disabled) {
    for (const QFileInfo& file : QDir(folder).entryInfoList(QDir::Files, QDir::Name)) {
        if (!QLibrary::isLibrary(file.fileName())) continue;
        const QString path = file.absoluteFilePath();
        Entry entry{readRecord(path, QPluginLoader(path).metaData()), nullptr};
        PluginRecord& record = entry.record;
        if (record.state == PluginState::Found && disabled.contains(record.id)) record.state = PluginState::Disabled;
        if (record.state == PluginState::Found) {
            for (const Entry& other : m_entries)
                if (other.record.id == record.id && other.record.state != PluginState::Failed)
                    entry.fail(QStringLiteral("its id '%1' is taken by '%2'").arg(record.id, other.record.file));
            // A link counts as what it points to.
            const QFileInfo target(file.canonicalFilePath());
            for (const QString& place : {folder, target.path(), target.filePath()})
                if (const QString problem = ownershipProblem(place); !problem.isEmpty()) entry.fail(problem);
        }
        m_entries.push_back(std::move(entry));
    }
}

QObject* PluginHost::load(Entry& entry) {
    QPluginLoader loader(entry.record.file);
    // All symbols now: a module built against another engine fails here, with a message, and not in the middle of work.
    loader.setLoadHints(QLibrary::PreventUnloadHint | QLibrary::ResolveAllSymbolsHint);
    QObject* root = loader.instance();
    if (!root) entry.fail(loader.errorString());
    return root;
}

void PluginHost::loadMethods(engine::Registries& registries) {
    for (Entry& entry : m_entries) {
        if (entry.record.isView || entry.record.state != PluginState::Found) continue;
        QObject* root = load(entry);
        if (!root) continue;
        auto* plugin = qobject_cast<MethodPlugin*>(root);
        if (!plugin) {
            entry.fail(QStringLiteral("its root object is no method plugin"));
            continue;
        }
        engine::Registries parts;
        Result<void> outcome;
        try {
            outcome = plugin->contribute(parts);
        } catch (const std::exception& thrown) {
            outcome = qscope::fail(ErrorCode::Unsupported, "it threw: {}", thrown.what());
        }
        if (outcome) outcome = registries.merge(std::move(parts));
        if (outcome) entry.record.state = PluginState::Loaded;
        else entry.fail(QString::fromStdString(describe(outcome.error())));
    }
}

QObject* PluginHost::viewPlugin(const QString& id) {
    for (Entry& entry : m_entries) {
        if (entry.record.id != id || !entry.record.isView) continue;
        if (entry.record.state == PluginState::Found) {
            entry.root = load(entry);
            if (entry.root) entry.record.state = PluginState::Loaded;
        }
        if (entry.root) return entry.root;
    }
    return nullptr;
}

std::vector<PluginRecord> PluginHost::records() const {
    std::vector<PluginRecord> records;
    records.reserve(m_entries.size());
    for (const Entry& entry : m_entries) records.push_back(entry.record);
    return records;
}

QStringList PluginHost::searchPath(bool withUserFolder) {
    const QDir program(QCoreApplication::applicationDirPath());
    QStringList folders;
    // Beside a build the libraries lie in lib; an installation may add the machine's name to that.
    for (const char* libraries : {"lib", QSCOPE_INSTALL_LIBDIR}) {
        const QString folder = program.absoluteFilePath(QStringLiteral("../") + QLatin1String(libraries) +
                                                        QStringLiteral("/" QSCOPE_PLUGIN_SUBFOLDER));
        const QString canonical = QDir(folder).canonicalPath();
        if (!canonical.isEmpty() && !folders.contains(canonical)) folders.append(canonical);
    }
    if (withUserFolder) folders.append(userFolder());
    return folders;
}

QString PluginHost::userFolder() {
    // Not AppDataLocation: the window and the command line have names of their own and share this folder.
    return QStandardPaths::writableLocation(QStandardPaths::GenericDataLocation) +
           QStringLiteral("/" QSCOPE_PLUGIN_SUBFOLDER);
}

} // namespace qscope
