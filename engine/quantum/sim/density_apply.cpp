// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quantum/sim/density_matrix.h"
#include "engine/quantum/sim/pauli_kernels.h"

#include <algorithm>
#include <bit>

namespace qscope::engine {

namespace {

constexpr int kRegionBits = 16; ///< reals that stay in a second-level cache, eight qubits
constexpr std::uint64_t kChunkUnits = 1 << 14;
constexpr int kMostQubits = 5;

Result<void> check(const PauliMap& map, int qubits) {
    const auto count = static_cast<int>(map.qubits.size());
    if (count < 1 || count > kMostQubits) return fail(ErrorCode::OutOfRange, "a Pauli map on {} qubits; 1 to {} are possible", count, kMostQubits);
    std::uint64_t seen = 0;
    for (const int qubit : map.qubits) {
        if (qubit < 0 || qubit >= qubits || (seen >> qubit & 1))
            return fail(ErrorCode::OutOfRange, "qubit {} twice or beyond the {} of the state", qubit, qubits);
        seen |= std::uint64_t{1} << qubit;
    }
    if (map.entries.size() != std::size_t{1} << 4 * count)
        return fail(ErrorCode::OutOfRange, "a Pauli map on {} qubits with {} entries", count, map.entries.size());
    return {};
}

/// One map made ready for regions of 2^regionBits reals.
template<class Real>
class Pass {
public:
    Pass(const PauliMap& map, int regionBits, const pauli::Kernels<Real>& kernels)
        : m_kernels(kernels), m_lanes(kernels.laneBits) {
        for (std::size_t k = 0; k < map.qubits.size(); ++k)
            for (const int half : {0, 1}) {
                const int bit = 2 * map.qubits[k] + half;
                (bit < m_lanes ? m_low : m_high).push_back({bit, 2 * k + static_cast<std::size_t>(half)});
            }
        const int unitBits = std::max(regionBits - m_lanes, 0);
        for (const Target& target : m_high) m_task.groups.fixed |= std::uint64_t{1} << (target.bit - m_lanes);
        const std::size_t units = std::size_t{1} << m_high.size();
        m_task.batched = unitBits >= 2 && (m_task.groups.fixed & 3) == 0 && 4 * units << m_low.size() <= pauli::kMostInputs;
        if (m_task.batched) m_task.groups.fixed |= 3;
        m_groups = std::uint64_t{1} << (unitBits - std::popcount(m_task.groups.fixed));
        prepare(map);
    }

    [[nodiscard]] std::uint64_t groups() const { return m_groups; }
    [[nodiscard]] std::uint64_t unitsPerGroup() const { return (m_task.batched ? 4 : 1) * m_task.offsets.size(); }
    void apply(Real* region, std::uint64_t begin, std::uint64_t end) const { m_kernels.pass(region, m_task, begin, end); }

private:
    struct Target {
        int bit;           ///< of the state's index
        std::size_t local; ///< bit of the map's index
    };
    struct alignas(64) Line {
        Real reals[64 / sizeof(Real)];
    };

    [[nodiscard]] static std::size_t local(const std::vector<Target>& targets, std::size_t value) {
        std::size_t index = 0;
        for (std::size_t i = 0; i < targets.size(); ++i) index |= (value >> i & 1) << targets[i].local;
        return index;
    }
    /// The bits of the map's index that a lane number decides.
    [[nodiscard]] std::size_t localOfLane(std::size_t lane) const {
        std::size_t index = 0;
        for (const Target& target : m_low) index |= (lane >> target.bit & 1) << target.local;
        return index;
    }

