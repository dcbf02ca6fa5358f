// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/stabilizer/run.h"

#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "engine/quantum/sim/request_checks.h"

namespace qscope::engine {

namespace {

bool measured(CliffordRun& run, int qubit, std::uint64_t seed, std::uint64_t shot) {
    return run.state.measure(qubit, uniform(seed, shot, run.draws++) >= 0.5);
}

} // namespace

Result<CliffordRun> runClifford(const CliffordProgram& program, std::uint64_t seed, std::uint64_t shot,
                                const RunContext& context) {
    CliffordRun run{Tableau(program.qubits), std::vector<bool>(static_cast<std::size_t>(program.clbits))};
    for (const CliffordStep& step : program.steps) {
        if (step.terminal) continue;
        if (context.cancelled()) return cancelled();
        if (step.condition && !conditionHolds(*step.condition, program.program.cregs, run.clbits)) continue;
        switch (step.kind) {
        case CliffordStep::Kind::Gate:
            run.state.apply(*step.gate, step.a, step.b);
            ++run.gates;
            break;
        case CliffordStep::Kind::Measure:
            run.clbits[static_cast<std::size_t>(step.clbit)] = measured(run, step.a, seed, shot);
            break;
        case CliffordStep::Kind::Reset:
            if (measured(run, step.a, seed, shot)) run.state.flip(step.a);
            break;
        }
    }
    return run;
}

Result<std::vector<bool>> finishClifford(const CliffordProgram& program, CliffordRun& run, std::uint64_t seed,
                                         std::uint64_t shot, const RunContext& context) {
    std::vector<bool> bits = run.clbits;
    if (program.measures) {
        for (const CliffordStep& step : program.steps) {
            if (context.cancelled()) return cancelled();
            if (step.terminal) bits[static_cast<std::size_t>(step.clbit)] = measured(run, step.a, seed, shot);
        }
    } else {
        bits.resize(static_cast<std::size_t>(program.qubits));
        for (int q = 0; q < program.qubits; ++q) {
            if (context.cancelled()) return cancelled();
            bits[static_cast<std::size_t>(q)] = measured(run, q, seed, shot);
        }
    }
    return bits;
}

std::string printedOutcome(const CliffordProgram& program, const std::vector<bool>& bits) {
    if (program.measures) return printedBits(bits, program.program.cregs);
    return printedBits(bits, {{"q", 0, program.qubits}});
}

Result<Counts> sampleRuns(const CliffordProgram& program, std::int64_t shots, std::uint64_t seed,
                          const RunContext& context) {
    constexpr std::int64_t kGrain = 16;
    std::vector<Counts> parts(static_cast<std::size_t>((shots + kGrain - 1) / kGrain));
    QSCOPE_CHECK(parallelChunks(shots, kGrain, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        for (std::int64_t shot = begin; shot < end; ++shot) {
            const auto index = static_cast<std::uint64_t>(shot);
            QSCOPE_TRY(CliffordRun run, runClifford(program, seed, index, context));
            QSCOPE_TRY(const auto bits, finishClifford(program, run, seed, index, context));
            ++parts[static_cast<std::size_t>(begin / kGrain)][printedOutcome(program, bits)];
        }
        return {};
    }));
    Counts counts;
    for (const Counts& part : parts)
        for (const auto& [bits, count] : part) counts[bits] += count;
    return counts;
}

} // namespace qscope::engine
