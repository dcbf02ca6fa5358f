// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/coded/weight_parts.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/core/checked_math.h"
#include "engine/tensor/code_layouts.h"
#include "engine/tensor/small_floats.h"
#include "engine/tensor/strided_tensor.h"

#include <algorithm>

namespace qscope::engine {

namespace {

/// Group values as a matrix with the groups of one output channel in a row; such as they are when they are stored so.
Result<TensorView> oriented(const GroupValues& groups, std::int64_t rows, std::int64_t columns) {
    const std::int64_t down = groups.rowStride == 0 ? 1 : ceilDiv(std::min(rows, groups.rowPeriod), groups.rowsPer);
    const std::int64_t across = groups.columnStride == 0 ? 1 : ceilDiv(columns, groups.columnsPer);
    const bool rowMajor = (across == 1 || groups.columnStride == 1) && (down == 1 || groups.rowStride == across);
    if (rowMajor && elementCount(groups.values.shape) == down * across) return groups.values;
    return stridedTensor(groups.values, {down, across}, {groups.rowStride, groups.columnStride}, 0);
}

} // namespace

StoredTensors::StoredTensors(const Checkpoint& checkpoint) : m_checkpoint(checkpoint) {
    m_byName.reserve(checkpoint.tensors.size());
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) m_byName.emplace(checkpoint.tensors[i].name, i);
}

const TensorInfo* StoredTensors::find(const std::string& name) const {
    const auto found = m_byName.find(name);
    return found == m_byName.end() ? nullptr : &m_checkpoint.tensors[found->second];
}

const TensorInfo* WeightParts::find(std::string_view suffix) const { return m_stored->find(m_module + std::string(suffix)); }

Result<TensorView> WeightParts::take(std::string_view suffix) {
    const TensorInfo* found = find(suffix);
    if (!found) return fail(ErrorCode::Malformed, "tensor '{}{}' is missing", printable(m_module), suffix);
    const auto index = static_cast<std::size_t>(found - m_stored->checkpoint().tensors.data());
    m_taken.push_back(index);
    m_bytes += found->bytes;
    return m_stored->checkpoint().view(index);
}

Result<TensorView> WeightParts::take(std::string_view suffix, std::initializer_list<DType> types, const Shape& shape) {
    QSCOPE_TRY(auto view, take(suffix));
    if (std::ranges::find(types, view.dtype) == types.end())
        return fail(ErrorCode::Malformed, "'{}' has type {}", suffix, info(view.dtype).name);
    if (view.shape != shape)
        return fail(ErrorCode::Malformed, "'{}' has shape [{}] instead of [{}]", suffix, fmt::join(view.shape, ", "), fmt::join(shape, ", "));
    return view;
}

std::string WeightParts::name() const { return m_keepsName || m_module.ends_with(".weight") ? m_module : m_module + ".weight"; }

Result<void> WeightParts::complete(CodedWeight weight, Shape shape, std::string form) {
    if (elementCount(shape) == 0) return fail(ErrorCode::Malformed, "it is empty");
    QSCOPE_TRY(m_whole, codedTensor(weight, shape));
    std::vector<Shown> parts;
    const auto add = [&](std::string name, TensorView view, std::uint64_t bytes) {
        parts.push_back({std::move(name), std::move(view), bytes});
    };
    QSCOPE_TRY(auto codes, codesAsTensor(weight.codes, shape));
    add("codes", std::move(codes), weight.codes.words.bytes.size());
    for (const auto& [groups, name] : {std::pair(&weight.scales, "scales"), std::pair(&weight.zeros, "zeros")}) {
        if (!*groups || (*groups)->values.source) continue;
        QSCOPE_TRY(auto view, oriented(**groups, weight.rows, weight.columns));
        add(name, std::move(view), (*groups)->values.bytes.size());
    }
    if (weight.columnGroup) m_memory = static_cast<std::uint64_t>(weight.columns) * sizeof(std::int32_t);
    if (weight.columnGroup) add("group_index", *weight.columnGroup, weight.columnGroup->bytes.size());
    if (weight.tensorScale) add("tensor_scale", *weight.tensorScale, weight.tensorScale->bytes.size());
    std::ranges::move(m_shown, std::back_inserter(parts));
    m_shown = std::move(parts);
    m_form = std::move(form);
    return {};
}

CodedWeight floatNibbles(std::string scheme, TensorView bytes, std::int64_t rows, std::int64_t columns) {
    CodedWeight weight;
    weight.scheme = std::move(scheme);
    weight.rows = rows;
    weight.columns = columns;
    weight.codes = nibbleCodes(rows, columns);
    weight.codes.words = std::move(bytes);
    weight.levelSet = "E2M1";
    weight.levels.assign(kE2M1.begin(), kE2M1.end());
    return weight;
}

GroupValues groupsOf(TensorView values, std::int64_t rows, std::int64_t columns, std::int64_t high, std::int64_t wide) {
    GroupValues groups;
    groups.values = std::move(values);
    groups.rowsPer = std::max<std::int64_t>(high, 1);
    groups.columnsPer = std::max<std::int64_t>(wide, 1);
    const std::int64_t across = ceilDiv(columns, groups.columnsPer);
    groups.columnStride = across > 1 ? 1 : 0;
    groups.rowStride = ceilDiv(rows, groups.rowsPer) > 1 ? across : 0;
    return groups;
}

Result<std::int64_t> groupSize(std::int64_t columns, std::int64_t groups, std::span<const std::int64_t> claimed) {
    for (const std::int64_t size : claimed) {
        if (size == -1 && groups == 1) return columns;
        if (size > 0 && ceilDiv(columns, size) == groups) return std::min(size, columns);
    }
    if (!claimed.empty())
        return fail(ErrorCode::Malformed, "{} groups of {} columns contradict the configuration's group size {}", groups, columns,
                    fmt::join(claimed, " or "));
    if (groups > 0 && columns % groups == 0) return columns / groups;
    return fail(ErrorCode::Malformed, "{} columns are no whole number of {} groups", columns, groups);
}

std::string describeGroups(std::int64_t columns, std::int64_t size) {
    return size >= columns ? "a scale per output channel" : fmt::format("groups of {}", size);
}

} // namespace qscope::engine
