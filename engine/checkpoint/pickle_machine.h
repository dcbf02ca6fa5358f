// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/pickle.h"
#include "engine/core/byte_reader.h"

#include <algorithm>
#include <charconv>

namespace qscope::engine::detail {

/// Memo places are counted up by every pickler; a few may stay empty.
inline constexpr std::size_t kMemoGap = 8;
/// Node and heap overhead of a value with items, and of each item in a vector that doubles.
inline constexpr std::uint64_t kContainerBytes = 32, kItemBytes = 8;
/// Containers under construction at a time; picklers recurse and stop far earlier.
inline constexpr std::size_t kMostMarks = 10'000;

inline bool isDigit(char c) { return c >= '0' && c <= '9'; }

inline void appendUtf8(std::string& text, std::uint32_t c) {
    const auto add = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (c < 0x80) return add(c);
    if (c < 0x800) {
        add(0xC0 | c >> 6);
    } else if (c < 0x10000) {
        add(0xE0 | c >> 12);
        add(0x80 | (c >> 6 & 63));
    } else {
        add(0xF0 | c >> 18);
        add(0x80 | (c >> 12 & 63));
        add(0x80 | (c >> 6 & 63));
    }
    add(0x80 | (c & 63));
}

/// Latin-1, and \uXXXX or \UXXXXXXXX for what it lacks.
inline Result<std::string> fromRawUnicode(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto c = static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
        const char next = c == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
        if (next == 'u' || next == 'U') {
            const std::string_view digits = text.substr(i + 2, next == 'u' ? 4 : 8);
            const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), c, 16);
            if (digits.size() != (next == 'u' ? 4u : 8u) || end.ec != std::errc{} || end.ptr != digits.data() + digits.size() || c > 0x10FFFF ||
                (c >= 0xD800 && c < 0xE000))
                return fail(ErrorCode::Malformed, "'\\{}{}' is no character", next, printable(digits));
            i += 1 + digits.size();
        }
        appendUtf8(decoded, c);
    }
    return decoded;
}

inline bool isDictType(std::string_view global) {
    return global == "collections.OrderedDict" || global == "collections.defaultdict" || global == "collections.Counter";
}

/// The stack machine of pickles; `pickle.cpp` holds its opcodes. Each step reads one opcode; errors do not say where, `run` adds the offset.
class Machine {
public:
    Machine(std::span<const std::byte> bytes, std::span<const std::string_view> allowed, MemoryBudget& budget,
            const ReadLimits& limits)
        : m_reader(bytes), m_allowed(allowed), m_budget(budget), m_limits(limits) {}

    Result<Pickle> run() {
        for (PickleValue constant : {PickleValue{}, PickleValue{PickleKind::Bool, false}, PickleValue{PickleKind::Bool, true},
                                     PickleValue{PickleKind::Tuple}})
            m_pickle.values.push_back(std::move(constant));
        while (!m_stopped) {
            const std::size_t at = m_reader.position();
            if (auto done = step(); !done) {
                Error error = std::move(done).error();
                if (error.code == ErrorCode::Malformed) error.message += fmt::format(" (pickle, offset {})", at);
                return tl::unexpected(std::move(error));
            }
        }
        m_pickle.bytes = m_reader.position();
        return std::move(m_pickle);
    }

private:
    enum : PickleRef { kNone, kFalse, kTrue, kEmptyTuple };

    Result<void> step() {
        QSCOPE_TRY(const auto opcode, m_reader.value<char>());
        QSCOPE_TRY(const bool scalar, stepScalar(opcode));
        if (scalar) return {};
        QSCOPE_TRY(const bool container, stepContainer(opcode));
        if (container) return {};
        return stepRest(opcode);
    }
    Result<bool> stepScalar(char opcode);
    Result<bool> stepContainer(char opcode);
    Result<void> stepRest(char opcode);

    // --- values and stack ---

    Result<PickleRef> make(PickleValue value) {
        const bool container = value.kind >= PickleKind::Tuple && value.kind != PickleKind::Global;
        QSCOPE_CHECK(m_budget.spend(sizeof(PickleValue) + (container ? kContainerBytes + kItemBytes * value.items.size() : 0)));
        m_pickle.values.push_back(std::move(value));
        return static_cast<PickleRef>(m_pickle.values.size() - 1);
    }
    Result<void> push(PickleRef ref) {
        QSCOPE_CHECK(m_budget.spend(kItemBytes));
        m_stack.push_back(ref);
        return {};
    }
    Result<void> pushNew(PickleKind kind, decltype(PickleValue::scalar) scalar, std::vector<PickleRef> items = {}) {
        QSCOPE_TRY(const auto ref, make({kind, scalar, std::move(items)}));
        return push(ref);
    }
    /// Values above the innermost mark.
    std::size_t available() const { return m_stack.size() - (m_marks.empty() ? 0 : m_marks.back()); }
    Result<PickleRef> pop() {
        if (available() == 0) return fail(ErrorCode::Malformed, "nothing is on the stack");
        const PickleRef ref = m_stack.back();
        m_stack.pop_back();
        return ref;
    }
    Result<PickleRef> top() const {
        if (available() == 0) return fail(ErrorCode::Malformed, "nothing is on the stack");
        return m_stack.back();
    }
    Result<std::vector<PickleRef>> popMany(std::size_t count) {
        if (available() < count) return fail(ErrorCode::Malformed, "too few values are on the stack");
        const auto first = m_stack.end() - static_cast<std::ptrdiff_t>(count);
        std::vector<PickleRef> items(first, m_stack.end());
        m_stack.erase(first, m_stack.end());
        return items;
    }
    Result<std::vector<PickleRef>> popToMark() {
        if (m_marks.empty()) return fail(ErrorCode::Malformed, "no mark is on the stack");
        QSCOPE_TRY(auto items, popMany(available()));
        m_marks.pop_back();
        return items;
    }
    PickleValue& value(PickleRef ref) { return m_pickle.values[ref]; }

