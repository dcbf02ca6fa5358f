// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/diagnostics.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace qscope::engine::qasm {

// What the grammar of OpenQASM 2 says, statement by statement, before names are looked up. Names point into the text.

enum class StepKind : std::uint8_t { Number, Name, Parameter, Negate, Add, Subtract, Multiply, Divide, Power, Call };
enum class Function : std::uint8_t { Sin, Cos, Tan, Exp, Ln, Sqrt, Asin, Acos, Atan };

/// One step of an expression in postfix order, so that neither evaluation nor destruction recurses.
struct ExpressionStep {
    StepKind kind = StepKind::Number;
    Function function = Function::Sin;
    double number = 0;
    std::string_view name; ///< Name, until it is bound to a formal parameter
    std::size_t parameter = 0;
    SourceSpan span;
};
struct Expression {
    std::vector<ExpressionStep> steps;
    SourceSpan span;
};

/// `name` or `name[index]`.
struct Argument {
    std::string_view name;
    std::optional<std::uint64_t> index;
    SourceSpan span;
};
struct Name {
    std::string_view text;
    SourceSpan span;
};

struct CallStatement {
    Name gate;
    std::vector<Expression> parameters;
    std::vector<Argument> arguments;
    SourceSpan span;
};
struct MeasureStatement {
    Argument from;
    Argument to;
    SourceSpan span;
};
struct ResetStatement {
    Argument target;
    SourceSpan span;
};
struct BarrierStatement {
    std::vector<Argument> arguments;
    SourceSpan span;
};
struct ConditionClause {
    Name creg;
    std::uint64_t value = 0;
};
/// Something done to qubits, possibly under a condition.
struct ActionStatement {
    std::optional<ConditionClause> condition;
    std::variant<CallStatement, MeasureStatement, ResetStatement, BarrierStatement> what;
};
struct RegisterStatement {
    bool quantum = false;
    Name name;
    std::uint64_t size = 0;
};
struct GateStatement {
    bool opaque = false;
    Name name;
    std::vector<Name> parameters;
    std::vector<Name> qubits;
    std::vector<std::variant<CallStatement, BarrierStatement>> body;
    SourceSpan span;
};
struct IncludeStatement {
    Name file;
};
struct VersionStatement {
    Name version;
};

using Statement = std::variant<VersionStatement, IncludeStatement, RegisterStatement, GateStatement, ActionStatement>;

} // namespace qscope::engine::qasm
