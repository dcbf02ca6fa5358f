// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend_gpu/submissions.h"
#include "engine/backend_gpu/vulkan_state.h"
#include "gpu/kernels/sum_products.h"
#include "gpu/kernels/sum_squares.h"
#include "gpu/kernels/sums.h"
#include "gpu/runtime/transfer.h"

#include <algorithm>
#include <array>
#include <bit>

namespace qscope::engine::vulkan {
namespace {

/// Sums that the kernels leave side by side: enough invocations for any device, little to read back.
constexpr int kSumBits = 16;

/// Most qubits of a marginal: its sums then fill the smallest binding that a device may have.
constexpr int kMarginalBits = 24;

/// Amplitudes read back at once.
constexpr std::uint64_t kPiece = 1u << 18;

/// `kept` and the lowest other bits of a shard, so that neighbours read side by side, kSumBits of them at least.
std::uint32_t sumMask(const gpu::ShardLayout& layout, std::uint32_t kept) {
    std::uint32_t mask = kept;
    const int wanted = std::min(layout.localBits, kSumBits);
    for (int bit = 0; std::popcount(mask) < wanted; ++bit) mask |= 1u << bit;
    return mask;
}

/// Which entry of the result each partial sum belongs to, looked up eight bits of its number at a time.
class OutcomeOf {
public:
    OutcomeOf(std::uint32_t mask, std::span<const int> qubits) {
        std::size_t place = 0;
        for (int bit = 0; bit < 32; ++bit) {
            if (!(mask >> bit & 1u)) continue;
            const auto found = std::ranges::find(qubits, bit);
            if (found != qubits.end()) {
                const auto weight = std::size_t{1} << (found - qubits.begin());
                for (std::size_t value = 0; value < 256; ++value)
                    if (value >> place % 8 & 1u) m_tables[place / 8][value] |= weight;
            }
            ++place;
        }
    }
    std::size_t operator()(std::size_t i) const {
        return m_tables[0][i & 255] | m_tables[1][i >> 8 & 255] | m_tables[2][i >> 16 & 255] | m_tables[3][i >> 24];
    }

private:
    std::array<std::array<std::size_t, 256>, 4> m_tables{};
};

/// One summing pass per shard; `record(shard, first, count)` is the kernel, `collect(shard, sums)` takes its results.
template<class Record, class Collect>
Result<void> sumShards(const VulkanState& state, std::uint32_t mask, const gpu::Buffer& sums,
                       const std::stop_token& stop, Record&& record, Collect&& collect) {
    const auto& layout = state.layout();
    const std::uint64_t count = std::uint64_t{1} << std::popcount(mask);
    QSCOPE_TRY(auto submissions, Submissions::create(state.device(), stop));
    for (std::uint64_t s = 0; s < layout.shards(); ++s) {
        QSCOPE_CHECK(submissions.add(count, 4 * (layout.perShard() / count), [&](std::uint32_t first, std::uint32_t n) {
            record(submissions.recorder(), s, first, n);
        }));
        QSCOPE_CHECK(submissions.flush());
        QSCOPE_TRY(const auto values, gpu::readSums(state.device(), sums, count, stop));
        collect(s, values);
    }
    return {};
}

template<class T>
Result<void> read(const VulkanState& state, std::uint64_t first, std::span<std::complex<double>> out,
                  const std::stop_token& stop) {
    const auto& layout = state.layout();
    std::vector<std::complex<T>> piece;
    for (std::uint64_t done = 0; done < out.size();) {
        const std::uint64_t index = first + done;
        const std::uint64_t count = std::min({out.size() - done, layout.perShard() - layout.localOf(index), kPiece});
        piece.resize(static_cast<std::size_t>(count));
        QSCOPE_CHECK(gpu::download(state.device(), state.shard(layout.shardOf(index)),
                                   layout.localOf(index) * sizeof(std::complex<T>),
                                   std::as_writable_bytes(std::span(piece)), stop));
        std::ranges::copy(piece, out.begin() + static_cast<std::ptrdiff_t>(done));
        done += count;
    }
    return {};
}

} // namespace

Result<std::vector<double>> marginals(const VulkanState& state, std::span<const int> qubits,
                                      const std::stop_token& stop) {
    const auto& layout = state.layout();
    if (qubits.size() > kMarginalBits)
        return fail(ErrorCode::OutOfRange, "probabilities of {} qubits; at most {} at once", qubits.size(),
                    kMarginalBits);
    std::uint64_t kept = 0;
    for (const int qubit : qubits) {
        if (qubit < 0 || qubit >= layout.bits)
            return fail(ErrorCode::OutOfRange, "qubit {} of a state of {}", qubit, layout.bits);
        if (kept >> qubit & 1u) return fail(ErrorCode::OutOfRange, "qubit {} named twice", qubit);
        kept |= std::uint64_t{1} << qubit;
    }
    const auto localMask = static_cast<std::uint32_t>(layout.localMask());
    const auto mask = sumMask(layout, static_cast<std::uint32_t>(kept) & localMask);
    QSCOPE_TRY(const auto sums, state.device().makeBuffer(gpu::kSumBytes << std::popcount(mask)));
    std::vector<double> result(std::size_t{1} << qubits.size());
    const OutcomeOf outcomeOf(mask, qubits);
    QSCOPE_CHECK(sumShards(
        state, mask, sums, stop,
        [&](gpu::Recorder& recorder, std::uint64_t s, std::uint32_t first, std::uint32_t count) {
            gpu::sumSquares(recorder, state.device(), state.real(), {first, count, localMask & ~mask}, state.shard(s),
                            sums);
        },
        [&](std::uint64_t s, const std::vector<double>& values) {
            std::size_t high = 0;
            for (std::size_t k = 0; k < qubits.size(); ++k)
                if (qubits[k] >= layout.localBits) high |= std::size_t(s >> (qubits[k] - layout.localBits) & 1u) << k;
            for (std::size_t i = 0; i < values.size(); ++i) result[high | outcomeOf(i)] += values[i];
        }));
    return result;
}

Result<void> amplitudes(const VulkanState& state, std::uint64_t first, std::span<std::complex<double>> out,
                        const std::stop_token& stop) {
    const auto size = std::uint64_t{1} << state.bits();
    if (first > size || out.size() > size - first)
        return fail(ErrorCode::OutOfRange, "amplitudes {} to {} of {}", first, first + out.size(), size);
    return state.real() == gpu::Real::Single ? read<float>(state, first, out, stop)
                                             : read<double>(state, first, out, stop);
}

/// P|x> = i^y (-1)^(number of bits in x & z) |x ^ X>, y the number of Y, so that
/// <P> = Re(i^y sum over x of (-1)^... conj(a[x ^ X]) a[x]).
Result<double> expectation(const VulkanState& state, const PauliString& pauli, const std::stop_token& stop) {
    const auto& layout = state.layout();
    if (((pauli.x | pauli.z) >> layout.bits) != 0)
        return fail(ErrorCode::OutOfRange, "an observable acts on a qubit that a state of {} does not have",
                    layout.bits);
    const auto localMask = static_cast<std::uint32_t>(layout.localMask());
    const auto mask = sumMask(layout, 0);
    QSCOPE_TRY(const auto sums, state.device().makeBuffer(gpu::kSumBytes << std::popcount(mask)));
    const int turns = std::popcount(pauli.x & pauli.z) % 4;
    const gpu::ProductsPass common{0,
                                   0,
                                   localMask & ~mask,
                                   static_cast<std::uint32_t>(pauli.x) & localMask,
                                   static_cast<std::uint32_t>(pauli.z) & localMask,
                                   turns % 2 == 0 ? 0u : 1u};
    double total = 0;
    QSCOPE_CHECK(sumShards(
        state, mask, sums, stop,
        [&](gpu::Recorder& recorder, std::uint64_t s, std::uint32_t first, std::uint32_t count) {
            auto pass = common;
            pass.first = first;
            pass.count = count;
            gpu::sumProducts(recorder, state.device(), state.real(), pass, state.shard(s),
                             state.shard(s ^ layout.shardOf(pauli.x)), sums);
        },
        [&](std::uint64_t s, const std::vector<double>& values) {
            double sum = 0;
            for (const double value : values) sum += value;
            total += std::popcount(s & layout.shardOf(pauli.z)) % 2 ? -sum : sum;
        }));
    return turns == 1 || turns == 2 ? -total : total;
}

/// The device adds up blocks; only blocks that a number falls into are read and walked through, neighbours together.
Result<std::vector<std::uint64_t>> sample(const VulkanState& state, std::span<const double> sorted,
                                          const std::stop_token& stop) {
    if (!std::ranges::is_sorted(sorted))
        return fail(ErrorCode::OutOfRange, "the numbers to sample with are not sorted");
    const int blockBits = std::min(state.bits(), std::max(10, state.bits() - 20));
    std::vector<int> high;
    for (int bit = blockBits; bit < state.bits(); ++bit) high.push_back(bit);
    QSCOPE_TRY(auto sums, marginals(state, high, stop));
    // Numbers beyond the whole sum, which rounding may leave below 1, belong to the last block that can come up.
    while (sums.size() > 1 && sums.back() == 0) sums.pop_back();

    const std::uint64_t blockSize = std::uint64_t{1} << blockBits;
    const auto window = static_cast<std::size_t>(std::max<std::uint64_t>(1, kPiece / blockSize));
    std::vector<std::uint64_t> found;
    found.reserve(sorted.size());
    std::vector<std::complex<double>> values;
    double before = 0;
    for (std::size_t begin = 0; begin < sums.size() && found.size() < sorted.size(); begin += window) {
        const std::size_t end = std::min(begin + window, sums.size());
        const bool final = end == sums.size();
        double after = before;
        for (std::size_t b = begin; b < end; ++b) after += sums[b];
        if (!final && sorted[found.size()] >= after) {
            before = after;
            continue;
        }
        values.resize(static_cast<std::size_t>((end - begin) * blockSize));
        QSCOPE_CHECK(amplitudes(state, begin * blockSize, values, stop));
        for (std::size_t b = begin; b < end; ++b) {
            double running = before;
            std::uint64_t last = b * blockSize;
            for (std::uint64_t k = 0; k < blockSize; ++k) {
                const double probability = std::norm(values[static_cast<std::size_t>((b - begin) * blockSize + k)]);
                if (probability == 0) continue;
                running += probability;
                last = b * blockSize + k;
                while (found.size() < sorted.size() && sorted[found.size()] < running) found.push_back(last);
            }
            before += sums[b];
            // What rounding left between this walk and the block's sum belongs to the block.
            while (found.size() < sorted.size() && sorted[found.size()] < before) found.push_back(last);
            if (b + 1 == sums.size()) found.resize(sorted.size(), last);
        }
    }
    return found;
}

} // namespace qscope::engine::vulkan
