// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/parse.h"

#include "engine/quantum/qasm/builder.h"
#include "engine/quantum/qasm/parser.h"
#include "engine/quantum/qasm3/read.h"

#include <fmt/format.h>

namespace qscope::engine {

ParsedCircuit parseQasm(std::string_view text, const ReadLimits& limits) {
    qasm::Messages messages;
    if (text.size() > limits.textBytes) {
        messages.fatal({}, fmt::format("the text has {} bytes; {} are the limit", text.size(), limits.textBytes));
        return {nullptr, messages.take()};
    }
    Circuit circuit;
    if (qasm3::isVersion3(text)) {
        circuit = qasm3::read(text, messages, limits);
    } else {
        qasm::Parser parser(text, messages, limits);
        qasm::Builder builder(messages, limits);
        while (const auto statement = parser.next()) builder.add(*statement);
        if (!messages.stopped()) circuit = builder.finish();
    }
    ParsedCircuit result;
    if (!messages.failed()) result.circuit = std::make_shared<const Circuit>(std::move(circuit));
    result.diagnostics = messages.take();
    return result;
}

} // namespace qscope::engine
