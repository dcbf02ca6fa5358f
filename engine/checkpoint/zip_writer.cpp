// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/zip_writer.h"

#include <zlib.h>

#include <algorithm>

namespace qscope::engine {

namespace {

constexpr std::uint64_t kWide = 0xFFFFFFFF; ///< says that the number stands in ZIP64's field

/// Little-endian fields of a record.
class Record {
public:
    Record& u16(std::uint64_t value) { return put(value, 2); }
    Record& u32(std::uint64_t value) { return put(value, 4); }
    Record& u64(std::uint64_t value) { return put(value, 8); }
    Record& text(const std::string& text) {
        m_bytes += text;
        return *this;
    }
    const std::string& bytes() const { return m_bytes; }

private:
    Record& put(std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) m_bytes += static_cast<char>(value >> 8 * i & 0xFF);
        return *this;
    }
    std::string m_bytes;
};

std::uint64_t narrow(std::uint64_t value) { return std::min(value, kWide); }

/// ZIP64's extra field with these numbers; empty without any.
std::string extra(const std::vector<std::uint64_t>& numbers) {
    Record record;
    if (!numbers.empty()) record.u16(1).u16(8 * numbers.size());
    for (const std::uint64_t number : numbers) record.u64(number);
    return record.bytes();
}

/// Version needed (4.5 with ZIP64), flags (names in UTF-8), method 0, and 1 January 1980, so that equal contents give equal
/// files.
Record& common(Record& record, bool wide) {
    constexpr std::uint64_t kUtf8 = 1 << 11, kFirstDay = 1 << 5 | 1;
    return record.u16(wide ? 45 : 20).u16(kUtf8).u16(0).u16(0).u16(kFirstDay);
}

} // namespace

std::uint32_t zipChecksum(std::uint32_t before, std::span<const std::byte> bytes) {
    return static_cast<std::uint32_t>(crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string zipLocalHeader(const ZipMember& member) {
    const bool wide = member.bytes >= kWide;
    const std::string more = wide ? extra({member.bytes, member.bytes}) : "";
    Record record;
    common(record.u32(0x04034b50), wide).u32(member.checksum).u32(narrow(member.bytes)).u32(narrow(member.bytes));
    return record.u16(member.name.size()).u16(more.size()).text(member.name).text(more).bytes();
}

std::string zipDirectory(const std::vector<ZipMember>& members, std::uint64_t start) {
    Record record;
    for (const ZipMember& member : members) {
        std::vector<std::uint64_t> numbers;
        if (member.bytes >= kWide) numbers = {member.bytes, member.bytes};
        if (member.offset >= kWide) numbers.push_back(member.offset);
        const std::string more = extra(numbers);
        record.u32(0x02014b50).u16(45);
        common(record, !more.empty()).u32(member.checksum).u32(narrow(member.bytes)).u32(narrow(member.bytes));
        record.u16(member.name.size()).u16(more.size()).u16(0).u16(0).u16(0).u32(0).u32(narrow(member.offset));
        record.text(member.name).text(more);
    }
    const std::uint64_t bytes = record.bytes().size(), count = members.size();
    constexpr std::uint64_t kMany = 0xFFFF;
    if (count >= kMany || bytes >= kWide || start >= kWide) {
        record.u32(0x06064b50).u64(44).u16(45).u16(45).u32(0).u32(0).u64(count).u64(count).u64(bytes).u64(start);
        record.u32(0x07064b50).u32(0).u64(start + bytes).u32(1);
    }
    record.u32(0x06054b50).u16(0).u16(0).u16(std::min(count, kMany)).u16(std::min(count, kMany));
    return record.u32(narrow(bytes)).u32(narrow(start)).u16(0).bytes();
}

Result<void> ZipWriter::begin(std::string name, std::uint64_t bytes, std::uint32_t checksum) {
    m_members.push_back({std::move(name), m_file.position(), bytes, checksum});
    return m_file.write(zipLocalHeader(m_members.back()));
}

Result<void> ZipWriter::finish() { return m_file.write(zipDirectory(m_members, m_file.position())); }

} // namespace qscope::engine
