// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/pickle.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/core/byte_reader.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>

namespace qscope::engine {

namespace {

/// Memo places are counted up by every pickler; a few may stay empty.
constexpr std::size_t kMemoGap = 8;
/// Node and heap overhead of a value with items, and of each item in a vector that doubles.
constexpr std::uint64_t kContainerBytes = 32, kItemBytes = 8;
/// Containers under construction at a time; picklers recurse and stop far earlier.
constexpr std::size_t kMostMarks = 10'000;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

void appendUtf8(std::string& text, std::uint32_t c) {
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
Result<std::string> fromRawUnicode(std::string_view text) {
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

bool isDictType(std::string_view global) {
    return global == "collections.OrderedDict" || global == "collections.defaultdict" || global == "collections.Counter";
}

/// The stack machine. Each step reads one opcode; errors do not say where, `run` adds the offset.
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
            if (from.kind == PickleKind::Dict) entries = from.items;
            if (from.kind != PickleKind::List) continue; // the factory of a defaultdict
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

#define QSCOPE_STEP(expression)                                                                                        \
    do {                                                                                                               \
        QSCOPE_CHECK(expression);                                                                                      \
        return true;                                                                                                   \
    } while (false)

/// Numbers, text and bytes. False: some other opcode.
Result<bool> Machine::stepScalar(char opcode) {
    using enum PickleKind;
    switch (opcode) {
    case 'N': QSCOPE_STEP(push(kNone));
    case '\x88': QSCOPE_STEP(push(kTrue));
    case '\x89': QSCOPE_STEP(push(kFalse));
    case 'K': { // one byte
        QSCOPE_TRY(const auto number, m_reader.u8());
        QSCOPE_STEP(pushNew(Integer, std::int64_t{number}));
    }
    case 'M': { // two bytes
        QSCOPE_TRY(const auto number, m_reader.value<std::uint16_t>());
        QSCOPE_STEP(pushNew(Integer, std::int64_t{number}));
    }
    case 'J': { // four bytes
        QSCOPE_TRY(const auto number, m_reader.i32());
        QSCOPE_STEP(pushNew(Integer, std::int64_t{number}));
    }
    case '\x8a': QSCOPE_STEP(pushLong<std::uint8_t>());
    case '\x8b': QSCOPE_STEP(pushLong<std::uint32_t>());
    case 'G': { // the one big-endian field
        QSCOPE_TRY(const auto bits, m_reader.u64());
        QSCOPE_STEP(pushNew(Float, std::bit_cast<double>(__builtin_bswap64(bits))));
    }
    case 'I': // protocol 0: "00" and "01" are False and True
    case 'L': {
        QSCOPE_TRY(auto text, line());
        if (opcode == 'I' && (text == "00" || text == "01")) QSCOPE_STEP(push(text == "01" ? kTrue : kFalse));
        if (opcode == 'L' && text.ends_with('L')) text.remove_suffix(1);
        if (text.size() > 19 && std::ranges::all_of(text.substr(1), isDigit)) QSCOPE_STEP(pushNew(Long, text));
        QSCOPE_TRY(const auto number, parsed<std::int64_t>(text));
        QSCOPE_STEP(pushNew(Integer, number));
    }
    case 'F': {
        QSCOPE_TRY(const auto text, line());
        QSCOPE_TRY(const auto number, parsed<double>(text));
        QSCOPE_STEP(pushNew(Float, number));
    }
    case 'S': { // quoted as Python's source is
        QSCOPE_TRY(auto text, line());
        if (text.size() < 2 || text.front() != text.back() || (text.front() != '\'' && text.front() != '"'))
            return fail(ErrorCode::Malformed, "text is not quoted");
        text = text.substr(1, text.size() - 2);
        if (text.find('\\') != text.npos) return fail(ErrorCode::Unsupported, "text with escapes is not read: {}", printable(text));
        QSCOPE_STEP(pushNew(isUtf8(text) ? Text : Bytes, text));
    }
    case 'V': {
        QSCOPE_TRY(const auto text, line());
        QSCOPE_CHECK(m_budget.spend(sizeof(std::string) + 2 * text.size()));
        QSCOPE_TRY(auto decoded, fromRawUnicode(text));
        m_pickle.decoded.push_back(std::move(decoded));
        QSCOPE_STEP(pushNew(Text, std::string_view(m_pickle.decoded.back())));
    }
    case 'U':
    case '\x8c': QSCOPE_STEP(pushText<std::uint8_t>(Text));
    case 'T':
    case 'X': QSCOPE_STEP(pushText<std::uint32_t>(Text));
    case '\x8d': QSCOPE_STEP(pushText<std::uint64_t>(Text));
    case 'C': QSCOPE_STEP(pushText<std::uint8_t>(Bytes));
    case 'B': QSCOPE_STEP(pushText<std::uint32_t>(Bytes));
    case '\x8e':
    case '\x96': QSCOPE_STEP(pushText<std::uint64_t>(Bytes));
    default: return false;
    }
}

/// Containers and the memo.
Result<bool> Machine::stepContainer(char opcode) {
    using enum PickleKind;
    switch (opcode) {
    case ')': QSCOPE_STEP(push(kEmptyTuple));
    case '\x85':
    case '\x86':
    case '\x87': { // the last one, two, three values
        QSCOPE_TRY(auto items, popMany(static_cast<unsigned char>(opcode) - 0x84u));
        QSCOPE_STEP(pushNew(Tuple, {}, std::move(items)));
    }
    case 't':
    case 'l':
    case '\x91': { // tuple, list, frozen set from the mark on
        QSCOPE_TRY(auto items, popToMark());
        QSCOPE_STEP(pushNew(opcode == 't' ? Tuple : List, {}, std::move(items)));
    }
    case 'd': {
        QSCOPE_TRY(auto items, popToMark());
        if (items.size() % 2 != 0) return fail(ErrorCode::Malformed, "a key has no value");
        QSCOPE_STEP(pushNew(Dict, {}, std::move(items)));
    }
    case ']':
    case '\x8f': QSCOPE_STEP(pushNew(List, {}));
    case '}': QSCOPE_STEP(pushNew(Dict, {}));
    case 'a':
    case 's': { // append, set one item
        QSCOPE_TRY(const auto items, popMany(opcode == 'a' ? 1 : 2));
        QSCOPE_TRY(const auto to, top());
        QSCOPE_STEP(append(to, items, opcode == 'a' ? List : Dict));
    }
    case 'e':
    case 'u':
    case '\x90': { // append, set all from the mark on; add to a set
        QSCOPE_TRY(const auto items, popToMark());
        QSCOPE_TRY(const auto to, top());
        QSCOPE_STEP(append(to, items, opcode == 'u' ? Dict : List));
    }
    case 'p': {
        QSCOPE_TRY(const auto text, line());
        QSCOPE_TRY(const auto place, parsed<std::uint32_t>(text));
        QSCOPE_STEP(remember(place));
    }
    case 'q': {
        QSCOPE_TRY(const auto place, m_reader.u8());
        QSCOPE_STEP(remember(place));
    }
    case 'r': {
        QSCOPE_TRY(const auto place, m_reader.u32());
        QSCOPE_STEP(remember(place));
    }
    case '\x94': QSCOPE_STEP(remember(m_memo.size()));
    case 'g': {
        QSCOPE_TRY(const auto text, line());
        QSCOPE_TRY(const auto place, parsed<std::uint32_t>(text));
        QSCOPE_STEP(recall(place));
    }
    case 'h': {
        QSCOPE_TRY(const auto place, m_reader.u8());
        QSCOPE_STEP(recall(place));
    }
    case 'j': {
        QSCOPE_TRY(const auto place, m_reader.u32());
        QSCOPE_STEP(recall(place));
    }
    default: return false;
    }
}

#undef QSCOPE_STEP

/// The stack, what is named from outside, and calls.
Result<void> Machine::stepRest(char opcode) {
    using enum PickleKind;
    switch (opcode) {
    case '\x80': { // protocol
        QSCOPE_TRY(const auto protocol, m_reader.u8());
        if (protocol > 5) return fail(ErrorCode::Unsupported, "pickle protocol {} is not read", protocol);
        return {};
    }
    case '\x95': { // the length of a frame, of use to a stream only
        QSCOPE_CHECK(m_reader.u64());
        return {};
    }
    case '.': {
        QSCOPE_TRY(m_pickle.root, pop());
        m_stopped = true;
        return {};
    }
    case '(':
        if (m_marks.size() == kMostMarks) return fail(ErrorCode::Malformed, "nested too deeply");
        m_marks.push_back(m_stack.size());
        return {};
    case '0':
        if (available() == 0) { // also drops a mark
            QSCOPE_CHECK(popToMark());
            return {};
        }
        QSCOPE_CHECK(pop());
        return {};
    case '1': {
        QSCOPE_CHECK(popToMark());
        return {};
    }
    case '2': {
        QSCOPE_TRY(const auto ref, top());
        return push(ref);
    }
    case 'c': {
        QSCOPE_TRY(const auto module, line());
        QSCOPE_TRY(const auto name, line());
        return pushGlobal(module, name);
    }
    case '\x93': {
        QSCOPE_TRY(const auto names, popMany(2));
        if (value(names[0]).kind != Text || value(names[1]).kind != Text)
            return fail(ErrorCode::Malformed, "a global's name is no text");
        return pushGlobal(value(names[0]).text(), value(names[1]).text());
    }
    case 'R':
    case '\x81': { // call, make an object
        QSCOPE_TRY(const auto pair, popMany(2));
        return call(pair[0], pair[1]);
    }
    case 'i': { // like 'c' with arguments from the mark on
        QSCOPE_TRY(const auto module, line());
        QSCOPE_TRY(const auto name, line());
        QSCOPE_TRY(auto items, popToMark());
        QSCOPE_CHECK(pushGlobal(module, name));
        QSCOPE_TRY(const auto callee, pop());
        QSCOPE_TRY(const auto arguments, make({Tuple, {}, std::move(items)}));
        return call(callee, arguments);
    }
    case 'o': { // class and arguments from the mark on
        QSCOPE_TRY(auto items, popToMark());
        if (items.empty()) return fail(ErrorCode::Malformed, "an object has no class");
        const PickleRef callee = items.front();
        items.erase(items.begin());
        QSCOPE_TRY(const auto arguments, make({Tuple, {}, std::move(items)}));
        return call(callee, arguments);
    }
    case 'b': { // the state of an object
        QSCOPE_CHECK(pop());
        QSCOPE_TRY(const auto ref, top());
        const PickleValue& target = value(ref);
        if (target.kind == Dict) return {}; // attributes of an ordered dict, such as versions of modules
        if (target.kind != Call) return fail(ErrorCode::Malformed, "state is set on what has none");
        return fail(ErrorCode::Unsupported, "it sets the state of a '{}', which is not run", value(target.items[0]).text());
    }
    case 'P': {
        QSCOPE_TRY(const auto text, line());
        QSCOPE_TRY(const auto identity, make({isUtf8(text) ? Text : Bytes, text}));
        return pushNew(Persistent, {}, {identity});
    }
    case 'Q': {
        QSCOPE_TRY(const auto identity, pop());
        return pushNew(Persistent, {}, {identity});
    }
    case '\x92':
    case '\x82':
    case '\x83':
    case '\x84':
    case '\x97':
    case '\x98':
        return fail(ErrorCode::Unsupported, "pickle opcode {:#04x} (keyword arguments, extensions, buffers) is not read",
                    static_cast<unsigned char>(opcode));
    default: return fail(ErrorCode::Malformed, "{:#04x} is no pickle opcode", static_cast<unsigned char>(opcode));
    }
}

} // namespace

Result<Pickle> readPickle(std::span<const std::byte> bytes, std::span<const std::string_view> allowed, MemoryBudget& budget,
                          const ReadLimits& limits) {
    return Machine(bytes, allowed, budget, limits).run();
}

} // namespace qscope::engine
