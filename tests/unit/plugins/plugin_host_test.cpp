// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/host/plugin_host.h"

#include "plugins/host/plugin_checks.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <QCoreApplication>
#include <QDir>
#include <QJsonArray>

#include <algorithm>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

using namespace qscope;
namespace fs = std::filesystem;

namespace {

/// A plugin folder with copies of some of the test modules.
class PluginFolder {
public:
    explicit PluginFolder(const std::vector<std::string>& modules) {
        fs::create_directory(path());
        for (const auto& module : modules)
            fs::copy(fs::path(QSCOPE_TEST_MODULES) / (module + ".so"), path() / (module + ".so"));
    }
    [[nodiscard]] fs::path path() const { return m_folder / "plugins"; }
    [[nodiscard]] QString text() const { return QString::fromStdString(path().string()); }

private:
    test::TemporaryFolder m_folder;
};

PluginRecord record(const PluginHost& host, const char* file) {
    for (const auto& candidate : host.records())
        if (candidate.file.endsWith(QLatin1String("/") + QLatin1String(file))) return candidate;
    FAIL("no record of " << file);
    return {};
}

bool hasRun(const char* module) { return qEnvironmentVariableIsSet((std::string("QSCOPE_TEST_LOADED_") + module).c_str()); }

std::vector<std::string> methodIds(const engine::Registries& registries) {
    std::vector<std::string> ids;
    for (const auto& method : registries.methods.items()) ids.push_back(method->info().id);
    return ids;
}

} // namespace

// First, as modules stay loaded: from here on the others have run.
TEST_CASE("modules are listed from their metadata without running any of their code", "[plugins]") {
    const PluginFolder folder({"good", "same_id", "wrong_iid", "wrong_sdk", "wrong_kind", "bad_id"});
    std::ofstream(folder.path() / "text.so") << "not a module at all";
    std::ofstream(folder.path() / "notes.txt") << "ignored";
    const PluginHost host({folder.text(), QStringLiteral("/nowhere/at/all"), folder.text()});
    CHECK(host.records().size() == 7);

    const PluginRecord good = record(host, "good.so");
    CHECK(good.id == QLatin1String("good"));
    CHECK(good.name == QLatin1String("Test module good"));
    CHECK(good.version == QLatin1String("1.2.3"));
    CHECK(good.licence == QLatin1String("GPL-3.0-or-later"));
    CHECK(good.kinds == QStringList{QStringLiteral("method")});
    CHECK(good.sdk == 1);
    CHECK_FALSE(good.isView);
    CHECK(good.state == PluginState::Found);
    CHECK(good.error.isEmpty());

    const std::pair<const char*, const char*> faults[] = {
        {"same_id.so", "its id 'good' is taken"},
        {"wrong_iid.so", "interface 'other.Plugin/1' is not one of this program's"},
        {"wrong_sdk.so", "it is written for SDK 99, this program has SDK 1"},
        {"wrong_kind.so", "'kinds' does not fit interface"},
        {"bad_id.so", "'id' must be lower-case letters"},
        {"text.so", "it is no plugin of this program"}};
    for (const auto& [file, error] : faults) {
        INFO(file);
        const PluginRecord found = record(host, file);
        CHECK(found.state == PluginState::Failed);
        CHECK(found.error.toStdString().find(error) != std::string::npos);
    }
    for (const char* module : {"good", "same_id", "wrong_iid", "wrong_sdk", "wrong_kind", "bad_id"}) CHECK_FALSE(hasRun(module));
}

TEST_CASE("refused modules never run, whatever is loaded beside them", "[plugins]") {
    const PluginFolder folder({"good", "same_id", "wrong_iid", "wrong_sdk", "wrong_kind", "bad_id"});
    PluginHost host({folder.text()});
    engine::Registries registries;
    host.loadMethods(registries);
    CHECK(methodIds(registries) == std::vector<std::string>{"good"});
    CHECK(record(host, "good.so").state == PluginState::Loaded);
    CHECK(hasRun("good"));
    for (const char* module : {"same_id", "wrong_iid", "wrong_sdk", "wrong_kind", "bad_id"}) CHECK_FALSE(hasRun(module));
    host.loadMethods(registries); // again: nothing is loaded or added twice
    CHECK(methodIds(registries) == std::vector<std::string>{"good"});
}

TEST_CASE("a plugin adds all of its parts or none", "[plugins]") {
    const PluginFolder folder({"good", "same_method", "throws"});
    PluginHost host({folder.text()});
    engine::Registries registries;
    host.loadMethods(registries);
    CHECK(methodIds(registries) == std::vector<std::string>{"good"});
    CHECK(record(host, "same_method.so").state == PluginState::Failed);
    CHECK(record(host, "same_method.so").error == QLatin1String("'good' is registered already"));
    CHECK(record(host, "throws.so").state == PluginState::Failed);
    CHECK(record(host, "throws.so").error == QLatin1String("it threw: no luck today"));
}

