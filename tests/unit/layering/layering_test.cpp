// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

const fs::path kRoot = QSCOPE_SOURCE_DIR;

/// Where a room may look: the rooms whose headers it may include besides its own, longest matching prefix wins.
const std::map<std::string, std::set<std::string>> kArrows{
    {"gpu", {"engine/core"}},
    {"engine/core", {}},
    {"engine/tensor", {"engine/core"}},
    {"engine/backend", {"engine/core", "engine/tensor"}},
    {"engine/backend_gpu", {"engine/core", "engine/tensor", "engine/backend", "gpu"}},
    {"engine/checkpoint", {"engine/core", "engine/tensor", "engine/backend"}},
    {"engine/analysis", {"engine/core", "engine/tensor", "engine/backend"}},
    {"engine/quant", {"engine/core", "engine/tensor", "engine/backend", "engine/analysis"}},
    {"engine/nn", {"engine/core", "engine/tensor", "engine/backend", "engine/analysis"}},
    {"engine/optimize", {"engine/core"}},
    {"engine/quantum", {"engine/core", "engine/backend"}},
    {"engine/report", {"engine/core", "engine/tensor", "engine/backend", "engine/analysis", "engine/checkpoint",
                       "engine/quant", "engine/quantum"}},
    {"engine/plan", {"engine"}},
    {"engine", {"engine"}}, // registry.h and registry.cpp
    {"plugins", {"plugins/sdk", "engine"}},
    {"plugins/sdk", {"engine"}},
    {"plugins/host", {"plugins/sdk", "engine"}},
    {"app", {"app", "plugins/sdk", "plugins/host", "engine"}},
    {"app/workspace", {"plugins/sdk", "plugins/host", "engine"}},
    {"app/models", {"app/workspace", "plugins/sdk", "plugins/host", "engine"}},
    {"app/views", {"app/models", "app/workspace", "plugins/sdk", "plugins/host", "engine"}},
    {"app/cli", {"plugins/sdk", "plugins/host", "engine"}},
};

bool isInside(const std::string& path, const std::string& room) {
    return path.starts_with(room) && (path.size() == room.size() || path[room.size()] == '/');
}

std::string roomOf(const std::string& path) {
    std::string best;
    for (const auto& [room, arrows] : kArrows)
        if (isInside(path, room) && room.size() > best.size()) best = room;
    return best;
}

struct Include {
    std::string file;
    std::string target;
    bool quoted = false;
};

std::vector<Include> allIncludes() {
    static const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
    std::vector<Include> found;
    for (const char* top : {"app", "engine", "gpu", "plugins"})
        for (const auto& entry : fs::recursive_directory_iterator(kRoot / top)) {
            const auto extension = entry.path().extension();
            if (extension != ".h" && extension != ".cpp") continue;
            std::ifstream in(entry.path());
            std::smatch match;
            for (std::string line; std::getline(in, line);)
                if (std::regex_search(line, match, pattern))
                    found.push_back({fs::relative(entry.path(), kRoot).string(), match[2], match[1] == "\""});
        }
    return found;
}

} // namespace

TEST_CASE("every include of ours follows an allowed arrow") {
    const auto includes = allIncludes();
    REQUIRE(includes.size() > 100);
    for (const auto& [file, target, quoted] : includes) {
        if (!quoted || !fs::exists(kRoot / target)) continue;
        const std::string from = roomOf(file);
        CAPTURE(file, target, from);
        // A plugin may include its own folder, no other plugin's.
        const bool ownFolder = fs::path(file).parent_path() == fs::path(target).parent_path();
        const auto& arrows = kArrows.at(from);
        const bool own = from != "plugins" && isInside(target, from);
        const bool allowed = std::ranges::any_of(arrows, [&](const auto& room) { return isInside(target, room); });
        const bool upIntoPlan = isInside(target, "engine/plan") && from.starts_with("engine/") && from != "engine/plan";
        CHECK((ownFolder || own || (allowed && !upIntoPlan)));
    }
}

TEST_CASE("the engine knows neither Qt nor Vulkan, and Vulkan headers stay in sources of gpu") {
    for (const auto& [file, target, quoted] : allIncludes()) {
        CAPTURE(file, target);
        const bool qt = std::regex_search(target, std::regex(R"(^(Q[A-Z]|Qt))"));
        const bool vulkan = target.starts_with("vulkan/");
        if (isInside(file, "engine") || isInside(file, "gpu")) CHECK_FALSE(qt);
        if (!isInside(file, "gpu")) CHECK_FALSE(vulkan);
        if (vulkan) CHECK((file.ends_with(".cpp") || file.ends_with("vk.h")));
    }
}

TEST_CASE("the engine never prints and never exits") {
    static const std::regex pattern(R"(\b(std::c(out|err)|printf|puts|std::exit|std::abort|fmt::print)\s*[(<])");
    for (const char* top : {"engine", "gpu"})
        for (const auto& entry : fs::recursive_directory_iterator(kRoot / top)) {
            if (entry.path().extension() != ".h" && entry.path().extension() != ".cpp") continue;
            std::ifstream in(entry.path());
            int number = 0;
            for (std::string line; std::getline(in, line);) {
                ++number;
                CAPTURE(entry.path().string(), number, line);
                CHECK_FALSE(std::regex_search(line, pattern));
            }
        }
}

TEST_CASE("every source file states its licence and stays below 800 lines") {
    for (const char* top : {"app", "engine", "gpu", "plugins", "tests"})
        for (const auto& entry : fs::recursive_directory_iterator(kRoot / top)) {
            const auto extension = entry.path().extension();
            if (extension != ".h" && extension != ".cpp" && extension != ".comp" && extension != ".glsl") continue;
            std::ifstream in(entry.path());
            std::string line;
            std::getline(in, line);
            CAPTURE(entry.path().string());
            CHECK(line.find("SPDX-License-Identifier: GPL-3.0-or-later") != std::string::npos);
            CHECK(std::count(std::istreambuf_iterator<char>(in), {}, '\n') < 800);
        }
}

TEST_CASE("nothing lies at the top level but the rooms and the papers") {
    static const std::set<std::string> allowed{
        "app", "engine", "gpu", "plugins", "resources", "tests", "build", "report", "CMakeLists.txt", "CMakePresets.json",
        "package.sh", "run.sh", "test.sh", "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE"};
    for (const auto& entry : fs::directory_iterator(kRoot)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(".")) continue;
        CAPTURE(name);
        CHECK(allowed.contains(name));
    }
}
