// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"
#include "engine/backend/cpu_state_buffer.h"
#include "engine/core/parallel.h"
#include "engine/core/simd.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace qscope::engine::cpu {

// Sums are kept per chunk and combined in order; chunks do not depend on the number of threads.

namespace {

constexpr std::int64_t kChunk = 1 << 16; ///< amplitudes
constexpr int kMostMarginals = 24;
/// Up to so many outcomes, each chunk keeps a table of its own; above, each outcome gathers its amplitudes.
constexpr std::size_t kTableOutcomes = 1024;

template<class Real>
double probability(const Real* reals, std::uint64_t index) {
    const double re = reals[2 * index];
    const double im = reals[2 * index + 1];
    return re * re + im * im;
}

/// Sum of squares of `count` reals, in eight interleaved sums so that it vectorises.
template<class Real>
__attribute__((always_inline)) inline double squares(const Real* reals, std::int64_t count) {
    double sums[8] = {};
    std::int64_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (int lane = 0; lane < 8; ++lane) {
            const double x = reals[i + lane];
            sums[lane] += x * x;
        }
    for (; i < count; ++i) {
        const double x = reals[i];
        sums[i % 8] += x * x;
    }
    return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}
QSCOPE_MULTIVERSION double sumOfSquares(const float* reals, std::int64_t count) { return squares(reals, count); }
QSCOPE_MULTIVERSION double sumOfSquares(const double* reals, std::int64_t count) { return squares(reals, count); }

/// Sum over [begin, end) of the real (or, for an odd power of i, imaginary) part of conj(amplitude i ^ x) amplitude i, signed by
/// the ones of i where z is set.
template<class Real>
__attribute__((always_inline)) inline double signedProducts(const Real* reals, std::int64_t begin, std::int64_t end,
                                                            const PauliString& pauli, bool imaginary) {
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) {
        const auto from = static_cast<std::uint64_t>(i);
        const std::uint64_t to = from ^ pauli.x;
        const double fr = reals[2 * from], fi = reals[2 * from + 1];
        const double tr = reals[2 * to], ti = reals[2 * to + 1];
        const double part = imaginary ? tr * fi - ti * fr : tr * fr + ti * fi;
        sum += std::popcount(from & pauli.z) % 2 == 0 ? part : -part;
    }
    return sum;
}
QSCOPE_MULTIVERSION double sumOfProducts(const float* reals, std::int64_t begin, std::int64_t end,
                                         const PauliString& pauli, bool imaginary) {
    return signedProducts(reals, begin, end, pauli, imaginary);
}
QSCOPE_MULTIVERSION double sumOfProducts(const double* reals, std::int64_t begin, std::int64_t end,
                                         const PauliString& pauli, bool imaginary) {
    return signedProducts(reals, begin, end, pauli, imaginary);
}

/// The bits of `value` spread over `qubits`.
std::uint64_t spread(std::uint64_t value, std::span<const int> qubits) {
    std::uint64_t index = 0;
    for (std::size_t i = 0; i < qubits.size(); ++i) index |= (value >> i & 1) << qubits[i];
    return index;
}

Result<void> inChunks(std::int64_t count, std::int64_t grain, const RunContext& context,
                      const std::function<void(std::int64_t, std::int64_t)>& work) {
    Progress unseen; // progress belongs to the caller
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    return parallelChunks(count, grain, inner, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        work(begin, end);
        return {};
    });
}

