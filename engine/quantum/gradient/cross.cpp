// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/gradient/cross.h"

#include "engine/core/parallel.h"
#include "engine/core/simd.h"

#include <algorithm>
#include <bit>

namespace qscope::engine {

namespace {

constexpr std::int64_t kTogether = 32; ///< values of the other qubits that are gathered at a time

/// Amplitudes of `kTogether` values of the other qubits, real and imaginary parts apart, local index the fastest.
template<int Size>
struct Gathered {
    double re[kTogether][Size];
    double im[kTogether][Size];
};

template<int Size>
struct Sums {
    double re[Size][Size] = {};
    double im[Size][Size] = {};
};

/// sums[r][c] += conj(left[r]) right[c]
template<int Size>
__attribute__((always_inline)) inline void addProducts(const Gathered<Size>& left, const Gathered<Size>& right,
                                                       std::int64_t count, Sums<Size>& sums) {
    for (int r = 0; r < Size; ++r) {
        double re[Size] = {}, im[Size] = {};
        for (std::int64_t b = 0; b < count; ++b) {
            const double x = left.re[b][r], y = left.im[b][r];
            for (int c = 0; c < Size; ++c) {
                re[c] += x * right.re[b][c] + y * right.im[b][c];
                im[c] += x * right.im[b][c] - y * right.re[b][c];
            }
        }
        for (int c = 0; c < Size; ++c) {
            sums.re[r][c] += re[c];
            sums.im[r][c] += im[c];
        }
    }
}
QSCOPE_MULTIVERSION void add(const Gathered<2>& l, const Gathered<2>& r, std::int64_t n, Sums<2>& s) {
    addProducts(l, r, n, s);
}
QSCOPE_MULTIVERSION void add(const Gathered<4>& l, const Gathered<4>& r, std::int64_t n, Sums<4>& s) {
    addProducts(l, r, n, s);
}
QSCOPE_MULTIVERSION void add(const Gathered<8>& l, const Gathered<8>& r, std::int64_t n, Sums<8>& s) {
    addProducts(l, r, n, s);
}
QSCOPE_MULTIVERSION void add(const Gathered<16>& l, const Gathered<16>& r, std::int64_t n, Sums<16>& s) {
    addProducts(l, r, n, s);
}
QSCOPE_MULTIVERSION void add(const Gathered<32>& l, const Gathered<32>& r, std::int64_t n, Sums<32>& s) {
    addProducts(l, r, n, s);
}

template<int Size>
Result<Eigen::MatrixXcd> cross(const double* left, const double* right, int bits, const std::vector<int>& qubits,
                               const RunContext& context) {
    std::uint64_t offset[Size] = {}, mask = 0;
    for (std::size_t k = 0; k < qubits.size(); ++k) {
        mask |= std::uint64_t{1} << qubits[k];
        for (std::size_t i = 0; i < Size; ++i) offset[i] |= (std::uint64_t{i} >> k & 1) << qubits[k];
    }
    const std::uint64_t others = ((std::uint64_t{1} << bits) - 1) & ~mask;
    const auto rest = static_cast<std::int64_t>((std::uint64_t{1} << bits) / Size);
    const std::int64_t grain = std::max<std::int64_t>(kTogether, rest / 64);
    std::vector<Sums<Size>> parts(static_cast<std::size_t>((rest + grain - 1) / grain));
    Progress unseen;
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    QSCOPE_CHECK(parallelChunks(rest, grain, inner, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        auto& sums = parts[static_cast<std::size_t>(begin / grain)];
        Gathered<Size> l, r;
        // The bits of `begin` spread over the places of the other qubits.
        std::uint64_t base = 0, places = others;
        for (auto value = static_cast<std::uint64_t>(begin); value != 0; value >>= 1, places &= places - 1)
            if (value & 1) base |= places & (~places + 1);
        for (std::int64_t at = begin; at < end;) {
            const std::int64_t count = std::min(kTogether, end - at);
            for (std::int64_t b = 0; b < count; ++b) {
                for (int i = 0; i < Size; ++i) {
                    const std::uint64_t index = 2 * (base | offset[i]);
                    l.re[b][i] = left[index];
                    l.im[b][i] = left[index + 1];
                    r.re[b][i] = right[index];
                    r.im[b][i] = right[index + 1];
                }
                base = (base - others) & others;
            }
            add(l, r, count, sums);
            at += count;
        }
        return {};
    }));
    Eigen::MatrixXcd result = Eigen::MatrixXcd::Zero(Size, Size);
    for (const auto& part : parts)
        for (int row = 0; row < Size; ++row)
            for (int column = 0; column < Size; ++column)
                result(row, column) += std::complex(part.re[row][column], part.im[row][column]);
    return result;
}

} // namespace

Result<Eigen::MatrixXcd> crossMatrix(const cpu::CpuState& left, const cpu::CpuState& right,
                                     const std::vector<int>& qubits, const RunContext& context) {
    const double* l = left.reals<double>();
    const double* r = right.reals<double>();
    switch (qubits.size()) {
    case 1: return cross<2>(l, r, left.bits(), qubits, context);
    case 2: return cross<4>(l, r, left.bits(), qubits, context);
    case 3: return cross<8>(l, r, left.bits(), qubits, context);
    case 4: return cross<16>(l, r, left.bits(), qubits, context);
    case 5: return cross<32>(l, r, left.bits(), qubits, context);
    default: return fail(ErrorCode::OutOfRange, "a gate on {} qubits; gradients take up to 5", qubits.size());
    }
}

Result<void> applyObservable(const cpu::CpuState& from, std::span<const PauliTerm> observable, cpu::CpuState& into,
                             const RunContext& context) {
    constexpr std::int64_t kChunk = 1 << 12;
    Progress unseen;
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    const double* a = from.reals<double>();
    double* b = into.reals<double>();
    return parallelChunks(static_cast<std::int64_t>(from.size()), kChunk, inner,
                          [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                              std::fill(b + 2 * begin, b + 2 * end, 0.0);
                              for (const auto& [weight, pauli] : observable) {
                                  // P|i> = i^(number of Y) (-1)^(ones of i under z) |i ^ x>
                                  static constexpr double kRe[] = {1, 0, -1, 0}, kIm[] = {0, 1, 0, -1};
                                  const int turns = std::popcount(pauli.x & pauli.z) & 3;
                                  const double re = weight * kRe[turns], im = weight * kIm[turns];
                                  for (std::int64_t to = begin; to < end; ++to) {
                                      const std::uint64_t source = static_cast<std::uint64_t>(to) ^ pauli.x;
                                      const double sign = std::popcount(source & pauli.z) & 1 ? -1 : 1;
                                      const double x = sign * a[2 * source], y = sign * a[2 * source + 1];
                                      b[2 * to] += re * x - im * y;
                                      b[2 * to + 1] += re * y + im * x;
                                  }
                              }
                              return {};
                          });
}

} // namespace qscope::engine
