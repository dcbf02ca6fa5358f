// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/registry.h"

#include <QObject>
#include <QString>
#include <QStringList>

#include <vector>

namespace qscope {

/// Found: fit to be loaded. Loaded: in use. Disabled: switched off by the user. Failed: `error` says why.
enum class PluginState { Found, Loaded, Disabled, Failed };

/// "found", "loaded", "disabled", "failed".
[[nodiscard]] QString toText(PluginState state);

/// One module in a plugin folder, as its metadata describes it. Refused modules are listed too.
struct PluginRecord {
    QString id;          ///< of a module without readable metadata: its file name
    QString name;
    QString version;
    QString licence;
    QString description;
    int sdk = 0;
    QStringList kinds;   ///< "method", "reader", "exporter", "simulator", "view"
    QString file;        ///< absolute path
    bool isView = false; ///< from the interface named in the metadata
    PluginState state = PluginState::Found;
    QString error;       ///< one line; empty unless failed
};

/// Finds modules and reads their metadata without running any of their code; checks interface, SDK version, ids and the
/// ownership of folder and file before it loads one. Failures are data. Modules stay loaded until the program ends, as
/// threads and tables may point into them. Use from one thread.
class PluginHost {
public:
    /// Scans `folders` in order; of two modules with one id the first wins and the second fails. Folders that do not
    /// exist are skipped. `disabled` holds plugin ids.
    explicit PluginHost(const QStringList& folders, const QStringList& disabled = {});
    ~PluginHost();
    PluginHost(const PluginHost&) = delete;
    PluginHost& operator=(const PluginHost&) = delete;

    /// The plugin folder that belongs to the running program, then the user's own when `userFolder` is on. Never the
    /// current directory. Needs a QCoreApplication.
    [[nodiscard]] static QStringList searchPath(bool userFolder);
    /// Where users may put plugins of their own, ~/.local/share/quantoscope/plugins by default; it need not exist.
    [[nodiscard]] static QString userFolder();

    /// Loads every method plugin that may be loaded and adds its parts: all of a plugin's or none. View plugins stay
    /// untouched, so that a program without a window can call this.
    void loadMethods(engine::Registries& registries);

    /// The root object of a view plugin, loaded at its first use; `qobject_cast<ViewPlugin*>` it. Null when the plugin
    /// is unknown, disabled, no view plugin or failed (its record says why).
    [[nodiscard]] QObject* viewPlugin(const QString& id);

    /// All modules, in scan order.
    [[nodiscard]] std::vector<PluginRecord> records() const;

private:
    struct Entry;
    void scan(const QString& folder, const QStringList& disabled);
    [[nodiscard]] QObject* load(Entry& entry);

    std::vector<Entry> m_entries;
};

} // namespace qscope
