// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/state_views.h"

#include "engine/backend/compute_backend.h"
#include "engine/backend/cpu_state.h"
#include "engine/core/parallel.h"
#include "engine/quantum/sim/state_scan.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr std::uint64_t kBlock = 1 << 16; ///< amplitudes fetched at a time
constexpr int kMostListed = 1 << 20;
constexpr std::size_t kMostReduced = 6;
constexpr std::uint64_t kParts = 64; ///< of a state, looked at side by side
constexpr std::size_t kMostPerPart = 4096;

bool before(const Amplitude& a, const Amplitude& b) {
    const double pa = std::norm(a.value);
    const double pb = std::norm(b.value);
    return pa != pb ? pa > pb : a.index < b.index;
}

/// Adds amplitudes [begin, end) to `scan`, whose least probable amplitude is kept in front.
Result<void> scanRange(StateScan& scan, const StateSnapshot& state, std::uint64_t begin, std::uint64_t end, std::size_t most,
                       const RunContext& context) {
    std::vector<std::complex<double>> block(static_cast<std::size_t>(std::min(end - begin, kBlock)));
    auto& heap = scan.largest;
    for (std::uint64_t first = begin; first < end; first += kBlock) {
        if (context.cancelled()) return cancelled();
        QSCOPE_CHECK(context.backend.amplitudes(*state.buffer, first, block));
        double sum = 0;
        double least = heap.size() < most ? 0 : std::norm(heap.front().value);
        for (std::size_t i = 0; i < block.size(); ++i) {
            const double p = std::norm(block[i]);
            sum += p;
            if (p <= 0 || p < least) continue;
            const Amplitude candidate{first + i, block[i]};
            if (heap.size() == most) {
                if (!before(candidate, heap.front())) continue;
                std::ranges::pop_heap(heap, before);
                heap.pop_back();
            }
            heap.push_back(candidate);
            std::ranges::push_heap(heap, before);
            if (heap.size() == most) least = std::norm(heap.front().value);
        }
        scan.norm += sum;
    }
    return {};
}

} // namespace

Result<StateScan> scanState(const StateSnapshot& state, int count, const RunContext& context) {
    if (count < 0 || count > kMostListed)
        return fail(ErrorCode::OutOfRange, "{} basis states to list; {} are the limit", count, kMostListed);
    const auto most = static_cast<std::size_t>(count);
    StateScan scan;
    if (most == 0) {
        QSCOPE_TRY(const auto sums, context.backend.marginals(*state.buffer, {}, context));
        scan.norm = sums[0];
        return scan;
    }
    // Each part lists as many as asked for; long lists in few parts. A device answers one question at a time.
    const std::uint64_t size = std::uint64_t{1} << state.qubits;
    const std::uint64_t mostParts = context.backend.kind() != "cpu" || most > kMostPerPart ? 1 : kParts;
    const std::uint64_t part = std::max(size / mostParts, kBlock);
    std::vector<StateScan> parts(static_cast<std::size_t>((size + part - 1) / part));
    Progress unseen; // progress belongs to the caller
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    QSCOPE_CHECK(parallelChunks(static_cast<std::int64_t>(size), static_cast<std::int64_t>(part), inner, [&](std::int64_t begin, std::int64_t end) {
        return scanRange(parts[static_cast<std::size_t>(begin) / part], state, static_cast<std::uint64_t>(begin),
                         static_cast<std::uint64_t>(end), most, inner);
    }));
    for (const StateScan& found : parts) {
        scan.norm += found.norm;
        scan.largest.insert(scan.largest.end(), found.largest.begin(), found.largest.end());
    }
    std::ranges::sort(scan.largest, before);
    if (scan.largest.size() > most) scan.largest.resize(most);
    return scan;
}

Result<std::vector<Amplitude>> largestAmplitudes(const StateSnapshot& state, int count, const RunContext& context) {
    QSCOPE_TRY(StateScan scan, scanState(state, count, context));
    return std::move(scan.largest);
}

