// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/host/plugin_checks.h"

#include "plugins/sdk/method_plugin.h"

#include <QFile>
#include <QFileInfo>
#include <QJsonArray>
#include <QRegularExpression>

#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

namespace qscope {

namespace {

/// As declared in plugins/sdk/view_plugin.h, which needs Qt Widgets' neighbours and so cannot be included here.
constexpr QLatin1String kViewInterface("qscope.ViewPlugin/1");

constexpr std::array<QLatin1String, 5> kKinds{QLatin1String("method"), QLatin1String("reader"),
                                              QLatin1String("exporter"), QLatin1String("simulator"),
                                              QLatin1String("view")};

/// What is wrong with the fields of a record, or an empty text.
QString fieldProblem(const PluginRecord& record, const QString& interface, const QJsonObject& fields) {
    if (interface != kViewInterface && interface != QLatin1String(qobject_interface_iid<MethodPlugin*>()))
        return QStringLiteral("interface '%1' is not one of this program's").arg(interface);
    if (fields.isEmpty()) return QStringLiteral("it carries no plugin.json");
    static const QRegularExpression idForm(QStringLiteral("\\A[a-z][a-z0-9_]{0,63}\\z"));
    if (!idForm.match(fields.value(QLatin1String("id")).toString()).hasMatch())
        return QStringLiteral("plugin.json: 'id' must be lower-case letters, digits and underscores");
    for (const auto* key : {"name", "version", "licence", "description"})
        if (fields.value(QLatin1String(key)).toString().isEmpty())
            return QStringLiteral("plugin.json: '%1' is missing").arg(QLatin1String(key));
    if (record.sdk != kSdkVersion)
        return QStringLiteral("it is written for SDK %1, this program has SDK %2").arg(record.sdk).arg(kSdkVersion);
    if (record.kinds.isEmpty()) return QStringLiteral("plugin.json: 'kinds' is missing");
    for (const QString& kind : record.kinds)
        if (std::find(kKinds.begin(), kKinds.end(), kind) == kKinds.end())
            return QStringLiteral("plugin.json: kind '%1' is unknown").arg(kind);
    if (record.kinds.contains(QLatin1String("view")) != record.isView || (record.isView && record.kinds.size() > 1))
        return QStringLiteral("plugin.json: 'kinds' does not fit interface '%1'").arg(interface);
    return {};
}

} // namespace

QString ownershipProblem(const QString& path) {
    struct stat entry {};
    if (::stat(QFile::encodeName(path).constData(), &entry) != 0)
        return QStringLiteral("'%1' cannot be examined").arg(path);
    if ((entry.st_mode & S_IWOTH) != 0) return QStringLiteral("everyone may write to '%1'").arg(path);
    struct stat program {};
    const bool programKnown = ::stat("/proc/self/exe", &program) == 0;
    if (entry.st_uid != 0 && entry.st_uid != ::geteuid() && !(programKnown && entry.st_uid == program.st_uid))
        return QStringLiteral("'%1' belongs to another user").arg(path);
    return {};
}

PluginRecord readRecord(const QString& file, const QJsonObject& metadata) {
    const QJsonObject fields = metadata.value(QLatin1String("MetaData")).toObject();
    const auto text = [&](const char* key) { return fields.value(QLatin1String(key)).toString(); };
    const QString interface = metadata.value(QLatin1String("IID")).toString();
    PluginRecord record;
    record.id = text("id");
    if (record.id.isEmpty()) record.id = QFileInfo(file).fileName();
    record.name = text("name");
    record.version = text("version");
    record.licence = text("licence");
    record.description = text("description");
    record.sdk = fields.value(QLatin1String("sdk")).toInt();
    for (const auto& kind : fields.value(QLatin1String("kinds")).toArray()) record.kinds.append(kind.toString());
    record.file = file;
    record.isView = interface == kViewInterface;
    record.error = metadata.isEmpty() ? QStringLiteral("it is no plugin of this program")
                                      : fieldProblem(record, interface, fields);
    if (!record.error.isEmpty()) record.state = PluginState::Failed;
    return record;
}

} // namespace qscope
