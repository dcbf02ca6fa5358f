// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

namespace qscope::engine {

// Bit order, everywhere: qubit k is bit k of an amplitude's index, |q_{n-1} ... q_1 q_0>, qubit 0 rightmost when printed.
// A matrix for the arguments (a, b) has local index bit(a) + 2 bit(b): the first argument is the low bit, so `cx a,b`
// maps rows 0,1,2,3 to 0,3,2,1.
// Gates carry the phases of the widely used table: U(t,f,l) = [[cos t/2, -e^{il} sin t/2], [e^{if} sin t/2, e^{i(f+l)} cos t/2]],
// rz(t) = exp(-i t Z / 2), p(l) = diag(1, e^{il}). Global phase is kept in `Circuit::globalPhase` and ignored in comparisons.
// Several classical registers print with the last declared leftmost, a space between them.

/// The lowest `bits` bits of `value`, most significant first: (6, 4) gives "0110".
[[nodiscard]] inline std::string bitString(std::uint64_t value, int bits) {
    std::string text(static_cast<std::size_t>(bits), '0');
    for (int k = 0; k < bits; ++k)
        if (value >> k & 1u) text[static_cast<std::size_t>(bits - 1 - k)] = '1';
    return text;
}

} // namespace qscope::engine
