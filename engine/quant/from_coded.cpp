// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/from_coded.h"

#include "engine/tensor/half.h"
#include "engine/tensor/small_floats.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr std::int64_t kPiece = 4096;

tl::unexpected<Error> unsupported(std::string_view what) { return fail(ErrorCode::Unsupported, "{}", what); }

/// Rows and columns that share one value, whole axes where the value does not depend on them.
Result<Grouping> groupingOf(const GroupValues& groups, std::int64_t rows, std::int64_t columns) {
    if (groups.rowPeriod < rows) return unsupported("scales that repeat down the rows");
    return Grouping{rows, columns, groups.rowStride == 0 ? rows : std::min(rows, groups.rowsPer),
                    groups.columnStride == 0 ? columns : std::min(columns, groups.columnsPer)};
}

/// The value of every group of `grouping`, which is at least as fine as the values' own.
Result<std::vector<float>> valuesFor(const GroupValues& groups, const Grouping& grouping) {
    std::vector<float> stored(static_cast<std::size_t>(elementCount(groups.values.shape)));
    QSCOPE_CHECK(decode(groups.values, 0, std::span<float>(stored)));
    std::vector<float> values;
    values.reserve(static_cast<std::size_t>(grouping.count()));
    for (std::int64_t down = 0; down < grouping.groupsDown(); ++down)
        for (std::int64_t across = 0; across < grouping.groupsAcross(); ++across) {
            const std::int64_t row = down * grouping.groupRows / groups.rowsPer * groups.rowStride;
            const std::int64_t column = across * grouping.groupColumns / groups.columnsPer * groups.columnStride;
            values.push_back(stored[static_cast<std::size_t>(row + column)]);
        }
    return values;
}

bool coarser(const Grouping& coarse, const Grouping& fine) {
    return (coarse.groupRows % fine.groupRows == 0 || coarse.groupsDown() == 1) &&
           (coarse.groupColumns % fine.groupColumns == 0 || coarse.groupsAcross() == 1);
}

template<class Use>
void eachCode(const CodedWeight& weight, Use use) {
    std::array<std::int32_t, kPiece> buffer;
    const std::int64_t count = weight.rows * weight.columns;
    for (std::int64_t first = 0; first < count; first += kPiece) {
        const auto piece = std::span(buffer).first(static_cast<std::size_t>(std::min(kPiece, count - first)));
        unpack(weight.codes, first, piece);
        for (const std::int32_t code : piece) use(code);
    }
}

Result<std::vector<std::int32_t>> columnGroups(const CodedWeight& weight, const Grouping& grouping) {
    std::vector<float> numbers(static_cast<std::size_t>(weight.columns));
    QSCOPE_CHECK(decode(*weight.columnGroup, 0, std::span<float>(numbers)));
    std::vector<std::int32_t> groups;
    for (const float number : numbers) {
        if (number >= static_cast<float>(grouping.groupsAcross())) return unsupported("column groups beyond its scales");
        groups.push_back(static_cast<std::int32_t>(number));
    }
    return groups;
}

/// ONNX computes in the type of the scales, so that they may be stored in a wider one than their numbers need.
bool mayBeNarrower(const CodedWeight& weight) {
    return (weight.scheme == "QDQ" || weight.scheme == "MatMulNBits") && weight.scales->values.dtype == DType::F32 && !weight.tensorScale;
}

/// Whether all scales pass.
template<class Passes>
Result<bool> allScales(const CodedWeight& weight, Passes passes) {
    std::vector<float> scales(static_cast<std::size_t>(elementCount(weight.scales->values.shape)));
    QSCOPE_CHECK(decode(weight.scales->values, 0, std::span<float>(scales)));
    return std::ranges::all_of(scales, passes);
}

