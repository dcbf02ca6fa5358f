// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/coded/families.h"
#include "engine/core/checked_math.h"
#include "engine/tensor/code_layouts.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

constexpr std::string_view kSecond = "gptq_v2";
constexpr std::size_t kMostChanged = 4096; ///< all of them are looked at for each weight

/// All values that the configuration gives for `key`: its own, and those of single modules. Which module has which is
/// said by patterns; the shapes say it more surely.
std::vector<std::int64_t> claimed(const QuantizationClaim& claim, const char* key) {
    std::vector<std::int64_t> values;
    if (const auto own = wholeField(claim.json, key)) values.push_back(*own);
    if (const auto dynamic = claim.json.find("dynamic"); dynamic != claim.json.end() && dynamic->is_object())
        for (const Json& changed : *dynamic)
            if (const auto value = wholeField(changed, key)) values.push_back(*value);
    return values;
}

/// Whether the group numbers are those of columns in their order.
Result<bool> inOrder(const TensorView& groups, std::int64_t size) {
    std::array<float, 1024> piece;
    const std::int64_t columns = elementCount(groups.shape);
    for (std::int64_t first = 0; first < columns; first += std::ssize(piece)) {
        const auto numbers = std::span(piece).first(static_cast<std::size_t>(std::min(std::ssize(piece), columns - first)));
        QSCOPE_CHECK(decode(groups, first, numbers));
        for (std::size_t i = 0; i < numbers.size(); ++i)
            if (numbers[i] != static_cast<float>((first + static_cast<std::int64_t>(i)) / size)) return false;
    }
    return true;
}

} // namespace

std::string unreadGptq(const QuantizationClaim& claim) {
    const std::string format = textField(claim.json, "checkpoint_format");
    if (!format.empty() && format != "gptq" && format != kSecond) return "GPTQ's checkpoint format '" + printable(format) + "'";
    const std::string words = textField(claim.json, "pack_dtype");
    if (!words.empty() && words != "int32") return "GPTQ codes in words of " + printable(words);
    if (const auto dynamic = claim.json.find("dynamic"); dynamic != claim.json.end() && dynamic->size() > kMostChanged)
        return fmt::format("GPTQ with {} changed modules", dynamic->size());
    return {};
}

Result<bool> readGptq(WeightParts& parts, const QuantizationClaim& claim) {
    QSCOPE_TRY(const auto words, parts.take(".qweight"));
    QSCOPE_TRY(const auto scales, parts.take(".scales"));
    QSCOPE_TRY(const auto zeroWords, parts.take(".qzeros"));
    if (words.dtype != DType::I32 || zeroWords.dtype != DType::I32)
        return fail(ErrorCode::Malformed, "its codes are no 32-bit words");
    if (words.shape.size() != 2 || scales.shape.size() != 2 || zeroWords.shape.size() != 2)
        return fail(ErrorCode::Malformed, "its tensors are no matrices");
    const std::int64_t rows = words.shape[1], groups = scales.shape[0];
    const auto zeroBits = checkedMul(zeroWords.shape[1], std::int64_t{32});
    const auto codeBits = checkedMul(words.shape[0], std::int64_t{32});
    if (!zeroBits || !codeBits || rows == 0 || scales.shape[1] != rows || zeroWords.shape[0] != groups || *zeroBits % rows != 0)
        return fail(ErrorCode::Malformed, "codes [{}], scales [{}] and zero points [{}] do not fit each other", fmt::join(words.shape, ", "),
                    fmt::join(scales.shape, ", "), fmt::join(zeroWords.shape, ", "));
    const std::int64_t bits = *zeroBits / rows;
    if ((bits != 2 && bits != 3 && bits != 4 && bits != 8) || *codeBits % bits != 0)
        return fail(ErrorCode::Malformed, "codes of {} bits are none of GPTQ's", bits);
    if (const auto said = claimed(claim, "bits"); !said.empty() && std::ranges::find(said, bits) == said.end())
        return fail(ErrorCode::Malformed, "codes of {} bits contradict the configuration's {}", bits, fmt::join(said, " or "));

    const std::int64_t columns = *codeBits / bits;
    QSCOPE_TRY(const std::int64_t size, groupSize(columns, groups, claimed(claim, "group_size")));
    CodedWeight weight;
    weight.scheme = "GPTQ";
    weight.rows = rows;
    weight.columns = columns;
    weight.codes = gptqCodes(rows, columns, static_cast<int>(bits));
    weight.codes.words = words;
    weight.scales = GroupValues{scales, INT64_MAX, 1, size, 1, groups > 1 ? rows : 0};
    PackedCodes zeros = gptqZeros(rows, groups, static_cast<int>(bits), textField(claim.json, "checkpoint_format") != kSecond);
    zeros.words = zeroWords;
    QSCOPE_TRY(const auto zeroView, codesAsTensor(std::move(zeros), {rows, groups}));
    weight.zeros = GroupValues{zeroView, INT64_MAX, 1, size, groups, groups > 1 ? 1 : 0};
    parts.show("zeros", zeroView, zeroWords.bytes.size());
    if (parts.has(".g_idx")) {
        QSCOPE_TRY(const auto order, parts.take(".g_idx", {DType::I32, DType::I64}, {columns}));
        QSCOPE_TRY(const bool plain, inOrder(order, size));
        if (plain) parts.show("group_index", order, order.bytes.size());
        else weight.columnGroup = order;
    }
    auto form = fmt::format("GPTQ, {} bit, {}{}", bits, describeGroups(columns, size), weight.columnGroup ? ", act-order" : "");
    QSCOPE_CHECK(parts.complete(std::move(weight), {rows, columns}, std::move(form)));
    return true;
}

} // namespace qscope::engine