/// Few outcomes: every chunk adds runs of amplitudes with equal outcome into its own table.
template<class Real>
Result<std::vector<double>> tabulate(const CpuState& state, std::span<const int> qubits, const RunContext& context) {
    const Real* reals = state.reals<Real>();
    const auto size = static_cast<std::int64_t>(state.size());
    const std::size_t outcomes = std::size_t{1} << qubits.size();
    const std::int64_t chunk = std::max(kChunk, size / 256); // bounds the tables to 256
    const int lowest = qubits.empty() ? 62 : *std::ranges::min_element(qubits);
    const std::int64_t run = std::int64_t{1} << lowest;
    std::vector<std::vector<double>> tables(static_cast<std::size_t>((size + chunk - 1) / chunk));
    QSCOPE_CHECK(inChunks(size, chunk, context, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> table(outcomes);
        for (std::int64_t i = begin; i < end;) {
            const std::int64_t stop = std::min(end, i + run);
            std::size_t outcome = 0;
            for (std::size_t k = 0; k < qubits.size(); ++k)
                outcome |= static_cast<std::size_t>(i >> qubits[k] & 1) << k;
            if (run >= 4) table[outcome] += sumOfSquares(reals + 2 * i, 2 * (stop - i));
            else
                for (std::int64_t j = i; j < stop; ++j)
                    table[outcome] += probability(reals, static_cast<std::uint64_t>(j));
            i = stop;
        }
        tables[static_cast<std::size_t>(begin / chunk)] = std::move(table);
    }));
    std::vector<double> result(outcomes);
    for (const auto& table : tables)
        for (std::size_t i = 0; i < outcomes; ++i) result[i] += table[i];
    return result;
}

/// Many outcomes: each gathers the few amplitudes that belong to it.
template<class Real>
Result<std::vector<double>> gather(const CpuState& state, std::span<const int> qubits, const RunContext& context) {
    const Real* reals = state.reals<Real>();
    std::vector<double> result(std::size_t{1} << qubits.size());
    const std::uint64_t rest = (state.size() - 1) & ~spread(result.size() - 1, qubits);
    const std::int64_t grain = std::max<std::int64_t>(1, kChunk >> std::popcount(rest));
    QSCOPE_CHECK(inChunks(static_cast<std::int64_t>(result.size()), grain, context, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t outcome = begin; outcome < end; ++outcome) {
            const std::uint64_t base = spread(static_cast<std::uint64_t>(outcome), qubits);
            double sum = 0;
            std::uint64_t others = 0;
            do {
                sum += probability(reals, base | others);
                others = (others - rest) & rest; // the next subset of `rest`
            } while (others != 0);
            result[static_cast<std::size_t>(outcome)] = sum;
        }
    }));
    return result;
}

} // namespace

Result<std::vector<double>> marginals(const StateBuffer& state, std::span<const int> qubits, const RunContext& context) {
    QSCOPE_TRY(const CpuState* const mine, own(state));
    if (qubits.size() > kMostMarginals)
        return fail(ErrorCode::OutOfRange, "outcomes of {} qubits at once; {} are the limit", qubits.size(), kMostMarginals);
    std::uint64_t seen = 0;
    for (const int qubit : qubits) {
        if (qubit < 0 || qubit >= mine->bits() || (seen >> qubit & 1))
            return fail(ErrorCode::OutOfRange, "qubit {} twice or beyond the {} of the state", qubit, mine->bits());
        seen |= std::uint64_t{1} << qubit;
    }
    return withReal(*mine, [&](auto real) {
        return std::size_t{1} << qubits.size() <= kTableOutcomes ? tabulate<decltype(real)>(*mine, qubits, context)
                                                                 : gather<decltype(real)>(*mine, qubits, context);
    });
}

Result<double> expectation(const StateBuffer& state, const PauliString& pauli, const RunContext& context) {
    QSCOPE_TRY(const CpuState* const mine, own(state));
    if ((pauli.x | pauli.z) >= mine->size())
        return fail(ErrorCode::OutOfRange, "a Pauli matrix beyond the {} qubits of the state", mine->bits());
    // P|i> = i^(number of Y) (-1)^(ones of i where z is set) |i ^ x>; the sum over i is real.
    const int turns = std::popcount(pauli.x & pauli.z) % 4;
    const auto size = static_cast<std::int64_t>(mine->size());
    std::vector<double> sums(static_cast<std::size_t>((size + kChunk - 1) / kChunk));
    const auto add = [&](auto real) {
        const auto* reals = mine->reals<decltype(real)>();
        return inChunks(size, kChunk, context, [&](std::int64_t begin, std::int64_t end) {
            sums[static_cast<std::size_t>(begin / kChunk)] = sumOfProducts(reals, begin, end, pauli, turns % 2 != 0);
        });
    };
    QSCOPE_CHECK(withReal(*mine, add));
    const double total = std::accumulate(sums.begin(), sums.end(), 0.0);
    // i^1 (a + ib) has the real part -b, i^2 -a, i^3 b.
    return turns == 1 || turns == 2 ? -total : total;
}

