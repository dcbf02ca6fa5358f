// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/parser.h"

#include <fmt/format.h>

namespace qscope::engine::qasm3 {

namespace {

struct TypeName {
    std::string_view name;
    TypeKind kind;
    bool sized; ///< may carry a width
};
constexpr TypeName kTypes[] = {
    {"bit", TypeKind::Bit, true},         {"bool", TypeKind::Bool, false},         {"int", TypeKind::Int, true},
    {"uint", TypeKind::Uint, true},       {"float", TypeKind::Float, true},        {"angle", TypeKind::Angle, true},
    {"complex", TypeKind::Complex, false}, {"duration", TypeKind::Duration, false}, {"stretch", TypeKind::Stretch, false},
    {"array", TypeKind::Array, false},    {"qubit", TypeKind::Qubit, true}};

const TypeName* typeName(std::string_view word) {
    for (const TypeName& known : kTypes)
        if (known.name == word) return &known;
    return nullptr;
}

} // namespace

bool Parser::atType() const { return at(TokenKind::Identifier) && typeName(m_token.text); }

bool Parser::designator(ExpressionPtr& into, bool needed) {
    if (!at(TokenKind::LeftBracket)) return !needed || expect(TokenKind::LeftBracket, "'['");
    advance();
    into = expression(1);
    return into && expect(TokenKind::RightBracket, "']'");
}

/// `argument`: of a subroutine, where arrays and qubits may stand too.
std::unique_ptr<Type> Parser::type(bool argument) {
    auto result = std::make_unique<Type>();
    result->span = m_token.span;
    const bool access = argument && (atWord("readonly") || atWord("mutable"));
    if (access) advance();
    const TypeName* known = at(TokenKind::Identifier) ? typeName(m_token.text) : nullptr;
    if (!known || (access && known->kind != TypeKind::Array)) {
        m_messages.error(m_token.span, fmt::format("expected a type instead of '{}'", m_token.text.substr(0, 40)));
        return nullptr;
    }
    result->kind = known->kind;
    advance();
    if (known->kind == TypeKind::Array) return arrayType(*result, argument) ? std::move(result) : nullptr;
    if (known->sized && !designator(result->width, false)) return nullptr;
    if (known->kind == TypeKind::Complex && at(TokenKind::LeftBracket)) {
        advance();
        result->element = type(false);
        if (!result->element) return nullptr;
        // Old texts have whole numbers in there, inside calibrations, which are not read.
        if (result->element->kind != TypeKind::Float) {
            m_messages.error(result->element->span, "the parts of a complex number are of type float");
            return nullptr;
        }
        if (!expect(TokenKind::RightBracket, "']'")) return nullptr;
    }
    return result;
}

bool Parser::arrayType(Type& into, bool argument) {
    if (!expect(TokenKind::LeftBracket, "'[', the type and the extents of the array")) return false;
    into.element = type(false);
    if (!into.element) return false;
    if (into.element->kind == TypeKind::Array || into.element->kind == TypeKind::Qubit || into.element->kind == TypeKind::Stretch) {
        m_messages.error(into.element->span, "an array cannot have elements of this type");
        return false;
    }
    if (!expect(TokenKind::Comma, "',' and the array's extents")) return false;
    if (argument && at(TokenKind::Hash)) {
        advance();
        if (!atWord("dim")) return expect(TokenKind::End, "'dim' after '#'");
        advance();
        if (!expect(TokenKind::Assign, "'='") || !expression(1)) return false;
    } else if (!list(into.extents, TokenKind::RightBracket, 1)) {
        return false;
    } else {
        return true;
    }
    return expect(TokenKind::RightBracket, "']'");
}

/// Everything that introduces a variable, a constant, an input or qubits.
bool Parser::declaration(Declaration& into) {
    if (atWord("const")) into.role = Declaration::Role::Constant;
    else if (atWord("input")) into.role = Declaration::Role::Input;
    else if (atWord("output")) into.role = Declaration::Role::Output;
    if (into.role != Declaration::Role::Variable) advance();
    auto read = type(false);
    if (!read) return false;
    if (read->kind == TypeKind::Qubit && into.role != Declaration::Role::Variable) {
        m_messages.error(read->span, "qubits are neither constants, inputs nor outputs");
        return false;
    }
    into.type = std::move(*read);
    const auto id = name("a name");
    if (!id) return false;
    into.name = *id;
    const bool constant = into.role == Declaration::Role::Constant;
    const bool valued = constant || into.role == Declaration::Role::Variable;
    if (valued && into.type.kind != TypeKind::Qubit && (constant || at(TokenKind::Assign))) {
        if (!expect(TokenKind::Assign, "'=' and the constant's value")) return false;
        if (at(TokenKind::LeftBrace) && into.type.kind == TypeKind::Array) into.value = set(1, true);
        else into.value = atWord("measure") && !constant ? measure() : expression();
        if (!into.value) return false;
    }
    return endOfStatement();
}

bool Parser::oldRegister(Declaration& into) {
    into.type.kind = atWord("qreg") ? TypeKind::Qubit : TypeKind::Bit;
    into.type.span = m_token.span;
    advance();
    const auto id = name("a register's name");
    if (!id || !designator(into.type.width, false)) return false;
    into.name = *id;
    return endOfStatement();
}

} // namespace qscope::engine::qasm3
