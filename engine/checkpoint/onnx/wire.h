// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace qscope::engine {

/// How a protobuf field is stored; the numbers are those of the encoding. Groups are not among them: no ONNX message
/// has one, and a file that does is refused.
enum class WireType : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// One field of a message. Contents are views into the file.
struct WireField {
    std::uint32_t number = 0;
    WireType type = WireType::Varint;
    std::uint64_t value = 0;          ///< of the three numeric types, as bits
    std::span<const std::byte> bytes; ///< of WireType::Bytes: a text, a message or packed numbers
    std::span<const std::byte> whole; ///< the field as it stands in the file, key included
    std::uint64_t offset = 0;         ///< of `bytes` in the file
};

/// Walks the fields of one untrusted protobuf message in file order, without copying anything: a length is compared
/// with what is left of the enclosing message before it is used. Not recursive: the caller decides which fields are
/// messages and how deep to go.
/// Source: Protocol Buffers documentation, "Encoding".
class WireReader {
public:
    /// `offset`: where the message begins in its file, for errors.
    explicit WireReader(std::span<const std::byte> message, std::uint64_t offset = 0)
        : m_message(message), m_offset(offset) {}
    /// The message inside a field; the field must have passed `requireBytes`.
    explicit WireReader(const WireField& field) : WireReader(field.bytes, field.offset) {}

    /// Reads the next field; false at the message's end. Malformed when it is damaged.
    [[nodiscard]] Result<bool> next(WireField& field);
    /// A varint on its own, as packed fields hold them.
    [[nodiscard]] Result<std::uint64_t> varint();
    [[nodiscard]] bool atEnd() const { return m_position == m_message.size(); }
    [[nodiscard]] std::span<const std::byte> message() const { return m_message; }
    [[nodiscard]] std::uint64_t offset() const { return m_offset; }

private:
    [[nodiscard]] Result<std::span<const std::byte>> take(std::uint64_t count);

    std::span<const std::byte> m_message;
    std::uint64_t m_offset;
    std::size_t m_position = 0;
};

/// Malformed unless the field has this type.
[[nodiscard]] Result<void> require(const WireField& field, WireType type);

[[nodiscard]] Result<std::string_view> textOf(const WireField& field);
[[nodiscard]] Result<std::int64_t> integerOf(const WireField& field);

/// Calls `use(std::uint64_t)` for each number of a repeated varint field, packed or not.
template<class Use>
[[nodiscard]] Result<void> eachVarint(const WireField& field, const Use& use) {
    if (field.type == WireType::Varint) {
        use(field.value);
        return {};
    }
    QSCOPE_CHECK(require(field, WireType::Bytes));
    WireReader packed(field);
    while (!packed.atEnd()) {
        QSCOPE_TRY(const auto value, packed.varint());
        use(value);
    }
    return {};
}

/// Calls `use(Number)` for each number of a repeated float or double field, packed or not.
template<class Number, class Use>
[[nodiscard]] Result<void> eachFixed(const WireField& field, const Use& use) {
    constexpr WireType kAlone = sizeof(Number) == 4 ? WireType::Fixed32 : WireType::Fixed64;
    Number number;
    if (field.type == kAlone) {
        std::memcpy(&number, &field.value, sizeof number);
        use(number);
        return {};
    }
    QSCOPE_CHECK(require(field, WireType::Bytes));
    if (field.bytes.size() % sizeof number != 0)
        return fail(ErrorCode::Malformed, "field {} at byte {}: {} bytes are no whole count of numbers", field.number,
                    field.offset, field.bytes.size());
    for (std::size_t at = 0; at < field.bytes.size(); at += sizeof number) {
        std::memcpy(&number, field.bytes.data() + at, sizeof number);
        use(number);
    }
    return {};
}

} // namespace qscope::engine
