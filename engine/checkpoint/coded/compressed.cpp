// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/coded/families.h"
#include "engine/core/checked_math.h"
#include "engine/tensor/code_layouts.h"
#include "engine/tensor/small_floats.h"

#include <algorithm>

namespace qscope::engine {

namespace {

constexpr std::string_view kFormats[] = {"pack-quantized",  "int-quantized",        "float-quantized",
                                         "naive-quantized", "nvfp4-pack-quantized", "mxfp4-pack-quantized",
                                         "mxfp8-quantized"};
constexpr std::string_view kSparse[] = {"sparse-bitmask", "sparse-24-bitmask"};

constexpr std::size_t kMostGroups =
    64; ///< all of them are looked at for each weight; real configurations have one to three

/// What the configuration says about the weights of some modules.
struct Scheme {
    std::string format;
    std::optional<std::int64_t> bits;
    std::string strategy; ///< empty: whatever the scales' shape says
    std::int64_t groupSize = 0;
    std::int64_t high = 0, wide = 0; ///< of "block"
};

Scheme schemeFrom(const Json& group, const std::string& format) {
    const auto weights = group.find("weights");
    const Json arguments = weights != group.end() && weights->is_object() ? *weights : Json::object();
    const std::string own = textField(group, "format");
    Scheme scheme{own.empty() ? format : own, wholeField(arguments, "num_bits"), textField(arguments, "strategy"),
                  wholeField(arguments, "group_size").value_or(0)};
    if (scheme.strategy == "tensor_group") scheme.strategy = "group";
    if (scheme.strategy.empty())
        scheme.strategy = scheme.groupSize > 0 ? "group" : scheme.groupSize == -1 ? "channel" : "";
    if (const auto block = wholesField(arguments, "block_structure"); block && block->size() == 2) {
        scheme.high = (*block)[0];
        scheme.wide = (*block)[1];
    }
    return scheme;
}

/// The schemes that may be the module's: those that name it, else all. Class names and patterns are not resolved; which
/// scheme it is then follows from the shapes.
std::vector<Scheme> schemesFor(const QuantizationClaim& claim, std::string_view module) {
    std::vector<Scheme> named, all;
    const auto groups = claim.json.find("config_groups");
    if (groups == claim.json.end() || !groups->is_object()) return all;
    const std::string format = textField(claim.json, "format");
    for (const Json& group : *groups) {
        if (!group.is_object()) continue;
        all.push_back(schemeFrom(group, format));
        const auto targets = group.find("targets");
        if (targets == group.end() || !targets->is_array()) continue;
        const bool exact = std::ranges::any_of(*targets, [&](const Json& target) {
            return target.is_string() && target.get_ref<const std::string&>() == module;
        });
        if (exact) named.push_back(all.back());
    }
    return named.empty() ? all : named;
}

bool sameFormat(const Scheme& scheme, std::string_view format) {
    const bool naive = format == "int-quantized" || format == "float-quantized";
    return scheme.format.empty() || scheme.format == "mixed-precision" || scheme.format == format ||
           (naive && scheme.format == "naive-quantized");
}

/// How scales of this shape cover the matrix under the scheme; Malformed when they cannot.
Result<GroupValues> cover(const TensorView& scales, std::int64_t rows, std::int64_t columns, const Scheme& scheme) {
    const Shape& shape = scales.shape;
    const bool matrix = shape.size() == 2;
    const bool perRow = elementCount(shape) == rows && !shape.empty() && shape[0] == rows;
    const auto said = [&](std::string_view strategy) { return scheme.strategy.empty() || scheme.strategy == strategy; };
    if (said("tensor") && elementCount(shape) == 1) return groupsOf(scales, rows, columns, rows, columns);
    if (said("channel") && perRow) return groupsOf(scales, rows, columns, 1, columns);
    if (said("group") && matrix && shape[0] == rows) {
        const std::int64_t claimed[] = {scheme.groupSize};
        auto size =
            groupSize(columns, shape[1],
                      scheme.groupSize > 0 ? std::span<const std::int64_t>(claimed) : std::span<const std::int64_t>());
        if (size) return groupsOf(scales, rows, columns, 1, *size);
    }
    if (scheme.strategy == "block" && matrix && scheme.high > 0 && scheme.wide > 0 &&
        shape[0] == ceilDiv(rows, scheme.high) && shape[1] == ceilDiv(columns, scheme.wide))
        return groupsOf(scales, rows, columns, scheme.high, scheme.wide);
    return fail(ErrorCode::Malformed, "scales [{}] do not fit {} x {} weights{}", fmt::join(shape, ", "), rows, columns,
                scheme.strategy.empty() ? "" : " by " + printable(scheme.strategy));
}

std::string describeCover(const GroupValues& scales, std::int64_t rows, std::int64_t columns) {
    if (scales.rowStride == 0 && rows > 1 && scales.columnStride == 0) return "one scale";
    if (scales.rowsPer > 1) return fmt::format("blocks of {} x {}", scales.rowsPer, scales.columnsPer);
    return describeGroups(columns, scales.columnStride == 0 ? columns : scales.columnsPer);
}

/// Packed codes in words of `words` per run of `length`: whether they straddle words, or nothing when they fit neither
/// era.
std::optional<bool> straddles(std::int64_t length, std::int64_t words, std::int64_t bits) {
    const auto all = checkedMul(length, bits);
    if (all && ceilDiv(*all, std::int64_t{32}) == words) return true;
    if (ceilDiv(length, 32 / bits) == words) return false;
    return std::nullopt;
}

/// Bits of packed codes without a claim: the width that fills the words, where only one does.
std::optional<std::int64_t> bitsFromWidth(std::int64_t length, std::int64_t words) {
    std::optional<std::int64_t> found;
    for (std::int64_t bits = 1; bits <= 8; ++bits) {
        const auto all = checkedMul(length, bits);
        if (!all || ceilDiv(*all, std::int64_t{32}) != words) continue;
        if (found) return std::nullopt;
        found = bits;
    }
    return found;
}

Result<std::pair<std::int64_t, std::int64_t>> packedShape(WeightParts& parts) {
    QSCOPE_TRY(const auto shape, parts.take(".weight_shape", {DType::I64, DType::I32}, {2}));
    std::array<double, 2> sizes{};
    QSCOPE_CHECK(decode(shape, 0, std::span<double>(sizes)));
    for (const double size : sizes)
        if (!(size >= 1 && size <= 1e15)) return fail(ErrorCode::Malformed, "a shape of {} x {}", sizes[0], sizes[1]);
    return std::pair(static_cast<std::int64_t>(sizes[0]), static_cast<std::int64_t>(sizes[1]));
}

/// Zero points as codes packed along the rows, one column per group.
Result<void> addPackedZeros(WeightParts& parts, CodedWeight& weight, std::int64_t bits) {
    QSCOPE_TRY(const auto words, parts.take(".weight_zero_point"));
    const GroupValues& scales = *weight.scales;
    const std::int64_t groups = scales.columnStride == 0 ? 1 : ceilDiv(weight.columns, scales.columnsPer);
    const auto straddle = words.shape.size() == 2 ? straddles(weight.rows, words.shape[0], bits) : std::nullopt;
    if (words.dtype != DType::I32 || !straddle || words.shape[1] != groups || scales.rowsPer != 1)
        return fail(ErrorCode::Malformed, "zero points [{}] do not fit {} x {} groups", fmt::join(words.shape, ", "),
                    weight.rows, groups);
    PackedCodes codes = compressedZeros(weight.rows, groups, static_cast<int>(bits), *straddle);
    codes.words = words;
    QSCOPE_TRY(const auto zeros, codesAsTensor(std::move(codes), {weight.rows, groups}));
    weight.zeros = groupsOf(zeros, weight.rows, weight.columns, 1, scales.columnsPer);
    parts.show("zeros", zeros, words.bytes.size());
    return {};
}

Result<bool> readPacked(WeightParts& parts, const Scheme& scheme) {
    QSCOPE_TRY(const auto words, parts.take(".weight_packed"));
    QSCOPE_TRY(const auto shape, packedShape(parts));
    const auto [rows, columns] = shape;
    if (words.shape.size() != 2 || words.shape[0] != rows)
        return fail(ErrorCode::Malformed, "codes [{}] do not fit its shape of {} x {}", fmt::join(words.shape, ", "),
                    rows, columns);
    const auto bits = scheme.bits ? scheme.bits : bitsFromWidth(columns, words.shape[1]);
    if (!bits || *bits < 1 || *bits > 8)
        return fail(ErrorCode::Malformed, "codes of {} bits",
                    bits ? fmt::to_string(*bits) : std::string("an unknown number of"));
    const auto straddle = straddles(columns, words.shape[1], *bits);
    if (!straddle)
        return fail(ErrorCode::Malformed, "{} words do not hold {} codes of {} bits", words.shape[1], columns, *bits);
    CodedWeight weight;
    weight.scheme = "compressed-tensors";
    weight.rows = rows;
    weight.columns = columns;
    weight.codes = compressedCodes(rows, columns, static_cast<int>(*bits), *straddle);
    weight.codes.words = words;
    QSCOPE_TRY(const auto scales, parts.take(".weight_scale"));
    QSCOPE_TRY(weight.scales, cover(scales, rows, columns, scheme));
    const bool asymmetric = parts.has(".weight_zero_point");
    if (asymmetric) QSCOPE_CHECK(addPackedZeros(parts, weight, *bits));
    if (parts.has(".weight_g_idx")) {
        QSCOPE_TRY(weight.columnGroup, parts.take(".weight_g_idx", {DType::I32, DType::I64}, {columns}));
    }
    auto form = fmt::format("compressed-tensors, pack-quantized, {} bit, {}{}{}", *bits,
                            describeCover(*weight.scales, rows, columns), asymmetric ? ", asymmetric" : "",
                            weight.columnGroup ? ", act-order" : "");
    QSCOPE_CHECK(parts.complete(std::move(weight), {rows, columns}, std::move(form)));
    return true;
}

/// Two E2M1 codes per byte.
Result<bool> readFloatNibbles(WeightParts& parts, bool tensorScale) {
    QSCOPE_TRY(const auto bytes, parts.take(".weight_packed"));
    if (bytes.shape.size() != 2 || bytes.shape[1] > (1ll << 60))
        return fail(ErrorCode::Malformed, "its codes are no matrix");
    const std::int64_t rows = bytes.shape[0], columns = 2 * bytes.shape[1], size = tensorScale ? 16 : 32;
    CodedWeight weight = floatNibbles("compressed-tensors", bytes, rows, columns);
    const Shape groups{rows, ceilDiv(columns, size)};
    QSCOPE_TRY(auto scales, tensorScale ? parts.take(".weight_scale", {DType::F8_E4M3}, groups)
                                        : parts.take(".weight_scale", {DType::U8, DType::F8_E8M0}, groups));
    if (!tensorScale) scales.dtype = DType::F8_E8M0;
    weight.scales = groupsOf(scales, rows, columns, 1, size);
    if (tensorScale) {
        QSCOPE_TRY(weight.tensorScale, parts.take(".weight_global_scale"));
        weight.tensorScaleDivides = true;
    }
    QSCOPE_CHECK(
        parts.complete(std::move(weight), {rows, columns},
                       fmt::format("compressed-tensors, {}, groups of {}", tensorScale ? "NVFP4" : "MXFP4", size)));
    return true;
}

/// One byte per code: int-quantized, float-quantized or mxfp8-quantized.
Result<bool> readBytes(WeightParts& parts, const Scheme& scheme, std::string_view format) {
    QSCOPE_TRY(const auto bytes, parts.take(".weight"));
    const std::int64_t rows = bytes.shape[0], columns = bytes.shape[1];
    const bool integers = format == "int-quantized";
    CodedWeight weight;
    weight.scheme = "compressed-tensors";
    weight.rows = rows;
    weight.columns = columns;
    weight.codes = byteCodes(rows, columns);
    weight.codes.words = bytes;
    weight.codes.isSigned = integers;
    if (!integers) {
        weight.levelSet = "E4M3";
        weight.levels.assign(kE4M3.begin(), kE4M3.end());
    }
    std::string what = integers ? fmt::format(" {} bit,", scheme.bits.value_or(8)) : std::string(" E4M3,");
    if (format == "mxfp8-quantized") {
        QSCOPE_TRY(auto scales, parts.take(".weight_scale", {DType::U8, DType::F8_E8M0},
                                           {rows, ceilDiv(columns, std::int64_t{32})}));
        scales.dtype = DType::F8_E8M0;
        weight.scales = groupsOf(scales, rows, columns, 1, 32);
        what.clear();
    } else {
        QSCOPE_TRY(const auto scales, parts.take(".weight_scale"));
        QSCOPE_TRY(weight.scales, cover(scales, rows, columns, scheme));
    }
    const bool asymmetric = integers && parts.has(".weight_zero_point");
    if (asymmetric) {
        QSCOPE_TRY(const auto zeros, parts.take(".weight_zero_point", {DType::I8}, weight.scales->values.shape));
        weight.zeros = *weight.scales;
        weight.zeros->values = zeros;
    }
    auto form = fmt::format("compressed-tensors, {},{} {}{}", format, what,
                            describeCover(*weight.scales, rows, columns), asymmetric ? ", asymmetric" : "");
    QSCOPE_CHECK(parts.complete(std::move(weight), {rows, columns}, std::move(form)));
    return true;
}

/// Which of the formats the module's tensors have; empty: none.
std::string_view formatOf(const WeightParts& parts) {
    if (const TensorInfo* packed = parts.find(".weight_packed")) {
        if (packed->dtype == DType::I32) return "pack-quantized";
        if (packed->dtype != DType::U8) return {};
        return parts.has(".weight_global_scale") ? "nvfp4-pack-quantized" : "mxfp4-pack-quantized";
    }
    const TensorInfo* bytes = parts.find(".weight");
    const TensorInfo* scales = parts.find(".weight_scale");
    if (!bytes || !scales || bytes->shape.size() != 2) return {};
    if (bytes->dtype == DType::I8) return "int-quantized";
    if (bytes->dtype != DType::F8_E4M3) return {};
    const bool exponents = scales->dtype == DType::U8 || scales->dtype == DType::F8_E8M0;
    return exponents ? "mxfp8-quantized" : "float-quantized";
}

Result<bool> readAs(WeightParts& parts, const Scheme& scheme, std::string_view format) {
    if (format == "pack-quantized") return readPacked(parts, scheme);
    if (format == "nvfp4-pack-quantized" || format == "mxfp4-pack-quantized")
        return readFloatNibbles(parts, format.starts_with("nv"));
    return readBytes(parts, scheme, format);
}

} // namespace

std::string unreadCompressed(const QuantizationClaim& claim) {
    const auto isOf = [](const std::string& format, const auto& known) {
        return std::ranges::find(known, format) != std::end(known);
    };
    const auto sparse = [&](const std::string& format) {
        return format.empty() || format == "dense" || isOf(format, kSparse);
    };
    if (const std::string format = textField(claim.json, "format");
        !sparse(format) && format != "mixed-precision" && !isOf(format, kFormats))
        return "compressed-tensors' format '" + printable(format) + "'";
    if (const auto groups = claim.json.find("config_groups");
        groups != claim.json.end() && groups->size() > kMostGroups)
        return fmt::format("compressed-tensors with {} groups of modules", groups->size());
    if (const auto sparsity = claim.json.find("sparsity_config"); sparsity != claim.json.end())
        if (const std::string format = textField(*sparsity, "format"); !sparse(format))
            return "compressed-tensors' sparse format '" + printable(format) + "'";
    return {};
}

Result<bool> readCompressed(WeightParts& parts, const QuantizationClaim& claim) {
    const std::string_view format = formatOf(parts);
    if (format.empty()) return false;
    std::vector<Scheme> schemes = schemesFor(claim, parts.module());
    if (schemes.empty()) schemes.emplace_back();
    std::optional<Error> reason;
    for (const Scheme& scheme : schemes) {
        if (!sameFormat(scheme, format)) {
            if (!reason)
                reason = Error{ErrorCode::Malformed,
                               fmt::format("it is {}, the configuration says {}", format, printable(scheme.format)),
                               {}};
            continue;
        }
        WeightParts tried = parts;
        auto read = readAs(tried, scheme, format);
        if (read) {
            parts = std::move(tried);
            return read;
        }
        reason = std::move(read).error();
    }
    return tl::unexpected<Error>(*std::move(reason));
}

} // namespace qscope::engine