Result<std::vector<BlochVector>> blochVectors(const StateSnapshot& state, const RunContext& context) {
    std::vector<BlochVector> vectors;
    for (int qubit = 0; qubit < state.qubits; ++qubit) {
        const std::uint64_t bit = std::uint64_t{1} << qubit;
        BlochVector vector{};
        const PauliString axes[] = {{bit, 0}, {bit, bit}, {0, bit}};
        for (std::size_t axis = 0; axis < 3; ++axis) {
            QSCOPE_TRY(vector[axis], context.backend.expectation(*state.buffer, axes[axis], context));
        }
        vectors.push_back(vector);
    }
    return vectors;
}

Result<std::vector<std::complex<double>>> reducedDensity(const StateSnapshot& state, std::span<const int> qubits,
                                                         const RunContext& context) {
    if (qubits.empty() || qubits.size() > kMostReduced)
        return fail(ErrorCode::OutOfRange, "a reduced state of {} qubits; 1 to {} are possible", qubits.size(), kMostReduced);
    std::uint64_t mask = 0;
    for (const int qubit : qubits) {
        if (qubit < 0 || qubit >= state.qubits || (mask >> qubit & 1))
            return fail(ErrorCode::OutOfRange, "qubit {} twice or beyond the {} of the state", qubit, state.qubits);
        mask |= std::uint64_t{1} << qubit;
    }
    const std::uint64_t bytes = cpu::stateBytes(state.qubits, Precision::Double);
    if (bytes > cpu::freeMemory())
        return fail(ErrorCode::OutOfMemory, "a copy of the state of {} qubits does not fit the free memory", state.qubits);
    const std::uint64_t size = std::uint64_t{1} << state.qubits;
    std::vector<std::complex<double>> amplitudes(static_cast<std::size_t>(size));
    for (std::uint64_t first = 0; first < size; first += kBlock) {
        if (context.cancelled()) return cancelled();
        QSCOPE_CHECK(context.backend.amplitudes(
            *state.buffer, first,
            std::span(amplitudes).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(size, kBlock)))));
    }

    const std::size_t dimension = std::size_t{1} << qubits.size();
    std::vector<std::uint64_t> offset(dimension);
    for (std::size_t i = 0; i < dimension; ++i)
        for (std::size_t k = 0; k < qubits.size(); ++k) offset[i] |= (std::uint64_t{i} >> k & 1) << qubits[k];
    const std::uint64_t others = (size - 1) & ~mask;
    // The other qubits' values, spread over their positions, one row of the sum each; partial sums per chunk, in order.
    const auto rest = static_cast<std::int64_t>(size >> qubits.size());
    const std::int64_t grain = std::max<std::int64_t>(1 << 12, rest / 64);
    std::vector<std::vector<std::complex<double>>> parts(static_cast<std::size_t>((rest + grain - 1) / grain));
    Progress unseen;
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    QSCOPE_CHECK(parallelChunks(rest, grain, inner, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        std::vector<std::complex<double>> part(dimension * dimension);
        std::uint64_t base = 0;
        for (std::int64_t i = begin, bits = begin, from = 0; bits != 0 && i >= 0; bits >>= 1, ++from) {
            std::uint64_t left = others; // the `from`-th set bit of `others`
            for (std::int64_t skip = 0; skip < from; ++skip) left &= left - 1;
            if (bits & 1) base |= left & ~(left - 1);
        }
        for (std::int64_t i = begin; i < end; ++i) {
            if (i % 4096 == 0 && context.cancelled()) return cancelled();
            for (std::size_t row = 0; row < dimension; ++row) {
                const std::complex<double> a = amplitudes[static_cast<std::size_t>(base | offset[row])];
                for (std::size_t column = 0; column <= row; ++column) {
                    const std::complex<double> b = amplitudes[static_cast<std::size_t>(base | offset[column])];
                    part[row * dimension + column] += std::complex<double>(a.real() * b.real() + a.imag() * b.imag(),
                                                                           a.imag() * b.real() - a.real() * b.imag());
                }
            }
            base = (base - others) & others;
        }
        parts[static_cast<std::size_t>(begin / grain)] = std::move(part);
        return {};
    }));
    std::vector<std::complex<double>> density(dimension * dimension);
    for (std::size_t row = 0; row < dimension; ++row)
        for (std::size_t column = 0; column <= row; ++column) {
            for (const auto& part : parts) density[row * dimension + column] += part[row * dimension + column];
            density[column * dimension + row] = std::conj(density[row * dimension + column]);
        }
    return density;
}

} // namespace qscope::engine
