// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/library/groups.h"
#include "engine/quantum/library/program_text.h"

#include <algorithm>
#include <map>
#include <numbers>

namespace qscope::engine::library {

namespace {

/// A stabilizer code. Generators are Pauli strings with qubit 0 at the left. `encoder` takes the state of `input` and
/// zeros to the code; all its gates but `s` are their own inverses.
struct Code {
    int qubits;
    int input;
    std::string errors; ///< which single errors it corrects
    std::vector<std::string> generators;
    std::vector<std::string> encoder; ///< "cx 0 3"
};

const Code kBitFlip{3, 0, "X", {"ZZI", "IZZ"}, {"cx 0 1", "cx 0 2"}};
const Code kPhaseFlip{3, 0, "Z", {"XXI", "IXX"}, {"cx 0 1", "cx 0 2", "h 0", "h 1", "h 2"}};
const Code kShor{
    9,
    0,
    "XYZ",
    {"ZZIIIIIII", "IZZIIIIII", "IIIZZIIII", "IIIIZZIII", "IIIIIIZZI", "IIIIIIIZZ", "XXXXXXIII", "IIIXXXXXX"},
    {"cx 0 3", "cx 0 6", "h 0", "h 3", "h 6", "cx 0 1", "cx 0 2", "cx 3 4", "cx 3 5", "cx 6 7", "cx 6 8"}};
// The logical X on qubits 2, 4 and 5 spreads the state; then one of the X generators is added from each of 0, 1 and 3.
const Code kSteane{7,
                   2,
                   "XYZ",
                   {"IIIXXXX", "IXXIIXX", "XIXIXIX", "IIIZZZZ", "IZZIIZZ", "ZIZIZIZ"},
                   {"cx 2 4", "cx 2 5", "h 0", "cx 0 2", "cx 0 4", "cx 0 6", "h 1", "cx 1 2", "cx 1 5", "cx 1 6", "h 3",
                    "cx 3 4", "cx 3 5", "cx 3 6"}};
// The generators YZIZY, IXZZX, ZZXIX and ZIZYY, products of those below, are added from qubits 0 to 3; controlled Z on
// qubits that are still zero is left out.
const Code kFive{5,
                 4,
                 "XYZ",
                 {"XZZXI", "IXZZX", "XIXZZ", "ZXIXZ"},
                 {"h 0", "s 0", "cy 0 4", "h 1", "cx 1 4", "h 2", "cz 2 0", "cz 2 1", "cx 2 4", "h 3", "s 3", "cz 3 0",
                  "cz 3 2", "cy 3 4"}};

/// Bit i: the error of this kind on this qubit anticommutes with generator i.
int syndromeOf(const Code& code, char error, int qubit) {
    int syndrome = 0;
    for (std::size_t i = 0; i < code.generators.size(); ++i) {
        const char at = code.generators[i][static_cast<std::size_t>(qubit)];
        if (at != 'I' && at != error) syndrome |= 1 << i;
    }
    return syndrome;
}

char lower(char letter) { return static_cast<char>(letter - 'A' + 'a'); }

void writeGates(ProgramText& text, const std::vector<std::string>& gates, bool inverse) {
    std::vector<std::string> ordered = gates;
    if (inverse) std::ranges::reverse(ordered);
    for (const auto& gate : ordered) {
        const auto first = gate.find(' '), second = gate.find(' ', first + 1);
        std::string name = gate.substr(0, first);
        if (inverse && name == "s") name = "sdg";
        if (second == gate.npos)
            text.line("{} data[{}];", name, gate.substr(first + 1));
        else
            text.line("{} data[{}], data[{}];", name, gate.substr(first + 1, second - first - 1),
                      gate.substr(second + 1));
    }
}

/// Measures each generator with one helper qubit, reset in between.
void writeSyndrome(ProgramText& text, const Code& code) {
    for (std::size_t i = 0; i < code.generators.size(); ++i) {
        if (i > 0) text.line("reset helper[0];");
        text.line("h helper[0];");
        for (int qubit = 0; qubit < code.qubits; ++qubit) {
            const char letter = code.generators[i][static_cast<std::size_t>(qubit)];
            if (letter != 'I') text.line("c{} helper[0], data[{}];", lower(letter), qubit);
        }
        text.line("h helper[0];");
        text.line("measure helper[0] -> syndrome[{}];", i);
    }
}

void writeCorrections(ProgramText& text, const Code& code) {
    std::map<int, std::pair<char, int>>
        fixes; // errors with the same syndrome differ by a generator: one fix serves all
    for (int qubit = 0; qubit < code.qubits; ++qubit)
        for (const char error : code.errors) fixes.try_emplace(syndromeOf(code, error, qubit), error, qubit);
    for (const auto& [syndrome, fix] : fixes)
        text.line("if (syndrome == {}) {} data[{}];", syndrome, lower(fix.first), fix.second);
}

Result<std::string> program(const Code& code, const LibraryValues& values) {
    const std::string& error = values.choice("error");
    const int on = values.integer("on");
    ProgramText text(2);
    text.qubits("data", code.qubits);
    text.qubits("helper", 1);
    text.bits("syndrome", static_cast<int>(code.generators.size()));
    text.bits("result", 1);
    text.line("ry({}) data[{}];", values.real("theta"), code.input);
    text.line("rz({}) data[{}];", values.real("phi"), code.input);
    writeGates(text, code.encoder, false);
    text.line("barrier data, helper;");
    if (error != "none") {
        text.line("{} data[{}];", error, on);
        text.line("barrier data, helper;");
    }
    writeSyndrome(text, code);
    writeCorrections(text, code);
    text.line("barrier data, helper;");
    writeGates(text, code.encoder, true);
    text.line("rz({}) data[{}];", -values.real("phi"), code.input);
    text.line("ry({}) data[{}];", -values.real("theta"), code.input);
    text.line("measure data[{}] -> result[0];", code.input);
    return text.take();
}

LibraryCircuit described(const Code& code, std::string id, std::string name, std::string corrects,
                         std::string reference) {
    std::vector<std::string> errors{"none"};
    for (const char error : code.errors) errors.emplace_back(1, lower(error));
    return {std::move(id),
            std::move(name),
            "Error correction",
            "Encodes a state, damages one qubit, measures the syndrome, corrects and decodes: the result is 0. " +
                corrects,
            std::move(reference),
            {{"theta", "Polar angle", 1.2, 0, std::numbers::pi, {}, "Of the encoded state on the Bloch sphere", "rad"},
             {"phi", "Azimuth", 0.7, 0, 2 * std::numbers::pi, {}, "Of the encoded state on the Bloch sphere", "rad"},
             {"error", "Error", errors.back(), 0, 0, errors, "What happens to one qubit"},
             {"on", "On qubit", std::int64_t{1}, 0, static_cast<double>(code.qubits - 1)}},
            [&code](const LibraryValues& values) { return program(code, values); }};
}

} // namespace

std::vector<LibraryCircuit> codes() {
    return {described(kBitFlip, "bit-flip-code", "Bit-flip code", "Corrects one X on any of three qubits.",
                      "Nielsen, Chuang: Quantum Computation and Quantum Information, 10.1.1"),
            described(kPhaseFlip, "phase-flip-code", "Phase-flip code", "Corrects one Z on any of three qubits.",
                      "Nielsen, Chuang: Quantum Computation and Quantum Information, 10.1.2"),
            described(kShor, "shor-code", "Shor's nine-qubit code", "Corrects any error on any one of nine qubits.",
                      "Shor: Scheme for reducing decoherence in quantum computer memory, 1995"),
            described(kSteane, "steane-code", "Steane's seven-qubit code",
                      "Corrects any error on any one of seven qubits.",
                      "Steane: Multiple-particle interference and quantum error correction, 1996"),
            described(kFive, "five-qubit-code", "Five-qubit code",
                      "The smallest code that corrects any error on any one qubit.",
                      "Laflamme, Miquel, Paz, Zurek: Perfect quantum error correcting code, 1996")};
}

} // namespace qscope::engine::library
