// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/mps/forecast.h"

#include "engine/quantum/mps/layout.h"
#include "engine/quantum/sim/entangling.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

// Measured with `bench_circuits`: singular values of an m x n matrix take kSplit m n min(m, n) and a little.
constexpr double kSplit = 12e-9;
constexpr double kGate = 1e-5;

class Chain {
public:
    Chain(int qubits, int bond)
        : m_layout(qubits)
        , m_bits(static_cast<std::size_t>(qubits) + 1)
        , m_needed(m_bits.size())
        , m_most(std::log2(bond)) {}

    void gate(const GateOp& gate) {
        const auto gathering = m_layout.gather(gate.qubits);
        for (const int site : gathering.swaps) join(site, 2, [](int) { return 2.0; });
        result.swaps += static_cast<std::int64_t>(gathering.swaps.size());
        ++result.gates;
        join(gathering.first, static_cast<int>(gate.qubits.size()), [&](int left) { return schmidtBits(gate, left); });
    }

    ChainForecast finish() {
        for (std::size_t cut = 0; cut + 1 < m_bits.size(); ++cut)
            result.bytes += 2 * 16 * std::exp2(m_bits[cut] + m_bits[cut + 1]);
        result.bits = *std::ranges::max_element(m_needed);
        result.exact = result.bits <= m_most;
        // While a gate works, its sites exist three times more.
        result.bytes += m_largest * 16 * 3;
        return result;
    }

    ChainForecast result;

private:
    /// `m_bits[k]` belongs to the cut left of site k.
    template<class Added>
    void join(int first, int count, const Added& added) {
        result.seconds += kGate;
        const auto left = static_cast<std::size_t>(first);
        const auto right = left + static_cast<std::size_t>(count);
        for (int k = 1; k < count; ++k) {
            const auto cut = left + static_cast<std::size_t>(k);
            const double more = added(k);
            const auto grown = [&](const std::vector<double>& bits) {
                return std::min({bits[cut] + more, bits[left] + k, bits[right] + (count - k)});
            };
            m_needed[cut] = grown(m_needed);
            const double rows = std::exp2(m_bits[cut - 1] + 1);
            const double columns = std::exp2(m_bits[right] + count - k);
            result.seconds += kGate + kSplit * rows * columns * std::min(rows, columns);
            m_largest = std::max(m_largest, rows * columns);
            m_bits[cut] = std::min(grown(m_bits), m_most);
        }
    }

    ChainLayout m_layout;
    std::vector<double> m_bits;   ///< with the bond allowed
    std::vector<double> m_needed; ///< without that limit
    double m_most;
    double m_largest = 1;
};

} // namespace

ChainForecast forecastChain(const Program& program, int bond) {
    Chain chain(program.qubits, bond);
    for (std::size_t i = 0; i < program.length; ++i) {
        const auto& what = program.flat.operations[i].what;
        if (const auto* gate = std::get_if<GateOp>(&what))
            chain.gate(*gate);
        else if (!std::holds_alternative<BarrierOp>(what) && !program.terminal[i])
            ++chain.result.events;
    }
    return chain.finish();
}

} // namespace qscope::engine
