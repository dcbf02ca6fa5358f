// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/wire.h"

namespace qscope::engine {

Result<std::span<const std::byte>> WireReader::take(std::uint64_t count) {
    const std::size_t left = m_message.size() - m_position;
    if (count > left)
        return fail(ErrorCode::Malformed, "{} bytes needed at byte {}, the message has {} left", count,
                    m_offset + m_position, left);
    const auto taken = m_message.subspan(m_position, static_cast<std::size_t>(count));
    m_position += taken.size();
    return taken;
}

Result<std::uint64_t> WireReader::varint() {
    std::uint64_t value = 0;
    const std::size_t begin = m_position;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (atEnd()) return fail(ErrorCode::Malformed, "a number is cut off at byte {}", m_offset + begin);
        const auto byte = std::to_integer<std::uint64_t>(m_message[m_position++]);
        if (shift == 63 && byte > 1) break; // the tenth byte holds the last of 64 bits
        value |= (byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
    return fail(ErrorCode::Malformed, "the number at byte {} has more than 64 bits", m_offset + begin);
}

Result<bool> WireReader::next(WireField& field) {
    if (atEnd()) return false;
    const std::size_t begin = m_position;
    QSCOPE_TRY(const auto key, varint());
    const std::uint64_t number = key >> 3;
    if (number == 0 || number >= (1u << 29))
        return fail(ErrorCode::Malformed, "field number {} at byte {} does not exist", number, m_offset + begin);
    field = {};
    field.number = static_cast<std::uint32_t>(number);
    field.type = static_cast<WireType>(key & 7);
    switch (field.type) {
    case WireType::Varint: {
        QSCOPE_TRY(field.value, varint());
        break;
    }
    case WireType::Fixed32:
    case WireType::Fixed64: {
        QSCOPE_TRY(const auto bits, take(field.type == WireType::Fixed32 ? 4 : 8));
        std::memcpy(&field.value, bits.data(), bits.size());
        break;
    }
    case WireType::Bytes: {
        QSCOPE_TRY(const auto length, varint());
        field.offset = m_offset + m_position;
        QSCOPE_TRY(field.bytes, take(length));
        break;
    }
    default:
        return fail(ErrorCode::Malformed, "field {} at byte {} has wire type {}, which ONNX does not use", number,
                    m_offset + begin, key & 7);
    }
    field.whole = m_message.subspan(begin, m_position - begin);
    return true;
}

Result<void> require(const WireField& field, WireType type) {
    if (field.type == type) return {};
    return fail(ErrorCode::Malformed, "field {} has wire type {} instead of {}", field.number,
                static_cast<int>(field.type), static_cast<int>(type));
}

Result<std::string_view> textOf(const WireField& field) {
    QSCOPE_CHECK(require(field, WireType::Bytes));
    return std::string_view(reinterpret_cast<const char*>(field.bytes.data()), field.bytes.size());
}

Result<std::int64_t> integerOf(const WireField& field) {
    QSCOPE_CHECK(require(field, WireType::Varint));
    return static_cast<std::int64_t>(field.value);
}

} // namespace qscope::engine
