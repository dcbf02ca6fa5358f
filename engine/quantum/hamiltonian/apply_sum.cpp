// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/core/simd.h"
#include "engine/quantum/hamiltonian/pauli_sum.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>

// Terms that flip the same qubits x are one diagonal matrix and the flips: with n the number of Y in a term,
// (P a)[i] = (-i)^n (-1)^(ones of i where z is set) a[i ^ x]. The diagonal of a stretch of amplitudes is the Hadamard
// transform of the coefficients by z, so that it takes the same time for one term and for thousands.

namespace qscope::engine {

namespace {

constexpr int kStretchBits = 10; ///< 8 KiB of diagonal: a part of the first cache
constexpr std::size_t kStretch = std::size_t{1} << kStretchBits;
constexpr std::int64_t kGrain = 1 << 12; ///< amplitudes of a task

/// Terms with the same flips, by whether their factors are real or imaginary.
struct Flips {
    std::uint64_t x = 0;
    struct Sign {
        std::uint64_t z;
        double weight;
    };
    std::array<std::vector<Sign>, 2> signs;
};

std::vector<Flips> flipsOf(const PauliSum& sum) {
    std::map<std::uint64_t, std::size_t> place;
    std::vector<Flips> result;
    for (const PauliTerm& term : sum.terms) {
        const auto [found, fresh] = place.try_emplace(term.string.x, result.size());
        if (fresh) result.push_back({term.string.x, {}});
        const int turns = std::popcount(term.string.x & term.string.z) % 4; // (-i)^turns
        result[found->second].signs[static_cast<std::size_t>(turns % 2)].push_back(
            {term.string.z, turns == 1 || turns == 2 ? -term.coefficient : term.coefficient});
    }
    return result;
}

QSCOPE_MULTIVERSION void transform(double* values, std::size_t size) {
    for (std::size_t step = 1; step < size; step *= 2)
        for (std::size_t first = 0; first < size; first += 2 * step)
            for (std::size_t i = first; i < first + step; ++i) {
                const double a = values[i], b = values[i + step];
                values[i] = a + b;
                values[i + step] = a - b;
            }
}

/// out += diagonal in, or i times that, for `count` amplitudes.
QSCOPE_MULTIVERSION void addProducts(const double* diagonal, const double* in, double* out, std::size_t count,
                                     bool imaginary) {
    if (imaginary) {
        for (std::size_t i = 0; i < count; ++i) {
            out[2 * i] -= diagonal[i] * in[2 * i + 1];
            out[2 * i + 1] += diagonal[i] * in[2 * i];
        }
        return;
    }
    for (std::size_t i = 0; i < count; ++i) {
        out[2 * i] += diagonal[i] * in[2 * i];
        out[2 * i + 1] += diagonal[i] * in[2 * i + 1];
    }
}

/// One stretch of amplitudes from `begin` on.
void applyTo(const std::vector<Flips>& all, std::size_t begin, std::size_t size, const double* in, double* out) {
    std::fill(out + 2 * begin, out + 2 * (begin + size), 0.0);
    std::array<double, kStretch> diagonal;
    for (const Flips& flips : all)
        for (std::size_t part = 0; part < 2; ++part) {
            if (flips.signs[part].empty()) continue;
            std::fill_n(diagonal.begin(), size, 0.0);
            for (const auto& [z, weight] : flips.signs[part])
                diagonal[z & (size - 1)] += std::popcount(begin & z) % 2 == 0 ? weight : -weight;
            transform(diagonal.data(), size);
            // Amplitudes that stay neighbours when flipped.
            const std::size_t inside = flips.x & (size - 1);
            const std::size_t run = inside == 0 ? size : inside & (~inside + 1);
            for (std::size_t i = 0; i < size; i += run)
                addProducts(diagonal.data() + i, in + 2 * ((begin + i) ^ flips.x), out + 2 * (begin + i), run,
                            part == 1);
        }
}

} // namespace

Result<void> applySum(const PauliSum& sum, std::span<const std::complex<double>> in,
                      std::span<std::complex<double>> out, const RunContext& context) {
    const std::size_t size = sum.qubits < 48 ? std::size_t{1} << sum.qubits : 0;
    if (size == 0 || in.size() != size || out.size() != size)
        return fail(ErrorCode::OutOfRange, "an operator on {} qubits for {} amplitudes", sum.qubits, in.size());
    for (const PauliTerm& term : sum.terms)
        if ((term.string.x | term.string.z) >= size)
            return fail(ErrorCode::OutOfRange, "a Pauli matrix beyond the {} qubits of an operator", sum.qubits);
    const auto all = flipsOf(sum);
    const auto* from = reinterpret_cast<const double*>(in.data());
    auto* to = reinterpret_cast<double*>(out.data());
    const std::size_t stretch = std::min(size, kStretch);
    Progress unseen; // progress belongs to the caller
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    return parallelChunks(
        static_cast<std::int64_t>(size), kGrain, inner, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (auto at = static_cast<std::size_t>(begin); at < static_cast<std::size_t>(end); at += stretch)
                applyTo(all, at, stretch, from, to);
            return {};
        });
}

} // namespace qscope::engine
