// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"

#include <functional>
#include <map>
#include <set>
#include <string>

namespace qscope::engine::qasm {

/// Names for a text: those of the circuit, changed where the version does not allow them or two would be the same.
class WrittenNames {
public:
    WrittenNames(const Circuit& circuit, int version);
    /// Registers, variables and inputs under their written names; no operations.
    [[nodiscard]] const Circuit& circuit() const { return m_names; }
    [[nodiscard]] std::string qubit(int qubit) const;
    [[nodiscard]] std::string bit(int clbit) const;
    /// A name near `wanted` that is not in use, which it then is.
    [[nodiscard]] std::string take(const std::string& wanted);

private:
    Circuit m_names;
    std::set<std::string> m_used;
    int m_version;
};

/// "(0.5,1)", empty without parameters; the shortest digits that read back the same.
[[nodiscard]] std::string writtenParameters(const std::vector<double>& parameters);

/// The definitions of the gates that a circuit calls, each written once, inner ones first.
class WrittenGates {
public:
    /// Writes one operation of a body on operands that are named by the function.
    using Naming = std::function<std::string(int qubit)>;
    using Line = std::function<Result<std::string>(const Operation& operation, const Naming& naming)>;
    WrittenGates(WrittenNames& names, Line line) : m_names(names), m_line(std::move(line)) {}

    /// The name under which a gate with this body is defined, after its definition has been written.
    [[nodiscard]] Result<std::string> define(const std::string& name, std::size_t parameters, const std::vector<int>& qubits,
                                             const std::vector<Operation>& body, double phase = 0);
    [[nodiscard]] const std::string& text() const { return m_text; }

private:
    WrittenNames& m_names;
    Line m_line;
    std::map<std::string, std::string> m_known; ///< the definition from its parameters on, by name: under which name
    std::string m_text;
};

} // namespace qscope::engine::qasm
