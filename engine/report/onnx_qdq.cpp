// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/onnx_qdq.h"

#include "engine/core/checked_math.h"
#include "engine/report/export_common.h"
#include "engine/tensor/small_floats.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

tl::unexpected<Error> refuse(std::string_view what) { return fail(ErrorCode::Unsupported, "{}", what); }

/// Groups of a matrix as an axis of the tensor that has this shape.
Result<void> setGroups(const Shape& shape, const Grouping& grouping, QdqForm& form) {
    const std::int64_t down = grouping.groupsDown(), across = grouping.groupsAcross();
    if (down * across <= 1) return {};
    const auto rank = std::ssize(shape);
    const auto perIndex = [&](std::int64_t axis) {
        form.axis = axis;
        form.scales = {shape[static_cast<std::size_t>(axis)]};
        form.opset = std::max<std::int64_t>(form.opset, 13);
    };
    const auto blocks = [&](std::int64_t axis, std::int64_t size, std::int64_t count) {
        form.axis = axis;
        form.blockSize = size;
        form.scales = shape;
        form.scales[static_cast<std::size_t>(axis)] = count;
        form.opset = std::max<std::int64_t>(form.opset, 21);
    };
    if (across == 1 && shape[0] == down && grouping.rows % down == 0 && grouping.groupRows == grouping.rows / down) perIndex(0);
    else if (down == 1 && grouping.groupColumns == 1) perIndex(rank - 1);
    else if (grouping.groupRows == 1) blocks(rank - 1, std::min(grouping.groupColumns, grouping.columns), across);
    else if (grouping.groupColumns == 1 && rank == 2) blocks(0, grouping.groupRows, down);
    else
        return refuse(fmt::format("groups of {} rows and {} columns lie along no single axis, as those of ONNX do; safetensors codes "
                                  "hold them", grouping.groupRows, grouping.groupColumns));
    return {};
}

Result<QdqForm> formOf(const Shape& shape, const GridCodes& grid) {
    if (!grid.columnGroup.empty()) return refuse("its groups follow an order of columns, which ONNX has not; GPTQ holds it");
    QdqForm form;
    const bool small = grid.grid.bits <= 4; // fewer bits than four are stored in four
    form.codes = grid.grid.symmetric ? (small ? OnnxType::I4 : OnnxType::I8) : (small ? OnnxType::U4 : OnnxType::U8);
    form.hasZeros = !grid.grid.symmetric;
    if (small) form.opset = 21;
    QSCOPE_CHECK(setGroups(shape, grid.grouping, form));
    return form;
}

Result<QdqForm> formOf(const Shape& shape, const LevelCodes& levels) {
    struct Known {
        std::string_view name;
        OnnxType type;
        std::int64_t opset;
        std::span<const float> values;
    };
    const std::array kKnown{Known{"E4M3", OnnxType::F8E4M3FN, 19, kE4M3}, Known{"E5M2", OnnxType::F8E5M2, 19, kE5M2},
                            Known{"E2M1", OnnxType::F4E2M1, 23, kE2M1}};
    const auto known = std::ranges::find(kKnown, levels.levelSet, &Known::name);
    const auto same = [](float a, float b) { return a == b || (a != a && b != b); };
    if (known == kKnown.end() || !std::ranges::equal(levels.levels, known->values, same))
        return refuse(fmt::format("its levels are {}, of which ONNX has no type; safetensors holds them", levels.levelSet));
    if (levels.hasTensorScale)
        return refuse("it has a scale for the whole tensor besides those of its groups, and DequantizeLinear takes one; safetensors "
                      "holds it");
    if (levels.nested) return refuse("its scales are stored as codes, which ONNX does not do; safetensors holds it");
    QdqForm form;
    form.codes = known->type;
    form.opset = known->opset;
    const MatrixShape matrix = asMatrix(shape);
    Grouping grouping = levels.grouping;
    if (grouping.rows != matrix.rows || grouping.columns != matrix.columns) {
        // Groups over the flattened tensor are groups of its rows when they end with them.
        if (grouping.rows != 1 || matrix.columns == 0 || matrix.columns % grouping.groupColumns != 0)
            return refuse("its groups run across rows, which those of ONNX do not");
        grouping = {matrix.rows, matrix.columns, 1, grouping.groupColumns};
    }
    QSCOPE_CHECK(setGroups(shape, grouping, form));
    return form;
}

Result<QdqForm> formOf(const Shape&, const std::shared_ptr<const CodeForm>& form) {
    return refuse(fmt::format("ONNX has no such codes: {}", form->describe()));
}

Result<QdqForm> formOf(const Shape&, const BlockCodes& blocks) {
    return refuse(fmt::format("the result is in {} blocks, which ONNX has not; export it as GGUF", info(blocks.type).name));
}

std::span<const float> scalesOf(const QuantizedTensor& result) {
    if (const auto* grid = std::get_if<GridCodes>(&result.codes)) return grid->values.scales;
    return std::get<LevelCodes>(result.codes).scales;
}

/// One number per byte, two when the type has four bits: the first in the low half.
TensorView packed(std::span<const std::uint8_t> values, OnnxType type) {
    if (info(type)->bits == 8) {
        const auto bytes = std::as_bytes(values);
        return makeTensor(DType::U8, {std::ssize(values)}, {bytes.begin(), bytes.end()});
    }
    std::vector<std::byte> bytes(ceilDiv(values.size(), std::size_t{2}));
    for (std::size_t i = 0; i < values.size(); ++i) bytes[i / 2] |= static_cast<std::byte>((values[i] & 15u) << (i % 2 * 4));
    const auto count = std::ssize(bytes);
    return makeTensor(DType::U8, {count}, std::move(bytes));
}

} // namespace

Result<QdqForm> qdqForm(const QuantizedTensor& result) {
    if (elementCount(result.shape) == 0) return refuse("it is empty");
    return std::visit([&](const auto& codes) { return formOf(result.shape, codes); }, result.codes);
}

std::int64_t irVersionFor(std::int64_t opset) {
    // Versioning.md of the ONNX project.
    struct Row {
        std::int64_t opset, irVersion;
    };
    constexpr std::array kRows{Row{8, 3}, Row{9, 4}, Row{10, 5}, Row{11, 6}, Row{14, 7}, Row{18, 8}, Row{20, 9}, Row{22, 10}, Row{23, 11}};
    const auto row = std::ranges::find_if(kRows, [&](const Row& r) { return opset <= r.opset; });
    return row == kRows.end() ? 12 : row->irVersion;
}

bool canBeScale(DType type) { return type == DType::F32 || type == DType::F16 || type == DType::BF16; }

bool scalesFit(const QuantizedTensor& result, DType type) {
    if (type == DType::F32) return true;
    const auto scales = scalesOf(result);
    return holdsExactly(type, makeTensor({std::ssize(scales)}, {scales.begin(), scales.end()}));
}

TensorView qdqCodes(const QuantizedTensor& result, const QdqForm& form) {
    if (const auto* grid = std::get_if<GridCodes>(&result.codes)) return packed(grid->values.codes, form.codes);
    return packed(std::get<LevelCodes>(result.codes).codes, form.codes);
}

TensorView qdqZeros(const QuantizedTensor& result, const QdqForm& form) {
    return packed(std::get<GridCodes>(result.codes).values.zeros, form.codes);
}

TensorView qdqScales(const QuantizedTensor& result, DType type) {
    const auto scales = scalesOf(result);
    const TensorView single = makeTensor({std::ssize(scales)}, {scales.begin(), scales.end()});
    return type == DType::F32 ? single : narrowed(single, type);
}

} // namespace qscope::engine
