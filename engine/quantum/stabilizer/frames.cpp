// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "engine/quantum/sim/request_checks.h"
#include "engine/quantum/stabilizer/run.h"

#include <algorithm>

namespace qscope::engine {

namespace {

using Word = std::uint64_t;
constexpr std::size_t kWords = 16; ///< 1024 shots travel together
constexpr std::int64_t kShots = static_cast<std::int64_t>(kWords) * 64;

/// What the reference run saw, step by step.
struct Reference {
    std::vector<bool> outcomes;  ///< of measurements, by step
    std::vector<bool> performed; ///< of conditional gates, by step
    std::vector<bool> qubits;    ///< all qubits at the end, when nothing is measured
};

Result<Reference> makeReference(const CliffordProgram& program, const RunContext& context) {
    Reference result{std::vector<bool>(program.steps.size()), std::vector<bool>(program.steps.size()), {}};
    Tableau state(program.qubits);
    std::vector<bool> clbits(static_cast<std::size_t>(program.clbits));
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
        const CliffordStep& step = program.steps[i];
        if (context.cancelled()) return cancelled();
        if (step.kind == CliffordStep::Kind::Gate) {
            result.performed[i] = !step.condition || conditionHolds(*step.condition, program.program.cregs, clbits);
            if (result.performed[i]) state.apply(*step.gate, step.a, step.b);
            continue;
        }
        // Any possible outcome will do: the frames make the choices random.
        const bool outcome = state.measure(step.a, false);
        if (step.kind == CliffordStep::Kind::Reset) {
            if (outcome) state.flip(step.a);
        } else {
            result.outcomes[i] = outcome;
            clbits[static_cast<std::size_t>(step.clbit)] = outcome;
        }
    }
    if (program.measures) return result;
    for (int q = 0; q < program.qubits; ++q) {
        if (context.cancelled()) return cancelled();
        result.qubits.push_back(state.measure(q, false));
    }
    return result;
}

/// 1024 shots' differences from the reference.
class Frames {
public:
    Frames(const CliffordProgram& program, const Reference& reference, std::uint64_t seed, std::int64_t batch)
        : m_program(program)
        , m_reference(reference)
        , m_seed(seed)
        , m_batch(static_cast<std::uint32_t>(batch))
        , m_x(static_cast<std::size_t>(program.qubits) * kWords)
        , m_z(m_x.size())
        , m_bits(
              static_cast<std::size_t>(program.measures ? program.clbits : std::max(program.clbits, program.qubits)) *
              kWords) {
        for (int q = 0; q < program.qubits; ++q) randomise(z(q)); // Z does nothing to |0>
    }

    void run() {
        for (std::size_t i = 0; i < m_program.steps.size(); ++i) {
            const CliffordStep& step = m_program.steps[i];
            switch (step.kind) {
            case CliffordStep::Kind::Gate:
                step.condition ? conditional(step, m_reference.performed[i]) : apply(step);
                break;
            case CliffordStep::Kind::Measure: record(step.a, m_reference.outcomes[i], bits(step.clbit)); break;
            case CliffordStep::Kind::Reset:
                for (std::size_t w = 0; w < kWords; ++w) x(step.a)[w] = z(step.a)[w] = 0;
                randomise(z(step.a));
                break;
            }
        }
        if (m_program.measures) return;
        for (int q = 0; q < m_program.qubits; ++q) record(q, m_reference.qubits[static_cast<std::size_t>(q)], bits(q));
    }

    void count(std::int64_t shots, Counts& counts) const {
        std::vector<bool> outcome(static_cast<std::size_t>(m_program.measures ? m_program.clbits : m_program.qubits));
        for (std::int64_t shot = 0; shot < shots; ++shot) {
            for (std::size_t bit = 0; bit < outcome.size(); ++bit)
                outcome[bit] = m_bits[bit * kWords + static_cast<std::size_t>(shot / 64)] >> (shot % 64) & 1;
            ++counts[printedOutcome(m_program, outcome)];
        }
    }

private:
    Word* x(int qubit) { return m_x.data() + static_cast<std::size_t>(qubit) * kWords; }
    Word* z(int qubit) { return m_z.data() + static_cast<std::size_t>(qubit) * kWords; }
    Word* bits(int index) { return m_bits.data() + static_cast<std::size_t>(index) * kWords; }

