// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/coded/families.h"
#include "engine/core/checked_math.h"
#include "engine/tensor/code_layouts.h"

#include <cmath>

namespace qscope::engine {

namespace {

constexpr std::string_view kState = ".quant_state.bitsandbytes__";
constexpr std::int64_t kLevels4 = 16, kLevels8 = 256;

/// A stored table of levels, listed as `name`.
Result<std::vector<float>> levelsFrom(WeightParts& parts, std::string_view suffix, std::int64_t count, std::string name) {
    QSCOPE_TRY(const auto map, parts.take(suffix, {DType::F32}, {count}));
    parts.show(std::move(name), map, map.bytes.size());
    std::vector<float> levels(static_cast<std::size_t>(count));
    QSCOPE_CHECK(decode(map, 0, std::span<float>(levels)));
    return levels;
}

/// One scale per block, which may itself be an 8-bit code.
Result<TensorView> blockScales(WeightParts& parts, const Json& state, std::int64_t blocks) {
    if (!parts.has(".nested_absmax")) return parts.take(".absmax", {DType::F32}, {blocks});
    QSCOPE_TRY(const auto codes, parts.take(".absmax", {DType::U8}, {blocks}));
    const std::int64_t size = wholeField(state, "nested_blocksize").value_or(256);
    const auto offset = realField(state, "nested_offset");
    if (size < 1 || !offset || !std::isfinite(*offset)) return fail(ErrorCode::Malformed, "its nested scales are not described");
    CodedWeight nested;
    nested.scheme = "bitsandbytes";
    nested.columns = blocks;
    nested.codes = byteCodes(1, blocks);
    nested.codes.words = codes;
    nested.levelSet = "dynamic";
    QSCOPE_TRY(nested.levels, levelsFrom(parts, ".nested_quant_map", kLevels8, "scales.codebook"));
    QSCOPE_TRY(const auto peaks, parts.take(".nested_absmax", {DType::F32}, {ceilDiv(blocks, size)}));
    nested.scales = groupsOf(peaks, 1, blocks, 1, size);
    nested.shift = static_cast<float>(*offset);
    QSCOPE_TRY(auto scales, codedTensor(std::move(nested), {blocks}));
    parts.show("scales", scales, codes.bytes.size() + peaks.bytes.size());
    parts.show("scales.codes", codes, codes.bytes.size());
    parts.show("scales.scales", peaks, peaks.bytes.size());
    return scales;
}

Result<Json> readState(WeightParts& parts, std::string_view type) {
    QSCOPE_TRY(const auto text, parts.take(std::string(kState) + std::string(type)));
    if (text.dtype != DType::U8) return fail(ErrorCode::Malformed, "its quantization state is no text");
    constexpr std::size_t kMostText = 64 << 10; // real ones have 300 bytes
    if (text.bytes.size() > kMostText) return fail(ErrorCode::Malformed, "a quantization state of {} bytes", text.bytes.size());
    auto json = parseJson({reinterpret_cast<const char*>(text.bytes.data()), text.bytes.size()});
    if (!json) return during(std::move(json).error(), "its quantization state");
    return json;
}

} // namespace

Result<bool> readBitsandbytes4(WeightParts& parts, const QuantizationClaim& claim) {
    const std::string_view type = parts.has(std::string(kState) + "nf4") ? "nf4" : "fp4";
    QSCOPE_TRY(const Json state, readState(parts, type));
    if (textField(state, "quant_type") != type) return fail(ErrorCode::Malformed, "its quantization state is not that of {}", type);
    if (const auto said = textField(claim.json, "bnb_4bit_quant_type"); !said.empty() && said != type)
        return fail(ErrorCode::Malformed, "{} contradicts the configuration's {}", type, printable(said));
    const auto shape = wholesField(state, "shape");
    const std::int64_t block = wholeField(state, "blocksize").value_or(0);
    const auto count = shape ? checkedElements(*shape, {}) : fail(ErrorCode::Malformed, "no shape");
    if (!count || shape->size() > 8 || block < 1) return fail(ErrorCode::Malformed, "its quantization state has no shape or block size");
    QSCOPE_TRY(auto bytes, parts.take(""));
    if (static_cast<std::int64_t>(bytes.bytes.size()) != ceilDiv(*count, std::int64_t{2}))
        return fail(ErrorCode::Malformed, "{} bytes do not hold the {} codes of its quantization state", bytes.bytes.size(), *count);
    // Some are stored under another type, so that trainers move them as they move others.
    bytes = {DType::U8, {static_cast<std::int64_t>(bytes.bytes.size())}, bytes.bytes, bytes.keepAlive};

    CodedWeight weight;
    weight.scheme = "bitsandbytes";
    weight.rows = 1;
    weight.columns = *count;
    weight.codes = bitsandbytesCodes(*count);
    weight.codes.words = bytes;
    weight.levelSet = type == "nf4" ? "NF4" : "FP4";
    QSCOPE_TRY(weight.levels, levelsFrom(parts, ".quant_map", kLevels4, "codebook"));
    QSCOPE_TRY(const auto scales, blockScales(parts, state, ceilDiv(*count, block)));
    weight.scales = groupsOf(scales, 1, *count, 1, block);
    auto form = fmt::format("bitsandbytes, {}, blocks of {}{}", weight.levelSet, block, scales.source ? ", double quantization" : "");
    QSCOPE_CHECK(parts.complete(std::move(weight), *shape, std::move(form)));
    return true;
}

Result<bool> readBitsandbytes8(WeightParts& parts, const QuantizationClaim&) {
    const TensorInfo* codes = parts.find(".weight");
    if (!codes || codes->dtype != DType::I8 || codes->shape.size() != 2) return false;
    const std::int64_t rows = codes->shape[0], columns = codes->shape[1];
    QSCOPE_TRY(const auto bytes, parts.take(".weight"));
    QSCOPE_TRY(const auto scales, parts.take(".SCB", {DType::F32}, {rows}));
    if (parts.has(".weight_format")) {
        QSCOPE_TRY(const auto format, parts.take(".weight_format"));
        float order = 0; // 0: rows; others are the tiles of one generation of tensor cores
        if (elementCount(format.shape) != 1 || !decode(format, 0, std::span(&order, 1)) || order != 0)
            return fail(ErrorCode::Unsupported, "bitsandbytes' int8 codes in tiles");
    }
    CodedWeight weight;
    weight.scheme = "bitsandbytes";
    weight.rows = rows;
    weight.columns = columns;
    weight.codes = byteCodes(rows, columns);
    weight.codes.words = bytes;
    weight.codes.isSigned = true;
    weight.scales = groupsOf(scales, rows, columns, 1, columns);
    weight.tensorScale = makeTensor(Shape{}, {127.0f});
    weight.tensorScaleDivides = true;
    QSCOPE_CHECK(parts.complete(std::move(weight), {rows, columns}, "bitsandbytes, int8, a scale per output channel"));
    return true;
}

} // namespace qscope::engine
