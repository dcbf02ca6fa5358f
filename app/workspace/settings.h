// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QMap>
#include <QSettings>
#include <QStringList>

namespace qscope {

/// What the program remembers of its user between runs.
class Settings : public QObject {
    Q_OBJECT
public:
    /// The user's own settings, or those in `file` when it is not empty.
    explicit Settings(const QString& file = {}, QObject* parent = nullptr);

    [[nodiscard]] QStringList recentFiles() const;
    void addRecentFile(const QString& path);
    void clearRecentFiles();

    [[nodiscard]] QString theme() const; ///< "light", "dark" or "system"
    void setTheme(const QString& theme);
    [[nodiscard]] QString device() const; ///< as for `makeBackend`
    void setDevice(const QString& choice);
    [[nodiscard]] QString text() const; ///< path of the text that models are run on; empty: none was chosen
    void setText(const QString& path);
    [[nodiscard]] QStringList disabledPlugins() const;
    void setDisabledPlugins(const QStringList& ids);
    [[nodiscard]] bool userPlugins() const; ///< whether the user's own plugin folder is searched
    void setUserPlugins(bool on);
    /// Where windows and panels are, by part of the window; empty when it was written by another layout version.
    [[nodiscard]] QMap<QString, QByteArray> layout() const;
    void setLayout(const QMap<QString, QByteArray>& layout);

signals:
    void recentFilesChanged();

private:
    QSettings m_store;
};

/// Changes whenever panels are renamed or move to another place by default, so that old layouts are not applied.
inline constexpr int kLayoutVersion = 1;

} // namespace qscope
