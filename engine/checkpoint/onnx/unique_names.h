// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <fmt/format.h>

#include <string>
#include <unordered_map>

namespace qscope::engine {

/// Hands out names, each once: a name that is taken gets "#2", "#3" and so on.
class UniqueNames {
public:
    [[nodiscard]] std::string make(std::string wanted) {
        std::size_t& times = m_wanted[wanted];
        if (times++ == 0) return wanted;
        std::string name;
        do name = fmt::format("{}#{}", wanted, times++);
        while (!m_wanted.emplace(name, 1).second);
        return name;
    }

private:
    std::unordered_map<std::string, std::size_t> m_wanted; ///< with how often each was asked for
};

} // namespace qscope::engine
