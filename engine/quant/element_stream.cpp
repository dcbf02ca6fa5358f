// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/element_stream.h"

#include "engine/core/parallel.h"

#include <bit>
#include <cmath>
#include <cstdint>

namespace qscope::engine {

namespace {

/// Elements per task of one thread; a multiple of every block length.
constexpr std::int64_t kGrain = 1 << 16;

bool allFinite(std::span<const float> values) {
    std::uint32_t bad = 0;
    for (const float value : values) bad |= (std::bit_cast<std::uint32_t>(value) & 0x7f800000u) == 0x7f800000u;
    return bad == 0;
}

} // namespace

Result<void> decodeParallel(const TensorView& tensor, std::int64_t first, std::span<float> out,
                            const RunContext& context) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    return parallelChunks(static_cast<std::int64_t>(out.size()), kGrain, quiet, [&](std::int64_t begin, std::int64_t end) {
        return decode(tensor, first + begin,
                      out.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    });
}

Result<void> requireFinite(std::span<const float> values, std::int64_t first, const Shape& shape,
                           const RunContext& context) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    return parallelChunks(static_cast<std::int64_t>(values.size()), kGrain, quiet,
                          [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        if (allFinite(values.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)))) return {};
        std::int64_t at = begin;
        while (std::isfinite(values[static_cast<std::size_t>(at)])) ++at;
        const std::int64_t columns = asMatrix(shape).columns;
        return fail(ErrorCode::OutOfRange, "row {}, column {} is {}, only finite weights can be quantized",
                    (first + at) / columns, (first + at) % columns,
                    std::isnan(values[static_cast<std::size_t>(at)]) ? "NaN" : "infinite");
    });
}

Result<std::vector<float>> finiteValues(const TensorView& tensor, const RunContext& context) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(tensor.shape)));
    QSCOPE_CHECK(decodeParallel(tensor, 0, values, context));
    QSCOPE_CHECK(requireFinite(values, 0, tensor.shape, context));
    return values;
}

Result<std::span<const float>> ElementStream::read(std::int64_t first, std::int64_t count, const RunContext& context) {
    const std::int64_t total = elementCount(m_tensor.shape);
    if (first < 0 || count < 0 || first > total || count > total - first)
        return fail(ErrorCode::OutOfRange, "{} elements from {} on asked of {}", count, first, total);
    const auto* data = m_tensor.bytes.data() + (m_tensor.dtype == DType::F32 ? 4 * first : 0);
    if (m_tensor.dtype == DType::F32 && reinterpret_cast<std::uintptr_t>(data) % alignof(float) == 0)
        return std::span(reinterpret_cast<const float*>(data), static_cast<std::size_t>(count));
    m_buffer.resize(static_cast<std::size_t>(count));
    QSCOPE_CHECK(decodeParallel(m_tensor, first, m_buffer, context));
    return std::span<const float>(m_buffer);
}

Result<void> dequantizeParallel(const QuantizedTensor& tensor, std::span<float> out, const RunContext& context) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    return parallelChunks(static_cast<std::int64_t>(out.size()), 1 << 16, quiet, [&](std::int64_t first, std::int64_t end) {
        return dequantize(tensor, first, out.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(end - first)));
    });
}

} // namespace qscope::engine
