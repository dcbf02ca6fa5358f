// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/coded/families.h"
#include "engine/core/checked_math.h"
#include "engine/tensor/code_layouts.h"

#include <algorithm>

namespace qscope::engine {

// This program's own plain layout: engine/report/README.md.

Result<bool> readPlainCodes(WeightParts& parts, const QuantizationClaim& claim) {
    const auto said = claim.json.find(parts.module());
    if (claim.method != kPlainCodes || said == claim.json.end()) return false;
    const auto bits = wholeField(*said, "bits").value_or(0);
    const auto group = wholesField(*said, "group").value_or(std::vector<std::int64_t>());
    const auto symmetric = said->is_object() ? said->find("symmetric") : said->end();
    if (bits < 2 || bits > 8 || group.size() != 2 || group[0] < 1 || group[1] < 1 || symmetric == said->end() || !symmetric->is_boolean())
        return fail(ErrorCode::Malformed, "the file's description of its codes is incomplete");
    const bool isSigned = symmetric->get<bool>();
    const TensorInfo* codes = parts.find(".codes");
    if (!codes || codes->dtype != (isSigned ? DType::I8 : DType::U8)) return fail(ErrorCode::Malformed, "its codes are no bytes");
    const Shape shape = codes->shape;
    const auto [rows, columns] = asMatrix(shape);
    CodedWeight weight;
    weight.scheme = "plain codes";
    weight.rows = rows;
    weight.columns = columns;
    weight.codes = byteCodes(rows, columns);
    weight.codes.isSigned = isSigned;
    weight.usedBits = static_cast<int>(bits);
    QSCOPE_TRY(weight.codes.words, parts.take(".codes"));
    const std::int64_t high = std::clamp<std::int64_t>(group[0], 1, std::max<std::int64_t>(rows, 1));
    const std::int64_t wide = std::clamp<std::int64_t>(group[1], 1, std::max<std::int64_t>(columns, 1));
    const Shape groups{ceilDiv(rows, high), ceilDiv(columns, wide)};
    QSCOPE_TRY(const auto scales, parts.take(".scales", {DType::F32, DType::F16, DType::BF16}, groups));
    weight.scales = groupsOf(scales, rows, columns, high, wide);
    if (!isSigned) {
        QSCOPE_TRY(const auto zeros, parts.take(".zeros", {DType::U8}, groups));
        weight.zeros = groupsOf(zeros, rows, columns, high, wide);
    }
    parts.keepName();
    const std::string form = high == 1 ? describeGroups(columns, wide) : fmt::format("blocks of {} x {}", high, wide);
    QSCOPE_CHECK(parts.complete(std::move(weight), shape, fmt::format("plain codes, {} bit, {}", bits, form)));
    return true;
}

} // namespace qscope::engine
