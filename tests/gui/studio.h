// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/views/main_window.h"
#include "app/views/source_plurals.h"
#include "tests/support/test_data.h"

#include <QSignalSpy>

#include <catch2/catch.hpp>

#include <functional>

namespace qscope::test {

inline constexpr int kPatienceMs = 120'000; ///< only a broken program waits this long

/// Waits for `signal` until `done`; never polls.
template<class Sender, class Signal>
void await(Sender& sender, Signal signal, const std::function<bool()>& done) {
    QSignalSpy spy(&sender, signal);
    while (!done()) REQUIRE(spy.wait(kPatienceMs));
}

/// The whole program around one window, with settings and sessions of its own.
class Studio {
public:
    /// `home`: a folder that outlives several studios, as a user's home outlives runs of the program.
    explicit Studio(const QString& home);
    ~Studio();

    /// Opens a file and waits until it is there.
    void open(const QString& path);
    void openSampleModel();
    void runPlan();
    /// Waits until the navigator lists the tensors and has numbers for all of them.
    void awaitStatistics();
    /// Waits until the state after the selected step is there.
    void awaitState();
    void addMethod(const char* id, std::map<std::string, std::string> parameters);
    /// A child of the window by object name; fails when there is none.
    template<class T>
    T& child(const char* name) {
        auto* found = window->findChild<T*>(QLatin1String(name));
        REQUIRE(found);
        return *found;
    }

    SourcePlurals plurals;
    Settings settings;
    PluginHost host;
    engine::Registries registries;
    std::unique_ptr<Workspace> workspace;
    std::unique_ptr<MainWindow> window;
};

[[nodiscard]] QString samplePath(const char* relative);

} // namespace qscope::test
