// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/checkpoint_samples.h"

#include <array>

namespace qscope::test {

/// A zip archive under construction, written field by field from the format's description.
struct ZipFile {
    bool wide = false;        ///< ZIP64: sizes and offsets in extra fields, two end records
    bool sizesFollow = false; ///< sizes behind the content, as streaming writers have them

    ZipFile& add(const std::string& name, const std::string& content) { return addMember(name, content, content, 0); }
    /// `packed` is claimed to unpack to `content`.
    ZipFile& addDeflated(const std::string& name, const std::string& packed, const std::string& content) {
        return addMember(name, packed, content, 8);
    }
    /// Lists a stored member whose local header lies at `offset`.
    void list(const std::string& name, const std::string& content, std::size_t offset) { listMember(name, content, content, 0, offset); }

    [[nodiscard]] std::string finish(const std::string& comment = {}) const {
        Bytes file = m_members;
        const auto central = static_cast<std::uint64_t>(file.data.size()), bytes = static_cast<std::uint64_t>(m_central.data.size());
        file.data += m_central.data;
        if (wide) {
            const auto at = static_cast<std::uint64_t>(file.data.size());
            file.put(0x06064b50u).put(std::uint64_t{44}).put(std::uint16_t{45}).put(std::uint16_t{45}).put(0u).put(0u);
            file.put(m_count).put(m_count).put(bytes).put(central);
            file.put(0x07064b50u).put(0u).put(at).put(1u);
        }
        file.put(0x06054b50u).put(0u);
        const auto count = static_cast<std::uint16_t>(wide ? 0xFFFF : m_count);
        file.put(count).put(count).put(wide ? 0xFFFFFFFFu : static_cast<std::uint32_t>(bytes));
        file.put(wide ? 0xFFFFFFFFu : static_cast<std::uint32_t>(central)).put(static_cast<std::uint16_t>(comment.size()));
        file.data += comment;
        return file.data;
    }

private:
    /// Ethernet's CRC.
    static std::uint32_t crc(const std::string& content) {
        static const auto kOfByte = [] {
            std::array<std::uint32_t, 256> table{};
            for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
                table[byte] = byte;
                for (int bit = 0; bit < 8; ++bit) table[byte] = table[byte] >> 1 ^ (table[byte] & 1 ? 0xEDB88320u : 0u);
            }
            return table;
        }();
        std::uint32_t rest = 0xFFFFFFFF;
        for (const char c : content) rest = rest >> 8 ^ kOfByte[(rest ^ static_cast<unsigned char>(c)) & 0xFF];
        return ~rest;
    }
    ZipFile& addMember(const std::string& name, const std::string& packed, const std::string& content, std::uint16_t method) {
        const std::size_t offset = m_members.data.size();
        const auto low = [&](std::size_t size) { return wide && !sizesFollow ? 0xFFFFFFFFu : static_cast<std::uint32_t>(sizesFollow ? 0 : size); };
        m_members.put(0x04034b50u).put(std::uint16_t{20}).put(flags()).put(method).put(0u);
        m_members.put(sizesFollow ? 0u : crc(content)).put(low(packed.size())).put(low(content.size()));
        const bool extra = wide && !sizesFollow;
        m_members.put(static_cast<std::uint16_t>(name.size())).put(static_cast<std::uint16_t>(extra ? 20 : 0));
        m_members.data += name;
        if (extra) m_members.put(std::uint16_t{1}).put(std::uint16_t{16}).put(std::uint64_t{content.size()}).put(std::uint64_t{packed.size()});
        m_members.data += packed;
        if (sizesFollow) {
            m_members.put(0x08074b50u).put(crc(content));
            m_members.put(static_cast<std::uint32_t>(packed.size())).put(static_cast<std::uint32_t>(content.size()));
        }
        listMember(name, packed, content, method, offset);
        return *this;
    }
    void listMember(const std::string& name, const std::string& packed, const std::string& content, std::uint16_t method, std::size_t offset) {
        const auto low = [&](std::size_t size) { return wide ? 0xFFFFFFFFu : static_cast<std::uint32_t>(size); };
        m_central.put(0x02014b50u).put(std::uint16_t{20}).put(std::uint16_t{20}).put(flags()).put(method).put(0u);
        m_central.put(crc(content)).put(low(packed.size())).put(low(content.size()));
        m_central.put(static_cast<std::uint16_t>(name.size())).put(static_cast<std::uint16_t>(wide ? 28 : 0)).zeros(2 + 2 + 2 + 4);
        m_central.put(low(offset));
        m_central.data += name;
        if (wide)
            m_central.put(std::uint16_t{1}).put(std::uint16_t{24}).put(std::uint64_t{content.size()}).put(std::uint64_t{packed.size()}).put(std::uint64_t{offset});
        ++m_count;
    }
    std::uint16_t flags() const { return sizesFollow ? 1u << 3 : 0; }

    Bytes m_members;
    Bytes m_central;
    std::uint64_t m_count = 0;
};

} // namespace qscope::test
