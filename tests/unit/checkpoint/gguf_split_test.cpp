// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/checkpoint_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

/// What one part says, and its tensors of 8 F32 values, all equal to the part's number.
struct Part {
    std::uint16_t number = 0;
    std::uint16_t count = 3;
    std::int32_t tensors = 4;
    std::vector<std::string> names;
    std::string architecture = {};
};

std::string bytesOf(const Part& part) {
    Bytes bytes = ggufStart(part.names.size(), part.architecture.empty() ? 3 : 4);
    if (!part.architecture.empty()) bytes.text("general.architecture").put(8u).text(part.architecture);
    bytes.text("split.no").put(2u).put(part.number);
    bytes.text("split.tensors.count").put(5u).put(part.tensors);
    bytes.text("split.count").put(2u).put(part.count);
    for (std::size_t i = 0; i < part.names.size(); ++i) putGgufTensor(bytes, part.names[i], {8}, 0, 32 * i);
    bytes.alignTo(32);
    for (std::size_t i = 0; i < 8 * part.names.size(); ++i) bytes.put(static_cast<float>(part.number));
    return bytes.data;
}

std::string nameOf(int number) { return fmt::format("model-{:05}-of-00003.gguf", number); }

void save(const std::filesystem::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// Three good parts, of which a test spoils one.
std::vector<Part> goodParts() {
    return {{0, 3, 4, {"a"}, "llama"}, {1, 3, 4, {"b", "c"}}, {2, 3, 4, {"d"}}};
}

Result<std::shared_ptr<const Checkpoint>> openParts(const std::vector<Part>& parts, int opened = 1) {
    const TemporaryFolder folder;
    for (std::size_t i = 0; i < parts.size(); ++i) save(folder / nameOf(static_cast<int>(i) + 1), bytesOf(parts[i]));
    Diagnostics notes;
    return makeGgufReader()->open(folder / nameOf(opened), {}, notes);
}

} // namespace

TEST_CASE("opening any part of a split GGUF model opens all of it") {
    for (int opened = 1; opened <= 3; ++opened) {
        const auto model = openParts(goodParts(), opened);
        REQUIRE(model);
        const Checkpoint& all = **model;
        CHECK(inconsistency(all).empty());
        CHECK(all.architecture == "llama");
        REQUIRE(all.tensors.size() == 4);
        for (const auto& [name, part] : {std::pair("a", 0.f), std::pair("b", 1.f), std::pair("c", 1.f), std::pair("d", 2.f)}) {
            std::array<float, 8> values{};
            REQUIRE(decode(all.view(*all.find(name)), 0, std::span<float>(values)));
            CHECK(values == std::array<float, 8>{part, part, part, part, part, part, part, part});
        }
        CHECK(all.metadata.size() == 1); // how a file is cut is not what the model is
    }
}

TEST_CASE("parts that are missing, doubled or at odds are refused by name") {
    const auto refused = [](auto spoil, ErrorCode code = ErrorCode::Malformed) {
        auto parts = goodParts();
        spoil(parts);
        const auto opened = openParts(parts);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == code);
        const std::string line = describe(opened.error());
        CHECK(line.find('\n') == std::string::npos);
        return line;
    };
    const auto has = [](const std::string& line, std::string_view text) { return line.find(text) != std::string::npos; };
    CHECK(has(refused([](auto& parts) { parts.pop_back(); }, ErrorCode::Io), "part 3 of 3"));
    CHECK(has(refused([](auto& parts) { parts[2] = parts[1]; }), "says that it is part 2 of 3"));
    CHECK(has(refused([](auto& parts) { parts[1].count = 2; }), "part 2 of 2"));
    CHECK(has(refused([](auto& parts) { parts[1].tensors = 9; }), "counts the tensors"));
    CHECK(has(refused([](auto& parts) { parts[0].number = 1; }), "not named"));
    CHECK(has(refused([](auto& parts) { parts[2].names = {"b"}; }), "appears twice"));
    CHECK(has(refused([](auto& parts) { parts[2].names.push_back("e"); }), "hold 5 tensors and say 4"));
    CHECK(has(refused([](auto& parts) { parts[2].architecture = "gpt2"; }), "general.architecture"));
    CHECK(has(refused([](auto& parts) { parts[0].number = 7; }), "part 8 of 3"));
    CHECK(has(refused([](auto& parts) { for (Part& part : parts) part.count = 60000; }), "too many"));
    CHECK(has(refused([](auto& parts) { for (Part& part : parts) part.tensors = -1; }), "split.tensors.count"));
    const auto alone = openBytes(*makeGgufReader(), bytesOf(goodParts()[0]));
    REQUIRE_FALSE(alone);
    CHECK(has(describe(alone.error()), "not named"));
}

TEST_CASE("a part damaged in any byte loads consistently or is refused") {
    const TemporaryFolder folder;
    const auto parts = goodParts();
    for (int i = 0; i < 3; ++i) save(folder / nameOf(i + 1), bytesOf(parts[static_cast<std::size_t>(i)]));
    const auto reader = makeGgufReader();
    for (const int damaged : {1, 2}) {
        const std::string good = bytesOf(parts[static_cast<std::size_t>(damaged - 1)]);
        const auto check = [&](const std::string& bytes) {
            save(folder / nameOf(damaged), bytes);
            Diagnostics notes;
            const auto opened = reader->open(folder / nameOf(1), {}, notes);
            if (opened) return inconsistency(**opened).empty();
            const ErrorCode code = opened.error().code;
            return (code == ErrorCode::Malformed || code == ErrorCode::Unsupported || code == ErrorCode::Io) &&
                   describe(opened.error()).find('\n') == std::string::npos;
        };
        for (std::size_t at = 0; at < good.size(); ++at) {
            INFO("part " << damaged << ", byte " << at);
            std::string changed = good;
            changed[at] = static_cast<char>(changed[at] ^ 0xFF);
            CHECK(check(changed));
            changed[at] = static_cast<char>(good[at] ^ (1 << at % 8));
            CHECK(check(changed));
            CHECK(check(good.substr(0, at)));
        }
        save(folder / nameOf(damaged), good);
    }
}
