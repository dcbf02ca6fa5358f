// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/library/groups.h"
#include "engine/quantum/library/program_text.h"

#include <string>

namespace qscope::engine::library {

namespace {

/// Multiplies the four bits of `work` by `factor` modulo 15 when `control` is set. A power of two rotates the bits; its
/// negative also flips all of them, since -y is 15 - y. Zero, which that would miss, never occurs: the work starts
/// at 1.
void writeMultiplication(ProgramText& text, int factor, const std::string& control) {
    const bool negative = factor == 7 || factor == 11 || factor == 13 || factor == 14;
    const int power = negative ? 15 - factor : factor;
    using Pairs = std::vector<std::pair<int, int>>;
    const Pairs swaps = power == 2   ? Pairs{{2, 3}, {1, 2}, {0, 1}}
                        : power == 4 ? Pairs{{0, 2}, {1, 3}}
                        : power == 8 ? Pairs{{0, 1}, {1, 2}, {2, 3}}
                                     : Pairs{};
    for (const auto& [a, b] : swaps) text.line("cswap {}, work[{}], work[{}];", control, a, b);
    if (negative)
        for (int i = 0; i < 4; ++i) text.line("cx {}, work[{}];", control, i);
}

Result<std::string> shor15(const LibraryValues& values) {
    const int n = values.integer("counting");
    const int base = std::stoi(values.choice("base"));
    ProgramText text(2);
    text.qubits("count", n);
    text.qubits("work", 4);
    text.bits("answer", n);
    text.line("x work[0];");
    text.line("h count;");
    for (int k = 0, factor = base; k < n; ++k, factor = factor * factor % 15)
        writeMultiplication(text, factor, element("count", k));
    text.line("barrier count, work;");
    writeFourier(text, elements("count", n), {true});
    text.measure("count", "answer");
    return text.take();
}

} // namespace

std::vector<LibraryCircuit> orderFinding() {
    return {{"shor-15",
             "Shor's order finding for 15",
             "Number theory",
             "Results are multiples of 2^n / r, where r is the order of the base modulo 15; from it follow the factors "
             "3 and 5.",
             "Shor: Algorithms for quantum computation, 1994; Vandersypen et al.: Experimental realization of Shor's "
             "algorithm, 2001",
             {{"base",
               "Base",
               std::string("7"),
               0,
               0,
               {"2", "4", "7", "8", "11", "13", "14"},
               "Coprime to 15; 7 has the order 4"},
              {"counting", "Counting qubits", std::int64_t{4}, 2, 12, {}, "Bits of the answer"}},
             shor15}};
}

} // namespace qscope::engine::library
