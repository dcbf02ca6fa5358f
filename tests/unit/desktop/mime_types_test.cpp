// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <QDir>
#include <QFile>
#include <QMimeDatabase>
#include <QTemporaryDir>

namespace {

const QString kSource = QStringLiteral(QSCOPE_SOURCE_DIR);

/// The desktop's data base with our types installed, and none of this machine's.
QMimeDatabase& installedTypes() {
    static const QTemporaryDir home;
    static QMimeDatabase database = [] {
        const QString packages = home.filePath(QStringLiteral("mime/packages"));
        REQUIRE(QDir().mkpath(packages));
        REQUIRE(QFile::copy(kSource + QStringLiteral("/resources/desktop/quantoscope-mime.xml"),
                            packages + QStringLiteral("/quantoscope.xml")));
        qputenv("XDG_DATA_HOME", home.path().toUtf8());
        qputenv("XDG_DATA_DIRS", "/nonexistent");
        return QMimeDatabase();
    }();
    return database;
}

QString byName(const char* name) {
    return installedTypes().mimeTypeForFile(QLatin1String(name), QMimeDatabase::MatchExtension).name();
}

QString byContent(const QByteArray& content) { return installedTypes().mimeTypeForData(content).name(); }

QByteArray fileContent(const QString& path) {
    QFile file(path);
    REQUIRE(file.open(QIODevice::ReadOnly));
    return file.read(4096);
}

} // namespace

TEST_CASE("the desktop knows our files by their names") {
    CHECK(byName("a.qscope") == QLatin1String("application/x-quantoscope-session"));
    CHECK(byName("a.gguf") == QLatin1String("application/x-gguf"));
    CHECK(byName("a.safetensors") == QLatin1String("application/x-safetensors"));
    CHECK(byName("a.qasm") == QLatin1String("text/x-openqasm"));
    CHECK(installedTypes().mimeTypeForName(QStringLiteral("text/x-openqasm")).inherits(QStringLiteral("text/plain")));
    CHECK(installedTypes()
              .mimeTypeForName(QStringLiteral("application/x-quantoscope-session"))
              .inherits(QStringLiteral("application/json")));
}

TEST_CASE("the desktop knows models and circuits by their content") {
    const QString samples = kSource + QStringLiteral("/resources/samples");
    CHECK(byContent(fileContent(samples + QStringLiteral("/bard/model.safetensors"))) ==
          QLatin1String("application/x-safetensors"));
    CHECK(byContent(QByteArray("GGUF\3\0\0\0\1\0\0\0\0\0\0\0", 16)) == QLatin1String("application/x-gguf"));
    for (const auto& circuit : QDir(samples + QStringLiteral("/circuits")).entryInfoList(QDir::Files)) {
        INFO(circuit.fileName().toStdString());
        CHECK(byContent(fileContent(circuit.filePath())) == QLatin1String("text/x-openqasm"));
    }
}

TEST_CASE("the desktop takes no other file for a model") {
    CHECK(byContent("{\"layers\": {\"weight\": 1}}") != QLatin1String("application/x-safetensors"));
    CHECK(byContent("A text about GGUF files.") != QLatin1String("application/x-gguf"));
    // A header of 2^32 bytes or more is none.
    CHECK(byContent(QByteArray("\1\0\0\0\1\0\0\0{\"a\"", 12)) != QLatin1String("application/x-safetensors"));
}
