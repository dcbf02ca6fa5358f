// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/read_limits.h"
#include "engine/quantum/gates.h"
#include "engine/quantum/qasm/messages.h"
#include "engine/quantum/qasm3/piece.h"
#include "engine/quantum/qasm3/syntax.h"

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>

namespace qscope::engine::qasm3 {

using qasm::Messages;

/// Runs a program as far as it can be known while it is read, and writes down the circuit that is left: loops over known
/// values are unrolled, subroutines and gates opened, classical values computed. What depends on measurements becomes
/// `Control` operations and classical variables of the circuit.
///
/// A variable is known, or it lives in the circuit. Before a body that a run may skip or repeat, all variables that the
/// body assigns to are moved into the circuit; inside, only what was declared inside can be known.
class Compiler {
public:
    Compiler(Messages& messages, const ReadLimits& limits, std::uint64_t hardwareQubits);
    void add(Statement statement);
    [[nodiscard]] Circuit finish(std::string version);

private:
    using QubitList = std::shared_ptr<const std::vector<int>>;
    struct Variable {
        Name name;
        ScalarType type; ///< bits: the width is the register's size, of any length
        std::optional<Value> known;
        int slot = -1;   ///< index into `Circuit::variables`
        int first = -1;  ///< bits: the first classical bit
        int depth = 0;   ///< of run-time bodies around its declaration
        bool constant = false;
        bool outermost = false;
        bool outcome = false; ///< bits that are part of the outcome: what is assigned is always written
    };
    struct Symbol {
        enum class Kind : std::uint8_t { Variable, Qubits, Kept }; ///< Kept: arrays and the like, which do not run
        Kind kind = Kind::Variable;
        Variable variable;
        QubitList qubits;
        bool single = false; ///< one qubit, no register
        std::string what;    ///< Kept: "array 'a'"
        ScalarType type;     ///< Kept: of an element
        std::vector<std::int64_t> extents;
    };
    /// Operations that a body comes to. Uncertain: at least so many, and only running it shows the rest.
    struct Count {
        std::uint64_t operations = 0;
        bool certain = true;
    };
    struct Gate {
        GateDefinition source;
        Count count; ///< of one call
        const GateInfo* table = nullptr; ///< the table has the very same gate
        bool open = false;               ///< being opened: a call would call itself
    };
    struct Function {
        Subroutine source;
        Count count; ///< of one call
        bool open = false;
    };
    /// How a statement ended. Dead: a run leaves here, what follows in the body cannot be reached.
    enum class Flow : std::uint8_t { Next, Break, Continue, Return, End, Dead };
    struct Loop {
        int depth = 0;        ///< of run-time bodies, inside
        bool runtime = false; ///< repeats while it runs
    };
    struct Call {
        int depth = 0;
        std::size_t loops = 0; ///< around the call
        std::optional<Variable> result;
        SourceSpan site;
        bool leaves = false; ///< returns from a run-time body
        bool returned = false;
    };
    using Scope = std::unordered_map<std::string_view, Symbol>;

    // compiler.cpp: statements and scopes
    Flow run(const Body& body, bool scoped = true);
    Flow execute(const Statement& statement);
    Flow execute(const Include& include);
    Flow execute(const Alias& alias);
    Flow execute(const Ignored& ignored);
    Flow execute(const Block& block) { return run(*block.body); }
    Flow execute(const ExpressionStatement& statement);
    [[nodiscard]] Symbol* find(std::string_view name);
    [[nodiscard]] Symbol* declare(const Name& name);
    void unknownName(const Name& name, const char* what);
    void error(const SourceSpan& span, std::string message, std::string suggestion = {}) {
        m_messages.error(span, std::move(message), std::move(suggestion));
    }
    template<class T>
    [[nodiscard]] std::optional<T> checked(Result<T> result, const SourceSpan& span) {
        if (result) return std::move(*result);
        error(span, result.error().message);
        return std::nullopt;
    }

