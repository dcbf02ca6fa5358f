// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/state.h"
#include "engine/core/json.h"
#include "engine/core/run_context.h"

#include <complex>
#include <span>
#include <string>
#include <vector>

namespace qscope::engine {

struct PauliTerm {
    PauliString string;
    double coefficient = 0;
};

/// A Hermitian operator as a sum of Pauli strings with real coefficients, each string once, in the order of first mention.
struct PauliSum {
    int qubits = 0;
    std::vector<PauliTerm> terms;
};

/// "0.5 * ZZ - 1.2 X0 + 3": terms with an optional number, then a string as in `parsePauli` (none: the identity). A new line begins a
/// term too, and '#' a comment. With `qubits` 0 the number follows from the text: the length of its strings, or the highest index.
[[nodiscard]] Result<PauliSum> parsePauliSum(std::string_view text, int qubits = 0);
/// {"qubits": 2, "terms": [["ZZ", 0.5], ["X0", -1.2]]}
[[nodiscard]] Result<PauliSum> pauliSumFromJson(const Json& json);
[[nodiscard]] std::string toText(const PauliSum& sum);
[[nodiscard]] Json toJson(const PauliSum& sum);

/// "ZXI" for n qubits, qubit 0 rightmost.
[[nodiscard]] std::string letters(const PauliString& string, int qubits);

/// Equal strings joined, zeros left out.
[[nodiscard]] PauliSum simplified(PauliSum sum);

/// out = H in for 2^qubits amplitudes each.
[[nodiscard]] Result<void> applySum(const PauliSum& sum, std::span<const std::complex<double>> in, std::span<std::complex<double>> out,
                                    const RunContext& context);
/// All of it, row-major; OutOfMemory or OutOfRange (above 12 qubits) before anything is allocated.
[[nodiscard]] Result<std::vector<std::complex<double>>> denseMatrix(const PauliSum& sum);

/// Indices of terms that can be measured together: on every qubit the strings of a group agree or are the identity. Greedy, largest
/// coefficients first.
[[nodiscard]] std::vector<std::vector<std::size_t>> qubitwiseGroups(const PauliSum& sum);
/// The same for strings that commute as a whole: fewer groups, whose measurement needs entangling gates.
[[nodiscard]] std::vector<std::vector<std::size_t>> commutingGroups(const PauliSum& sum);

} // namespace qscope::engine
