// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/onnx_scope.h"

#include "engine/checkpoint/catalogue.h"

namespace qscope::engine {

namespace {

using nn::kAbsent;
using nn::ValueId;

ValueId captured(OnnxFrame& frame, ValueId outer, std::string name) {
    OnnxCaptures& captures = *frame.captures;
    const auto [known, isNew] = captures.index.try_emplace(outer, captures.outer.size());
    if (isNew) {
        captures.outer.push_back(outer);
        captures.names.push_back(std::move(name));
        frame.takeAll();
    }
    return frame.inner[known->second];
}

ValueId storedEdge(OnnxFrame& frame, const OnnxStored& stored) {
    if (!stored.constant) return frame.builder.weight(stored.name);
    const auto [known, isNew] = frame.constants.try_emplace(&stored, kAbsent);
    if (isNew) known->second = frame.builder.constant(stored.name, *stored.constant);
    return known->second;
}

} // namespace

void OnnxFrame::takeAll() {
    while (inner.size() < captures->names.size()) inner.push_back(builder.captured(captures->names[inner.size()]));
}

std::string edgeName(const OnnxScope& scope, std::string_view name) {
    return scope.edges.make(printable(scope.prefix + std::string(name)));
}

Result<void> define(OnnxScope& scope, std::string_view name, OnnxKnown known) {
    if (scope.names.emplace(name, known).second) return {};
    return fail(ErrorCode::Malformed, "two values are called '{}'", printable(name));
}

Result<OnnxKnown> lookup(OnnxScope& scope, std::string_view name) {
    const auto found = scope.names.find(name);
    if (found == scope.names.end() && !scope.outer)
        return fail(ErrorCode::Malformed, "'{}' is used, which nothing before it gives", printable(name));
    OnnxKnown known;
    if (found != scope.names.end()) {
        known = found->second;
        if (known.edge != kAbsent || !known.stored) return known;
    } else {
        QSCOPE_TRY(known, lookup(*scope.outer, name));
        if (!known.stored && known.edge != kAbsent)
            known.edge = captured(scope.frame, known.edge, edgeName(scope, name));
    }
    if (known.stored) known.edge = storedEdge(scope.frame, *known.stored);
    scope.names[name] = known;
    return known;
}

} // namespace qscope::engine