    // compiler_budget.cpp: what a program may cost
    /// While one lives, what runs and what it emits is taken from the smaller budget of what nobody could count before.
    class Uncounted {
    public:
        Uncounted(Compiler& compiler, bool certain, const SourceSpan& span);
        ~Uncounted() { m_compiler.m_uncounted -= m_counts; }
        Uncounted(const Uncounted&) = delete;
        Uncounted& operator=(const Uncounted&) = delete;

    private:
        Compiler& m_compiler;
        int m_counts;
    };
    /// How many qubits a name stands for in a body that is counted; nothing: that is not known yet.
    using Sizes = std::function<std::optional<std::uint64_t>(std::string_view)>;
    [[nodiscard]] Count countOf(const Body& body, const Sizes& sizes);
    [[nodiscard]] Sizes sizesHere(const Body& body);
    [[nodiscard]] bool calls(const Expression* expression);
    [[nodiscard]] bool knows(const Expression* expression);
    [[nodiscard]] std::uint64_t left() const;
    /// Whether `count` times `each` more operations fit, asked before they are made.
    [[nodiscard]] bool reserve(std::uint64_t count, std::uint64_t each);
    /// Takes work that leaves no operation behind from the budget.
    [[nodiscard]] bool charge(std::uint64_t steps);
    [[nodiscard]] bool spend(std::uint64_t work);
    void emit(Operation operation);

    // compiler_declarations.cpp: declarations and assignments
    Flow execute(const Declaration& declaration);
    Flow execute(const Assignment& assignment);
    void declareQubits(const Declaration& declaration);
    void declareKept(const Declaration& declaration);
    void putBit(Variable& variable, int position, const Value& bit, const SourceSpan& span);

    // compiler_variables.cpp: where values live
    [[nodiscard]] std::optional<ScalarType> typeOf(const Type& type);
    [[nodiscard]] int newRegister(const std::string& name, int size, bool local);
    [[nodiscard]] int siteRegister(std::size_t site, const std::string& name, int size);
    void store(Variable& variable, const Value& value, const SourceSpan& span);
    void give(Variable& variable);
    [[nodiscard]] static ClassicalStep place(const Variable& variable);
    void demote(const Body& body);
    void assign(const ClassicalStep& target, const Value& value, const SourceSpan& span);
    [[nodiscard]] Value load(const Variable& variable);

    // compiler_expressions.cpp
    [[nodiscard]] std::optional<Value> value(const Expression& expression, bool whole = false);
    [[nodiscard]] std::optional<Value> named(const Expression& expression);
    [[nodiscard]] std::optional<Value> indexed(const Expression& expression);
    [[nodiscard]] std::optional<Value> called(const Expression& expression, bool whole);
    [[nodiscard]] std::optional<Value> kept(const Symbol& symbol, const SourceSpan& span);
    [[nodiscard]] std::optional<std::int64_t> integer(const Expression& expression, const char* what);
    /// The positions that an index, a range or a set picks out of `size`.
    [[nodiscard]] std::optional<std::vector<int>> picked(const Expression& index, int size, std::string_view of);
    [[nodiscard]] std::optional<std::vector<std::int64_t>> sequence(const Expression& range);

    // compiler_control.cpp
    Flow execute(const If& statement);
    Flow execute(const For& statement);
    Flow execute(const While& statement);
    Flow execute(const Switch& statement);
    Flow execute(const Jump& jump);
    Flow branch(const Value& condition, const Body& then, const Body* otherwise, const SourceSpan& span);
    [[nodiscard]] std::vector<Operation> runtimeBody(const Body& body, bool scoped = true);
    void emitControl(Control control, const SourceSpan& span);
    [[nodiscard]] bool asConditions(const Value& condition, std::vector<Operation>& body);
    [[nodiscard]] bool leavesAtRunTime(const Body& body, const Expression* condition);