TEST_CASE("a disabled plugin is listed and left alone", "[plugins]") {
    const PluginFolder folder({"good"});
    PluginHost host({folder.text()}, {QStringLiteral("good")});
    engine::Registries registries;
    host.loadMethods(registries);
    CHECK(registries.methods.items().empty());
    CHECK(record(host, "good.so").state == PluginState::Disabled);
    CHECK(toText(record(host, "good.so").state) == QLatin1String("disabled"));
}

TEST_CASE("a folder or module that everyone may write to is refused", "[plugins]") {
    const PluginFolder folder({"good"});
    const auto module = folder.path() / "good.so";
    REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
    CHECK(record(PluginHost({folder.text()}), "good.so").error.startsWith(QLatin1String("everyone may write to")));
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
    CHECK(record(PluginHost({folder.text()}), "good.so").state == PluginState::Found);
    REQUIRE(::chmod(module.c_str(), 0666) == 0);
    CHECK(record(PluginHost({folder.text()}), "good.so").state == PluginState::Failed);
    REQUIRE(::chmod(module.c_str(), 0644) == 0);

    // A link counts as what it points to.
    const PluginFolder open({"good"});
    REQUIRE(::chmod(open.path().c_str(), 0777) == 0);
    fs::remove(module);
    fs::create_symlink(open.path() / "good.so", module);
    CHECK(record(PluginHost({folder.text()}), "good.so").state == PluginState::Failed);
}

TEST_CASE("a module of another user is refused", "[plugins]") {
    if (::geteuid() != 0) {
        WARN("skipped: only root can give files away");
        return;
    }
    const PluginFolder folder({"good"});
    REQUIRE(::chown((folder.path() / "good.so").c_str(), 54321, 54321) == 0);
    const PluginRecord refused = record(PluginHost({folder.text()}), "good.so");
    CHECK(refused.state == PluginState::Failed);
    CHECK(refused.error.endsWith(QLatin1String("belongs to another user")));
}

TEST_CASE("metadata without a required field is refused by its name", "[plugins]") {
    const QJsonObject whole{{QStringLiteral("id"), QStringLiteral("a")},      {QStringLiteral("name"), QStringLiteral("A")},
                            {QStringLiteral("version"), QStringLiteral("1")}, {QStringLiteral("licence"), QStringLiteral("MIT")},
                            {QStringLiteral("description"), QStringLiteral("d")}, {QStringLiteral("sdk"), 1},
                            {QStringLiteral("kinds"), QJsonArray{QStringLiteral("method")}}};
    const auto read = [](const QJsonObject& fields) {
        return readRecord(QStringLiteral("/x/a.so"), {{QStringLiteral("IID"), QStringLiteral("qscope.MethodPlugin/1")},
                                                      {QStringLiteral("MetaData"), fields}});
    };
    CHECK(read(whole).state == PluginState::Found);
    for (const QString& key : whole.keys()) {
        INFO(key.toStdString());
        QJsonObject fields = whole;
        fields.remove(key);
        CHECK(read(fields).state == PluginState::Failed);
        fields[key] = QJsonObject{};
        CHECK(read(fields).state == PluginState::Failed);
    }
    CHECK(read({}).error == QLatin1String("it carries no plugin.json"));
    QJsonObject unknown = whole;
    unknown[QStringLiteral("kinds")] = QJsonArray{QStringLiteral("method"), QStringLiteral("driver")};
    CHECK(read(unknown).error == QLatin1String("plugin.json: kind 'driver' is unknown"));
}

TEST_CASE("the built-in methods load like any other plugin", "[plugins]") {
    PluginHost host({QStringLiteral(QSCOPE_BUILT_IN_PLUGINS)});
    engine::Registries registries;
    host.loadMethods(registries);
    for (const char* id : {"rtn", "q4_0", "q8_0", "q4_k", "q6_k"}) CHECK(registries.methods.find(id) != nullptr);
    for (const auto& found : host.records())
        if (!found.isView) CHECK(found.error.toStdString() == "");
    CHECK(host.viewPlugin(QStringLiteral("round_to_nearest")) == nullptr);
    CHECK(host.viewPlugin(QStringLiteral("unknown")) == nullptr);
}

TEST_CASE("plugins are searched beside the program, never in the current folder", "[plugins]") {
    int count = 1;
    char name[] = "unit_plugins";
    char* arguments[] = {name, nullptr};
    const QCoreApplication application(count, arguments);
    const QStringList installed = PluginHost::searchPath(false);
    REQUIRE_FALSE(installed.isEmpty());
    CHECK(installed.contains(QDir(QStringLiteral(QSCOPE_BUILT_IN_PLUGINS)).canonicalPath()));
    const QStringList all = PluginHost::searchPath(true);
    CHECK(all.size() == installed.size() + 1);
    CHECK(all.last() == PluginHost::userFolder());
    for (const QString& folder : all) {
        CHECK(QDir::isAbsolutePath(folder));
        CHECK(folder != QDir::currentPath());
    }
}
