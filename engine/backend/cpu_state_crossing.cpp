// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state_crossing.h"

#include "engine/core/simd.h"

namespace qscope::engine::cpu {

namespace {

constexpr std::size_t kTogether = 32; ///< values of the other qubits that are gathered at a time

/// Amplitudes of `kTogether` values of the other qubits, real and imaginary parts apart, local index the fastest.
template<std::size_t Size>
struct Gathered {
    double re[kTogether][Size];
    double im[kTogether][Size];
};

/// sums[r][c] += conj(left[r]) right[c], (real, imaginary).
template<std::size_t Size>
QSCOPE_ALWAYS_INLINE void addProducts(const Gathered<Size>& left, const Gathered<Size>& right, std::size_t count,
                                      double* sums) {
    for (std::size_t r = 0; r < Size; ++r) {
        double re[Size] = {}, im[Size] = {};
        for (std::size_t b = 0; b < count; ++b) {
            const double x = left.re[b][r], y = left.im[b][r];
            for (std::size_t c = 0; c < Size; ++c) {
                re[c] += x * right.re[b][c] + y * right.im[b][c];
                im[c] += x * right.im[b][c] - y * right.re[b][c];
            }
        }
        for (std::size_t c = 0; c < Size; ++c) {
            sums[2 * (r * Size + c)] += re[c];
            sums[2 * (r * Size + c) + 1] += im[c];
        }
    }
}
QSCOPE_MULTIVERSION void addGathered(const Gathered<1>& l, const Gathered<1>& r, std::size_t n, double* s) {
    addProducts(l, r, n, s);
}
QSCOPE_MULTIVERSION void addGathered(const Gathered<2>& l, const Gathered<2>& r, std::size_t n, double* s) {
    addProducts(l, r, n, s);
}
QSCOPE_MULTIVERSION void addGathered(const Gathered<4>& l, const Gathered<4>& r, std::size_t n, double* s) {
    addProducts(l, r, n, s);
}
QSCOPE_MULTIVERSION void addGathered(const Gathered<8>& l, const Gathered<8>& r, std::size_t n, double* s) {
    addProducts(l, r, n, s);
}
QSCOPE_MULTIVERSION void addGathered(const Gathered<16>& l, const Gathered<16>& r, std::size_t n, double* s) {
    addProducts(l, r, n, s);
}
QSCOPE_MULTIVERSION void addGathered(const Gathered<32>& l, const Gathered<32>& r, std::size_t n, double* s) {
    addProducts(l, r, n, s);
}

} // namespace

Crossing::Crossing(std::span<const FusedGate> gates, const std::vector<bool>& wanted, int side)
    : m_found(gates.size())
    , m_side(std::uint64_t{1} << side) {
    for (std::size_t k = 0; k < gates.size(); ++k) {
        if (!wanted[k]) continue;
        m_slots.emplace(&gates[k], k);
        const std::size_t size = std::size_t{1} << gates[k].targets.size();
        m_found[k].resize(gates[k].form == FusedGate::Form::Dense ? size * size : size);
    }
}

template<class Real>
BlockCross<Real>::BlockCross(const FusedGate& gate, const BlockShape& shape, std::uint64_t side, int laneBits)
    : m_gate(&gate)
    , m_outerControls(gate.controlMask & ~shape.qubits)
    , m_local(std::size_t{1} << gate.targets.size())
    , m_laneBits(laneBits)
    , m_padding(shape.padding) {
    // Where bits of a block lie; those of two masks without a common bit add up.
    const auto place = [&](std::uint64_t bits) {
        return 2 * (padded(bits >> laneBits, m_padding) << laneBits | (bits & lowBits(laneBits)));
    };
    const std::uint64_t controls = shape.bitsOf(gate.controlMask);
    std::uint64_t targets = 0;
    for (const int target : gate.targets) targets |= shape.bitsOf(std::uint64_t{1} << target);
    m_others = lowBits(shape.bits()) & ~(targets | controls | shape.bitsOf(side));
    m_left = place(shape.bitsOf(side));
    for (std::size_t i = 0; i < m_local.size(); ++i) {
        std::uint64_t bits = controls;
        for (std::size_t k = 0; k < gate.targets.size(); ++k)
            if (i >> k & 1) bits |= shape.bitsOf(std::uint64_t{1} << gate.targets[k]);
        m_local[i] = place(bits);
    }
}

template<class Real>
template<std::size_t Size>
void BlockCross<Real>::addSized(const Real* block, Real* sums) const {
    double found[2 * Size * Size] = {};
    Gathered<Size> l, r;
    std::size_t count = 0;
    std::uint64_t others = 0;
    do {
        const Real* const at =
            block + 2 * (padded(others >> m_laneBits, m_padding) << m_laneBits | (others & lowBits(m_laneBits)));
        for (std::size_t i = 0; i < Size; ++i) {
            const Real* const right = at + m_local[i];
            const Real* const left = right + m_left;
            r.re[count][i] = right[0];
            r.im[count][i] = right[1];
            l.re[count][i] = left[0];
            l.im[count][i] = left[1];
        }
        others = (others - m_others) & m_others; // the next subset
        if (++count == kTogether || others == 0) {
            addGathered(l, r, count, found);
            count = 0;
        }
    } while (others != 0);
    for (std::size_t k = 0; k < std::size(found); ++k) sums[k] += static_cast<Real>(found[k]);
}

template<class Real>
void BlockCross<Real>::add(const Real* block, std::uint64_t outer, Real* sums) const {
    if ((outer & m_outerControls) != m_outerControls) return;
    switch (m_gate->targets.size()) {
    case 0: return addSized<1>(block, sums);
    case 1: return addSized<2>(block, sums);
    case 2: return addSized<4>(block, sums);
    case 3: return addSized<8>(block, sums);
    case 4: return addSized<16>(block, sums);
    default: return addSized<32>(block, sums);
    }
}

template<class Real>
void BlockCross<Real>::collect(const Real* sums, Crossing& crossing) const {
    Cross& found = crossing.of(m_gate);
    const std::size_t size = m_local.size();
    const bool diagonal = m_gate->form == FusedGate::Form::Diagonal;
    for (std::size_t k = 0; k < found.size(); ++k) {
        const std::size_t at = 2 * (diagonal ? k * (size + 1) : k);
        found[k] += std::complex<double>(sums[at], sums[at + 1]);
    }
}

template class BlockCross<float>;
template class BlockCross<double>;

} // namespace qscope::engine::cpu
