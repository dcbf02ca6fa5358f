// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/json.h"

#include <cstdio>
#include <string_view>
#include <vector>

namespace qscope::cli {

/// Prints one JSON document piece by piece, as `Json::dump(2)` would print it whole: a checkpoint may list a million tensors,
/// which as a document take ten times their room. What is not UTF-8 in texts is replaced.
class JsonPrinter {
public:
    explicit JsonPrinter(std::FILE* out) : m_out(out) {}

    void open(char bracket); ///< '{' or '['
    void close();
    void key(std::string_view name); ///< before the value of a member
    void text(std::string_view text); ///< of any length
    void value(const Json& value);    ///< small ones

private:
    struct Level {
        char end;
        bool empty = true;
    };
    /// What stands between this value or key and the one before.
    void separate();
    void newLine();
    void put(std::string_view text) { std::fwrite(text.data(), 1, text.size(), m_out); }

    std::FILE* m_out;
    std::vector<Level> m_open;
    bool m_hasKey = false;
};

} // namespace qscope::cli
