// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/zip_directory.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/core/byte_reader.h"

#include <zlib.h>

#include <algorithm>

namespace qscope::engine {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50;
constexpr std::uint32_t kEnd64Locator = 0x07064b50;
constexpr std::size_t kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20, kCentralBytes = 46, kLocalBytes = 30;
constexpr std::uint32_t kInExtra = 0xFFFFFFFF; ///< the field is in the ZIP64 extra field
constexpr std::uint16_t kZip64Extra = 1;
constexpr unsigned kEncrypted = 1u << 0 | 1u << 6, kSizesFollow = 1u << 3, kPatch = 1u << 5, kMasked = 1u << 13;
constexpr unsigned kStored = 0, kDeflated = 8;
/// No deflate stream grows more than this when it is unpacked (zlib's technical details), but for its first bytes.
constexpr std::uint64_t kLargestGrowth = 1032;

template<class T>
T valueAt(Bytes bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

/// Where the central directory lies, and how many entries it has.
struct Central {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;
};

/// The end record is the last thing in the file but for a comment, whose length it states.
std::optional<std::size_t> findEnd(Bytes file) {
    if (file.size() < kEndBytes) return std::nullopt;
    const std::size_t last = file.size() - kEndBytes;
    for (std::size_t comment = 0; comment <= std::min<std::size_t>(last, 0xFFFF); ++comment) {
        const std::size_t at = last - comment;
        if (valueAt<std::uint32_t>(file, at) == kEnd && valueAt<std::uint16_t>(file, at + 20) == comment) return at;
    }
    return std::nullopt;
}

Result<Central> locateCentral(Bytes file) {
    const auto end = findEnd(file);
    if (!end) return fail(ErrorCode::Malformed, "the zip archive has no end record; it may be cut short");
    if (valueAt<std::uint16_t>(file, *end + 4) != 0 || valueAt<std::uint16_t>(file, *end + 6) != 0)
        return fail(ErrorCode::Unsupported, "the zip archive is split over several files");
    Central central{valueAt<std::uint32_t>(file, *end + 16), valueAt<std::uint32_t>(file, *end + 12),
                    valueAt<std::uint16_t>(file, *end + 10)};
    std::size_t limit = *end;
    if (*end >= kLocatorBytes + kEnd64Bytes && valueAt<std::uint32_t>(file, *end - kLocatorBytes) == kEnd64Locator) {
        const std::size_t locator = *end - kLocatorBytes;
        const auto at = valueAt<std::uint64_t>(file, locator + 8);
        if (at > locator - kEnd64Bytes || valueAt<std::uint32_t>(file, static_cast<std::size_t>(at)) != kEnd64)
            return fail(ErrorCode::Malformed, "the zip archive's ZIP64 end record is not at offset {}", at);
        limit = static_cast<std::size_t>(at);
        const Central wide{valueAt<std::uint64_t>(file, limit + 48), valueAt<std::uint64_t>(file, limit + 40),
                           valueAt<std::uint64_t>(file, limit + 32)};
        if ((central.offset != kInExtra && central.offset != wide.offset) ||
            (central.bytes != kInExtra && central.bytes != wide.bytes) ||
            (central.entries != 0xFFFF && central.entries != wide.entries))
            return fail(ErrorCode::Malformed, "the zip archive's two end records disagree");
        central = wide;
    }
    if (central.bytes > limit || central.offset != limit - central.bytes)
        return fail(ErrorCode::Malformed, "the zip archive's directory of {} bytes at offset {} does not end at {}",
                    central.bytes, central.offset, limit);
    if (central.entries > central.bytes / kCentralBytes)
        return fail(ErrorCode::Malformed, "{} zip entries do not fit into {} bytes", central.entries, central.bytes);
    return central;
}

/// Fields of a header that may be too large for 32 bits stand, in this order, in an extra field.
Result<void> readWide(Bytes extra, std::initializer_list<std::uint64_t*> fields) {
    if (std::ranges::none_of(fields, [](const std::uint64_t* field) { return *field == kInExtra; })) return {};
    ByteReader reader(extra);
    while (reader.remaining() >= 4) {
        QSCOPE_TRY(const auto id, reader.value<std::uint16_t>());
        QSCOPE_TRY(const auto length, reader.value<std::uint16_t>());
        QSCOPE_TRY(const auto content, reader.take(length));
        if (id != kZip64Extra) continue;
        ByteReader wide(content);
        for (std::uint64_t* field : fields)
            if (*field == kInExtra) {
                QSCOPE_TRY(*field, wide.u64());
            }
        return {};
    }
    return {}; // a size may be 2^32 - 1 for once
}

struct Listed {
    ZipEntry entry;
    std::uint64_t packedBytes = 0;
    unsigned flags = 0;
    unsigned method = 0;
};

Result<Listed> readCentralHeader(ByteReader& reader, const ReadLimits& limits) {
    QSCOPE_TRY(const auto header, reader.take(kCentralBytes));
    if (valueAt<std::uint32_t>(header, 0) != kCentralHeader)
        return fail(ErrorCode::Malformed, "the zip archive's directory has a bad entry");
    Listed listed;
    ZipEntry& entry = listed.entry;
    listed.flags = valueAt<std::uint16_t>(header, 8);
    listed.method = valueAt<std::uint16_t>(header, 10);
    entry.checksum = valueAt<std::uint32_t>(header, 16);
    listed.packedBytes = valueAt<std::uint32_t>(header, 20);
    entry.bytes = valueAt<std::uint32_t>(header, 24);
    entry.offset = valueAt<std::uint32_t>(header, 42);
    QSCOPE_TRY(entry.name, reader.text(valueAt<std::uint16_t>(header, 28)));
    QSCOPE_TRY(const auto extra, reader.take(valueAt<std::uint16_t>(header, 30)));
    QSCOPE_CHECK(reader.take(valueAt<std::uint16_t>(header, 32))); // comment
    if (entry.name.size() > limits.nameBytes || !isZipName(entry.name))
        return fail(ErrorCode::Malformed, "'{}' is no name inside a zip archive", printable(entry.name));
    QSCOPE_CHECK(readWide(extra, {&entry.bytes, &listed.packedBytes, &entry.offset}));
    if ((listed.flags & (kEncrypted | kMasked)) != 0)
        return fail(ErrorCode::Unsupported, "zip entry '{}' is encrypted", printable(entry.name));
    if ((listed.flags & kPatch) != 0 || (listed.method != kStored && listed.method != kDeflated))
        return fail(ErrorCode::Unsupported, "zip entry '{}' is packed by method {}; stored and deflated ones are read",
                    printable(entry.name), listed.method);
    entry.deflated = listed.method == kDeflated;
    if (!entry.deflated && entry.bytes != listed.packedBytes)
        return fail(ErrorCode::Malformed, "stored zip entry '{}' has {} bytes and {}", printable(entry.name), entry.bytes,
                    listed.packedBytes);
    if (entry.deflated && entry.bytes / kLargestGrowth > listed.packedBytes)
        return fail(ErrorCode::Malformed, "zip entry '{}': {} deflated bytes cannot hold {}", printable(entry.name),
                    listed.packedBytes, entry.bytes);
    return listed;
}

/// Compares the local header with the directory and finds the content behind it. `room` is what lies before the
/// directory. Leaves in `entry.offset` where the content begins.
Result<void> readLocalHeader(Listed& listed, Bytes room) {
    ZipEntry& entry = listed.entry;
    const auto malformed = [&](std::string_view what) {
        return fail(ErrorCode::Malformed, "zip entry '{}': {}", printable(entry.name), what);
    };
    if (entry.offset > room.size()) return malformed("its offset lies behind the archive's entries");
    ByteReader reader(room.subspan(static_cast<std::size_t>(entry.offset)));
    const auto header = reader.take(kLocalBytes);
    if (!header || valueAt<std::uint32_t>(*header, 0) != kLocalHeader) return malformed("it has no local header");
    const auto name = reader.text(valueAt<std::uint16_t>(*header, 26));
    const auto extra = reader.take(valueAt<std::uint16_t>(*header, 28));
    if (!name || !extra) return malformed("its local header is cut short");
    std::uint64_t packedBytes = valueAt<std::uint32_t>(*header, 18), bytes = valueAt<std::uint32_t>(*header, 22);
    QSCOPE_CHECK(readWide(*extra, {&bytes, &packedBytes}));
    const unsigned flags = valueAt<std::uint16_t>(*header, 6);
    const bool sizesFollow = (flags & kSizesFollow) != 0 && packedBytes == 0 && bytes == 0;
    if (*name != entry.name || valueAt<std::uint16_t>(*header, 8) != listed.method || flags != listed.flags ||
        (!sizesFollow && (packedBytes != listed.packedBytes || bytes != entry.bytes)))
        return malformed("its local header and the directory disagree");
    entry.offset += reader.position();
    const auto packed = reader.take(listed.packedBytes);
    if (!packed) return malformed(fmt::format("its {} bytes exceed the archive", listed.packedBytes));
    entry.packed = *packed;
    return {};
}

/// zlib's stream, closed at the end.
struct Inflater {
    z_stream stream{};
    bool open = ::inflateInit2(&stream, -MAX_WBITS) == Z_OK; // no zlib header
    Inflater() = default;
    ~Inflater() {
        if (open) ::inflateEnd(&stream);
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
};

} // namespace

bool isZipName(std::string_view name) {
    if (name.empty() || name.front() == '/' || name.find_first_of(std::string_view("\\:\0", 3)) != name.npos) return false;
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::size_t end = std::min(name.find('/', begin), name.size());
        if (name.substr(begin, end - begin) == "..") return false;
        begin = end + 1;
    }
    return true;
}

bool looksLikeZip(Bytes start) {
    if (start.size() < 4) return false;
    const auto signature = valueAt<std::uint32_t>(start, 0);
    return signature == kLocalHeader || signature == kEnd; // an empty archive is its end record
}

std::string_view firstZipName(Bytes start) {
    if (start.size() < kLocalBytes || valueAt<std::uint32_t>(start, 0) != kLocalHeader) return {};
    const std::size_t length = std::min<std::size_t>(valueAt<std::uint16_t>(start, 26), start.size() - kLocalBytes);
    return {reinterpret_cast<const char*>(start.data()) + kLocalBytes, length};
}

Result<ZipDirectory> readZipDirectory(Bytes file, const ReadLimits& limits) {
    QSCOPE_TRY(const auto central, locateCentral(file));
    if (central.entries > limits.tensors) return fail(ErrorCode::Malformed, "{} zip entries are too many", central.entries);
    const Bytes room = file.first(static_cast<std::size_t>(central.offset));
    ByteReader reader(file.subspan(room.size(), static_cast<std::size_t>(central.bytes)));
    ZipDirectory directory;
    directory.entries.reserve(static_cast<std::size_t>(central.entries));
    directory.byName.reserve(static_cast<std::size_t>(central.entries));
    std::vector<std::pair<std::uint64_t, std::uint64_t>> places; // from local header to the content's end
    places.reserve(static_cast<std::size_t>(central.entries));
    for (std::uint64_t i = 0; i < central.entries; ++i) {
        QSCOPE_TRY(auto listed, readCentralHeader(reader, limits));
        const std::uint64_t start = listed.entry.offset;
        QSCOPE_CHECK(readLocalHeader(listed, room));
        places.emplace_back(start, listed.entry.offset + listed.packedBytes);
        if (!directory.byName.emplace(listed.entry.name, directory.entries.size()).second)
            return fail(ErrorCode::Malformed, "zip entry '{}' appears twice", printable(listed.entry.name));
        directory.entries.push_back(listed.entry);
    }
    if (reader.remaining() > 0) return fail(ErrorCode::Malformed, "the zip archive's directory has {} bytes too many", reader.remaining());
    std::ranges::sort(places);
    const auto overlap = std::ranges::adjacent_find(places, [](const auto& a, const auto& b) { return a.second > b.first; });
    if (overlap != places.end())
        return fail(ErrorCode::Malformed, "zip entries overlap at offset {}", std::next(overlap)->first);
    return directory;
}

Result<std::vector<std::byte>> unpack(const ZipEntry& entry, std::uint64_t most) {
    const auto wanted = static_cast<std::size_t>(std::min(most, entry.bytes));
    if (!entry.deflated || (wanted == 0 && entry.bytes > 0))
        return std::vector<std::byte>(entry.packed.begin(), entry.packed.begin() + static_cast<std::ptrdiff_t>(wanted));
    const auto damaged = [&] {
        return fail(ErrorCode::Malformed, "zip entry '{}' does not unpack to {} bytes", printable(entry.name), entry.bytes);
    };
    Inflater inflater;
    if (!inflater.open) return fail(ErrorCode::OutOfMemory, "no memory to unpack zip entry '{}'", printable(entry.name));
    std::vector<std::byte> content(wanted);
    z_stream& stream = inflater.stream;
    constexpr std::size_t kPiece = 1u << 30; // zlib counts in 32 bits
    std::size_t taken = 0, made = 0;
    int state = Z_OK;
    std::byte beyond{}; // one byte of room past the end tells a stream that goes on
    do {
        const std::size_t input = std::min(kPiece, entry.packed.size() - taken);
        const std::size_t output = std::min(kPiece, wanted - made);
        const bool full = output == 0;
        stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(entry.packed.data() + taken));
        stream.avail_in = static_cast<uInt>(input);
        stream.next_out = reinterpret_cast<Bytef*>(full ? &beyond : content.data() + made);
        stream.avail_out = static_cast<uInt>(full ? 1 : output);
        state = ::inflate(&stream, Z_NO_FLUSH);
        taken += input - stream.avail_in;
        if (full) {
            if (stream.avail_out == 0) return damaged();
            continue;
        }
        made += output - stream.avail_out;
        if (made == wanted && wanted < entry.bytes) return content;
    } while (state == Z_OK);
    if (state != Z_STREAM_END || made != wanted || taken != entry.packed.size()) return damaged();
    if (::crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()) != entry.checksum)
        return fail(ErrorCode::Malformed, "zip entry '{}' is damaged: its checksum does not match", printable(entry.name));
    return content;
}

} // namespace qscope::engine
