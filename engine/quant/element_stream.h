// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/quant/quantized_tensor.h"

#include <span>
#include <vector>

namespace qscope::engine {

/// Elements per step of work that passes through a tensor: 16 MiB in single precision stays in the last cache, keeps a
/// device busy, and takes about 10 ms.
inline constexpr std::int64_t kStreamElements = std::int64_t{4} << 20;

/// `decode` on all cores, with stops between chunks; leaves the context's progress alone.
[[nodiscard]] Result<void> decodeParallel(const TensorView& tensor, std::int64_t first, std::span<float> out,
                                          const RunContext& context);

/// OutOfRange naming the first element that is NaN or infinite; `first` is the index of `values[0]` in a tensor of
/// this shape.
[[nodiscard]] Result<void> requireFinite(std::span<const float> values, std::int64_t first, const Shape& shape,
                                         const RunContext& context);

/// The whole tensor in single precision, finite: as `decodeParallel` and `requireFinite`.
[[nodiscard]] Result<std::vector<float>> finiteValues(const TensorView& tensor, const RunContext& context);

/// Hands out runs of a tensor's elements in single precision: F32 as it lies in the file, other types decoded into a
/// buffer of its own.
class ElementStream {
public:
    explicit ElementStream(TensorView tensor) : m_tensor(std::move(tensor)) {}
    /// Elements [first, first + count); valid until the next call.
    [[nodiscard]] Result<std::span<const float>> read(std::int64_t first, std::int64_t count, const RunContext& context);

private:
    TensorView m_tensor;
    std::vector<float> m_buffer;
};

/// The whole result as numbers, on all cores. Leaves the context's progress alone.
[[nodiscard]] Result<void> dequantizeParallel(const QuantizedTensor& tensor, std::span<float> out, const RunContext& context);

} // namespace qscope::engine
