// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/tar_directory.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/core/byte_reader.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

namespace qscope::engine {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kBlock = 512;
constexpr std::size_t kNameBytes = 100, kSize = 124, kChecksum = 148, kType = 156;

/// A field of text ends at its first NUL or at its length.
std::string_view textField(Bytes header, std::size_t offset, std::size_t length) {
    const std::string_view field(reinterpret_cast<const char*>(header.data()) + offset, length);
    return field.substr(0, std::min(field.find('\0'), length));
}

std::optional<std::uint64_t> octalField(Bytes header, std::size_t offset, std::size_t length) {
    std::string_view text = textField(header, offset, length);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    std::uint64_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number, 8);
    if (end.ec != std::errc{} || end.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

/// The sum of all bytes, those of the checksum itself taken as spaces.
bool checksumHolds(Bytes header) {
    std::uint64_t sum = 8 * ' ';
    for (std::size_t i = 0; i < kBlock; ++i)
        if (i < kChecksum || i >= kChecksum + 8) sum += std::to_integer<std::uint64_t>(header[i]);
    return octalField(header, kChecksum, 8) == sum;
}

} // namespace

std::optional<std::string_view> tarMemberName(Bytes bytes) {
    if (bytes.size() < kBlock || !checksumHolds(bytes.first(kBlock))) return std::nullopt;
    std::string_view name = textField(bytes, 0, kNameBytes);
    if (name.starts_with("./")) name.remove_prefix(2);
    return name;
}

Result<std::vector<TarEntry>> readTarDirectory(Bytes file, const ReadLimits& limits) {
    std::vector<TarEntry> entries;
    std::unordered_set<std::string_view> names;
    ByteReader reader(file);
    while (reader.remaining() > 0) {
        const std::size_t at = reader.position();
        QSCOPE_TRY(const auto header, reader.take(kBlock));
        if (header[0] == std::byte{0}) break; // the end: blocks of zeros
        const auto name = tarMemberName(header);
        const auto size = octalField(header, kSize, 12);
        if (!name || !size) return fail(ErrorCode::Malformed, "no tar header at offset {}", at);
        const auto content = reader.take(*size);
        if (!content) return fail(ErrorCode::Malformed, "tar member '{}': its {} bytes exceed the archive", printable(*name), *size);
        QSCOPE_CHECK(reader.take(std::min<std::uint64_t>(reader.remaining(), (kBlock - *size % kBlock) % kBlock)));
        const auto type = std::to_integer<char>(header[kType]);
        if (type != '0' && type != '\0') continue;
        if (!names.insert(*name).second) return fail(ErrorCode::Malformed, "tar member '{}' appears twice", printable(*name));
        if (entries.size() == limits.tensors) return fail(ErrorCode::Malformed, "too many tar members");
        entries.push_back({*name, *content});
    }
    return entries;
}

} // namespace qscope::engine
