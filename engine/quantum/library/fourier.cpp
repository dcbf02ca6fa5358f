// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/library/groups.h"
#include "engine/quantum/library/program_text.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine::library {

void writeFourier(ProgramText& text, std::span<const std::string> wires, FourierForm form) {
    std::vector<std::string> lines;
    const std::size_t n = wires.size();
    for (std::size_t j = n; j-- > 0;) {
        lines.push_back(fmt::format("h {};", wires[j]));
        for (std::size_t k = j; k-- > 0;) {
            if (static_cast<int>(j - k) > form.reach) continue;
            const auto half = std::int64_t{1} << (j - k);
            lines.push_back(fmt::format("cp({}) {}, {};", piFraction(form.inverse ? -1 : 1, half), wires[k], wires[j]));
        }
    }
    if (form.swaps)
        for (std::size_t i = 0; i < n / 2; ++i)
            lines.push_back(fmt::format("swap {}, {};", wires[i], wires[n - 1 - i]));
    if (form.inverse) std::ranges::reverse(lines);
    for (const auto& line : lines) text.line("{}", line);
}

namespace {

constexpr const char* kGroup = "Transforms";

Result<std::string> fourier(const LibraryValues& values) {
    const int n = values.integer("qubits"), input = values.integer("input");
    if (input >> n != 0) return fail(ErrorCode::OutOfRange, "input={} needs more than {} qubits", input, n);
    ProgramText text(2);
    text.qubits("q", n);
    for (int i = 0; i < n; ++i)
        if (input >> i & 1) text.line("x q[{}];", i);
    if (input != 0) text.line("barrier q;");
    writeFourier(text, elements("q", n), {values.flag("inverse"), values.flag("swaps"), values.integer("reach")});
    return text.take();
}

Result<std::string> phaseEstimation(const LibraryValues& values) {
    const int n = values.integer("counting");
    const double turns = values.real("phase");
    ProgramText text(2);
    text.qubits("count", n);
    text.qubits("eigenstate", 1);
    text.bits("answer", n);
    text.line("x eigenstate[0];");
    text.line("h count;");
    // The gate to the power 2^k turns by 2^k times the phase; whole turns are dropped, which is exact in binary.
    for (int k = 0; k < n; ++k)
        text.line("cp(2*pi*{}) count[{}], eigenstate[0];", std::fmod(std::ldexp(turns, k), 1.0), k);
    text.line("barrier count, eigenstate;");
    writeFourier(text, elements("count", n), {true});
    text.measure("count", "answer");
    return text.take();
}

} // namespace

std::vector<LibraryCircuit> fourierTransforms() {
    return {
        {"qft",
         "Quantum Fourier transform",
         kGroup,
         "Maps |x> to the equal superposition of all |y> with phases exp(2 pi i x y / 2^n), qubit 0 the lowest bit.",
         "Coppersmith: An approximate Fourier transform useful in quantum factoring, 1994",
         {{"qubits", "Qubits", std::int64_t{4}, 1, 24},
          {"input", "Input", std::int64_t{1}, 0, (1 << 24) - 1, {}, "The basis state that is transformed"},
          {"inverse", "Inverse", false},
          {"swaps",
           "Restore the order",
           true,
           0,
           0,
           {},
           "End (or, inverse, begin) with swaps; without them the bits are reversed"},
          {"reach",
           "Longest rotation",
           std::int64_t{24},
           1,
           24,
           {},
           "Rotations between qubits further apart are left out: fewer gates, a small error"}},
         fourier},
        {"phase-estimation",
         "Phase estimation",
         kGroup,
         "Reads the phase of a gate's eigenvalue into a register: the answer is the phase times 2^n, rounded.",
         "Kitaev: Quantum measurements and the Abelian stabilizer problem, 1995",
         {{"counting", "Counting qubits", std::int64_t{4}, 1, 16, {}, "Bits of the answer"},
          {"phase", "Phase", 0.3125, 0, 1, {}, "Of the eigenvalue exp(2 pi i phase)", "turns"}},
         phaseEstimation}};
}

} // namespace qscope::engine::library
