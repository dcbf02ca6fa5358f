// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/library/groups.h"
#include "engine/quantum/library/program_text.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace qscope::engine::library {

namespace {

constexpr const char* kGroup = "Search and oracles";

Result<void> fits(const char* key, int value, int bits) {
    if (value >> bits != 0) return fail(ErrorCode::OutOfRange, "{}={} needs more than {} qubits", key, value, bits);
    return {};
}

/// The input in superposition, and a qubit in |-> that turns what the oracle adds to it into a sign.
void beginKickback(ProgramText& text, int n) {
    text.qubits("q", n);
    text.qubits("sign", 1);
    text.bits("c", n);
    text.line("x sign[0];");
    text.line("h sign[0];");
    text.line("h q;");
    text.line("barrier q, sign;");
}

void endKickback(ProgramText& text) {
    text.line("barrier q, sign;");
    text.line("h q;");
    text.line("h sign[0];");
    text.line("x sign[0];");
    text.measure("q", "c");
}

/// Adds the parity of the masked bits to the sign qubit.
void addParity(ProgramText& text, int n, int mask) {
    for (int i = 0; i < n; ++i)
        if (mask >> i & 1) text.line("cx q[{}], sign[0];", i);
}

Result<std::string> deutschJozsa(const LibraryValues& values) {
    const int n = values.integer("qubits"), mask = values.integer("mask");
    QSCOPE_CHECK(fits("mask", mask, n));
    ProgramText text(2);
    beginKickback(text, n);
    if (values.choice("function") == "balanced") {
        if (mask == 0) return fail(ErrorCode::OutOfRange, "mask=0 makes a constant function, not a balanced one");
        addParity(text, n, mask);
    } else if (values.choice("function") == "constant-1") {
        text.line("x sign[0];");
    }
    endKickback(text);
    return text.take();
}

Result<std::string> bernsteinVazirani(const LibraryValues& values) {
    const int n = values.integer("qubits"), secret = values.integer("secret");
    QSCOPE_CHECK(fits("secret", secret, n));
    ProgramText text(2);
    beginKickback(text, n);
    addParity(text, n, secret);
    endKickback(text);
    return text.take();
}

/// f(x) = x, with the secret added where the secret's lowest bit is set in x: f(x) = f(y) exactly for y = x and x +
/// secret.
Result<std::string> simon(const LibraryValues& values) {
    const int n = values.integer("qubits"), secret = values.integer("secret");
    QSCOPE_CHECK(fits("secret", secret, n));
    ProgramText text(2);
    text.qubits("x", n);
    text.qubits("f", n);
    text.bits("y", n);
    text.line("h x;");
    text.line("barrier x, f;");
    text.line("cx x, f;");
    const int lowest = std::countr_zero(static_cast<unsigned>(secret));
    for (int i = 0; i < n; ++i)
        if (secret >> i & 1) text.line("cx x[{}], f[{}];", lowest, i);
    text.line("barrier x, f;");
    text.line("h x;");
    text.measure("x", "y");
    return text.take();
}

/// Flips the sign of one entry: X on the bits where it is 0, around a Z controlled by all others.
void writeSignFlip(ProgramText& text, std::string_view name, int n, int entry) {
    const auto names = [n] {
        std::string list;
        for (int i = 0; i < n; ++i) list += fmt::format("{}a{}", i == 0 ? "" : ", ", i);
        return list;
    }();
    text.line("gate {} {} {{", name, names);
    for (int i = 0; i < n; ++i)
        if (!(entry >> i & 1)) text.line("  x a{};", i);
    text.line("  ctrl({}) @ z {};", n - 1, names);
    for (int i = 0; i < n; ++i)
        if (!(entry >> i & 1)) text.line("  x a{};", i);
    text.line("}}");
}

Result<std::string> grover(const LibraryValues& values) {
    const int n = values.integer("qubits"), marked = values.integer("marked");
    QSCOPE_CHECK(fits("marked", marked, n));
    int rounds = values.integer("rounds");
    // After k rounds the marked entry has probability sin^2((2k+1) a), sin a = 2^{-n/2}.
    const double angle = std::asin(std::pow(2.0, -n / 2.0));
    if (rounds == 0) rounds = std::max(1, static_cast<int>(std::lround(std::numbers::pi / (4 * angle) - 0.5)));
    ProgramText text(3);
    writeSignFlip(text, "oracle", n, marked);
    writeSignFlip(text, "about_zero", n, 0);
    text.qubits("q", n);
    text.bits("c", n);
    std::string all;
    for (const auto& qubit : elements("q", n)) all += (all.empty() ? "" : ", ") + qubit;
    text.line("h q;");
    for (int round = 0; round < rounds; ++round) {
        text.line("oracle {};", all);
        text.line("h q;");
        text.line("about_zero {};", all);
        text.line("h q;");
    }
    text.measure("q", "c");
    return text.take();
}

} // namespace

std::vector<LibraryCircuit> oracles() {
    return {
        {"grover",
         "Grover's search",
         kGroup,
         "Finds one marked entry among 2^n with about sqrt(2^n) questions to the oracle.",
         "Grover: A fast quantum mechanical algorithm for database search, 1996",
         {{"qubits", "Qubits", std::int64_t{4}, 2, 12},
          {"marked",
           "Marked entry",
           std::int64_t{3},
           0,
           (1 << 12) - 1,
           {},
           "What the search shall find; qubit 0 is its lowest bit"},
          {"rounds",
           "Rounds",
           std::int64_t{0},
           0,
           100,
           {},
           "0: as many as give the highest probability; more turn past the answer"}},
         grover},
        {"deutsch-jozsa",
         "Deutsch-Jozsa",
         kGroup,
         "One question tells a constant function (the result is 0) from a balanced one (the result is never 0).",
         "Deutsch, Jozsa: Rapid solution of problems by quantum computation, 1992",
         {{"qubits", "Qubits", std::int64_t{4}, 3, 22},
          {"function", "Function", std::string("balanced"), 0, 0, {"balanced", "constant-0", "constant-1"}},
          {"mask", "Mask", std::int64_t{5}, 0, (1 << 22) - 1, {}, "The balanced function is the parity of these bits"}},
         deutschJozsa},
        {"bernstein-vazirani",
         "Bernstein-Vazirani",
         kGroup,
         "One question reads out all bits of the secret of an oracle that tells parities.",
         "Bernstein, Vazirani: Quantum complexity theory, 1997",
         {{"qubits", "Qubits", std::int64_t{5}, 3, 22},
          {"secret",
           "Secret",
           std::int64_t{5},
           0,
           (1 << 22) - 1,
           {},
           "What the measurement returns; qubit 0 is its lowest bit"}},
         bernsteinVazirani},
        {"simon",
         "Simon's problem",
         kGroup,
         "Every result y has an even number of bits in common with the secret; n - 1 different ones determine it.",
         "Simon: On the power of quantum computation, 1997",
         {{"qubits", "Qubits", std::int64_t{3}, 2, 11},
          {"secret",
           "Secret",
           std::int64_t{3},
           1,
           (1 << 11) - 1,
           {},
           "The function has the same value for x and x + secret, bit by bit"}},
         simon}};
}

} // namespace qscope::engine::library
