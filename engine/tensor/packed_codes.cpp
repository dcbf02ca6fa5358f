// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/coded_weight.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace qscope::engine {

namespace {

std::int64_t streamsOf(const PackedCodes& codes) { return codes.alongColumns ? codes.rows : codes.columns; }
std::int64_t lengthOf(const PackedCodes& codes) { return codes.alongColumns ? codes.columns : codes.rows; }

/// Words that one stream takes; nothing on overflow.
std::optional<std::int64_t> wordsPerStream(const PackedCodes& codes) {
    if (!codes.straddle) return ceilDiv(lengthOf(codes), codes.codesPerWord());
    const auto bits = checkedMul(lengthOf(codes), std::int64_t{codes.bits});
    if (!bits) return std::nullopt;
    return ceilDiv(*bits, std::int64_t{codes.wordBits});
}

/// Reads codes one after another; keeps nothing but pointers and numbers in registers.
class CodeReader {
public:
    explicit CodeReader(const PackedCodes& codes)
        : m_codes(codes), m_bytes(codes.words.bytes.data()), m_mask(~0u >> (32 - codes.bits)), m_perWord(codes.codesPerWord()) {}

    std::int32_t at(std::int64_t stream, std::int64_t place) const {
        const std::uint32_t raw = m_codes.straddle ? fromStream(stream, place) : fromWord(stream, place);
        return finish(raw);
    }

private:
    std::uint32_t word(std::int64_t stream, std::int64_t index) const {
        const std::int64_t at = stream * m_codes.streamStride + index * m_codes.wordStride;
        if (m_codes.wordBits == 8) return std::to_integer<std::uint32_t>(m_bytes[at]);
        const int bytes = m_codes.wordBits / 8;
        std::uint32_t value = 0;
        std::memcpy(&value, m_bytes + bytes * at, static_cast<std::size_t>(bytes));
        return value;
    }
    std::uint32_t fromWord(std::int64_t stream, std::int64_t place) const {
        const std::int64_t inWord = place % m_perWord;
        const auto slot = m_codes.places.empty() ? inWord : m_codes.places[static_cast<std::size_t>(inWord)];
        return word(stream, place / m_perWord) >> (slot * m_codes.bits) & m_mask;
    }
    std::uint32_t fromStream(std::int64_t stream, std::int64_t place) const {
        const std::int64_t bit = place * m_codes.bits;
        const std::int64_t index = bit / m_codes.wordBits;
        const auto shift = static_cast<int>(bit % m_codes.wordBits);
        std::uint32_t value = word(stream, index) >> shift;
        if (shift + m_codes.bits > m_codes.wordBits) value |= word(stream, index + 1) << (m_codes.wordBits - shift);
        return value & m_mask;
    }
    std::int32_t finish(std::uint32_t raw) const {
        auto value = static_cast<std::int32_t>(raw);
        if (m_codes.isSigned) value = static_cast<std::int32_t>(raw << (32 - m_codes.bits)) >> (32 - m_codes.bits);
        value += m_codes.offset;
        return m_codes.wraps ? value & static_cast<std::int32_t>(m_mask) : value;
    }

    const PackedCodes& m_codes;
    const std::byte* m_bytes;
    std::uint32_t m_mask;
    std::int64_t m_perWord;
};

/// The codes as numbers.
class CodesSource final : public TensorSource {
public:
    explicit CodesSource(PackedCodes codes) : m_codes(std::move(codes)) {}