    Result<void> remember(std::size_t place) {
        QSCOPE_TRY(const auto ref, top());
        if (place >= m_memo.size()) {
            if (place - m_memo.size() > kMemoGap) return fail(ErrorCode::Malformed, "memo place {} after {}", place, m_memo.size());
            QSCOPE_CHECK(m_budget.spend(kItemBytes * (place + 1 - m_memo.size())));
            m_memo.resize(place + 1, kUnset);
        }
        m_memo[place] = ref;
        return {};
    }
    Result<void> recall(std::size_t place) {
        if (place >= m_memo.size() || m_memo[place] == kUnset) return fail(ErrorCode::Malformed, "memo place {} is empty", place);
        return push(m_memo[place]);
    }
    Result<void> append(PickleRef to, std::span<const PickleRef> items, PickleKind kind) {
        PickleValue& target = value(to);
        if (target.kind != kind) return fail(ErrorCode::Malformed, "items are added to what is no list or dict");
        if (kind == PickleKind::Dict && items.size() % 2 != 0) return fail(ErrorCode::Malformed, "a key has no value");
        QSCOPE_CHECK(m_budget.spend(kItemBytes * items.size()));
        target.items.insert(target.items.end(), items.begin(), items.end());
        return {};
    }

    // --- operands ---

    Result<std::string_view> line() {
        ByteReader ahead = m_reader;
        QSCOPE_TRY(const auto rest, ahead.text(std::min<std::uint64_t>(ahead.remaining(), m_limits.nameBytes)));
        const std::size_t end = rest.find('\n');
        if (end == rest.npos) return fail(ErrorCode::Malformed, "a line does not end");
        QSCOPE_TRY(const auto text, m_reader.text(end + 1));
        return text.substr(0, end);
    }
    template<class T>
    static Result<T> parsed(std::string_view text) {
        T number{};
        const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
        if (end.ec != std::errc{} || end.ptr != text.data() + text.size())
            return fail(ErrorCode::Malformed, "'{}' is no number that is read", printable(text));
        return number;
    }
    template<class Length>
    Result<void> pushText(PickleKind kind) {
        QSCOPE_TRY(const auto length, m_reader.value<Length>());
        QSCOPE_TRY(const auto text, m_reader.text(length));
        if (kind == PickleKind::Text && !isUtf8(text)) kind = PickleKind::Bytes; // a byte string of Python 2
        return pushNew(kind, text);
    }
    template<class Length>
    Result<void> pushLong() {
        QSCOPE_TRY(const auto length, m_reader.value<Length>());
        QSCOPE_TRY(const auto digits, m_reader.text(length));
        if (digits.size() > 8) return pushNew(PickleKind::Long, digits);
        // Two's complement, little-endian, as short as it can be.
        std::uint64_t bits = !digits.empty() && (digits.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
        for (std::size_t i = digits.size(); i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(digits[i]);
        return pushNew(PickleKind::Integer, static_cast<std::int64_t>(bits));
    }
    Result<void> pushGlobal(std::string_view module, std::string_view name) {
        const auto same = [&](std::string_view known) {
            return known.size() == module.size() + 1 + name.size() && known.starts_with(module) && known[module.size()] == '.' &&
                   known.ends_with(name);
        };
        const auto known = std::ranges::find_if(m_allowed, same);
        if (known == m_allowed.end())
            return fail(ErrorCode::Unsupported, "it asks for '{}.{}', which is not run", printable(module), printable(name));
        return pushNew(PickleKind::Global, *known);
    }
    /// `callee(*arguments)`: a dict when the callee makes one, else the call itself as a value.
    Result<void> call(PickleRef callee, PickleRef arguments) {
        if (value(callee).kind != PickleKind::Global || value(arguments).kind != PickleKind::Tuple)
            return fail(ErrorCode::Malformed, "a call needs a global and a tuple");
        if (!isDictType(value(callee).text())) return pushNew(PickleKind::Call, {}, {callee, arguments});
        if (value(arguments).items.size() > 2) return fail(ErrorCode::Malformed, "a dict is made from too many arguments");
        std::vector<PickleRef> entries;
        for (const PickleRef argument : value(arguments).items) {
            const PickleValue& from = value(argument);
            if (from.kind != PickleKind::Dict && from.kind != PickleKind::List) continue; // the factory of a defaultdict
            QSCOPE_CHECK(m_budget.spend(2 * kItemBytes * from.items.size())); // lists hold pairs
            if (from.kind == PickleKind::Dict) {
                entries = from.items;
                continue;
            }
            for (const PickleRef ref : from.items) {
                const PickleValue& pair = value(ref);
                if ((pair.kind != PickleKind::Tuple && pair.kind != PickleKind::List) || pair.items.size() != 2)
                    return fail(ErrorCode::Malformed, "a dict is made from what are no pairs");
                entries.insert(entries.end(), pair.items.begin(), pair.items.end());
            }
        }
        return pushNew(PickleKind::Dict, {}, std::move(entries));
    }

    static constexpr PickleRef kUnset = static_cast<PickleRef>(-1);

    ByteReader m_reader;
    std::span<const std::string_view> m_allowed;
    MemoryBudget& m_budget;
    const ReadLimits& m_limits;
    Pickle m_pickle;
    std::vector<PickleRef> m_stack;
    std::vector<std::size_t> m_marks; ///< heights of the stack
    std::vector<PickleRef> m_memo;
    bool m_stopped = false;
};

} // namespace qscope::engine::detail