Result<void> collapse(StateBuffer& state, int qubit, bool outcome, double probability, const RunContext& context) {
    QSCOPE_TRY(CpuState* const mine, own(state));
    if (qubit < 0 || qubit >= mine->bits())
        return fail(ErrorCode::OutOfRange, "qubit {} of a state of {}", qubit, mine->bits());
    if (!(probability > 0)) return fail(ErrorCode::OutOfRange, "an outcome of probability {} cannot be measured", probability);
    const double scale = 1 / std::sqrt(probability);
    return withReal(*mine, [&](auto real) {
        using Real = decltype(real);
        Real* reals = mine->liveReals<Real>();
        return inChunks(static_cast<std::int64_t>(mine->size()), kChunk, context, [&](std::int64_t begin, std::int64_t end) {
            const std::int64_t run = std::int64_t{1} << qubit;
            for (std::int64_t i = begin; i < end;) {
                const std::int64_t stop = std::min(end, (i | (run - 1)) + 1);
                const auto factor = static_cast<Real>((i >> qubit & 1) == (outcome ? 1 : 0) ? scale : 0.0);
                for (std::int64_t j = 2 * i; j < 2 * stop; ++j) reals[j] *= factor;
                i = stop;
            }
        });
    });
}

Result<std::vector<std::uint64_t>> sample(const StateBuffer& state, std::span<const double> sorted, const RunContext& context) {
    QSCOPE_TRY(const CpuState* const mine, own(state));
    if (!std::ranges::is_sorted(sorted)) return fail(ErrorCode::OutOfRange, "the numbers to sample with are not sorted");
    return withReal(*mine, [&](auto real) -> Result<std::vector<std::uint64_t>> {
        const auto* reals = mine->reals<decltype(real)>();
        const auto size = static_cast<std::int64_t>(mine->size());
        // Running sum at the end of each chunk.
        std::vector<double> upTo(static_cast<std::size_t>((size + kChunk - 1) / kChunk));
        QSCOPE_CHECK(inChunks(size, kChunk, context, [&](std::int64_t begin, std::int64_t end) {
            upTo[static_cast<std::size_t>(begin / kChunk)] = sumOfSquares(reals + 2 * begin, 2 * (end - begin));
        }));
        std::partial_sum(upTo.begin(), upTo.end(), upTo.begin());
        // Numbers beyond the whole sum (it may be a little below 1) belong to the last state that can occur at all.
        auto last = upTo.size() - 1;
        while (last > 0 && upTo[last] == upTo[last - 1]) --last;
        std::vector<std::uint64_t> result(sorted.size());
        QSCOPE_CHECK(inChunks(size, kChunk, context, [&](std::int64_t begin, std::int64_t end) {
            const auto chunk = static_cast<std::size_t>(begin / kChunk);
            double sum = chunk == 0 ? 0 : upTo[chunk - 1];
            auto next = std::ranges::lower_bound(sorted, sum) - sorted.begin();
            const auto stop = chunk == last ? static_cast<std::ptrdiff_t>(sorted.size())
                                            : std::ranges::lower_bound(sorted, upTo[chunk]) - sorted.begin();
            if (chunk > last || next >= stop) return;
            if (chunk == 0) next = 0;
            std::uint64_t possible = static_cast<std::uint64_t>(begin);
            for (std::int64_t i = begin; i < end && next < stop; ++i) {
                const auto index = static_cast<std::uint64_t>(i);
                const double p = probability(reals, index);
                if (p > 0) possible = index;
                sum += p;
                while (next < stop && sorted[static_cast<std::size_t>(next)] < sum)
                    result[static_cast<std::size_t>(next++)] = index;
            }
            // Rounding between this sum and the chunk's leaves at most the very last numbers.
            while (next < stop) result[static_cast<std::size_t>(next++)] = possible;
        }));
        return result;
    });
}

} // namespace qscope::engine::cpu
