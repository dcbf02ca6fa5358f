// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace qscope {

/// Reads little-endian values one after another from untrusted bytes; never reads past the end.
/// Not for bit streams and not for big-endian files.
class ByteReader {
public:
    explicit ByteReader(std::span<const std::byte> bytes) : m_bytes(bytes) {}

    [[nodiscard]] std::size_t position() const { return m_position; }
    [[nodiscard]] std::size_t remaining() const { return m_bytes.size() - m_position; }

    /// The next `count` bytes; Malformed when fewer are left.
    [[nodiscard]] Result<std::span<const std::byte>> take(std::uint64_t count) {
        if (count > remaining())
            return fail(ErrorCode::Malformed, "{} bytes needed at offset {}, {} left", count, m_position, remaining());
        const auto taken = m_bytes.subspan(m_position, static_cast<std::size_t>(count));
        m_position += static_cast<std::size_t>(count);
        return taken;
    }

    /// The next value of a trivially copyable type, stored little-endian.
    template<class T>
    [[nodiscard]] Result<T> value() {
        static_assert(std::is_trivially_copyable_v<T>);
        QSCOPE_TRY(const auto bytes, take(sizeof(T)));
        T result;
        std::memcpy(&result, bytes.data(), sizeof(T));
        return result;
    }

    [[nodiscard]] Result<std::uint8_t> u8() { return value<std::uint8_t>(); }
    [[nodiscard]] Result<std::uint32_t> u32() { return value<std::uint32_t>(); }
    [[nodiscard]] Result<std::uint64_t> u64() { return value<std::uint64_t>(); }
    [[nodiscard]] Result<std::int32_t> i32() { return value<std::int32_t>(); }
    [[nodiscard]] Result<float> f32() { return value<float>(); }

    /// The next `count` bytes as text; the view points into the source.
    [[nodiscard]] Result<std::string_view> text(std::uint64_t count) {
        QSCOPE_TRY(const auto bytes, take(count));
        return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }

private:
    std::span<const std::byte> m_bytes;
    std::size_t m_position = 0;
};

} // namespace qscope
