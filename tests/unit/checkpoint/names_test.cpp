// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/checkpoint.h"

#include <catch2/catch.hpp>

#include <random>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// The definition, by recursion.
bool matchesByDefinition(std::string_view name, std::string_view pattern) {
    if (pattern.empty()) return name.empty();
    if (pattern.front() == '*') {
        for (std::size_t skip = 0; skip <= name.size(); ++skip)
            if (matchesByDefinition(name.substr(skip), pattern.substr(1))) return true;
        return false;
    }
    if (name.empty() || (pattern.front() != '?' && pattern.front() != name.front())) return false;
    return matchesByDefinition(name.substr(1), pattern.substr(1));
}

} // namespace

TEST_CASE("layers and modules are read off the names of every family") {
    CHECK(layerIndex("model.layers.3.self_attn.q_proj.weight") == 3);
    CHECK(layerIndex("blk.31.attn_q.weight") == 31);
    CHECK(layerIndex("transformer.h.11.mlp.c_fc.weight") == 11);
    CHECK(layerIndex("gau_layers.0.beta") == 0);
    CHECK(layerIndex("bert.encoder.layer.7.output.dense.bias") == 7);
    CHECK_FALSE(layerIndex("model.embed_tokens.weight"));
    CHECK_FALSE(layerIndex("layers.norm.weight"));
    CHECK_FALSE(layerIndex("layers.99999999999999999999.weight"));
    CHECK_FALSE(layerIndex("layers.-1.weight"));
    CHECK_FALSE(layerIndex(""));
    CHECK(moduleName("model.layers.3.mlp.up_proj.weight") == "mlp.up_proj");
    CHECK(moduleName("blk.3.ffn_up.weight") == "ffn_up");
    CHECK(moduleName("model.norm.weight") == "model.norm");
    CHECK(moduleName("layers.3") == "");
}

TEST_CASE("globs match as their definition says") {
    CHECK(matchesGlob("model.layers.0.self_attn.k_proj.weight", "*.q_proj.*|*.k_proj.*"));
    CHECK_FALSE(matchesGlob("model.layers.0.self_attn.v_proj.weight", "*.q_proj.*|*.k_proj.*"));
    CHECK(matchesGlob("", "*"));
    CHECK(matchesGlob("", "a|"));
    std::mt19937 random(7);
    const auto word = [&](std::string_view letters, std::size_t most) {
        std::string text(random() % (most + 1), ' ');
        for (char& c : text) c = letters[random() % letters.size()];
        return text;
    };
    for (int i = 0; i < 20'000; ++i) {
        const std::string name = word("ab", 8), pattern = word("ab*?", 6);
        INFO(name << " ~ " << pattern);
        REQUIRE(matchesGlob(name, pattern) == matchesByDefinition(name, pattern));
    }
}

TEST_CASE("a glob full of stars does not take exponential time") {
    std::string pattern;
    for (int i = 0; i < 100; ++i) pattern += "*a";
    CHECK_FALSE(matchesGlob(std::string(5000, 'a') + "b", pattern));
}

TEST_CASE("UTF-8 is checked byte by byte") {
    CHECK(isUtf8("plain"));
    CHECK(isUtf8("\xC3\xA9 \xE2\x96\x81 \xF0\x9F\x98\x80"));
    for (const char* bad : {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80"})
        CHECK_FALSE(isUtf8(bad));
    CHECK(printable("a\nb\x01\xFFz") == "a?b??z");
    CHECK(printable(std::string(200, 'x'), 10) == "xxxxxxxxxx...");
}

TEST_CASE("metadata is described in one line") {
    const auto show = [](MetadataType type, auto value) {
        return describe(MetadataValue{type, MetadataType::String, value});
    };
    CHECK(show(MetadataType::F32, static_cast<double>(0.1f)) == "0.1");
    CHECK(show(MetadataType::Bool, true) == "true");
    CHECK(show(MetadataType::I64, std::int64_t{-5}) == "-5");
    CHECK(show(MetadataType::String, std::string("two\nlines")) == "two?lines");
    CHECK(show(MetadataType::Array, std::vector<std::string>(2048)) == "[2048 strings]");
}
