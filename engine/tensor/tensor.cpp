// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/tensor.h"

#include "engine/core/checked_math.h"
#include "engine/tensor/blocks.h"
#include "engine/tensor/half.h"
#include "engine/tensor/small_floats.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <numeric>
#include <type_traits>

namespace qscope::engine {

std::int64_t elementCount(const Shape& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>{});
}

MatrixShape asMatrix(const Shape& shape) {
    if (shape.empty()) return {1, 1};
    return {std::accumulate(shape.begin(), shape.end() - 1, std::int64_t{1}, std::multiplies<>{}), shape.back()};
}

namespace {

template<class Bytes>
TensorView own(DType dtype, Shape shape, Bytes values) {
    const auto owner = std::make_shared<const Bytes>(std::move(values));
    return {dtype, std::move(shape), std::as_bytes(std::span(*owner)), owner};
}

/// Elements stored as `Stored`, one after another; the file may not align them.
template<class Stored, class Out, class Convert>
void convertEach(std::span<const std::byte> bytes, std::int64_t first, std::span<Out> out, const Convert& convert) {
    const std::byte* from = bytes.data() + first * static_cast<std::int64_t>(sizeof(Stored));
    for (std::size_t i = 0; i < out.size(); ++i) {
        Stored stored;
        std::memcpy(&stored, from + i * sizeof(Stored), sizeof(Stored));
        out[i] = convert(stored);
    }
}

template<class Stored, class Out>
void cast(std::span<const std::byte> bytes, std::int64_t first, std::span<Out> out) {
    if constexpr (std::is_same_v<Stored, Out>)
        std::memcpy(out.data(), bytes.data() + first * static_cast<std::int64_t>(sizeof(Out)), out.size_bytes());
    else
        convertEach<Stored>(bytes, first, out, [](Stored value) { return static_cast<Out>(value); });
}

template<class Out>
void decodeHalf(std::span<const std::byte> bytes, std::int64_t first, std::span<Out> out) {
    const std::byte* const from = bytes.data() + first * 2;
    if constexpr (std::is_same_v<Out, float>) {
        if (reinterpret_cast<std::uintptr_t>(from) % 2 == 0) {
            halfToFloat({reinterpret_cast<const std::uint16_t*>(from), out.size()}, out);
            return;
        }
    }
    convertEach<std::uint16_t>(bytes, first, out, [](std::uint16_t half) { return static_cast<Out>(halfToFloat(half)); });
}

template<class Out>
void lookUp(std::span<const std::byte> bytes, std::int64_t first, std::span<Out> out, const std::array<float, 256>& table) {
    convertEach<std::uint8_t>(bytes, first, out, [&](std::uint8_t code) { return static_cast<Out>(table[code]); });
}

/// Codes of fewer than eight bits, packed from the lowest bit of the first byte up.
template<int Bits, class Out>
void lookUpPacked(std::span<const std::byte> bytes, std::int64_t first, std::span<Out> out,
                  const std::array<float, (1 << Bits)>& table) {
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto bit = (static_cast<std::uint64_t>(first) + i) * Bits;
        const auto byte = static_cast<std::size_t>(bit / 8);
        unsigned word = std::to_integer<unsigned>(bytes[byte]);
        if (byte + 1 < bytes.size()) word |= std::to_integer<unsigned>(bytes[byte + 1]) << 8;
        out[i] = static_cast<Out>(table[word >> bit % 8 & ((1u << Bits) - 1)]);
    }
}

/// Block types: whole blocks at a time through a small buffer; straight into `out` where the borders allow it.
template<class Out>
void decodeBlockRange(const TensorView& tensor, std::int64_t first, std::span<Out> out) {
    const DTypeInfo& type = info(tensor.dtype);
    const std::int64_t length = type.blockLength;
    const std::int64_t size = type.blockBits / 8;
    constexpr std::int64_t kBuffered = 1024; // a multiple of every block length
    std::array<float, kBuffered> buffer;
    const std::int64_t end = first + static_cast<std::int64_t>(out.size());
    for (std::int64_t at = first; at < end;) {
        const std::int64_t block = at / length;
        const std::int64_t whole = (end - at) / length;
        const auto bytesOf = [&](std::int64_t blocks) {
            return tensor.bytes.subspan(static_cast<std::size_t>(block * size), static_cast<std::size_t>(blocks * size));
        };
        if constexpr (std::is_same_v<Out, float>) {
            if (at % length == 0 && whole > 0) {
                decodeBlocks(tensor.dtype, bytesOf(whole),
                             out.subspan(static_cast<std::size_t>(at - first), static_cast<std::size_t>(whole * length)));
                at += whole * length;
                continue;
            }
        }
        const std::int64_t blocks = std::min(kBuffered / length, ceilDiv(end, length) - block);
        decodeBlocks(tensor.dtype, bytesOf(blocks), {buffer.data(), static_cast<std::size_t>(blocks * length)});
        const std::int64_t stop = std::min(end, (block + blocks) * length);
        for (; at < stop; ++at)
            out[static_cast<std::size_t>(at - first)] =
                static_cast<Out>(buffer[static_cast<std::size_t>(at - block * length)]);
    }
}

