// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <vector>

namespace qscope::engine {

/// Which site of a chain holds which qubit. Gates work on neighbours: the qubits of a gate are swapped together first
/// and stay where they end.
class ChainLayout {
public:
    explicit ChainLayout(int qubits);

    [[nodiscard]] int size() const { return static_cast<int>(m_site.size()); }
    [[nodiscard]] int site(int qubit) const { return m_site[static_cast<std::size_t>(qubit)]; }
    [[nodiscard]] int qubit(int site) const { return m_qubit[static_cast<std::size_t>(site)]; }

    struct Gathering {
        std::vector<int> swaps; ///< sites s whose qubits change places with those of s + 1, in order
        int first = 0;          ///< afterwards the qubits fill the sites from here on
    };
    /// Brings different qubits together. Of two, the one with more gates so far moves, so that a qubit that many others
    /// work with passes along them; more gather around the middle one of them.
    Gathering gather(std::span<const int> qubits);

private:
    void swap(int site);

    std::vector<int> m_site;
    std::vector<int> m_qubit;
    std::vector<int> m_uses; ///< gates on several qubits so far, by qubit
};

} // namespace qscope::engine
