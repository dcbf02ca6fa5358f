// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace qscope::test {

/// The text between the tags of a document whose tags are all closed in order and whose texts hold no stray < or &;
/// fails the test otherwise. Style sheets are skipped.
inline std::string textOfWellFormed(std::string_view markup) {
    std::vector<std::string> open;
    std::string text;
    bool insideStyle = false;
    for (std::size_t at = 0; at < markup.size();) {
        if (markup[at] == '<' && !(insideStyle && markup.substr(at, 8) != "</style>")) {
            const auto end = markup.find('>', at);
            REQUIRE(end != std::string_view::npos);
            const std::string_view tag = markup.substr(at + 1, end - at - 1);
            REQUIRE(tag.find('<') == std::string_view::npos);
            at = end + 1;
            if (tag == "!DOCTYPE html") continue;
            if (tag[0] == '/') {
                INFO("closing " << std::string(tag) << " before: " << std::string(markup.substr(at, 80)));
                REQUIRE_FALSE(open.empty());
                REQUIRE(open.back() == tag.substr(1));
                open.pop_back();
            } else if (tag.back() != '/') {
                open.push_back(std::string(tag.substr(0, tag.find(' '))));
            }
            insideStyle = !open.empty() && open.back() == "style";
            // Attributes: name="value", quotes in pairs.
            REQUIRE(std::count(tag.begin(), tag.end(), '"') % 2 == 0);
        } else {
            if (markup[at] == '&') {
                const auto end = markup.find(';', at);
                REQUIRE(end != std::string_view::npos);
                REQUIRE(end - at < 8);
            }
            text += markup[at++];
        }
    }
    REQUIRE(open.empty());
    return text;
}

} // namespace qscope::test
