// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <complex>
#include <cstdint>
#include <vector>

namespace qscope::engine {

enum class Precision : std::uint8_t { Single, Double };

/// 2^bits complex amplitudes on some device, owned by the backend that made them. Bit k of an amplitude's index
/// belongs to qubit k.
class StateBuffer {
public:
    virtual ~StateBuffer() = default;
    [[nodiscard]] virtual int bits() const = 0;
    [[nodiscard]] virtual Precision precision() const = 0;
};

/// A small matrix applied to the amplitudes whose control bits are all set. Local index: `targets[0]` is the lowest bit.
/// Dense: 4^t entries, row-major. Diagonal: 2^t entries. At most 5 targets when dense, 12 when diagonal.
struct FusedGate {
    enum class Form : std::uint8_t { Dense, Diagonal };
    Form form = Form::Dense;
    std::vector<int> targets;
    std::uint64_t controlMask = 0;
    std::vector<std::complex<double>> entries;
};

/// A product of Pauli matrices: bit k of `x` and `z` says what acts on qubit k (x: X, z: Z, both: Y).
struct PauliString {
    std::uint64_t x = 0;
    std::uint64_t z = 0;
};

} // namespace qscope::engine
