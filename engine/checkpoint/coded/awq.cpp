// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/coded/families.h"
#include "engine/core/checked_math.h"
#include "engine/tensor/code_layouts.h"

namespace qscope::engine {

namespace {
std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}
} // namespace

std::string unreadAwq(const QuantizationClaim& claim) {
    const std::string version = lower(textField(claim.json, "version"));
    if (!version.empty() && version != "gemm") return "AWQ's version '" + printable(version) + "'";
    if (const auto bits = wholeField(claim.json, "bits"); bits && *bits != 4) return fmt::format("AWQ with {} bits", *bits);
    return {};
}

Result<bool> readAwq(WeightParts& parts, const QuantizationClaim& claim) {
    QSCOPE_TRY(const auto words, parts.take(".qweight"));
    QSCOPE_TRY(const auto scales, parts.take(".scales"));
    if (words.dtype != DType::I32 || words.shape.size() != 2 || scales.shape.size() != 2)
        return fail(ErrorCode::Malformed, "its codes are no matrix of 32-bit words");
    const std::int64_t columns = words.shape[0], groups = scales.shape[0], rows = scales.shape[1];
    if (checkedMul(words.shape[1], std::int64_t{8}) != rows)
        return fail(ErrorCode::Malformed, "codes [{}] and scales [{}] do not fit each other", fmt::join(words.shape, ", "),
                    fmt::join(scales.shape, ", "));
    QSCOPE_TRY(const auto zeroWords, parts.take(".qzeros", {DType::I32}, {groups, words.shape[1]}));
    std::vector<std::int64_t> claimed;
    if (const auto size = wholeField(claim.json, "group_size")) claimed.push_back(*size);
    QSCOPE_TRY(const std::int64_t size, groupSize(columns, groups, claimed));

    CodedWeight weight;
    weight.scheme = "AWQ";
    weight.rows = rows;
    weight.columns = columns;
    weight.codes = awqCodes(rows, columns);
    weight.codes.words = words;
    weight.scales = GroupValues{scales, INT64_MAX, 1, size, 1, groups > 1 ? rows : 0};
    PackedCodes zeros = awqCodes(rows, groups);
    zeros.words = zeroWords;
    QSCOPE_TRY(const auto zeroView, codesAsTensor(std::move(zeros), {rows, groups}));
    weight.zeros = GroupValues{zeroView, INT64_MAX, 1, size, groups, groups > 1 ? 1 : 0};
    parts.show("zeros", zeroView, zeroWords.bytes.size());
    QSCOPE_CHECK(parts.complete(std::move(weight), {rows, columns}, fmt::format("AWQ, 4 bit, {}", describeGroups(columns, size))));
    return true;
}

} // namespace qscope::engine
