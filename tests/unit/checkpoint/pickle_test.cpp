// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/pickle.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::engine;
using namespace std::string_literals;

namespace {

constexpr std::array<std::string_view, 3> kAllowed{"collections.OrderedDict", "torch.Size", "module.name"};

Result<Pickle> read(const std::string& bytes, std::uint64_t fileBytes = 1000) {
    MemoryBudget budget(fileBytes);
    return readPickle(std::as_bytes(std::span(bytes)), kAllowed, budget, {});
}

/// The value as Python would print it, but for calls and identities.
std::string show(const Pickle& pickle, PickleRef ref) {
    const PickleValue& value = pickle[ref];
    const auto joined = [&](std::string text) {
        for (std::size_t i = 0; i < value.items.size(); ++i) text += (i > 0 ? " " : "") + show(pickle, value.items[i]);
        return text;
    };
    switch (value.kind) {
    case PickleKind::None: return "None";
    case PickleKind::Bool: return std::get<bool>(value.scalar) ? "True" : "False";
    case PickleKind::Integer: return std::to_string(value.integer());
    case PickleKind::Long: return "long";
    case PickleKind::Float: return fmt::format("{}", std::get<double>(value.scalar));
    case PickleKind::Text: return "'" + std::string(value.text()) + "'";
    case PickleKind::Bytes: return "b'" + std::string(value.text()) + "'";
    case PickleKind::Tuple: return joined("(") + ")";
    case PickleKind::List: return joined("[") + "]";
    case PickleKind::Dict: return joined("{") + "}";
    case PickleKind::Global: return std::string(value.text());
    case PickleKind::Call: return joined("call<") + ">";
    case PickleKind::Persistent: return joined("stored<") + ">";
    }
    return "?";
}

std::string shown(const std::string& bytes) {
    const auto pickle = read(bytes);
    return pickle ? show(*pickle, pickle->root) : describe(pickle.error());
}

} // namespace

TEST_CASE("opcodes of every protocol give their values") {
    CHECK(shown("N.") == "None");
    CHECK(shown("\x88.") == "True");
    CHECK(shown("\x89.") == "False");
    CHECK(shown("I01\n.") == "True");
    CHECK(shown("I00\n.") == "False");
    CHECK(shown("I-17\n.") == "-17");
    CHECK(shown("L9223372036854775807L\n.") == "9223372036854775807");
    CHECK(shown("L1267650600228229401496703205376L\n.") == "long");
    CHECK(shown("F0.25\n.") == "0.25");
    CHECK(shown("K\xff.") == "255");
    CHECK(shown("M\x01\x02.") == "513");
    CHECK(shown("J\xfe\xff\xff\xff.") == "-2");
    CHECK(shown("\x8a\x02\x00\xff."s) == "-256");
    CHECK(shown("\x8a\x00."s) == "0");
    CHECK(shown("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f."s) == "9223372036854775807");
    CHECK(shown("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00."s) == "long");
    CHECK(shown("\x8b\x01\x00\x00\x00\x05."s) == "5");
    CHECK(shown("G\xbf\xf8\x00\x00\x00\x00\x00\x00."s) == "-1.5");
    CHECK(shown("S'text'\n.") == "'text'");
    CHECK(shown("Vcaf\xe9 \\u20ac \\U0001f600\n.") == "'caf\u00e9 \u20ac \U0001F600'");
    CHECK(shown("U\x02hi.") == "'hi'");
    CHECK(shown("U\x02\xff\xfe.") == "b'\xff\xfe'");
    CHECK(shown("T\x02\x00\x00\x00hi."s) == "'hi'");
    CHECK(shown("X\x02\x00\x00\x00hi."s) == "'hi'");
    CHECK(shown("\x8c\x02hi.") == "'hi'");
    CHECK(shown("\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi."s) == "'hi'");
    CHECK(shown("C\x02hi.") == "b'hi'");
    CHECK(shown("B\x02\x00\x00\x00hi."s) == "b'hi'");
    CHECK(shown("\x8e\x02\x00\x00\x00\x00\x00\x00\x00hi."s) == "b'hi'");
    CHECK(shown("\x96\x02\x00\x00\x00\x00\x00\x00\x00hi."s) == "b'hi'");
    CHECK(shown(").") == "()");
    CHECK(shown("K\x01K\x02K\x03\x85\x86\x86.") == "(1 (2 (3)))");
    CHECK(shown("K\x01K\x02K\x03\x87.") == "(1 2 3)");
    CHECK(shown("(K\x01K\x02t.") == "(1 2)");
    CHECK(shown("(K\x01K\x02l.") == "[1 2]");
    CHECK(shown("](K\x01K\x02" "eK\x03" "a.") == "[1 2 3]");
    CHECK(shown("(K\x01K\x02" "d.") == "{1 2}");
    CHECK(shown("}(K\x01K\x02uK\x03K\x04s.") == "{1 2 3 4}");
    CHECK(shown("\x8f(K\x01\x90.") == "[1]");
    CHECK(shown("(K\x01\x91.") == "[1]");
    CHECK(shown("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00N."s) == "None");
    CHECK(shown("K\x01" "2\x86.") == "(1 1)");
    CHECK(shown("K\x01K\x02" "0.") == "1");
    CHECK(shown("K\x01(K\x02K\x03" "1.") == "1");
    CHECK(shown("K\x05p0\n0g0\n.") == "5");
    CHECK(shown("K\x05q\x00" "0h\x00."s) == "5");
    CHECK(shown("K\x05r\x00\x00\x00\x00" "0j\x00\x00\x00\x00."s) == "5");
    CHECK(shown("K\x05\x94" "0h\x00."s) == "5");
    CHECK(shown("cmodule\nname\n.") == "module.name");
    CHECK(shown("\x8c\x06module\x8c\x04name\x93.") == "module.name");
    CHECK(shown("ctorch\nSize\nK\x02\x85\x85R.") == "call<torch.Size ((2))>");
    CHECK(shown("ctorch\nSize\n)\x81.") == "call<torch.Size ()>");
    CHECK(shown("(K\x02itorch\nSize\n.") == "call<torch.Size (2)>");
    CHECK(shown("(ctorch\nSize\nK\x02o.") == "call<torch.Size (2)>");
    CHECK(shown("ccollections\nOrderedDict\n)RK\x01K\x02s}b.") == "{1 2}");
    CHECK(shown("ccollections\nOrderedDict\n](K\x01K\x02\x86K\x03K\x04\x86" "e\x85R.") == "{1 2 3 4}");
    CHECK(shown("P17\n.") == "stored<'17'>");
    CHECK(shown("K\x01\x85Q.") == "stored<(1)>");
}

