// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"
#include "engine/core/parallel.h"
#include "engine/quantum/gradient/variational.h"

#include <cmath>
#include <numbers>

namespace qscope::engine {

namespace {

/// weight * (f(angle + shift) - f(angle - shift))
struct Difference {
    std::size_t angle = 0;
    double shift = 0;
    double weight = 0;
};

/// The value and the sum of the differences for each angle; runs are spread over all cores.
Result<Gradient> summed(const Variational& circuit, const std::vector<Difference>& differences,
                        std::span<const PauliTerm> observable, const RunContext& context) {
    Progress unseen;
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    const auto energy = [&](const Variational& shifted) -> Result<double> {
        QSCOPE_TRY(const auto state, cpu::makeState(shifted.qubits, Precision::Double));
        QSCOPE_CHECK(turn(*state, shifted, inner));
        return valueOf(*state, observable, inner);
    };
    std::vector<double> values(2 * differences.size() + 1);
    QSCOPE_CHECK(parallelChunks(
        static_cast<std::int64_t>(values.size()), 1, inner, [&](std::int64_t begin, std::int64_t) -> Result<void> {
            const auto run = static_cast<std::size_t>(begin);
            Variational shifted = circuit;
            if (run > 0) {
                const Difference& difference = differences[(run - 1) / 2];
                shifted.at(circuit.angles[difference.angle]) += run % 2 ? difference.shift : -difference.shift;
            }
            QSCOPE_TRY(values[run], energy(shifted));
            return {};
        }));
    Gradient result;
    result.value = values[0];
    result.runs = static_cast<std::int64_t>(values.size());
    result.slopes.resize(circuit.angles.size());
    for (std::size_t k = 0; k < differences.size(); ++k)
        result.slopes[differences[k].angle] += differences[k].weight * (values[2 * k + 1] - values[2 * k + 2]);
    return result;
}

} // namespace

Result<Gradient> shiftGradient(const Variational& circuit, std::span<const PauliTerm> observable,
                               const RunContext& context) {
    constexpr double kPi = std::numbers::pi;
    std::vector<Difference> differences;
    for (std::size_t k = 0; k < circuit.angles.size(); ++k) {
        const GateOp& gate = circuit.gates[circuit.angles[k].gate];
        const auto turning = frequencies(gate, circuit.angles[k].index);
        if (turning.empty()) continue; // it changes nothing but a phase
        const double w = turning.front();
        if (turning.size() == 1) {
            differences.push_back({k, kPi / (2 * w), w / 2});
        } else if (turning.size() == 2 && std::abs(turning[1] - 2 * w) < 1e-12) {
            // Shifts at which the second frequency stands still, and at which it is at its steepest.
            differences.push_back({k, kPi / (2 * w), w * (1 - std::numbers::sqrt2) / 2});
            differences.push_back({k, kPi / (4 * w), w});
        } else {
            return fail(ErrorCode::Unsupported, "gate '{}' turns with {} frequencies; the shift rule here knows two",
                        gate.name, turning.size());
        }
    }
    return summed(circuit, differences, observable, context);
}

Result<Gradient> differenceGradient(const Variational& circuit, std::span<const PauliTerm> observable,
                                    const RunContext& context) {
    constexpr double kStep = 1e-5; // a cube root of the rounding error: both errors are then near 1e-10
    std::vector<Difference> differences;
    for (std::size_t k = 0; k < circuit.angles.size(); ++k) differences.push_back({k, kStep, 0.5 / kStep});
    return summed(circuit, differences, observable, context);
}

} // namespace qscope::engine
