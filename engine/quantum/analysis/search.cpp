// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/search.h"

#include <algorithm>

namespace qscope::engine {

namespace {

constexpr std::uint64_t kBlock = 1 << 16;

bool before(const Amplitude& a, const Amplitude& b) {
    const double pa = std::norm(a.value), pb = std::norm(b.value);
    return pa != pb ? pa > pb : a.index < b.index;
}

} // namespace

Result<BitPattern> parsePattern(std::string_view text, int qubits) {
    if (text.size() > static_cast<std::size_t>(std::min(qubits, 63)))
        return fail(ErrorCode::OutOfRange, "the pattern has {} letters, the state {} qubits", text.size(), qubits);
    BitPattern pattern;
    for (const char letter : text) {
        if (letter != '0' && letter != '1' && letter != '*' && letter != '?')
            return fail(ErrorCode::OutOfRange, "a pattern is made of 0, 1 and * (either), qubit 0 rightmost");
        pattern.mask = pattern.mask << 1 | (letter == '0' || letter == '1' ? 1u : 0u);
        pattern.value = pattern.value << 1 | (letter == '1' ? 1u : 0u);
    }
    return pattern;
}

Result<FoundStates> findStates(const StateSnapshot& state, const BitPattern& pattern, int count,
                               const RunContext& context) {
    const std::uint64_t size = std::uint64_t{1} << state.qubits;
    const std::uint64_t length = std::min(size, kBlock);
    const std::uint64_t above = pattern.mask & ~(length - 1); // decides for whole blocks
    const auto most = static_cast<std::size_t>(std::max(count, 0));
    std::vector<std::complex<double>> block(static_cast<std::size_t>(length));
    FoundStates found;
    auto& heap = found.largest; // the least probable of those kept is in front
    for (std::uint64_t first = 0; first < size; first += length) {
        if (context.cancelled()) return cancelled();
        if ((first & above) != (pattern.value & above)) continue;
        QSCOPE_CHECK(context.backend.amplitudes(*state.buffer, first, block));
        double sum = 0;
        for (std::size_t i = 0; i < block.size(); ++i) {
            const Amplitude candidate{first + i, block[i]};
            if ((candidate.index & pattern.mask) != pattern.value) continue;
            sum += std::norm(candidate.value);
            if (heap.size() == most && (most == 0 || !before(candidate, heap.front()))) continue;
            if (heap.size() == most) {
                std::ranges::pop_heap(heap, before);
                heap.pop_back();
            }
            heap.push_back(candidate);
            std::ranges::push_heap(heap, before);
        }
        found.probability += sum;
    }
    std::ranges::sort(heap, before);
    return found;
}

} // namespace qscope::engine
