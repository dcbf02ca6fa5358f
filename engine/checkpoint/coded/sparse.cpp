// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/coded/families.h"
#include "engine/tensor/masked_tensor.h"

namespace qscope::engine {

namespace {

/// Rows and columns, stored as two numbers; Malformed when they are not.
Result<std::array<std::int64_t, 2>> storedShape(WeightParts& parts) {
    QSCOPE_TRY(const auto stored, parts.take(".shape"));
    if (elementCount(stored.shape) != 2 || (stored.dtype != DType::I64 && stored.dtype != DType::I32))
        return fail(ErrorCode::Malformed, "its shape is no pair of whole numbers");
    std::array<double, 2> sizes{};
    QSCOPE_CHECK(decode(stored, 0, std::span<double>(sizes)));
    for (const double size : sizes)
        if (!(size >= 1 && size <= 1e15)) return fail(ErrorCode::Malformed, "a shape of {} x {}", sizes[0], sizes[1]);
    return std::array{static_cast<std::int64_t>(sizes[0]), static_cast<std::int64_t>(sizes[1])};
}

} // namespace

// The library that writes these stores values and places side by side: <module>.compressed, .bitmask and .shape, and
// for unstructured sparsity .row_offsets. With 2 of 4 values kept, every row has half as many values as columns. Values
// may be FP8 or INT8 codes with a scale for the tensor or for each output channel.
Result<bool> readSparse(WeightParts& parts, const QuantizationClaim&) {
    if (!parts.has(".compressed") || !parts.has(".shape")) return false;
    QSCOPE_TRY(const auto shape, storedShape(parts));
    MaskedMatrix matrix;
    matrix.rows = shape[0];
    matrix.columns = shape[1];
    QSCOPE_TRY(matrix.values, parts.take(".compressed"));
    QSCOPE_TRY(matrix.mask, parts.take(".bitmask"));
    if (parts.has(".row_offsets")) {
        QSCOPE_TRY(matrix.rowOffsets, parts.take(".row_offsets"));
    }
    if (parts.has(".weight_zero_point")) return fail(ErrorCode::Unsupported, "sparse codes with zero points");
    if (parts.has(".weight_scale")) {
        QSCOPE_TRY(matrix.scales, parts.take(".weight_scale"));
    }
    const auto form =
        fmt::format("compressed-tensors, {}, {}{}", matrix.rowOffsets ? "sparse-bitmask" : "sparse-24-bitmask",
                    info(matrix.values.dtype).name, matrix.scales ? ", scaled" : "");
    parts.show("values", matrix.values, matrix.values.bytes.size());
    parts.show("mask", matrix.mask, matrix.mask.bytes.size());
    if (matrix.scales) parts.show("scales", *matrix.scales, matrix.scales->bytes.size());
    QSCOPE_TRY(auto whole, maskedTensor(std::move(matrix)));
    parts.complete(std::move(whole), form);
    return true;
}

} // namespace qscope::engine