Result<ScaleType> scaleTypeOf(const CodedWeight& weight) {
    if (mayBeNarrower(weight)) {
        QSCOPE_TRY(const bool halves, allScales(weight, [](float scale) { return halfToFloat(floatToHalf(scale)) == scale; }));
        return halves ? ScaleType::F16 : ScaleType::F32;
    }
    switch (weight.scales->values.dtype) {
    case DType::F16: return weight.tensorScale ? ScaleType::F32 : ScaleType::F16;
    case DType::BF16: return weight.tensorScale ? ScaleType::F32 : ScaleType::BF16;
    case DType::F32: return ScaleType::F32;
    default: return unsupported(fmt::format("integer codes with scales of type {}", info(weight.scales->values.dtype).name));
    }
}

Result<float> tensorScaleOf(const CodedWeight& weight) {
    float scale = 1;
    QSCOPE_CHECK(decode(*weight.tensorScale, 0, std::span(&scale, 1)));
    return scale;
}

int bitsOf(const CodedWeight& weight) { return weight.usedBits > 0 ? weight.usedBits : weight.codes.bits; }

/// Zero points as distances from the lowest code, one per group.
Result<std::vector<std::uint8_t>> zerosOf(const CodedWeight& weight, const Grouping& grouping, std::int32_t lowest) {
    std::vector<float> zeros(static_cast<std::size_t>(grouping.count()), weight.zero);
    if (weight.zeros) {
        QSCOPE_TRY(const Grouping own, groupingOf(*weight.zeros, weight.rows, weight.columns));
        if (!coarser(own, grouping)) return unsupported("zero points in smaller groups than its scales");
        QSCOPE_TRY(zeros, valuesFor(*weight.zeros, grouping));
    }
    std::vector<std::uint8_t> found;
    found.reserve(zeros.size());
    for (const float zero : zeros) {
        const float distance = zero - static_cast<float>(lowest);
        if (!(distance >= 0 && distance < static_cast<float>(1 << bitsOf(weight))) || distance != std::floor(distance))
            return unsupported(fmt::format("a zero point of {}, which is none of its codes", zero));
        found.push_back(static_cast<std::uint8_t>(distance));
    }
    return found;
}

Result<GridCodes> gridFrom(const CodedWeight& weight, CodedValues wanted) {
    const int bits = bitsOf(weight);
    if (bits < 2) return unsupported("codes of one bit");
    QSCOPE_TRY(const Grouping grouping, groupingOf(*weight.scales, weight.rows, weight.columns));
    QSCOPE_TRY(const ScaleType scaleType, scaleTypeOf(weight));
    const int middle = 1 << (bits - 1);
    const std::int32_t lowest = weight.codes.wraps ? 0 : (weight.codes.isSigned ? -middle : 0) + weight.codes.offset;
    QSCOPE_TRY(auto zeros, zerosOf(weight, grouping, lowest));
    const bool symmetric = std::ranges::all_of(zeros, [&](std::uint8_t zero) { return zero == middle; });

    GridCodes grid{{bits, symmetric, scaleType}, grouping, {}, {}};
    if (weight.columnGroup) {
        QSCOPE_TRY(grid.columnGroup, columnGroups(weight, grouping));
    }
    if (wanted == CodedValues::None) return grid;
    QSCOPE_TRY(grid.values.scales, valuesFor(*weight.scales, grouping));
    if (weight.tensorScale) {
        QSCOPE_TRY(const float factor, tensorScaleOf(weight));
        for (float& scale : grid.values.scales) scale = weight.tensorScaleDivides ? scale / factor : scale * factor;
    }
    if (!symmetric) grid.values.zeros = std::move(zeros);
    if (wanted == CodedValues::Groups) return grid;
    const std::int32_t base = lowest + (symmetric ? middle : 0);
    grid.values.codes.reserve(static_cast<std::size_t>(weight.rows * weight.columns));
    bool inside = true;
    eachCode(weight, [&](std::int32_t code) {
        inside = inside && code >= lowest && code - lowest < 1 << bits;
        grid.values.codes.push_back(static_cast<std::uint8_t>(code - base));
    });
    if (!inside) return unsupported(fmt::format("codes that take more than {} bits", bits));
    return grid;
}

