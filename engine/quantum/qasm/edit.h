// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "engine/quantum/circuit.h"

#include <string_view>

namespace qscope::engine {

// Changes of a circuit's drawing as changes of its text, so that everything else in the text stays as it is. All take
// the text that the circuit was parsed from; positions count bytes.

/// Replaces the bytes [begin, end).
struct TextEdit {
    std::size_t begin = 0, end = 0;
    std::string text;
};
/// Edits of the same text, which do not overlap, made at once.
[[nodiscard]] std::string applied(std::string_view text, std::vector<TextEdit> edits);

/// A statement at top level, with its condition, body and semicolon.
struct StatementRange {
    std::size_t begin = 0, end = 0;
};
[[nodiscard]] std::vector<StatementRange> statementsOf(std::string_view text);

/// "q[2]", "$2"
[[nodiscard]] std::string qubitText(std::string_view text, const Circuit& circuit, int qubit);

/// A statement for a gate by name with parameters as written, or "measure", "reset", "barrier", in front of the
/// statement of operation `before` (their number: at the end). A measurement goes into the first classical bit that
/// none goes to, or into a new register.
[[nodiscard]] Result<std::vector<TextEdit>> insertOperation(std::string_view text, const Circuit& circuit,
                                                            std::size_t before, std::string_view gate,
                                                            const std::vector<std::string>& parameters,
                                                            const std::vector<int>& qubits);

/// Without this operation. A statement on whole registers is written out for the qubits that are left. Unsupported,
/// with the line, when loops or blocks make the operation.
[[nodiscard]] Result<std::vector<TextEdit>> removeOperation(std::string_view text, const Circuit& circuit,
                                                            std::size_t operation);

/// The operation on other qubits, and in front of the statement of operation `before` where that is another place.
[[nodiscard]] Result<std::vector<TextEdit>> moveOperation(std::string_view text, const Circuit& circuit,
                                                          std::size_t operation, std::size_t before,
                                                          const std::vector<int>& qubits);

/// A parameter that is written as a number: no input, variable or gate parameter in it.
struct LiteralAngle {
    int index = 0; ///< of the operation's parameter
    std::size_t begin = 0, end = 0;
    double value = 0;
};
[[nodiscard]] std::vector<LiteralAngle> literalAngles(std::string_view text, const Circuit& circuit,
                                                      std::size_t operation);

/// "3*pi/4" for multiples of pi/48, else the shortest number that reads back.
[[nodiscard]] std::string writtenAngle(double radians);

/// The qubits that an operation is on, in the order in which it names them; empty for branches and loops.
[[nodiscard]] std::vector<int> qubitsOf(const Operation& operation);

} // namespace qscope::engine
