// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/later.h"

#include <algorithm>
#include <set>

namespace qscope::engine::qasm3 {

namespace {

/// Walks a body again and again until no further name turns out to be known only later.
class Search {
public:
    Search(const std::function<bool(std::string_view)>& later, const std::function<bool(std::string_view)>& function)
        : m_later(later), m_function(function) {}

    bool run(const Body& body, const Expression* condition) {
        std::size_t before = 0;
        do {
            before = m_names.size();
            if (condition && depends(*condition)) return true;
            walk(body, false, true);
        } while (!m_leaves && m_names.size() != before);
        return m_leaves;
    }

private:
    bool depends(const Expression& expression) const {
        if (expression.kind == ExpressionKind::Measure) return true;
        if (expression.kind == ExpressionKind::Call && m_function(expression.text)) return true;
        if (expression.kind == ExpressionKind::Name && (m_names.contains(expression.text) || m_later(expression.text))) return true;
        return std::ranges::any_of(expression.parts, [this](const ExpressionPtr& part) { return part && depends(*part); });
    }

    void mark(const Expression* target) {
        while (target && target->kind == ExpressionKind::Index) target = target->parts.front().get();
        if (target) m_names.insert(target->text);
    }

    void walk(const std::shared_ptr<const Body>& body, bool guarded, bool own) {
        if (body) walk(*body, guarded, own);
    }

    /// `guarded`: reached or not as a run decides; `own`: jumps here leave the loop in question.
    void walk(const Body& body, bool guarded, bool own) {
        for (const Statement& statement : body) {
            if (const auto* declared = std::get_if<Declaration>(&statement.what)) {
                const bool bits = declared->type.kind == TypeKind::Bit && !declared->value;
                if (bits || guarded || (declared->value && depends(*declared->value))) m_names.insert(declared->name.text);
            } else if (const auto* assignment = std::get_if<Assignment>(&statement.what)) {
                if (guarded || depends(*assignment->value)) mark(assignment->target.get());
            } else if (const auto* measurement = std::get_if<Measurement>(&statement.what)) {
                mark(measurement->to.get());
            } else if (const auto* branch = std::get_if<If>(&statement.what)) {
                const bool inner = guarded || depends(*branch->condition);
                walk(branch->then, inner, own);
                walk(branch->otherwise, inner, own);
            } else if (const auto* loop = std::get_if<For>(&statement.what)) {
                walk(loop->body, guarded || depends(*loop->range), false);
            } else if (const auto* repeat = std::get_if<While>(&statement.what)) {
                walk(repeat->body, guarded || depends(*repeat->condition), false);
            } else if (const auto* choice = std::get_if<Switch>(&statement.what)) {
                const bool inner = guarded || depends(*choice->value);
                for (const SwitchCase& each : choice->cases) walk(each.body, inner, own);
            } else if (const auto* block = std::get_if<Block>(&statement.what)) {
                walk(block->body, guarded, own);
            } else if (const auto* jump = std::get_if<Jump>(&statement.what)) {
                if (guarded && own && jump->kind != Jump::Kind::End) m_leaves = true;
            }
        }
    }

    const std::function<bool(std::string_view)>& m_later;
    const std::function<bool(std::string_view)>& m_function;
    std::set<std::string_view> m_names;
    bool m_leaves = false;
};

} // namespace

bool leavesLater(const Body& body, const Expression* condition, const std::function<bool(std::string_view)>& later,
                 const std::function<bool(std::string_view)>& function) {
    return Search(later, function).run(body, condition);
}

} // namespace qscope::engine::qasm3
