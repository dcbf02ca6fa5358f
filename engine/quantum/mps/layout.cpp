// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/mps/layout.h"

#include <algorithm>
#include <numeric>

namespace qscope::engine {

ChainLayout::ChainLayout(int qubits)
    : m_site(static_cast<std::size_t>(qubits))
    , m_qubit(m_site.size())
    , m_uses(m_site.size()) {
    std::iota(m_site.begin(), m_site.end(), 0);
    std::iota(m_qubit.begin(), m_qubit.end(), 0);
}

void ChainLayout::swap(int site) {
    const auto s = static_cast<std::size_t>(site);
    std::swap(m_qubit[s], m_qubit[s + 1]);
    m_site[static_cast<std::size_t>(m_qubit[s])] = site;
    m_site[static_cast<std::size_t>(m_qubit[s + 1])] = site + 1;
}

ChainLayout::Gathering ChainLayout::gather(std::span<const int> qubits) {
    std::vector<int> sites;
    for (const int q : qubits) sites.push_back(site(q));
    std::ranges::sort(sites);
    int middle = static_cast<int>(sites.size()) / 2;
    const auto uses = [&](int at) { return m_uses[static_cast<std::size_t>(qubit(at))]; };
    if (sites.size() == 2 && uses(sites[1]) > uses(sites[0])) middle = 0; // the upper one moves
    if (sites.size() > 1)
        for (const int q : qubits) ++m_uses[static_cast<std::size_t>(q)];
    const int fixed = sites[static_cast<std::size_t>(middle)];
    Gathering result;
    result.first = fixed - middle;
    const auto take = [&](int swapped) {
        swap(swapped);
        result.swaps.push_back(swapped);
    };
    for (int k = middle - 1; k >= 0; --k)
        for (int s = sites[static_cast<std::size_t>(k)]; s < result.first + k; ++s) take(s);
    for (int k = middle + 1; k < static_cast<int>(sites.size()); ++k)
        for (int s = sites[static_cast<std::size_t>(k)]; s > result.first + k; --s) take(s - 1);
    return result;
}

} // namespace qscope::engine
