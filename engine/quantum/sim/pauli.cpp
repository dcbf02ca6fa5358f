// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/simulation.h"

#include <algorithm>
#include <charconv>

namespace qscope::engine {

Result<std::vector<PauliFactor>> parsePauliFactors(std::string_view text, int qubits) {
    const std::string_view shown = text.substr(0, 80);
    std::vector<PauliFactor> factors;
    const auto letterOf = [](char letter) { return letter == 'I' || letter == 'X' || letter == 'Y' || letter == 'Z'; };
    const bool indexed = text.find_first_of("0123456789") != std::string_view::npos;
    if (!indexed) {
        if (text.size() != static_cast<std::size_t>(qubits))
            return fail(ErrorCode::OutOfRange, "'{}' has {} letters for {} qubits (write 'Z0 Z2' to name some of them)",
                        shown, text.size(), qubits);
        for (int qubit = 0; qubit < qubits; ++qubit) {
            const char letter = text[text.size() - 1 - static_cast<std::size_t>(qubit)];
            if (!letterOf(letter)) return fail(ErrorCode::Malformed, "'{}' has a letter other than I, X, Y, Z", shown);
            if (letter != 'I') factors.push_back({qubit, letter});
        }
        return factors;
    }
    std::vector<bool> seen(static_cast<std::size_t>(qubits));
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
        if (seen[static_cast<std::size_t>(qubit)])
            return fail(ErrorCode::Malformed, "'{}' names qubit {} twice", shown, qubit);
        seen[static_cast<std::size_t>(qubit)] = true;
        if (!letterOf(letter)) return fail(ErrorCode::Malformed, "'{}' has a letter other than I, X, Y, Z", shown);
        if (letter != 'I') factors.push_back({qubit, letter});
    }
    std::ranges::sort(factors, {}, &PauliFactor::qubit);
    return factors;
}

Result<PauliString> parsePauli(std::string_view text, int qubits) {
    if (qubits > 64) return fail(ErrorCode::OutOfRange, "Pauli strings reach to 64 qubits; the circuit has {}", qubits);
    QSCOPE_TRY(const auto factors, parsePauliFactors(text, qubits));
    PauliString pauli;
    for (const auto& [qubit, letter] : factors) {
        const std::uint64_t bit = std::uint64_t{1} << qubit;
        if (letter != 'Z') pauli.x |= bit;
        if (letter != 'X') pauli.z |= bit;
    }
    return pauli;
}

} // namespace qscope::engine