template<class Out>
Result<void> decodeTo(const TensorView& tensor, std::int64_t first, std::span<Out> out) {
    const std::int64_t count = elementCount(tensor.shape);
    const auto wanted = static_cast<std::int64_t>(out.size());
    if (first < 0 || wanted > count || first > count - wanted)
        return fail(ErrorCode::OutOfRange, "{} elements from {} on asked of {}", wanted, first, count);
    if (!canDecode(tensor.dtype))
        return fail(ErrorCode::Unsupported, "values of type {} cannot be decoded", info(tensor.dtype).name);
    if (out.empty()) return {};
    if (tensor.source) return tensor.source->decode(first, out);
    const auto bytes = tensor.bytes;
    switch (tensor.dtype) {
    case DType::F64: cast<double>(bytes, first, out); break;
    case DType::F32: cast<float>(bytes, first, out); break;
    case DType::F16: decodeHalf(bytes, first, out); break;
    case DType::BF16:
        convertEach<std::uint16_t>(bytes, first, out,
                                   [](std::uint16_t value) { return static_cast<Out>(bfloat16ToFloat(value)); });
        break;
    case DType::F8_E4M3: lookUp(bytes, first, out, kE4M3); break;
    case DType::F8_E5M2: lookUp(bytes, first, out, kE5M2); break;
    case DType::F8_E8M0: lookUp(bytes, first, out, kE8M0); break;
    case DType::F8_E4M3FNUZ: lookUp(bytes, first, out, kE4M3Fnuz); break;
    case DType::F8_E5M2FNUZ: lookUp(bytes, first, out, kE5M2Fnuz); break;
    case DType::F6_E2M3: lookUpPacked<6>(bytes, first, out, kE2M3); break;
    case DType::F6_E3M2: lookUpPacked<6>(bytes, first, out, kE3M2); break;
    case DType::F4: lookUpPacked<4>(bytes, first, out, kE2M1); break;
    case DType::Bool:
        convertEach<std::uint8_t>(bytes, first, out, [](std::uint8_t value) { return static_cast<Out>(value != 0); });
        break;
    case DType::U8: cast<std::uint8_t>(bytes, first, out); break;
    case DType::I8: cast<std::int8_t>(bytes, first, out); break;
    case DType::U16: cast<std::uint16_t>(bytes, first, out); break;
    case DType::I16: cast<std::int16_t>(bytes, first, out); break;
    case DType::U32: cast<std::uint32_t>(bytes, first, out); break;
    case DType::I32: cast<std::int32_t>(bytes, first, out); break;
    case DType::U64: cast<std::uint64_t>(bytes, first, out); break;
    case DType::I64: cast<std::int64_t>(bytes, first, out); break;
    default: decodeBlockRange(tensor, first, out); break;
    }
    return {};
}

} // namespace

TensorView makeTensor(Shape shape, std::vector<float> values) {
    assert(elementCount(shape) == static_cast<std::int64_t>(values.size()));
    return own(DType::F32, std::move(shape), std::move(values));
}

TensorView makeTensor(DType dtype, Shape shape, std::vector<std::byte> bytes) {
    assert(storedBytes(dtype, static_cast<std::uint64_t>(elementCount(shape))) == bytes.size());
    return own(dtype, std::move(shape), std::move(bytes));
}

TensorView makeTensor(Shape shape, std::shared_ptr<const TensorSource> source) {
    return {DType::Coded, std::move(shape), {}, source, source};
}

Result<TensorView> contiguous(const TensorView& tensor) {
    if (!tensor.source) return tensor;
    return tensor.source->contiguous(tensor.shape);
}

Result<void> decode(const TensorView& tensor, std::int64_t first, std::span<float> out) {
    return decodeTo(tensor, first, out);
}

Result<void> decode(const TensorView& tensor, std::int64_t first, std::span<double> out) {
    return decodeTo(tensor, first, out);
}

bool canDecode(DType type) {
    switch (info(type).kind) {
    case DTypeKind::Complex: return false;
    case DTypeKind::Block: return canDecodeBlocks(type);
    case DTypeKind::Float:
    case DTypeKind::Integer:
    case DTypeKind::Coded: return true;
    }
    return false;
}

Result<std::vector<float>> decodeTile(const TensorView& tensor, std::int64_t row, std::int64_t rows, std::int64_t column,
                                      std::int64_t columns) {
    const MatrixShape shape = asMatrix(tensor.shape);
    const auto inside = [](std::int64_t first, std::int64_t length, std::int64_t size) {
        return first >= 0 && length >= 0 && length <= size && first <= size - length;
    };
    if (!inside(row, rows, shape.rows) || !inside(column, columns, shape.columns))
        return fail(ErrorCode::OutOfRange, "rows {}+{}, columns {}+{} asked of {} x {}", row, rows, column, columns,
                    shape.rows, shape.columns);
    std::vector<float> tile(static_cast<std::size_t>(rows * columns));
    for (std::int64_t r = 0; r < rows; ++r)
        QSCOPE_CHECK(decode(tensor, (row + r) * shape.columns + column,
                            std::span(tile).subspan(static_cast<std::size_t>(r * columns), static_cast<std::size_t>(columns))));
    return tile;
}

} // namespace qscope::engine
