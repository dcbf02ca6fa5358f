// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/wire_writer.h"

#include <algorithm>
#include <iterator>

namespace qscope::engine {

void WireMessage::append(std::string_view bytes) {
    m_size += bytes.size();
    if (!m_pieces.empty())
        if (auto* own = std::get_if<std::string>(&m_pieces.back())) {
            own->append(bytes);
            return;
        }
    m_pieces.emplace_back(std::string(bytes));
}

void WireMessage::append(std::span<const std::byte> bytes) {
    m_size += bytes.size();
    if (!m_pieces.empty())
        if (auto* view = std::get_if<std::span<const std::byte>>(&m_pieces.back()); view && view->data() + view->size() == bytes.data()) {
            *view = {view->data(), view->size() + bytes.size()}; // neighbours in the file they come from
            return;
        }
    m_pieces.emplace_back(bytes);
}

void WireMessage::varint(std::uint64_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
    bytes += static_cast<char>(value);
    append(std::string_view(bytes));
}

void WireMessage::key(std::uint32_t field, WireType type) { varint(field << 3 | static_cast<std::uint32_t>(type)); }

void WireMessage::number(std::uint32_t field, std::uint64_t value) {
    key(field, WireType::Varint);
    varint(value);
}

void WireMessage::text(std::uint32_t field, std::string_view value) {
    key(field, WireType::Bytes);
    varint(value.size());
    append(value);
}

void WireMessage::view(std::uint32_t field, std::span<const std::byte> bytes) {
    key(field, WireType::Bytes);
    varint(bytes.size());
    append(bytes);
}

void WireMessage::message(std::uint32_t field, WireMessage inner) {
    key(field, WireType::Bytes);
    varint(inner.m_size);
    append(std::move(inner));
}

void WireMessage::append(WireMessage fields) {
    m_size += fields.m_size;
    std::move(fields.m_pieces.begin(), fields.m_pieces.end(), std::back_inserter(m_pieces));
}

void WireMessage::later(std::uint32_t field, std::uint64_t size, MakeTensor make) {
    key(field, WireType::Bytes);
    varint(size);
    m_size += size;
    m_pieces.emplace_back(Later{size, std::move(make)});
}

Result<void> WireMessage::write(AtomicFile& file, const RunContext& context) const {
    for (const Piece& piece : m_pieces) {
        if (const auto* own = std::get_if<std::string>(&piece)) {
            QSCOPE_CHECK(writePieces(file, std::as_bytes(std::span(*own)), context));
        } else if (const auto* view = std::get_if<std::span<const std::byte>>(&piece)) {
            QSCOPE_CHECK(writePieces(file, *view, context));
        } else {
            const auto& later = std::get<Later>(piece);
            QSCOPE_TRY(const auto made, later.make());
            if (made.bytes.size() != later.size)
                return fail(ErrorCode::OutOfRange, "{} bytes came where {} were announced", made.bytes.size(), later.size);
            QSCOPE_CHECK(writePieces(file, made.bytes, context));
        }
    }
    return {};
}

Result<void> writePieces(AtomicFile& file, std::span<const std::byte> bytes, const RunContext& context) {
    constexpr std::size_t kPiece = 8 << 20;
    while (!bytes.empty()) {
        if (context.cancelled()) return cancelled();
        const auto piece = bytes.first(std::min(bytes.size(), kPiece));
        QSCOPE_CHECK(file.write(piece));
        context.progress.done += static_cast<std::int64_t>(piece.size());
        bytes = bytes.subspan(piece.size());
    }
    return {};
}

} // namespace qscope::engine
