// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/state.h"
#include "engine/core/result.h"

#include <sys/mman.h>

#include <cstdlib>
#include <memory>

namespace qscope::engine::cpu {

/// Amplitudes in main memory as (real, imaginary) pairs, aligned to 64 bytes and padded with zeros to at least 64
/// bytes, so that every kernel works on whole vectors.
class CpuState final : public StateBuffer {
public:
    struct Free {
        std::size_t mapped = 0; ///< bytes, when the memory is a mapping
        void operator()(void* memory) const {
            if (mapped > 0)
                ::munmap(memory, mapped);
            else
                std::free(memory);
        }
    };
    using Memory = std::unique_ptr<void, Free>;

    CpuState(int bits, Precision precision, Memory memory)
        : m_bits(bits)
        , m_precision(precision)
        , m_memory(std::move(memory)) {}

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] Precision precision() const override { return m_precision; }
    [[nodiscard]] std::uint64_t size() const { return std::uint64_t{1} << m_bits; }
    /// Amplitudes from 2^liveBits on are zero: no gate has reached those qubits yet.
    [[nodiscard]] int liveBits() const { return m_liveBits; }
    void setLiveBits(int bits) { m_liveBits = bits; }

    /// For whoever may write anywhere.
    template<class Real>
    [[nodiscard]] Real* reals() {
        m_liveBits = m_bits;
        return static_cast<Real*>(m_memory.get());
    }
    /// For whoever keeps to `liveBits`.
    template<class Real>
    [[nodiscard]] Real* liveReals() {
        return static_cast<Real*>(m_memory.get());
    }
    template<class Real>
    [[nodiscard]] const Real* reals() const {
        return static_cast<const Real*>(m_memory.get());
    }

private:
    int m_bits;
    int m_liveBits = 0;
    Precision m_precision;
    Memory m_memory;
};

/// The state as one of this backend's own; Device when another backend made it.
template<class State>
[[nodiscard]] auto own(State& state) {
    using Own = std::conditional_t<std::is_const_v<State>, const CpuState, CpuState>;
    Result<Own*> result = dynamic_cast<Own*>(&state);
    if (!*result) result = fail(ErrorCode::Device, "a state of another device was given to the CPU");
    return result;
}

/// Calls `work` with a float or a double, as the state stores them.
template<class Work>
auto withReal(const CpuState& state, Work work) {
    return state.precision() == Precision::Single ? work(float{}) : work(double{});
}

} // namespace qscope::engine::cpu