    DType plainType() const override {
        const std::int64_t count = std::int64_t{1} << m_codes.bits;
        const std::int64_t low = m_codes.wraps ? 0 : (m_codes.isSigned ? -count / 2 : 0) + m_codes.offset;
        const std::int64_t high = low + count - 1;
        if (low >= 0 && high <= 255) return DType::U8;
        if (low >= -128 && high <= 127) return DType::I8;
        return low >= -32768 && high <= 32767 ? DType::I16 : DType::I32;
    }
    Result<void> decode(std::int64_t first, std::span<float> out) const override { return decodeTo(first, out); }
    Result<void> decode(std::int64_t first, std::span<double> out) const override { return decodeTo(first, out); }
    Result<TensorView> contiguous(const Shape& shape) const override {
        const DType type = plainType();
        const auto width = static_cast<std::size_t>(qscope::info(type).blockBits / 8);
        std::vector<std::byte> bytes(static_cast<std::size_t>(m_codes.rows * m_codes.columns) * width);
        eachPiece(0, static_cast<std::int64_t>(bytes.size() / width), [&](std::int64_t at, std::span<const std::int32_t> values) {
            for (std::size_t i = 0; i < values.size(); ++i) // two's complement, lowest byte first: the low bytes of the number
                std::memcpy(bytes.data() + (static_cast<std::size_t>(at) + i) * width, &values[i], width);
        });
        return makeTensor(type, shape, std::move(bytes));
    }

private:
    template<class Use>
    void eachPiece(std::int64_t first, std::int64_t count, Use use) const {
        std::array<std::int32_t, 1024> buffer;
        for (std::int64_t done = 0; done < count;) {
            const auto piece = std::span(buffer).first(static_cast<std::size_t>(std::min<std::int64_t>(1024, count - done)));
            unpack(m_codes, first + done, piece);
            use(done, std::span<const std::int32_t>(piece));
            done += static_cast<std::int64_t>(piece.size());
        }
    }
    template<class Out>
    Result<void> decodeTo(std::int64_t first, std::span<Out> out) const {
        eachPiece(first, static_cast<std::int64_t>(out.size()), [&](std::int64_t at, std::span<const std::int32_t> values) {
            std::ranges::transform(values, out.begin() + at, [](std::int32_t value) { return static_cast<Out>(value); });
        });
        return {};
    }

    PackedCodes m_codes;
};

} // namespace

Result<void> checkPacked(const PackedCodes& codes) {
    const auto malformed = [](std::string_view why) { return fail(ErrorCode::Malformed, "packed codes: {}", why); };
    const bool words = codes.wordBits == 8 || codes.wordBits == 16 || codes.wordBits == 32;
    const bool isWord = codes.bits == codes.wordBits && (codes.bits == 16 || (codes.bits == 32 && codes.isSigned));
    if (!words || codes.bits < 1 || (codes.bits > 8 && (!isWord || codes.offset != 0 || codes.wraps)))
        return malformed("codes have 1 to 8 bits or are words, words have 8, 16 or 32");
    if (codes.words.source) return malformed("the words are no run of bytes");
    if (codes.rows < 0 || codes.columns < 0 || codes.streamStride < 0 || codes.wordStride < 0)
        return malformed("a size or stride is negative");
    if (!checkedMul(codes.rows, codes.columns)) return malformed("their count overflows");
    const auto outside = [&](std::uint8_t place) { return place >= codes.codesPerWord(); };
    if (!codes.places.empty() && (codes.places.size() != static_cast<std::size_t>(codes.codesPerWord()) ||
                                  std::ranges::any_of(codes.places, outside)))
        return malformed("the order within a word is no order");
    if (codes.rows == 0 || codes.columns == 0) return {};
    const auto perStream = wordsPerStream(codes);
    const auto streams = checkedMul(streamsOf(codes) - 1, codes.streamStride);
    const auto inStream = perStream ? checkedMul(*perStream - 1, codes.wordStride) : std::nullopt;
    const auto last = streams && inStream ? checkedAdd(*streams, *inStream) : std::nullopt;
    const auto held = static_cast<std::int64_t>(codes.words.bytes.size()) / (codes.wordBits / 8);
    if (!last || *last >= held)
        return fail(ErrorCode::Malformed, "packed codes: {} x {} codes of {} bits do not fit in {} words", codes.rows, codes.columns,
                    codes.bits, held);
    return {};
}

void unpack(const PackedCodes& codes, std::int64_t first, std::span<std::int32_t> out) {
    const CodeReader reader(codes);
    std::int64_t row = first / codes.columns, column = first % codes.columns;
    for (std::size_t i = 0; i < out.size();) {
        const std::int64_t run = std::min(codes.columns - column, static_cast<std::int64_t>(out.size() - i));
        for (const std::int64_t end = column + run; column < end; ++column, ++i)
            out[i] = codes.alongColumns ? reader.at(row, column) : reader.at(column, row);
        column = 0;
        ++row;
    }
}

Result<TensorView> codesAsTensor(PackedCodes codes, Shape shape) {
    QSCOPE_CHECK(checkPacked(codes));
    if (elementCount(shape) != codes.rows * codes.columns)
        return fail(ErrorCode::Malformed, "packed codes: {} x {} codes for {} elements", codes.rows, codes.columns, elementCount(shape));
    return makeTensor(std::move(shape), std::make_shared<const CodesSource>(std::move(codes)));
}

} // namespace qscope::engine
