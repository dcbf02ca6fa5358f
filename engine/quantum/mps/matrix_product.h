// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/quantum/mps/layout.h"
#include "engine/quantum/sim/simulation.h"

#include <Eigen/Core>

namespace qscope::engine {

/// A state as a chain of matrices, one pair per qubit: the amplitude of bits s is the product of the matrices a[s] of
/// all sites. Sites left of the centre have orthonormal columns, those right of it orthonormal rows, so that a
/// truncation next to the centre is the best one for the whole state. Source: Vidal, "Efficient classical simulation of
/// slightly entangled quantum computations", Phys. Rev. Lett. 91, 147902 (2003), in the canonical form of Schollwoeck,
/// Ann. Phys. 326, 96 (2011), section 4.
class MatrixProduct {
public:
    using Complex = std::complex<double>;
    using Matrix = Eigen::MatrixXcd;

    /// |0...0>; keeps at most `bond` singular values and drops at most `cutoff` of the squared norm below that.
    MatrixProduct(int qubits, int bond, double cutoff);

    /// A gate's matrix, row-major, on its qubits, the first the lowest bit.
    [[nodiscard]] Result<void> apply(const std::vector<Complex>& matrix, std::span<const int> qubits,
                                     const RunContext& context);
    /// Probability of measuring 1; the norm is 1.
    [[nodiscard]] double probabilityOfOne(int qubit);
    /// Projects on an outcome of this probability, above 0, and drops what no longer matters.
    void collapse(int qubit, bool outcome, double probability);
    [[nodiscard]] double expectation(std::span<const PauliFactor> factors);
    [[nodiscard]] double norm() const;

    /// Bits of all qubits for each shot, drawn by `uniform(seed, shot, first + site)`; `bits[shot][qubit]`.
    [[nodiscard]] Result<std::vector<std::vector<bool>>>
    sample(std::span<const std::uint64_t> shots, std::uint64_t seed, std::uint64_t first, const RunContext& context);

    struct Likely {
        std::vector<bool> bits; ///< by qubit
        double probability = 0;
    };
    struct Likeliest {
        std::vector<Likely> states; ///< descending, by index among equals
        bool certain = true;        ///< no state that is missing can be more probable
    };
    /// Basis states found by a beam search along the chain.
    [[nodiscard]] Result<Likeliest> likeliest(int count, const RunContext& context);

    /// Lower bound of |<exact|this>|^2: the angles of all truncations added up.
    [[nodiscard]] double fidelity() const;
    [[nodiscard]] int largestBond() const { return m_largestBond; }
    /// Singular values kept between `site` and the next one.
    [[nodiscard]] int bond(int site) const {
        return static_cast<int>(m_sites[static_cast<std::size_t>(site)].a[0].cols());
    }
    [[nodiscard]] const ChainLayout& layout() const { return m_layout; }

private:
    struct Site {
        Matrix a[2];
    };
    [[nodiscard]] Site& at(int site) { return m_sites[static_cast<std::size_t>(site)]; }
    void moveCentre(int site);
    void stepRight();
    void stepLeft();
    /// A gate on neighbouring sites from `first` on; local bit k of the matrix belongs to site `first + offsets[k]`.
    void applyAt(int first, const std::vector<Complex>& matrix, const std::vector<int>& offsets);
    void compressAround(int site);
    void dropped(double share);

    ChainLayout m_layout;
    std::vector<Site> m_sites;
    int m_centre = 0;
    int m_bond;
    double m_cutoff;
    int m_largestBond = 1;
    double m_angle = 0; ///< between this and the exact state, at most
};

} // namespace qscope::engine
