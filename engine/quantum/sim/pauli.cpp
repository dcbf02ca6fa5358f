// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/simulation.h"

#include <charconv>

namespace qscope::engine {

namespace {

bool set(PauliString& pauli, char letter, int qubit) {
    const std::uint64_t bit = std::uint64_t{1} << qubit;
    switch (letter) {
    case 'I': return true;
    case 'X': pauli.x |= bit; return true;
    case 'Y': pauli.x |= bit; pauli.z |= bit; return true;
    case 'Z': pauli.z |= bit; return true;
    default: return false;
    }
}

} // namespace

Result<PauliString> parsePauli(std::string_view text, int qubits) {
    if (qubits > 64) return fail(ErrorCode::OutOfRange, "Pauli strings reach to 64 qubits; the circuit has {}", qubits);
    const std::string_view shown = text.substr(0, 80);
    PauliString pauli;
    const bool indexed = text.find_first_of("0123456789") != std::string_view::npos;
    if (!indexed) {
        if (text.size() != static_cast<std::size_t>(qubits))
            return fail(ErrorCode::OutOfRange, "'{}' has {} letters for {} qubits (write 'Z0 Z2' to name some of them)", shown,
                        text.size(), qubits);
        for (int qubit = 0; qubit < qubits; ++qubit)
            if (!set(pauli, text[text.size() - 1 - static_cast<std::size_t>(qubit)], qubit))
                return fail(ErrorCode::Malformed, "'{}' has a letter other than I, X, Y, Z", shown);
        return pauli;
    }
    std::uint64_t seen = 0;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == ' ') {
            ++at;
            continue;
        }
        const char letter = text[at++];
        int qubit = -1;
        const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), qubit);
        if (error != std::errc{} || qubit < 0)
            return fail(ErrorCode::Malformed, "'{}' is neither like 'ZZI' nor like 'Z0 Z2'", shown);
        at = static_cast<std::size_t>(end - text.data());
        if (qubit >= qubits) return fail(ErrorCode::OutOfRange, "'{}' names qubit {} of {}", shown, qubit, qubits);
        if (seen >> qubit & 1) return fail(ErrorCode::Malformed, "'{}' names qubit {} twice", shown, qubit);
        seen |= std::uint64_t{1} << qubit;
        if (!set(pauli, letter, qubit)) return fail(ErrorCode::Malformed, "'{}' has a letter other than I, X, Y, Z", shown);
    }
    return pauli;
}

} // namespace qscope::engine
