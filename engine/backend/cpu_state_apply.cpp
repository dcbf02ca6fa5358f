// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"
#include "engine/backend/cpu_state_buffer.h"
#include "engine/backend/cpu_state_cross.h"
#include "engine/backend/cpu_state_stage.h"
#include "engine/core/parallel.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>
#include <mutex>

namespace qscope::engine::cpu {

namespace {

constexpr int kMostDense = 5;
constexpr int kMostDiagonal = 12;
/// 1 MiB: long enough to start a task, short enough to share and to stop.
constexpr std::uint64_t kChunkUnits = 1 << 14;

/// The bits of `value` at the places that `mask` has.
std::uint64_t spread(std::uint64_t value, std::uint64_t mask) {
    std::uint64_t result = 0;
    for (; mask != 0; mask &= mask - 1, value >>= 1) result |= (value & 1) != 0 ? mask & (~mask + 1) : 0;
    return result;
}

Result<void> check(const FusedGate& gate, int bits) {
    const bool dense = gate.form == FusedGate::Form::Dense;
    const int most = dense ? kMostDense : kMostDiagonal;
    const auto count = static_cast<int>(gate.targets.size());
    if (count > most) return fail(ErrorCode::OutOfRange, "a gate on {} targets; {} are the limit", count, most);
    std::uint64_t seen = gate.controlMask;
    if (bits < 64 && gate.controlMask >> bits != 0)
        return fail(ErrorCode::OutOfRange, "a control beyond the {} qubits of the state", bits);
    for (const int target : gate.targets) {
        if (target < 0 || target >= bits) return fail(ErrorCode::OutOfRange, "qubit {} of a state of {}", target, bits);
        if (seen >> target & 1) return fail(ErrorCode::OutOfRange, "qubit {} twice in one gate", target);
        seen |= std::uint64_t{1} << target;
    }
    const std::size_t entries = std::size_t{1} << (dense ? 2 * count : count);
    if (gate.entries.size() != entries)
        return fail(ErrorCode::OutOfRange, "a gate on {} targets with {} entries", count, gate.entries.size());
    return {};
}

/// Amplitudes of a block: half a mebibyte, which leaves room for tables in a second-level cache of one. Twice as much
/// would hardly save a pass.
template<class Real>
constexpr int kBlockBits = sizeof(Real) == 4 ? 16 : 15;
/// The lowest qubits are in every block, so that it is gathered in runs of 512 bytes at least.
template<class Real>
constexpr int kRunBits = sizeof(Real) == 4 ? 6 : 5;
/// So many gates are planned at once, whatever the circuit's length.
constexpr std::size_t kMostPlanned = 1024;
/// So many sums are kept for each gate that wants them.
constexpr std::int64_t kMostShares = 256;

/// Room for one block per thread at work.
template<class Real>
class BlockBuffers {
public:
    explicit BlockBuffers(std::size_t reals)
        : m_reals(reals) {}
    std::unique_ptr<FactorStore<Real>> take() {
        const std::lock_guard lock(m_mutex);
        if (m_free.empty()) return std::make_unique<FactorStore<Real>>(m_reals);
        auto buffer = std::move(m_free.back());
        m_free.pop_back();
        return buffer;
    }
    void giveBack(std::unique_ptr<FactorStore<Real>> buffer) {
        const std::lock_guard lock(m_mutex);
        m_free.push_back(std::move(buffer));
    }

private:
    std::size_t m_reals;
    std::mutex m_mutex;
    std::vector<std::unique_ptr<FactorStore<Real>>> m_free;
};

/// The runs of neighbouring amplitudes that a block is made of.
struct BlockRuns {
    BlockRuns(const BlockShape& shape, int unitBits) {
        // No run crosses a line of padding.
        runBits = std::min(std::countr_one(shape.qubits), kPadding + unitBits);
        above = shape.qubits >> runBits << runBits;
        laneBits = unitBits;
        padding = shape.padding;
    }
    /// Calls work(index in the state relative to the block's first, real of the block) for runs [0, count).
    template<class Real, class Work>
    void forEach(std::uint64_t count, Real* block, Work&& work) const {
        std::uint64_t index = 0;
        for (std::uint64_t run = 0; run < count; ++run, index = ((index | ~above) + 1) & above)
            work(index, block + (padded(run << (runBits - laneBits), padding) << (laneBits + 1)));
    }
    int runBits;
    std::uint64_t above;
    int laneBits;
    int padding;
};

template<class Real>
Result<void> applyInBlocks(CpuState& state, const GateGroup& group, Crossing* crossing, const RunContext& context) {
    const Kernels<Real>& kernel = kernels<Real>();
    const int live = state.liveBits();
    // Filled up with the lowest qubits.
    BlockShape shape{group.mixed | lowBits(kRunBits<Real>) | (crossing ? crossing->side() : 0)};
    for (int qubit = 0; shape.bits() < kBlockBits<Real>; ++qubit) shape.qubits |= std::uint64_t{1} << qubit;
    shape.padding = kPadding;
    const BlockProgram<Real> program(group, shape, kernel, crossing);
    const BlockRuns runs(shape, kernel.laneBits);
    const std::uint64_t runCount = std::uint64_t{1} << (shape.bits() - runs.runBits);
    const std::size_t runReals = std::size_t{2} << runs.runBits;

    const std::uint64_t outerQubits = lowBits(live) & ~shape.qubits;
    const std::uint64_t units = std::uint64_t{1} << (shape.bits() - kernel.laneBits);
    BlockBuffers<Real> buffers(padded(units, shape.padding) << (kernel.laneBits + 1));
    state.setLiveBits(std::max(live, static_cast<int>(std::bit_width(group.mixed))));
    const std::int64_t blocks = std::int64_t{1} << std::popcount(outerQubits);
    // Blocks are handed out in shares when there are sums, each of which belongs to one share.
    const std::int64_t share = crossing ? std::max<std::int64_t>(blocks / kMostShares, 1) : 1;
    std::vector<FactorStore<Real>> sums(crossing ? static_cast<std::size_t>(blocks / share) : 1,
                                        FactorStore<Real>(program.sums()));
    const auto carry = [&](std::int64_t number, Real* block, Real* into) {
        const std::uint64_t outer = spread(static_cast<std::uint64_t>(number), outerQubits);
        Real* const from = state.liveReals<Real>() + 2 * outer;
        runs.forEach(runCount, block, [&](std::uint64_t index, Real* run) {
            // Amplitudes that are still zero need not be read.
            if (index >> live == 0)
                std::memcpy(run, from + 2 * index, runReals * sizeof(Real));
            else
                std::memset(run, 0, runReals * sizeof(Real));
        });
        const bool whole = program.run(block, outer, into, context.stop);
        runs.forEach(runCount, block, [&](std::uint64_t index, const Real* run) {
            std::memcpy(from + 2 * index, run, runReals * sizeof(Real));
        });
        return whole;
    };
    QSCOPE_CHECK(parallelChunks(blocks, share, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        auto buffer = buffers.take();
        Real* const into = sums[crossing ? static_cast<std::size_t>(begin / share) : 0].data();
        bool whole = true;
        for (std::int64_t number = begin; number < end && whole; ++number) whole = carry(number, buffer->data(), into);
        buffers.giveBack(std::move(buffer));
        return whole ? Result<void>{} : cancelled();
    }));
    if (crossing)
        for (auto& each : sums) program.collect(each.data(), *crossing);
    return {};
}

template<class Real>
Result<void> applyAlone(CpuState& state, const FusedGate& gate, const RunContext& context) {
    state.setLiveBits(
        std::max({state.liveBits(), static_cast<int>(std::bit_width(useOf(gate).mixed)), kernels<Real>().laneBits}));
    const Step<Real> step(gate, {lowBits(std::min(state.liveBits(), state.bits()))}, kernels<Real>());
    const std::uint64_t grain = std::max<std::uint64_t>(kChunkUnits / step.unitsPerGroup(), 1);
    return parallelChunks(static_cast<std::int64_t>(step.groups()), static_cast<std::int64_t>(grain), context,
                          [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                              step.apply(state.liveReals<Real>(), 0, static_cast<std::uint64_t>(begin),
                                         static_cast<std::uint64_t>(end));
                              return {};
                          });
}

template<class Real>
Result<void> applyInOneBlock(CpuState& state, std::vector<const FusedGate*> gates, Crossing* crossing,
                             const RunContext& context) {
    if (context.cancelled()) return cancelled();
    // Qubits that no gate has reached stay out.
    int bits = std::max(state.liveBits(), kernels<Real>().laneBits);
    for (const FusedGate* gate : gates) bits = std::max(bits, static_cast<int>(std::bit_width(useOf(*gate).mixed)));
    bits = std::min(bits, state.bits());
    state.setLiveBits(bits);
    const BlockProgram<Real> program({std::move(gates), 0}, {lowBits(bits)}, kernels<Real>(), crossing);
    FactorStore<Real> sums(program.sums());
    if (!program.run(state.liveReals<Real>(), 0, sums.data(), context.stop)) return cancelled();
    if (crossing) program.collect(sums.data(), *crossing);
    return {};
}

template<class Real>
Result<void> applyAll(CpuState& state, std::span<const FusedGate> gates, Crossing* crossing,
                      const RunContext& context) {
    std::vector<const FusedGate*> pending;
    std::deque<std::vector<FusedGate>> swaps;
    for (const FusedGate& gate : gates) {
        const bool whole = gates.size() == 1 || (crossing && crossing->wants(&gate));
        if (!whole) swaps.push_back(partsOfSwap(gate));
        if (whole || swaps.back().empty())
            pending.push_back(&gate);
        else
            for (const FusedGate& part : swaps.back()) pending.push_back(&part);
    }
    if (state.bits() <= kBlockBits<Real>) return applyInOneBlock<Real>(state, std::move(pending), crossing, context);
    const int side = crossing ? 1 : 0; // a qubit that every block has, and that no gate touches
    while (!pending.empty()) {
        const GateGroup group =
            takeLargestGroup(pending, kRunBits<Real>, kBlockBits<Real> - kRunBits<Real> - side, state.bits() - side);
        if (group.gates.size() == 1 && !crossing)
            QSCOPE_CHECK(applyAlone<Real>(state, *group.gates.front(), context));
        else
            QSCOPE_CHECK(applyInBlocks<Real>(state, group, crossing, context));
    }
    return {};
}

Result<void> applyPlanned(CpuState& state, std::span<const FusedGate> gates, Crossing* crossing,
                          const RunContext& context) {
    Progress unseen; // progress belongs to the caller
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    for (std::size_t done = 0; done < gates.size(); done += kMostPlanned) {
        const auto some = gates.subspan(done, std::min(kMostPlanned, gates.size() - done));
        QSCOPE_CHECK(
            withReal(state, [&](auto real) { return applyAll<decltype(real)>(state, some, crossing, inner); }));
    }
    return {};
}

} // namespace

