// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/diagnostics.h"
#include "engine/quantum/classical.h"

#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace qscope::engine::qasm3 {

// What the grammar of OpenQASM 3 says, before names are looked up. Names point into the text. Expressions and bodies nest
// no deeper than the parser allows, so that walking them may recurse.

struct Name {
    std::string_view text;
    SourceSpan span;
};

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

enum class TypeKind : std::uint8_t { Bit, Bool, Int, Uint, Float, Angle, Complex, Duration, Stretch, Array, Qubit };
struct Type {
    TypeKind kind = TypeKind::Float;
    ExpressionPtr width;                ///< or the size of a qubit register
    std::unique_ptr<Type> element;      ///< Array
    std::vector<ExpressionPtr> extents; ///< Array; none when only the number of dimensions is given
    SourceSpan span;
};

enum class ExpressionKind : std::uint8_t {
    Integer, Real, Imaginary, Boolean, BitString, Timing, Name, HardwareQubit,
    Unary, Binary,
    Call,    ///< `text` is the function
    Cast,    ///< to `type`
    Index,   ///< parts: what is indexed, then one index, range or set for each dimension
    Set,     ///< {1, 5, 9}, also of arrays
    Range,   ///< parts: start, step, stop; null where left out
    Measure, ///< part: the qubits
    DurationOf
};
struct Expression {
    ExpressionKind kind = ExpressionKind::Integer;
    SourceSpan span;
    std::string_view text;
    ClassicalOp op = ClassicalOp::Constant;
    std::uint64_t integer = 0; ///< also the index of a hardware qubit, or 1 for `true`
    double real = 0;           ///< Timing: seconds, not a number for multiples of `dt`
    std::unique_ptr<Type> type;
    std::vector<ExpressionPtr> parts;
    int height = 1; ///< longest way to a leaf
};

struct Statement;
using Body = std::vector<Statement>;

struct Include {
    Name file;
};
struct Declaration {
    enum class Role : std::uint8_t { Variable, Constant, Input, Output };
    Role role = Role::Variable;
    Type type; ///< also Qubit
    Name name;
    ExpressionPtr value;
    bool local = false; ///< annotated as no part of the outcome
};
struct Alias {
    Name name;
    ExpressionPtr value;
};
struct Assignment {
    ExpressionPtr target;
    std::optional<ClassicalOp> op; ///< of `+=` and the like
    ExpressionPtr value;
};
struct Measurement {
    ExpressionPtr from;
    ExpressionPtr to; ///< or null: measured into nothing
};
struct Reset {
    ExpressionPtr target;
};
struct Barrier {
    std::vector<ExpressionPtr> operands;
};
struct Delay {
    ExpressionPtr duration;
    std::vector<ExpressionPtr> operands;
};
struct Modifier {
    enum class Kind : std::uint8_t { Control, NegatedControl, Inverse, Power };
    Kind kind = Kind::Control;
    ExpressionPtr argument; ///< null: one control
    SourceSpan span;
};
struct GateCall {
    std::vector<Modifier> modifiers;
    Name gate; ///< also `gphase`
    std::vector<ExpressionPtr> parameters;
    std::vector<ExpressionPtr> operands;
};
struct GateDefinition {
    Name name;
    std::vector<Name> parameters;
    std::vector<Name> qubits;
    std::shared_ptr<const Body> body;
};
struct SubroutineParameter {
    Type type; ///< Qubit for quantum arguments
    Name name;
};
struct Subroutine {
    Name name;
    std::vector<SubroutineParameter> parameters;
    std::optional<Type> result;
    std::shared_ptr<const Body> body; ///< null: `extern`
};
struct If {
    ExpressionPtr condition;
    std::shared_ptr<const Body> then;
    std::shared_ptr<const Body> otherwise; ///< or null
};
struct For {
    std::optional<Type> type; ///< older texts leave it out
    Name variable;
    ExpressionPtr range;
    std::shared_ptr<const Body> body;
};
struct While {
    ExpressionPtr condition;
    std::shared_ptr<const Body> body;
};
struct SwitchCase {
    std::vector<ExpressionPtr> values; ///< none: default
    std::shared_ptr<const Body> body;
};
struct Switch {
    ExpressionPtr value;
    std::vector<SwitchCase> cases;
};
struct Jump {
    enum class Kind : std::uint8_t { Break, Continue, End };
    Kind kind = Kind::Break;
};
struct Return {
    ExpressionPtr value; ///< or null
};
struct Block {
    std::shared_ptr<const Body> body;
};
struct ExpressionStatement {
    ExpressionPtr value;
};
/// Something that is read over: calibrations, pragmas, annotations.
struct Ignored {
    std::string_view what;
    std::uint64_t qubits = 0; ///< as many hardware qubits as it names
};

struct Statement {
    std::variant<Include, Declaration, Alias, Assignment, Measurement, Reset, Barrier, Delay, GateCall, GateDefinition,
                 Subroutine, If, For, While, Switch, Jump, Return, Block, ExpressionStatement, Ignored>
        what;
    SourceSpan span;
};

} // namespace qscope::engine::qasm3