    // compiler_quantum.cpp
    Flow execute(const Measurement& measurement);
    Flow execute(const Reset& reset);
    Flow execute(const Barrier& barrier);
    Flow execute(const Delay& delay);
    [[nodiscard]] std::optional<Symbol> qubits(const Expression& expression);
    /// Bits of a variable that a measurement or an assignment writes; no variable: into nothing.
    struct Bits {
        Variable* variable = nullptr;
        std::vector<int> positions;
    };
    [[nodiscard]] std::optional<Bits> bits(const Expression& expression);
    [[nodiscard]] std::optional<std::vector<int>> measured(const Expression& from);
    void measure(const std::vector<int>& from, const Bits& to, const SourceSpan& span);

    // compiler_gates.cpp
    Flow execute(const GateCall& call);
    Flow execute(const GateDefinition&) { return Flow::Next; }
    void define(GateDefinition definition);
    [[nodiscard]] const GateInfo* tableGate(const Name& name);
    [[nodiscard]] const GateInfo* sameGate(const Gate& gate, const SourceSpan& span);
    struct Shape {
        std::size_t parameters = 0;
        std::size_t qubits = 0;
        Count count{1};
    };
    [[nodiscard]] std::optional<Shape> shapeOf(const Name& name);
    [[nodiscard]] std::optional<std::vector<std::pair<Modifier::Kind, double>>> modifiersOf(const GateCall& call, std::size_t& controls);
    [[nodiscard]] std::optional<Piece> piece(const Name& name, const std::vector<Value>& parameters, std::vector<int> qubits,
                                             const SourceSpan& span);
    [[nodiscard]] std::optional<Piece> opened(Gate& gate, const std::vector<Value>& parameters, std::vector<int> qubits,
                                              const SourceSpan& span);
    void append(Piece piece);

    // compiler_subroutines.cpp
    Flow execute(const Subroutine&) { return Flow::Next; }
    Flow execute(const Return& statement);
    void define(Subroutine subroutine);
    /// Nothing after a message; the value of a subroutine without result is false.
    [[nodiscard]] std::optional<Value> call(Function& function, const std::vector<const Expression*>& arguments,
                                            const SourceSpan& span, bool whole);
    [[nodiscard]] bool bindArgument(const SubroutineParameter& parameter, const Expression& argument, Scope& into);

    [[nodiscard]] std::string qubitName(int qubit) const;

    Messages& m_messages;
    const ReadLimits& m_limits;
    Circuit m_circuit;
    std::deque<Scope> m_scopes; ///< the first is the global one
    std::size_t m_base = 0;     ///< names between the global scope and this one are out of sight
    std::unordered_map<std::string_view, Gate> m_gates;
    std::unordered_map<std::string_view, Function> m_functions;
    std::vector<Operation>* m_into = nullptr;
    Value m_phase = number(0); ///< of the gate being opened
    std::vector<Loop> m_loops;
    std::vector<Call> m_calls;
    std::map<std::pair<std::size_t, int>, int> m_sites; ///< storage of local bits by where they are declared
    std::map<std::size_t, int> m_slots;                 ///< and of other variables
    std::set<std::string> m_names;                      ///< of registers and variables of the circuit
    SourceSpan m_span;                                  ///< of the statement that runs
    std::uint64_t m_steps = 0;
    std::uint64_t m_operations = 0;
    std::uint64_t m_spent = 0; ///< of what is not counted before
    int m_uncounted = 0;
    SourceSpan m_outermost; ///< of what is not counted
    int m_depth = 0;    ///< of run-time bodies
    int m_opening = 0;  ///< of gates
    bool m_looking = false; ///< at a gate's body, with parameters that nobody gave
    std::uint64_t m_looked = 0;
    bool m_ended = false;
    bool m_included = false;
    std::vector<Statement> m_kept; ///< declarations that definitions point into
};

} // namespace qscope::engine::qasm3
