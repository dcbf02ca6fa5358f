// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/settings.h"

#include <QDir>

namespace qscope {

namespace {
constexpr int kRecentFiles = 12;
} // namespace

Settings::Settings(const QString& file, QObject* parent)
    : QObject(parent),
      m_store(file.isEmpty() ? QSettings(QSettings::IniFormat, QSettings::UserScope, QStringLiteral("Quantoscope"),
                                         QStringLiteral("quantoscope")).fileName()
                             : file,
              QSettings::IniFormat) {}

QStringList Settings::recentFiles() const { return m_store.value(QStringLiteral("recentFiles")).toStringList(); }

void Settings::addRecentFile(const QString& path) {
    const QString clean = QDir::cleanPath(path);
    QStringList files = recentFiles();
    files.removeAll(clean);
    files.prepend(clean);
    while (files.size() > kRecentFiles) files.removeLast();
    m_store.setValue(QStringLiteral("recentFiles"), files);
    emit recentFilesChanged();
}

void Settings::clearRecentFiles() {
    m_store.remove(QStringLiteral("recentFiles"));
    emit recentFilesChanged();
}

QString Settings::theme() const {
    const QString theme = m_store.value(QStringLiteral("theme")).toString();
    return theme == QLatin1String("light") || theme == QLatin1String("dark") ? theme : QStringLiteral("system");
}
void Settings::setTheme(const QString& theme) { m_store.setValue(QStringLiteral("theme"), theme); }

QString Settings::device() const { return m_store.value(QStringLiteral("device"), QStringLiteral("auto")).toString(); }
void Settings::setDevice(const QString& choice) { m_store.setValue(QStringLiteral("device"), choice); }

QString Settings::text() const { return m_store.value(QStringLiteral("text")).toString(); }
void Settings::setText(const QString& path) { m_store.setValue(QStringLiteral("text"), path); }

QStringList Settings::disabledPlugins() const { return m_store.value(QStringLiteral("disabledPlugins")).toStringList(); }
void Settings::setDisabledPlugins(const QStringList& ids) { m_store.setValue(QStringLiteral("disabledPlugins"), ids); }

bool Settings::userPlugins() const { return m_store.value(QStringLiteral("userPlugins"), false).toBool(); }
void Settings::setUserPlugins(bool on) { m_store.setValue(QStringLiteral("userPlugins"), on); }

QMap<QString, QByteArray> Settings::layout() const {
    QMap<QString, QByteArray> layout;
    if (m_store.value(QStringLiteral("layoutVersion")).toInt() != kLayoutVersion) return layout;
    const auto stored = m_store.value(QStringLiteral("layout")).toMap();
    for (auto it = stored.begin(); it != stored.end(); ++it) layout[it.key()] = it.value().toByteArray();
    return layout;
}

void Settings::setLayout(const QMap<QString, QByteArray>& layout) {
    QVariantMap stored;
    for (auto it = layout.begin(); it != layout.end(); ++it) stored[it.key()] = it.value();
    m_store.setValue(QStringLiteral("layoutVersion"), kLayoutVersion);
    m_store.setValue(QStringLiteral("layout"), stored);
}

} // namespace qscope