TEST_CASE("a pickle ends at STOP and says how long it is") {
    const auto pickle = read("K\x01.K\x02.");
    REQUIRE(pickle);
    CHECK(pickle->bytes == 3);
}

TEST_CASE("broken pickles are malformed, and what is asked for beyond data is named and not run") {
    struct Case {
        std::string bytes;
        ErrorCode code;
        std::string says;
    };
    const std::vector<Case> cases{
        {"", ErrorCode::Malformed, "offset 0"},
        {"K", ErrorCode::Malformed, "offset 0"},
        {".", ErrorCode::Malformed, "nothing is on the stack"},
        {"(.", ErrorCode::Malformed, "nothing is on the stack"},
        {"K\x01(.", ErrorCode::Malformed, "nothing is on the stack"},
        {"t.", ErrorCode::Malformed, "no mark"},
        {"K\x01\x86.", ErrorCode::Malformed, "too few values"},
        {"K\x01K\x02" "a.", ErrorCode::Malformed, "no list"},
        {"](K\x01u.", ErrorCode::Malformed, "no list or dict"},
        {"}(K\x01u.", ErrorCode::Malformed, "a key has no value"},
        {"(K\x01" "d.", ErrorCode::Malformed, "a key has no value"},
        {"h\x07.", ErrorCode::Malformed, "memo place 7 is empty"},
        {"K\x01r\xff\xff\xff\xff.", ErrorCode::Malformed, "memo place 4294967295"},
        {"X\xff\xff\xff\xff" "abc.", ErrorCode::Malformed, "bytes needed"},
        {"\x8d\xff\xff\xff\xff\xff\xff\xff\xff" "abc.", ErrorCode::Malformed, "bytes needed"},
        {"I1", ErrorCode::Malformed, "a line does not end"},
        {"Iabc\n.", ErrorCode::Malformed, "'abc'"},
        {"Sabc\n.", ErrorCode::Malformed, "not quoted"},
        {"S'a\\n'\n.", ErrorCode::Unsupported, "escapes"},
        {"V\\ud800\n.", ErrorCode::Malformed, "no character"},
        {"V\\u12\n.", ErrorCode::Malformed, "no character"},
        {"K\x01K\x02R.", ErrorCode::Malformed, "a call needs"},
        {"K\x01}b.", ErrorCode::Malformed, "state"},
        {"\xff.", ErrorCode::Malformed, "0xff is no pickle opcode"},
        {"\x80\x09N.", ErrorCode::Unsupported, "protocol 9"},
        {"\x82\x01.", ErrorCode::Unsupported, "0x82"},
        {"\x97.", ErrorCode::Unsupported, "0x97"},
        {"cos\nsystem\n(S'echo'\ntR.", ErrorCode::Unsupported, "it asks for 'os.system', which is not run"},
        {"\x8c\x08" "builtins\x8c\x04" "eval\x93.", ErrorCode::Unsupported, "'builtins.eval'"},
        {"(S'ls'\nios\nsystem\n.", ErrorCode::Unsupported, "'os.system'"},
        {"ctorch.Size\nevil\n.", ErrorCode::Unsupported, "'torch.Size.evil'"},
        {"ctorch\nSize\n)R}b.", ErrorCode::Unsupported, "it sets the state of a 'torch.Size'"},
        {"c\n\x1b[31m\n.", ErrorCode::Unsupported, "?[31m"},
    };
    for (const Case& bad : cases) {
        INFO(bad.says);
        const auto pickle = read(bad.bytes);
        REQUIRE_FALSE(pickle);
        CHECK(pickle.error().code == bad.code);
        CHECK_THAT(describe(pickle.error()), Catch::Contains(bad.says));
        CHECK(describe(pickle.error()).find('\n') == std::string::npos);
    }
}

TEST_CASE("a pickle of many values is refused before it fills the memory") {
    const std::string lists(4'000'000, ']');
    const auto refusal = [](const std::string& bytes) {
        const auto pickle = read(bytes);
        REQUIRE_FALSE(pickle.has_value());
        return describe(pickle.error());
    };
    CHECK_THAT(refusal(lists + "."), Catch::Contains("unfolds"));
    const std::string recalled = "X\x04\x00\x00\x00" "textq\x00"s;
    std::string many = "](" + recalled;
    for (int i = 0; i < 5'000'000; ++i) many += "h\x00"s;
    CHECK_THAT(refusal(many + "e."), Catch::Contains("unfolds"));
    CHECK_THAT(refusal(std::string(20'000, '(') + "."), Catch::Contains("too deeply"));
}

TEST_CASE("a list may hold itself: the interpreter neither hangs nor copies") {
    const auto pickle = read("]q\x00h\x00" "a."s);
    REQUIRE(pickle);
    CHECK(pickle->top().items == std::vector<PickleRef>{pickle->root});
}