    /// Each call takes numbers of its own, by its place in the program.
    void randomise(Word* words) {
        for (std::uint32_t w = 0; w < kWords; w += 2) {
            // `uniform` counts streams from 0: the last word keeps these numbers apart from its.
            const auto r = philox({m_event, w, m_batch, 0xFFFFFFFFu},
                                  {static_cast<std::uint32_t>(m_seed), static_cast<std::uint32_t>(m_seed >> 32)});
            words[w] ^= static_cast<Word>(r[0]) << 32 | r[1];
            words[w + 1] ^= static_cast<Word>(r[2]) << 32 | r[3];
        }
        ++m_event;
    }

    void apply(const CliffordStep& step) {
        const CliffordGate& gate = *step.gate;
        if (gate.pauli()) return;
        Word* const columns[] = {x(step.a), z(step.a), x(step.b), z(step.b)};
        const int size = 2 * gate.qubits;
        for (std::size_t w = 0; w < kWords; ++w) {
            Word out[4] = {};
            for (int in = 0; in < size; ++in)
                for (int k = 0; k < size; ++k)
                    if (gate.image[static_cast<std::size_t>(in)] >> k & 1) out[k] ^= columns[in][w];
            for (int k = 0; k < size; ++k) columns[k][w] = out[k];
        }
    }

    /// Where a shot and the reference disagree about the condition, they differ by the gate, which is a Pauli string.
    void conditional(const CliffordStep& step, bool performed) {
        const Register& creg = m_program.program.cregs[static_cast<std::size_t>(step.condition->creg)];
        const Word never = creg.size < 64 && step.condition->value >> creg.size != 0 ? 0 : ~Word{0};
        Word* const qubits[] = {x(step.a), z(step.a), x(step.b), z(step.b)};
        for (std::size_t w = 0; w < kWords; ++w) {
            Word holds = never;
            for (int i = 0; i < creg.size; ++i) {
                const bool wanted = i < 64 && (step.condition->value >> i & 1);
                holds &= wanted ? bits(creg.first + i)[w] : ~bits(creg.first + i)[w];
            }
            const Word differs = performed ? ~holds : holds;
            // The gate changes the sign of X where it holds Z, and of Z where it holds X.
            for (int k = 0; k < 2 * step.gate->qubits; ++k)
                if (step.gate->signs >> (1 << k) & 1) qubits[k ^ 1][w] ^= differs;
        }
    }

    void record(int qubit, bool reference, Word* into) {
        for (std::size_t w = 0; w < kWords; ++w) into[w] = reference ? ~x(qubit)[w] : x(qubit)[w];
        randomise(z(qubit)); // the outcome fixes Z: its phase no longer matters
    }

    const CliffordProgram& m_program;
    const Reference& m_reference;
    std::uint64_t m_seed;
    std::uint32_t m_batch;
    std::uint32_t m_event = 0;
    std::vector<Word> m_x;
    std::vector<Word> m_z;
    std::vector<Word> m_bits; ///< classical bits; at the very end the qubits, when nothing is measured
};

} // namespace

Result<Counts> sampleFrames(const CliffordProgram& program, std::int64_t shots, std::uint64_t seed,
                            const RunContext& context) {
    QSCOPE_TRY(const Reference reference, makeReference(program, context));
    std::vector<Counts> parts(static_cast<std::size_t>((shots + kShots - 1) / kShots));
    QSCOPE_CHECK(parallelChunks(shots, kShots, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        Frames frames(program, reference, seed, begin / kShots);
        frames.run();
        frames.count(end - begin, parts[static_cast<std::size_t>(begin / kShots)]);
        return {};
    }));
    Counts counts;
    for (Counts& part : parts) {
        if (counts.empty())
            counts.swap(part);
        else
            for (const auto& [bits, count] : part) counts[bits] += count;
    }
    return counts;
}

} // namespace qscope::engine
