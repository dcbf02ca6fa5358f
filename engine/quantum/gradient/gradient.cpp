// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/gradient/gradient.h"

#include "engine/backend/cpu_state.h"
#include "engine/core/parallel.h"
#include "engine/quantum/gradient/variational.h"
#include "engine/quantum/sim/request_checks.h"

namespace qscope::engine {

namespace {

constexpr int kMostQubits = 40;

Result<Gradient> oneGradient(const Variational& circuit, std::span<const PauliTerm> observable, GradientMethod method,
                             const RunContext& context) {
    switch (method) {
    case GradientMethod::ParameterShift: return shiftGradient(circuit, observable, context);
    case GradientMethod::FiniteDifference: return differenceGradient(circuit, observable, context);
    case GradientMethod::Adjoint: break;
    }
    return adjointGradient(circuit, observable, context);
}

Result<Variational> checked(const Circuit& circuit, std::span<const ParameterRef> parameters, std::size_t sets,
                            GradientMethod method) {
    QSCOPE_CHECK(checkRequest(circuit, {}, "gradient"));
    const double states = method == GradientMethod::Adjoint ? 2.0 : 1.0;
    // Whatever runs at the same time has states of its own.
    const double together = method == GradientMethod::Adjoint && sets == 1 ? 1 : availableThreads();
    const auto available = static_cast<double>(cpu::freeMemory());
    const auto needed = [&](int qubits) {
        return states * together * static_cast<double>(cpu::stateBytes(qubits, Precision::Double));
    };
    if (circuit.qubits > kMostQubits || needed(circuit.qubits) > available) {
        int fits = std::min(circuit.qubits, kMostQubits);
        while (fits > 0 && needed(fits) > available) --fits;
        return fail(ErrorCode::OutOfMemory,
                    "a gradient on {} qubits needs more than the {} that are free; {} qubits would fit", circuit.qubits,
                    bytesText(available), fits);
    }
    return makeVariational(circuit, parameters);
}

} // namespace

std::vector<ParameterRef> parametersOf(const Circuit& circuit) {
    const FlatCircuit flat = flatten(circuit);
    std::vector<ParameterRef> result;
    for (std::size_t i = 0; i < flat.operations.size(); ++i)
        if (const auto* gate = std::get_if<GateOp>(&flat.operations[i].what))
            for (std::size_t k = 0; k < gate->parameters.size(); ++k) result.push_back({i, static_cast<int>(k)});
    return result;
}

Result<Gradient> gradientOf(const Circuit& circuit, std::span<const ParameterRef> parameters,
                            std::span<const PauliTerm> observable, GradientMethod method, const RunContext& context) {
    QSCOPE_TRY(const Variational variational, checked(circuit, parameters, 1, method));
    return oneGradient(variational, observable, method, context);
}

Result<std::vector<Gradient>> gradientsOf(const Circuit& circuit, std::span<const ParameterRef> parameters,
                                          std::span<const std::vector<double>> values,
                                          std::span<const PauliTerm> observable, GradientMethod method,
                                          const RunContext& context) {
    QSCOPE_TRY(const Variational variational, checked(circuit, parameters, values.size(), method));
    for (const auto& set : values)
        if (set.size() != parameters.size())
            return fail(ErrorCode::OutOfRange, "{} values for {} parameters", set.size(), parameters.size());
    std::vector<Gradient> result(values.size());
    context.progress.total = static_cast<std::int64_t>(values.size());
    QSCOPE_CHECK(parallelChunks(static_cast<std::int64_t>(values.size()), 1, context,
                                [&](std::int64_t begin, std::int64_t) -> Result<void> {
                                    const auto set = static_cast<std::size_t>(begin);
                                    Variational own = variational;
                                    for (std::size_t k = 0; k < own.angles.size(); ++k)
                                        own.at(own.angles[k]) = values[set][k];
                                    Progress unseen;
                                    const RunContext inner{context.stop, unseen, context.notes, context.backend};
                                    QSCOPE_TRY(result[set], oneGradient(own, observable, method, inner));
                                    return {};
                                }));
    return result;
}

std::vector<double> sharedSlopes(std::span<const double> slopes, std::span<const ParameterUse> uses,
                                 std::size_t count) {
    std::vector<double> result(count);
    for (const auto& [angle, shared, factor] : uses) result[shared] += factor * slopes[angle];
    return result;
}

} // namespace qscope::engine
