// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/npy_header.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/core/byte_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace qscope::engine {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct Described {
    std::string_view name; ///< without byte order
    DType type;
    std::size_t wordBytes; ///< what a byte order applies to: half of a complex number
};

constexpr auto kTypes = std::to_array<Described>({
    {"b1", DType::Bool, 1}, {"i1", DType::I8, 1}, {"u1", DType::U8, 1}, {"i2", DType::I16, 2}, {"u2", DType::U16, 2},
    {"i4", DType::I32, 4}, {"u4", DType::U32, 4}, {"i8", DType::I64, 8}, {"u8", DType::U64, 8}, {"f2", DType::F16, 2},
    {"f4", DType::F32, 4}, {"f8", DType::F64, 8}, {"c8", DType::C64, 4},
});

/// The header is a Python dict of three entries, in any order.
class HeaderText {
public:
    explicit HeaderText(std::string_view text) : m_text(text) {}

    /// Passes blanks and, when it comes next, `wanted`.
    bool accept(char wanted) {
        passBlanks();
        if (m_text.empty() || m_text.front() != wanted) return false;
        m_text.remove_prefix(1);
        return true;
    }
    bool acceptWord(std::string_view word) {
        passBlanks();
        if (!m_text.starts_with(word)) return false;
        m_text.remove_prefix(word.size());
        return true;
    }
    std::optional<std::string_view> quoted() {
        for (const char quote : {'\'', '"'})
            if (accept(quote)) {
                const std::size_t end = m_text.find(quote);
                if (end == m_text.npos) return std::nullopt;
                const auto text = m_text.substr(0, end);
                m_text.remove_prefix(end + 1);
                return text;
            }
        return std::nullopt;
    }
    std::optional<Shape> shape(int rank) {
        Shape shape;
        if (!accept('(')) return std::nullopt;
        while (!accept(')')) {
            std::int64_t size = 0;
            passBlanks();
            const auto end = std::from_chars(m_text.data(), m_text.data() + m_text.size(), size);
            if (end.ec != std::errc{} || shape.size() == static_cast<std::size_t>(rank)) return std::nullopt;
            m_text.remove_prefix(static_cast<std::size_t>(end.ptr - m_text.data()));
            accept('L'); // Python 2
            shape.push_back(size);
            if (!accept(',') && !m_text.starts_with(')')) return std::nullopt;
        }
        return shape;
    }
    std::string_view rest() const { return m_text; }

private:
    void passBlanks() { m_text.remove_prefix(std::min(m_text.find_first_not_of(" \t\n"), m_text.size())); }

    std::string_view m_text;
};

const Described* describedType(std::string_view descr) {
    if (descr.size() != 3 || std::string_view("<>=|").find(descr[0]) == std::string_view::npos) return nullptr;
    const auto found = std::ranges::find(kTypes, descr.substr(1), &Described::name);
    return found == kTypes.end() ? nullptr : &*found;
}

Result<void> parse(std::string_view source, NpyHeader& header, const ReadLimits& limits) {
    const auto malformed = [](std::string_view what) { return fail(ErrorCode::Malformed, "the array's header {}", what); };
    HeaderText text(source);
    bool type = false, order = false, shape = false;
    if (!text.accept('{')) return malformed("is no dict");
    while (!text.accept('}')) {
        const auto key = text.quoted();
        if (!key || !text.accept(':')) return malformed("is no dict of three entries");
        if (*key == "descr" && !type) {
            if (text.accept('[')) return fail(ErrorCode::Unsupported, "arrays of structured type are not read: [{}", printable(text.rest(), 40));
            const auto descr = text.quoted();
            if (!descr) return malformed("has no type");
            const Described* described = describedType(*descr);
            if (!described) return fail(ErrorCode::Unsupported, "arrays of type '{}' are not read", printable(*descr));
            header.dtype = described->type;
            header.bigEndian = descr->front() == '>' && described->wordBytes > 1;
            type = true;
        } else if (*key == "fortran_order" && !order) {
            header.fortranOrder = text.acceptWord("True");
            if (!header.fortranOrder && !text.acceptWord("False")) return malformed("has no order");
            order = true;
        } else if (*key == "shape" && !shape) {
            auto sizes = text.shape(limits.rank);
            if (!sizes) return malformed(fmt::format("has no shape of at most {} axes", limits.rank));
            header.shape = *std::move(sizes);
            shape = true;
        } else {
            return malformed(fmt::format("has the entry '{}'", printable(*key)));
        }
        if (!text.accept(',') && !text.rest().starts_with('}')) return malformed("is no dict of three entries");
    }
    if (!type || !order || !shape) return malformed("lacks 'descr', 'fortran_order' or 'shape'");
    return {};
}

} // namespace

