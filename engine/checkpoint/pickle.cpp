// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/pickle.h"

#include "engine/checkpoint/pickle_machine.h"

#include <bit>

namespace qscope::engine {

namespace detail {

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

} // namespace detail

Result<Pickle> readPickle(std::span<const std::byte> bytes, std::span<const std::string_view> allowed, MemoryBudget& budget,
                          const ReadLimits& limits) {
    return detail::Machine(bytes, allowed, budget, limits).run();
}

} // namespace qscope::engine
