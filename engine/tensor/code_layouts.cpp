// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/code_layouts.h"

#include "engine/core/checked_math.h"

#include <cstring>

namespace qscope::engine {

namespace {

constexpr int kWordBits = 32;

/// Words of 32 bits that a run of codes takes.
std::int64_t wordsOf(std::int64_t codes, int bits, bool straddle) {
    // Sizes come from files: what overflows here is refused by `checkPacked`, which sees the same numbers.
    const auto total = checkedMul(codes, std::int64_t{bits}).value_or(INT64_MAX);
    return straddle ? ceilDiv(total, std::int64_t{kWordBits}) : ceilDiv(codes, std::int64_t{kWordBits / bits});
}

PackedCodes matrix(std::int64_t rows, std::int64_t columns, int bits, int wordBits) {
    PackedCodes codes;
    codes.bits = bits;
    codes.wordBits = wordBits;
    codes.rows = rows;
    codes.columns = columns;
    return codes;
}

} // namespace

PackedCodes byteCodes(std::int64_t rows, std::int64_t columns) {
    PackedCodes codes = matrix(rows, columns, 8, 8);
    codes.streamStride = columns;
    return codes;
}

PackedCodes nibbleCodes(std::int64_t rows, std::int64_t columns) {
    PackedCodes codes = matrix(rows, columns, 4, 8);
    codes.streamStride = ceilDiv(columns, std::int64_t{2});
    return codes;
}

PackedCodes compressedCodes(std::int64_t rows, std::int64_t columns, int bits, bool straddle) {
    PackedCodes codes = matrix(rows, columns, bits, kWordBits);
    codes.straddle = straddle;
    codes.streamStride = wordsOf(columns, bits, straddle);
    codes.offset = -(1 << (bits - 1));
    return codes;
}

PackedCodes compressedZeros(std::int64_t rows, std::int64_t groups, int bits, bool straddle) {
    PackedCodes codes = compressedCodes(rows, groups, bits, straddle);
    codes.alongColumns = false;
    codes.streamStride = 1;
    codes.wordStride = groups;
    return codes;
}

PackedCodes gptqCodes(std::int64_t rows, std::int64_t columns, int bits) {
    PackedCodes codes = matrix(rows, columns, bits, kWordBits);
    codes.straddle = true;
    codes.streamStride = 1;
    codes.wordStride = rows;
    return codes;
}

PackedCodes gptqZeros(std::int64_t rows, std::int64_t groups, int bits, bool lessOne) {
    PackedCodes codes = matrix(rows, groups, bits, kWordBits);
    codes.straddle = true;
    codes.alongColumns = false;
    codes.streamStride = wordsOf(rows, bits, true);
    codes.offset = lessOne ? 1 : 0;
    codes.wraps = true;
    return codes;
}

PackedCodes awqCodes(std::int64_t rows, std::int64_t columns) {
    PackedCodes codes = matrix(rows, columns, 4, kWordBits);
    codes.alongColumns = false;
    codes.streamStride = ceilDiv(rows, std::int64_t{8});
    codes.places = {0, 4, 1, 5, 2, 6, 3, 7};
    return codes;
}

PackedCodes bitsandbytesCodes(std::int64_t count) {
    PackedCodes codes = nibbleCodes(1, count);
    codes.places = {1, 0};
    return codes;
}

std::int64_t wordCount(const PackedCodes& codes) {
    if (codes.rows == 0 || codes.columns == 0) return 0;
    const std::int64_t streams = codes.alongColumns ? codes.rows : codes.columns;
    const std::int64_t length = codes.alongColumns ? codes.columns : codes.rows;
    const std::int64_t perStream = codes.straddle ? ceilDiv(length * codes.bits, std::int64_t{codes.wordBits})
                                                  : ceilDiv(length, codes.codesPerWord());
    return (streams - 1) * codes.streamStride + (perStream - 1) * codes.wordStride + 1;
}

std::vector<std::byte> pack(const PackedCodes& codes, std::span<const std::uint8_t> values, int add) {
    std::vector<std::uint32_t> words(static_cast<std::size_t>(wordCount(codes)), 0);
    const std::uint32_t mask = (1u << codes.bits) - 1;
    const std::int64_t perWord = codes.codesPerWord();
    std::size_t next = 0;
    for (std::int64_t row = 0; row < codes.rows; ++row)
        for (std::int64_t column = 0; column < codes.columns; ++column) {
            const std::uint32_t code = static_cast<std::uint32_t>(values[next++] + add) & mask;
            const std::int64_t stream = codes.alongColumns ? row : column, place = codes.alongColumns ? column : row;
            const auto word = [&](std::int64_t index) -> std::uint32_t& {
                return words[static_cast<std::size_t>(stream * codes.streamStride + index * codes.wordStride)];
            };
            if (codes.straddle) {
                const std::int64_t bit = place * codes.bits, index = bit / codes.wordBits;
                const int shift = static_cast<int>(bit % codes.wordBits);
                word(index) |= code << shift;
                if (shift + codes.bits > codes.wordBits) word(index + 1) |= code >> (codes.wordBits - shift);
            } else {
                const auto slot = codes.places.empty() ? place % perWord : codes.places[static_cast<std::size_t>(place % perWord)];
                word(place / perWord) |= code << (slot * codes.bits);
            }
        }
    const auto width = static_cast<std::size_t>(codes.wordBits / 8);
    std::vector<std::byte> bytes(words.size() * width);
    for (std::size_t i = 0; i < words.size(); ++i) std::memcpy(bytes.data() + i * width, &words[i], width);
    return bytes;
}

} // namespace qscope::engine