    void prepare(const PauliMap& map) {
        const std::size_t size = std::size_t{1} << 2 * map.qubits.size();
        const std::size_t units = std::size_t{1} << m_high.size();
        const std::size_t lanes = std::size_t{1} << m_lanes;
        m_task.perLane = !m_low.empty();
        for (std::size_t v = 0; v < units; ++v) {
            std::uint64_t offset = 0;
            for (std::size_t i = 0; i < m_high.size(); ++i) offset |= (v >> i & 1) << (m_high[i].bit - m_lanes);
            m_task.offsets.push_back(offset);
        }
        for (std::size_t m = 0; m < std::size_t{1} << m_low.size(); ++m) {
            int pattern = 0;
            for (std::size_t i = 0; i < m_low.size(); ++i)
                if (m >> i & 1) pattern |= 1 << m_low[i].bit;
            m_task.patterns.push_back(pattern);
        }
        std::vector<Real> factors;
        std::vector<Real> factor(m_task.perLane ? lanes : 1);
        for (std::size_t h = 0; h < units; ++h) {
            m_task.firstTerm.push_back(static_cast<std::uint32_t>(m_task.inputs.size()));
            for (std::size_t v = 0; v < units; ++v)
                for (std::size_t m = 0; m < m_task.patterns.size(); ++m) {
                    const auto pattern = static_cast<std::size_t>(m_task.patterns[m]);
                    bool zero = true;
                    for (std::size_t lane = 0; lane < factor.size(); ++lane) {
                        const double entry = map.entries[(local(m_high, h) | localOfLane(lane)) * size +
                                                         (local(m_high, v) | localOfLane(lane ^ pattern))];
                        factor[lane] = static_cast<Real>(entry);
                        zero = zero && entry == 0;
                    }
                    if (zero) continue;
                    m_task.inputs.push_back(static_cast<std::uint32_t>(v * m_task.patterns.size() + m));
                    factors.insert(factors.end(), factor.begin(), factor.end());
                }
        }
        m_task.firstTerm.push_back(static_cast<std::uint32_t>(m_task.inputs.size()));
        constexpr std::size_t kPerLine = 64 / sizeof(Real);
        m_storage.resize(factors.size() / kPerLine + 1);
        for (std::size_t i = 0; i < factors.size(); ++i) m_storage[i / kPerLine].reals[i % kPerLine] = factors[i];
        m_task.coefficients = m_storage.front().reals;
    }

    const pauli::Kernels<Real>& m_kernels;
    int m_lanes;
    std::vector<Target> m_low;
    std::vector<Target> m_high;
    std::uint64_t m_groups = 1;
    pauli::PassTask<Real> m_task;
    std::vector<Line> m_storage;
};

/// Takes from `left`, in order, what can run within regions before anything else; the rest stays.
std::vector<const PauliMap*> takeWithin(std::vector<const PauliMap*>& left, int regionBits) {
    std::vector<const PauliMap*> taken;
    std::vector<const PauliMap*> rest;
    std::uint64_t waiting = 0; // qubits of what stays
    for (const PauliMap* map : left) {
        std::uint64_t mask = 0;
        for (const int qubit : map->qubits) mask |= std::uint64_t{1} << qubit;
        const bool within = mask >> regionBits / 2 == 0;
        if (within && (mask & waiting) == 0) {
            taken.push_back(map);
        } else {
            waiting |= mask;
            rest.push_back(map);
        }
    }
    left = std::move(rest);
    return taken;
}

template<class Real>
Result<void> applyAll(Real* reals, int bits, std::span<const PauliMap> maps, const RunContext& context) {
    const pauli::Kernels<Real>& kernels = pauli::kernels<Real>();
    const int regionBits = std::min(kRegionBits, bits);
    std::vector<const PauliMap*> left;
    for (const PauliMap& map : maps) left.push_back(&map);
    while (!left.empty()) {
        const auto within = takeWithin(left, regionBits);
        if (!within.empty()) {
            std::vector<Pass<Real>> passes;
            passes.reserve(within.size());
            for (const PauliMap* map : within) passes.emplace_back(*map, regionBits, kernels);
            QSCOPE_CHECK(parallelChunks(std::int64_t{1} << (bits - regionBits), 1, context,
                                        [&](std::int64_t region, std::int64_t) -> Result<void> {
                                            for (const Pass<Real>& pass : passes) {
                                                if (context.cancelled()) return cancelled();
                                                pass.apply(reals + (region << regionBits), 0, pass.groups());
                                            }
                                            return {};
                                        }));
        }
        if (left.empty()) break;
        const Pass<Real> pass(*left.front(), bits, kernels);
        left.erase(left.begin());
        const auto grain = static_cast<std::int64_t>(std::max<std::uint64_t>(kChunkUnits / pass.unitsPerGroup(), 1));
        QSCOPE_CHECK(parallelChunks(static_cast<std::int64_t>(pass.groups()), grain, context,
                                    [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                                        pass.apply(reals, static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(end));
                                        return {};
                                    }));
    }
    return {};
}

} // namespace

Result<void> DensityMatrix::apply(std::span<const PauliMap> maps, const RunContext& context) {
    for (const PauliMap& map : maps) QSCOPE_CHECK(check(map, m_qubits));
    Progress unseen; // progress belongs to the caller
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    return m_precision == Precision::Single ? applyAll<float>(reals<float>(), 2 * m_qubits, maps, inner)
                                            : applyAll<double>(reals<double>(), 2 * m_qubits, maps, inner);
}

} // namespace qscope::engine