Result<std::shared_ptr<const NestedScales>> nestedFrom(const CodedWeight& scales, CodedValues wanted) {
    if (!scales.scales || scales.zeros || scales.zero != 0 || scales.tensorScale || scales.columnGroup || scales.codes.bits != 8 ||
        scales.levels.empty() || scales.rows != 1 || scales.scales->values.dtype != DType::F32)
        return unsupported("scales that are coded in a way of their own");
    QSCOPE_TRY(const Grouping grouping, groupingOf(*scales.scales, scales.rows, scales.columns));
    NestedScales nested;
    nested.block = scales.scales->columnsPer;
    nested.levels = scales.levels;
    nested.mean = scales.shift;
    if (wanted != CodedValues::None) {
        QSCOPE_TRY(nested.peaks, valuesFor(*scales.scales, grouping));
        eachCode(scales, [&](std::int32_t code) { nested.codes.push_back(static_cast<std::uint8_t>(code)); });
    }
    return std::make_shared<const NestedScales>(std::move(nested));
}

Result<LevelCodes> levelsFrom(const CodedWeight& weight, CodedValues wanted) {
    if (weight.zeros || weight.zero != 0) return unsupported("levels with zero points");
    if (weight.columnGroup) return unsupported("levels in act-order");
    LevelCodes codes;
    codes.levelSet = weight.levelSet;
    codes.bits = weight.codes.bits;
    codes.levels = weight.levels;
    QSCOPE_TRY(codes.grouping, groupingOf(*weight.scales, weight.rows, weight.columns));
    const TensorView& scales = weight.scales->values;
    if (scales.source) {
        if (!scales.source->coded()) return unsupported("scales that are coded in a way of their own");
        QSCOPE_TRY(codes.nested, nestedFrom(*scales.source->coded(), wanted));
    } else if (scales.dtype != DType::F32 && scales.dtype != DType::F16 && scales.dtype != DType::BF16 && scales.dtype != DType::F8_E4M3 &&
               scales.dtype != DType::F8_E8M0) {
        return unsupported(fmt::format("scales of type {}", info(scales.dtype).name));
    } else {
        codes.scaleType = scales.dtype;
        if (weight.levelSet == "E2M1" && mayBeNarrower(weight)) {
            QSCOPE_TRY(const bool powers, allScales(weight, [](float scale) { return std::ranges::find(kE8M0, scale) != kE8M0.end(); }));
            if (powers) codes.scaleType = DType::F8_E8M0;
        }
    }
    if (weight.tensorScale) {
        codes.hasTensorScale = true;
        codes.tensorScaleDivides = weight.tensorScaleDivides;
        QSCOPE_TRY(codes.tensorScale, tensorScaleOf(weight));
    }
    if (wanted == CodedValues::None) return codes;
    QSCOPE_TRY(codes.scales, valuesFor(*weight.scales, codes.grouping));
    if (wanted == CodedValues::Groups) return codes;
    codes.codes.reserve(static_cast<std::size_t>(weight.rows * weight.columns));
    eachCode(weight, [&](std::int32_t code) { codes.codes.push_back(static_cast<std::uint8_t>(code)); });
    return codes;
}

} // namespace

Result<QuantizedTensor> fromCoded(const CodedWeight& weight, const Shape& shape, CodedValues values) {
    if (!weight.scales) return unsupported("codes without scales");
    if (weight.shift != 0) return unsupported("a shift of all values");
    QuantizedTensor tensor{shape, BlockCodes{}};
    if (weight.levels.empty()) {
        QSCOPE_TRY(tensor.codes, gridFrom(weight, values));
    } else {
        QSCOPE_TRY(tensor.codes, levelsFrom(weight, values));
    }
    return tensor;
}

} // namespace qscope::engine
