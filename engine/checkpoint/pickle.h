// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/memory_budget.h"
#include "engine/core/read_limits.h"

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace qscope::engine {

enum class PickleKind : std::uint8_t {
    None,
    Bool,       ///< scalar: bool
    Integer,    ///< scalar: std::int64_t
    Long,       ///< an integer of more than 64 bits; scalar: its little-endian bytes, or its digits (protocol 0)
    Float,      ///< scalar: double
    Text,       ///< scalar: text; Python 2 writes byte strings for text too
    Bytes,      ///< scalar: text
    Tuple,      ///< items
    List,       ///< items; sets too
    Dict,       ///< items: key, value, key, value ...; ordered ones too
    Global,     ///< scalar: "module.name"
    Call,       ///< items: the global, its arguments
    Persistent, ///< items: an object kept outside of the pickle, by this identity
};

/// Place of a value in `Pickle::values`.
using PickleRef = std::uint32_t;

/// One value. Values may be shared, and lists and dicts may hold themselves: whoever walks over them must bound the walk.
struct PickleValue {
    PickleKind kind = PickleKind::None;
    std::variant<std::monostate, bool, std::int64_t, double, std::string_view> scalar{}; ///< text points into the pickle
    std::vector<PickleRef> items{};

    [[nodiscard]] std::string_view text() const { return std::get<std::string_view>(scalar); }
    [[nodiscard]] std::int64_t integer() const { return std::get<std::int64_t>(scalar); }
};

/// What a pickle describes. Nothing was made or run: a call is only the name and arguments it asks for.
struct Pickle {
    std::deque<PickleValue> values;
    std::deque<std::string> decoded; ///< text that stands in the pickle in another form
    PickleRef root = 0;
    std::size_t bytes = 0; ///< of the input, up to and including STOP

    [[nodiscard]] const PickleValue& operator[](PickleRef ref) const { return values[ref]; }
    [[nodiscard]] const PickleValue& top() const { return values[root]; }
};

/// Reads one pickle of protocol 0 to 5 at the front of `bytes`. Only globals in `allowed` ("module.name") may be named;
/// any other is Unsupported by its name. collections.OrderedDict, defaultdict and Counter, when allowed, become dicts;
/// state set on them is dropped. Every other object state, extension codes and out-of-band buffers are Unsupported.
/// Source: CPython's Lib/pickletools.py describes the opcodes.
[[nodiscard]] Result<Pickle> readPickle(std::span<const std::byte> bytes, std::span<const std::string_view> allowed,
                                        MemoryBudget& budget, const ReadLimits& limits);

} // namespace qscope::engine
