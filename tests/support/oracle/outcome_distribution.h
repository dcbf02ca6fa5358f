// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/oracle/dense_circuit.h"

#include <map>
#include <string>

namespace qscope::test::oracle {

/// Probabilities of everything that a circuit's classical registers may print in the end, following every branch of
/// every measurement, reset and condition by definition; of all qubits when the circuit measures nothing.
[[nodiscard]] std::map<std::string, double> outcomeDistribution(const engine::Circuit& circuit);

/// The statistic of counts against a distribution, and how many outcomes (of at least five expected counts) it sums
/// over.
struct ChiSquare {
    double value = 0;
    int cells = 0;
    bool impossible = false; ///< something of probability 0 was counted
};
[[nodiscard]] ChiSquare chiSquare(const std::map<std::string, double>& distribution,
                                  const std::map<std::string, std::int64_t>& counts);

/// <state| P |state> for a string such as "ZXI", qubit 0 rightmost.
[[nodiscard]] double expectation(const std::string& pauli, const Vector& state);

} // namespace qscope::test::oracle
