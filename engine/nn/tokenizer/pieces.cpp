// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/tokenizer/piece_encoder.h"

#include <array>
#include <queue>

namespace qscope::engine::detail {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// A piece in the chain of pieces; one that was merged into its left neighbour is empty.
struct Link {
    std::string_view text;
    std::size_t previous = kNone;
    std::size_t next = kNone;
};

struct Pair {
    double value;
    std::size_t left;
    std::size_t right;
    std::size_t bytes; ///< of both together; a pair of other length is one that a merge has overtaken

    bool operator<(const Pair& other) const { return value != other.value ? value < other.value : left > other.left; }
};

std::string_view joined(std::string_view left, std::string_view right) { return {left.data(), left.size() + right.size()}; }

/// The code point that stands for each byte: printable Latin-1 for itself, the others from U+0100 on, in order.
constexpr std::array<std::uint16_t, 256> kByteAlphabet = [] {
    std::array<std::uint16_t, 256> alphabet{};
    std::uint16_t next = 256;
    for (std::uint16_t byte = 0; byte < 256; ++byte) {
        const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        alphabet[byte] = printable ? byte : next++;
    }
    return alphabet;
}();

} // namespace

std::vector<std::string_view> mergePieces(std::vector<std::string_view> pieces, const MergeValue& value) {
    std::vector<Link> links;
    links.reserve(pieces.size());
    for (std::size_t i = 0; i < pieces.size(); ++i) links.push_back({pieces[i], i == 0 ? kNone : i - 1, i + 1 < pieces.size() ? i + 1 : kNone});
    std::priority_queue<Pair> best;
    const auto consider = [&](std::size_t left, std::size_t right) {
        if (left == kNone || right == kNone) return;
        if (const auto worth = value(links[left].text, links[right].text))
            best.push({*worth, left, right, links[left].text.size() + links[right].text.size()});
    };
    for (std::size_t i = 0; i + 1 < links.size(); ++i) consider(i, i + 1);
    while (!best.empty()) {
        const Pair pair = best.top();
        best.pop();
        Link& left = links[pair.left];
        Link& right = links[pair.right];
        if (left.text.empty() || right.text.empty() || left.text.size() + right.text.size() != pair.bytes) continue;
        left.text = joined(left.text, right.text);
        right.text = {};
        left.next = right.next;
        if (right.next != kNone) links[right.next].previous = pair.left;
        consider(left.previous, pair.left);
        consider(pair.left, left.next);
    }
    pieces.clear();
    for (std::size_t at = links.empty() ? kNone : 0; at != kNone; at = links[at].next) pieces.push_back(links[at].text);
    return pieces;
}

std::vector<std::string_view> charactersOf(std::string_view text) {
    std::vector<std::string_view> characters;
    while (!text.empty()) {
        const std::size_t length = std::min(characterBytes(text[0]), text.size());
        characters.push_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return characters;
}

std::string markSpaces(std::string_view text, bool prefix) {
    std::string marked(prefix ? kSpaceMark : std::string_view());
    for (const char c : text)
        if (c == ' ') marked += kSpaceMark;
        else marked += c;
    return marked;
}

void appendBytes(std::string_view text, const Vocabulary& vocabulary, const TokenIds& ids, std::vector<int>& out) {
    std::vector<int> bytes;
    for (const char c : text) {
        const auto found = ids.find(fmt::format("<0x{:02X}>", static_cast<unsigned char>(c)));
        if (found == ids.end()) {
            if (vocabulary.unknown >= 0) out.push_back(vocabulary.unknown);
            return;
        }
        bytes.push_back(found->second);
    }
    out.insert(out.end(), bytes.begin(), bytes.end());
}

std::string toByteAlphabet(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        const std::uint16_t point = kByteAlphabet[static_cast<unsigned char>(c)];
        if (point < 0x80) {
            text += static_cast<char>(point);
        } else {
            text += static_cast<char>(0xC0 | point >> 6);
            text += static_cast<char>(0x80 | (point & 63));
        }
    }
    return text;
}

std::string fromByteAlphabet(std::string_view text) {
    static const auto bytes = [] {
        std::unordered_map<std::string, char> map;
        for (int byte = 0; byte < 256; ++byte) map.emplace(toByteAlphabet(std::string(1, static_cast<char>(byte))), static_cast<char>(byte));
        return map;
    }();
    std::string decoded;
    for (const std::string_view character : charactersOf(text)) {
        const auto found = bytes.find(std::string(character));
        if (found == bytes.end()) decoded += character; // an added token, written as plain text
        else decoded += found->second;
    }
    return decoded;
}

} // namespace qscope::engine::detail