Result<void> applyGates(StateBuffer& state, std::span<const FusedGate> gates, const RunContext& context) {
    QSCOPE_TRY(CpuState* const mine, own(state));
    for (const FusedGate& gate : gates) QSCOPE_CHECK(check(gate, mine->bits()));
    return applyPlanned(*mine, gates, nullptr, context);
}

Result<std::vector<Cross>> applyCrossed(StateBuffer& pair, std::span<const FusedGate> gates,
                                        const std::vector<bool>& wanted, const RunContext& context) {
    QSCOPE_TRY(CpuState* const mine, own(pair));
    if (mine->precision() != Precision::Double || mine->bits() < 1 || wanted.size() != gates.size())
        return fail(ErrorCode::OutOfRange, "two states in one of {} qubits, {} gates and {} wishes", mine->bits(),
                    gates.size(), wanted.size());
    for (std::size_t k = 0; k < gates.size(); ++k) {
        QSCOPE_CHECK(check(gates[k], mine->bits() - 1));
        if (wanted[k] && gates[k].targets.size() > kMostDense)
            return fail(ErrorCode::OutOfRange, "sums for a gate on {} targets; {} are the limit",
                        gates[k].targets.size(), kMostDense);
    }
    mine->setLiveBits(mine->bits()); // both halves may hold something
    Crossing crossing(gates, wanted, mine->bits() - 1);
    QSCOPE_CHECK(applyPlanned(*mine, gates, &crossing, context));
    return std::move(crossing).found();
}

} // namespace qscope::engine::cpu
