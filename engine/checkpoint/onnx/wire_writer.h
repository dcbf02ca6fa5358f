// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/wire.h"
#include "engine/core/atomic_file.h"
#include "engine/core/run_context.h"
#include "engine/tensor/tensor.h"

#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace qscope::engine {

/// A protobuf message to be written: texts of its own, views of bytes that live elsewhere, and tensors that are made
/// when their turn comes. Only its size is known before.
class WireMessage {
public:
    using MakeTensor = std::function<Result<TensorView>()>;

    void number(std::uint32_t field, std::uint64_t value);
    void text(std::uint32_t field, std::string_view value);
    /// The bytes must live until `write`.
    void view(std::uint32_t field, std::span<const std::byte> bytes);
    /// A whole field as another message has it, key included; must live until `write`.
    void copy(std::span<const std::byte> whole) { append(whole); }
    void message(std::uint32_t field, WireMessage inner);
    /// All fields of another message behind these.
    void append(WireMessage fields);
    /// `size` bytes that `make` gives when they are written.
    void later(std::uint32_t field, std::uint64_t size, MakeTensor make);

    [[nodiscard]] std::uint64_t size() const { return m_size; }
    /// Writes everything in order, in pieces; stops on request. Progress counts bytes.
    [[nodiscard]] Result<void> write(AtomicFile& file, const RunContext& context) const;

private:
    struct Later {
        std::uint64_t size;
        MakeTensor make;
    };
    using Piece = std::variant<std::string, std::span<const std::byte>, Later>;

    void append(std::string_view bytes);
    void append(std::span<const std::byte> bytes);
    void key(std::uint32_t field, WireType type);
    void varint(std::uint64_t value);

    std::vector<Piece> m_pieces;
    std::uint64_t m_size = 0;
};

/// Bytes of any length in pieces that a stop request can come between; adds them to the progress.
[[nodiscard]] Result<void> writePieces(AtomicFile& file, std::span<const std::byte> bytes, const RunContext& context);

} // namespace qscope::engine
