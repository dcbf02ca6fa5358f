// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/coded/families.h"
#include "engine/core/checked_math.h"
#include "engine/tensor/code_layouts.h"
#include "engine/tensor/small_floats.h"

namespace qscope::engine {

// Formats of single producers, each a few lines: formats.md, section 4.1.

Result<bool> readModelOpt(WeightParts& parts, const QuantizationClaim& claim) {
    const TensorInfo* codes = parts.find(".weight");
    if (!codes || codes->dtype != DType::U8 || codes->shape.size() != 2) return false;
    const std::int64_t rows = codes->shape[0];
    const auto columns = checkedMul(codes->shape[1], std::int64_t{2});
    if (!columns) return fail(ErrorCode::Malformed, "its shape overflows");
    const std::int64_t size = wholeField(claim.json, "group_size").value_or(16);
    if (size < 1) return fail(ErrorCode::Malformed, "a group size of {}", size);
    QSCOPE_TRY(const auto bytes, parts.take(".weight"));
    QSCOPE_TRY(const auto scales, parts.take(".weight_scale", {DType::F8_E4M3}, {rows, ceilDiv(*columns, size)}));
    QSCOPE_TRY(const auto second, parts.take(".weight_scale_2"));
    CodedWeight weight = floatNibbles("ModelOpt", bytes, rows, *columns);
    weight.scales = groupsOf(scales, rows, *columns, 1, size);
    weight.tensorScale = second;
    QSCOPE_CHECK(parts.complete(std::move(weight), {rows, *columns}, fmt::format("ModelOpt, NVFP4, groups of {}", size)));
    return true;
}

Result<bool> readFp8Blocks(WeightParts& parts, const QuantizationClaim& claim) {
    const TensorInfo* codes = parts.find(".weight");
    if (!codes || codes->dtype != DType::F8_E4M3 || codes->shape.size() != 2) return false;
    const std::int64_t rows = codes->shape[0], columns = codes->shape[1];
    const auto block = wholesField(claim.json, "weight_block_size").value_or(std::vector<std::int64_t>{128, 128});
    if (block.size() != 2 || block[0] < 1 || block[1] < 1) return fail(ErrorCode::Malformed, "a block size that is no pair of sizes");
    QSCOPE_TRY(const auto bytes, parts.take(".weight"));
    QSCOPE_TRY(const auto scales, parts.take(".weight_scale_inv", {DType::F32, DType::BF16},
                                             {ceilDiv(rows, block[0]), ceilDiv(columns, block[1])}));
    CodedWeight weight;
    weight.scheme = "FP8 blocks";
    weight.rows = rows;
    weight.columns = columns;
    weight.codes = byteCodes(rows, columns);
    weight.codes.words = bytes;
    weight.levelSet = "E4M3";
    weight.levels.assign(kE4M3.begin(), kE4M3.end());
    weight.scales = groupsOf(scales, rows, columns, block[0], block[1]);
    QSCOPE_CHECK(parts.complete(std::move(weight), {rows, columns}, fmt::format("FP8 E4M3, blocks of {} x {}", block[0], block[1])));
    return true;
}

Result<bool> readGptOss(WeightParts& parts, const QuantizationClaim&) {
    constexpr std::int64_t kBlock = 32, kBlockBytes = 16;
    const TensorInfo* codes = parts.find("_blocks");
    if (!codes || codes->dtype != DType::U8 || codes->shape.size() < 3 || codes->shape.back() != kBlockBytes) return false;
    Shape shape(codes->shape.begin(), codes->shape.end() - 2);
    const std::int64_t rows = elementCount(shape), blocks = codes->shape[shape.size()];
    const auto columns = checkedMul(blocks, kBlock);
    if (!columns) return fail(ErrorCode::Malformed, "its shape overflows");
    QSCOPE_TRY(const auto bytes, parts.take("_blocks"));
    QSCOPE_TRY(auto scales, parts.take("_scales", {DType::U8, DType::F8_E8M0}, Shape(codes->shape.begin(), codes->shape.end() - 1)));
    scales.dtype = DType::F8_E8M0;
    CodedWeight weight = floatNibbles("MXFP4", bytes, rows, *columns);
    weight.scales = groupsOf(scales, rows, *columns, 1, kBlock);
    shape.push_back(*columns);
    QSCOPE_CHECK(parts.complete(std::move(weight), std::move(shape), "MXFP4, groups of 32"));
    return true;
}

} // namespace qscope::engine
