// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/value_order.h"

#include "engine/core/simd.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace qscope::engine {

namespace {

constexpr int kDigitBits = 11; ///< three digits of a key of 32 bits
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
constexpr std::size_t kBetweenChecks = std::size_t{1} << 18;

struct Item {
    std::uint32_t key;
    std::uint32_t place;
};

/// Numbers of the same order as the values.
std::uint32_t keyOf(float value) {
    const auto bits = static_cast<std::uint32_t>(bitsOf(value + 0.0F)); // -0 becomes 0
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

} // namespace

Result<std::vector<std::uint32_t>> ascendingOrder(std::span<const float> values, const RunContext& context) {
    const std::size_t count = values.size();
    if (count > std::numeric_limits<std::uint32_t>::max())
        return fail(ErrorCode::Unsupported, "{} values are too many to be sorted", count);
    std::vector<Item> items(count), sorted(count);
    const auto inPieces = [&](auto&& work) -> Result<void> {
        for (std::size_t begin = 0; begin < count; begin += kBetweenChecks) {
            if (context.cancelled()) return cancelled();
            for (std::size_t i = begin; i < std::min(count, begin + kBetweenChecks); ++i) work(i);
        }
        return {};
    };
    QSCOPE_CHECK(inPieces([&](std::size_t i) { items[i] = {keyOf(values[i]), static_cast<std::uint32_t>(i)}; }));
    for (int shift = 0; shift < 32; shift += kDigitBits) { // from the lowest digit; each pass keeps the order of equals
        const auto digitOf = [&](std::size_t i) { return items[i].key >> shift & (kDigits - 1); };
        std::array<std::size_t, kDigits> next{};
        QSCOPE_CHECK(inPieces([&](std::size_t i) { ++next[digitOf(i)]; }));
        for (std::size_t digit = 0, sum = 0; digit < kDigits; ++digit) sum += std::exchange(next[digit], sum);
        QSCOPE_CHECK(inPieces([&](std::size_t i) { sorted[next[digitOf(i)]++] = items[i]; }));
        items.swap(sorted);
    }
    std::vector<std::uint32_t> order(count);
    QSCOPE_CHECK(inPieces([&](std::size_t i) { order[i] = items[i].place; }));
    return order;
}

} // namespace qscope::engine
