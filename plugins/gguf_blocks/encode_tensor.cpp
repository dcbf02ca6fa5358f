// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/gguf_blocks/encode_tensor.h"

#include "engine/quant/element_stream.h"
#include "engine/tensor/blocks.h"
#include "engine/tensor/half.h"

#include <algorithm>
#include <cstring>

namespace qscope::engine {

namespace {

Result<std::vector<std::byte>> encodeHalves(DType type, std::span<const float> values) {
    std::vector<std::byte> bytes(values.size() * sizeof(std::uint16_t));
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (type == DType::F16 && std::abs(values[i]) >= 65520.f)
            return fail(ErrorCode::OutOfRange, "a weight of {} is beyond half precision", values[i]);
        const std::uint16_t stored = type == DType::F16 ? floatToHalf(values[i]) : floatToBfloat16(values[i]);
        std::memcpy(bytes.data() + i * sizeof stored, &stored, sizeof stored);
    }
    return bytes;
}

/// The importance that counts from element `first` on, and for how many elements: to the end of the matrix of its stack.
struct Weights {
    std::span<const float> columns;
    std::int64_t elements = 0;
};

Weights weightsAt(const QuantInput& input, std::int64_t first) {
    const std::int64_t count = elementCount(input.weight.shape), columns = asMatrix(input.weight.shape).columns;
    const auto sets = static_cast<std::int64_t>(input.importance.size()) / columns;
    if (sets == 0) return {{}, count - first};
    const std::int64_t matrix = count / sets;
    return {input.importance.subspan(static_cast<std::size_t>(first / matrix * columns), static_cast<std::size_t>(columns)),
            matrix - first % matrix};
}

} // namespace

bool canEncodeTensor(DType type) { return type == DType::F16 || type == DType::BF16 || canEncodeBlocks(type); }

Result<QuantizedTensor> encodeTensor(DType type, const QuantInput& input, const RunContext& context) {
    const TensorView& tensor = input.weight;
    const std::int64_t count = elementCount(tensor.shape), columns = asMatrix(tensor.shape).columns;
    const auto sets = static_cast<std::int64_t>(input.importance.size());
    if (sets % columns != 0 || (sets > columns && count % sets != 0))
        return fail(ErrorCode::OutOfRange, "{} importance weights do not fit {} columns", sets, columns);
    // Blocks do not know of rows, so that a step may end inside one; with importance it takes whole rows.
    const std::int64_t most = sets == 0 ? kStreamElements : std::max<std::int64_t>(kStreamElements / columns, 1) * columns;
    const bool halves = type == DType::F16 || type == DType::BF16;
    BlockCodes codes{type, {}};
    codes.bytes.reserve(static_cast<std::size_t>(storedBytes(type, static_cast<std::uint64_t>(count)).value_or(0)));
    ElementStream stream(tensor);
    for (std::int64_t first = 0; first < count;) {
        const Weights weights = weightsAt(input, first);
        const std::int64_t taken = std::min(most, weights.elements);
        QSCOPE_TRY(const auto values, stream.read(first, taken, context));
        QSCOPE_CHECK(requireFinite(values, first, tensor.shape, context));
        QSCOPE_TRY(const auto step, halves ? encodeHalves(type, values)
                                           : context.backend.encodeBlocks(type, values, weights.columns.empty() ? qscope::info(type).blockLength : columns,
                                                                          weights.columns, context));
        codes.bytes.insert(codes.bytes.end(), step.begin(), step.end());
        context.progress.done.fetch_add(taken, std::memory_order_relaxed);
        first += taken;
    }
    return QuantizedTensor{tensor.shape, std::move(codes)};
}

} // namespace qscope::engine