bool looksLikeNpy(std::span<const std::byte> start) {
    return start.size() >= kMagic.size() && std::string_view(reinterpret_cast<const char*>(start.data()), kMagic.size()) == kMagic;
}

Result<NpyHeader> readNpyHeader(std::span<const std::byte> file, const ReadLimits& limits) {
    if (!looksLikeNpy(file)) return fail(ErrorCode::Malformed, "no NumPy array: it does not begin with '\\x93NUMPY'");
    ByteReader reader(file.subspan(kMagic.size()));
    QSCOPE_TRY(const auto version, reader.u8());
    QSCOPE_CHECK(reader.u8()); // its minor part
    if (version < 1 || version > 3) return fail(ErrorCode::Unsupported, "NumPy file version {} is not read", version);
    std::uint64_t length = 0;
    if (version == 1) {
        QSCOPE_TRY(length, reader.value<std::uint16_t>());
    } else {
        QSCOPE_TRY(length, reader.u32());
    }
    if (length > kMostNpyHeaderBytes - kMagic.size() - reader.position()) return fail(ErrorCode::Malformed, "an array's header of {} bytes", length);
    QSCOPE_TRY(const auto text, reader.text(length));
    NpyHeader header;
    QSCOPE_CHECK(parse(text, header, limits));
    QSCOPE_TRY(const auto elements, checkedElements(header.shape, limits));
    const auto bytes = storedBytes(header.dtype, static_cast<std::uint64_t>(elements));
    if (!bytes) return fail(ErrorCode::Malformed, "the array's shape overflows");
    header.dataOffset = kMagic.size() + reader.position();
    header.dataBytes = *bytes;
    return header;
}

std::optional<std::string> npyType(DType type) {
    const auto found = std::ranges::find(kTypes, type, &Described::type);
    if (found == kTypes.end()) return std::nullopt;
    return (found->wordBytes > 1 ? "<" : "|") + std::string(found->name);
}

std::string npyHeader(std::string_view type, const Shape& shape) {
    constexpr std::size_t kPrefix = 10, kMultiple = 64; // magic, version and length; what NumPy aligns arrays to
    std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", type, fmt::join(shape, ", "),
                                   shape.size() == 1 ? "," : "");
    text.append(kMultiple - 1 - (kPrefix + text.size()) % kMultiple, ' ');
    text += '\n';
    std::string header(kMagic);
    for (const std::size_t byte : {std::size_t{1}, std::size_t{0}, text.size() & 0xFF, text.size() >> 8}) header += static_cast<char>(byte);
    return header + text;
}

std::vector<std::byte> arrangeNpy(const NpyHeader& header, std::vector<std::byte> array) {
    if (header.bigEndian) {
        const std::size_t word = std::ranges::find(kTypes, header.dtype, &Described::type)->wordBytes;
        for (auto at = array.begin(); at != array.end(); at += static_cast<std::ptrdiff_t>(word))
            std::reverse(at, at + static_cast<std::ptrdiff_t>(word));
    }
    if (!header.fortranOrder || header.shape.size() < 2) return array;
    const auto size = static_cast<std::size_t>(info(header.dtype).blockBits / 8);
    std::vector<std::byte> arranged(array.size());
    // Counts up in C order, the last axis fastest; `place` follows in the stored order.
    std::vector<std::int64_t> at(header.shape.size());
    std::vector<std::size_t> stride(header.shape.size(), size);
    for (std::size_t axis = 1; axis < stride.size(); ++axis)
        stride[axis] = stride[axis - 1] * static_cast<std::size_t>(header.shape[axis - 1]);
    std::size_t place = 0;
    for (std::size_t to = 0; to < arranged.size(); to += size) {
        std::copy_n(array.data() + place, size, arranged.data() + to);
        for (std::size_t axis = at.size(); axis-- > 0;) {
            place += stride[axis];
            if (++at[axis] < header.shape[axis]) break;
            place -= stride[axis] * static_cast<std::size_t>(at[axis]);
            at[axis] = 0;
        }
    }
    return arranged;
}

} // namespace qscope::engine
